//! The packet, and the metadata in front of it.

use skep_spec::abi::context;
use skep_spec::insn::Reg;

use super::{Access, Transfer, bytes};
use crate::explore::Walk;
use crate::rejection::{Beyond, Check, Direction, Extent, Reason};
use crate::state::register::PacketRange;
use crate::state::{Kind, Register};

impl Walk<'_> {
    /// An access to the packet.
    pub(super) fn access_packet(&mut self, access: &Access, transfer: Transfer) -> Check<Register> {
        let direction = transfer.direction();
        if direction == Direction::Write && !context::of(self.input.prog_type).packet().writes() {
            return Err(Reason::PacketWrite.into());
        }
        self.check_packet(access.reg, access.off, bytes(access.size), false)?;
        Ok(Register::UNKNOWN)
    }

    /// Whether `size` bytes at the pointer in `reg` plus `off` are known to be in the packet.
    ///
    /// Sound: the range counts from the variable offset on, and was found by comparing a pointer
    /// that has it with the end. So only the fixed offset matters, which must not lead back behind
    /// the variable one.
    pub(super) fn check_packet(&mut self, reg: Reg, off: i32, size: u32, zero_ok: bool) -> Check {
        let pointer = *self.state.register(reg);
        let range = match pointer.kind {
            Kind::Packet { range } | Kind::PacketMeta { range } => range,
            _ => PacketRange::NONE,
        };
        let off = i64::from(off) + i64::from(pointer.off);
        let limit = u32::from(range.bytes());
        let fail = |beyond| {
            let extent = Extent { reg, pointer, off, size, limit };
            Err(Reason::Outside { extent, beyond }.into())
        };
        if pointer.value.s64.min < 0 {
            return fail(Beyond::MinNegative);
        }
        let known = matches!(range, PacketRange::Bytes(_));
        let inside = (size > 0 || zero_ok) && off >= 0 && off + i64::from(size) <= limit.into();
        if known && inside { Ok(()) } else { fail(Beyond::Packet) }
    }
}
