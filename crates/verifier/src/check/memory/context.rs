//! The context.

use skep_btf::Kind as BtfKind;
use skep_spec::abi::context::objects::Object;
use skep_spec::abi::context::{self, Context, FieldKind};

use super::kernel::NoTypes;
use super::{Access, Transfer, bytes};
use crate::explore::Walk;
use crate::rejection::{Check, Direction, Reason, unsupported};
use crate::state::register::{PacketRange, Trust};
use crate::state::{Kind, Register};

impl Walk<'_> {
    /// An access to the context, at known places alone.
    pub(super) fn access_context(
        &mut self,
        access: &Access,
        transfer: Transfer,
    ) -> Check<Register> {
        self.check_unmoved(access.reg, false)?;
        let off = access.off;
        let size = bytes(access.size);
        let denied = || Err(Reason::Context { off, size }.into());
        let Ok(offset) = u32::try_from(off) else { return denied() };
        let store = transfer.direction() == Direction::Write;
        match context::of(self.input.prog_type) {
            Context::Struct(fields) => {
                let sign_extend = matches!(transfer, Transfer::Load { signed: true });
                let access = context::Access { offset, bytes: size, store, sign_extend };
                match fields.access(access, self.input.attach_type) {
                    Ok(hit) => self.field_value(hit.field.kind),
                    Err(_) => denied(),
                }
            }
            Context::Bytes { from, to, writable } => {
                let within =
                    offset >= from && offset.checked_add(size).is_some_and(|end| end <= to);
                if within && offset.is_multiple_of(size) && (writable || !store) {
                    Ok(Register::UNKNOWN)
                } else {
                    denied()
                }
            }
            Context::Typed => self.access_typed_context(offset, access, transfer),
            Context::Inherited => unsupported("programs that replace functions of other programs"),
        }
    }

    /// What a load of a field yields.
    fn field_value(&mut self, kind: FieldKind) -> Check<Register> {
        let range = PacketRange::NONE;
        let or_null = |walk: &mut Self, object| Register {
            nullable: true,
            id: Some(walk.fresh_id()),
            ..Register::pointer(Kind::Object(object))
        };
        Ok(match kind {
            FieldKind::Scalar => Register::UNKNOWN,
            FieldKind::PacketData => Register::pointer(Kind::Packet { range }),
            FieldKind::PacketMeta => Register::pointer(Kind::PacketMeta { range }),
            FieldKind::PacketEnd => Register::pointer(Kind::PacketEnd),
            FieldKind::Socket => Register::pointer(Kind::Object(Object::Socket)),
            FieldKind::SocketOrNull => or_null(self, Object::Socket),
            FieldKind::SockCommonOrNull => or_null(self, Object::SockCommon),
            FieldKind::FlowKeys => Register::pointer(Kind::FlowKeys),
            FieldKind::TracepointBuffer => Register::pointer(Kind::TracepointBuffer),
            FieldKind::Kernel(name) => {
                let btf = self.environment.kernel_btf().ok_or(NoTypes)?;
                let type_id = btf.find_by_name(name, BtfKind::Struct).ok_or(NoTypes)?;
                let trust = Trust::Trusted;
                Register::pointer(Kind::Kernel { type_id, trust, percpu: false })
            }
        })
    }
}
