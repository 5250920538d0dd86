//! Buffers whose size is checked when the program is attached, or run.

use super::{Access, Transfer, bytes};
use crate::explore::Walk;
use crate::rejection::{Check, Direction, Reason};
use crate::state::Register;

impl Walk<'_> {
    /// An access to the record of a writable tracepoint.
    pub(super) fn access_tracepoint_buffer(&mut self, access: &Access) -> Check<Register> {
        self.check_buffer(access.reg, access.off, bytes(access.size))?;
        Ok(Register::UNKNOWN)
    }

    /// An access to a buffer of an iterator.
    pub(super) fn access_buffer(
        &mut self,
        read_only: bool,
        access: &Access,
        transfer: Transfer,
    ) -> Check<Register> {
        if read_only && transfer.direction() == Direction::Write {
            let found = *self.state.register(access.reg);
            return Err(Reason::WriteProtected { reg: access.reg, found }.into());
        }
        self.check_buffer(access.reg, access.off, bytes(access.size))?;
        Ok(Register::UNKNOWN)
    }

    /// Whether the place of an access is known. Its end is not checked here but remembered, to be
    /// checked against the buffer's size.
    pub(super) fn check_buffer(&mut self, reg: skep_spec::insn::Reg, off: i32, size: u32) -> Check {
        let found = *self.state.register(reg);
        let off = off.wrapping_add(found.off);
        if off < 0 {
            return Err(Reason::Buffer { reg, found, off, size }.into());
        }
        if found.has_variable_offset() {
            return Err(Reason::BufferVariable { reg, found, off }.into());
        }
        self.facts.note_buffer(off.unsigned_abs().saturating_add(size));
        Ok(())
    }
}
