//! Sockets and flow keys: structs of the UAPI.

use skep_spec::abi::context::objects::{BPF_FLOW_KEYS, Object};
use skep_spec::abi::context::{self};

use super::{Access, Transfer, bytes};
use crate::explore::Walk;
use crate::rejection::{Beyond, Check, Direction, Extent, Reason};
use crate::state::Register;

impl Walk<'_> {
    /// An access to a socket, whose fields are converted.
    pub(super) fn access_object(
        &mut self,
        object: Object,
        access: &Access,
        transfer: Transfer,
    ) -> Check<Register> {
        let (reg, size) = (access.reg, bytes(access.size));
        let found = *self.state.register(reg);
        if transfer.direction() == Direction::Write {
            return Err(Reason::WriteProtected { reg, found }.into());
        }
        let off = found.off.wrapping_add(access.off);
        if found.value.s64.min < 0 {
            let limit = object.layout().bytes;
            let extent = Extent { reg, pointer: found, off: off.into(), size, limit };
            return Err(Reason::Outside { extent, beyond: Beyond::MinNegative }.into());
        }
        let hit = u32::try_from(off).ok().map(|off| {
            let sign_extend = matches!(transfer, Transfer::Load { signed: true });
            object.access(context::Access { offset: off, bytes: size, store: false, sign_extend })
        });
        match hit {
            Some(Ok(_)) => Ok(Register::UNKNOWN),
            Some(Err(_)) | None => Err(Reason::Object { reg, found, off, size }.into()),
        }
    }

    /// An access to flow keys, any byte of which may be read and written.
    pub(super) fn access_flow_keys(&mut self, access: &Access) -> Check<Register> {
        let pointer = self.state.register(access.reg);
        let off = pointer.off.wrapping_add(access.off);
        let size = bytes(access.size);
        let end = u32::try_from(off).ok().and_then(|off| off.checked_add(size));
        if end.is_none_or(|end| end > BPF_FLOW_KEYS.bytes) {
            return Err(Reason::FlowKeys { off, size }.into());
        }
        Ok(Register::UNKNOWN)
    }
}
