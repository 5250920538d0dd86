//! Atomic operations.

use skep_spec::insn::{AtomicOp, Operand, Reg, Size};

use super::memory::{Access, Transfer};
use crate::explore::Walk;
use crate::rejection::{Check, Direction, Reason};
use crate::state::{Kind, Register};

impl Walk<'_> {
    /// A read-modify-write operation on `*(size *)(dst + off)`.
    ///
    /// Sound: the register that fetches gets what a load would; memory gets what is not known. As in
    /// Linux, that register is overwritten before memory is looked at, so that it cannot be the one
    /// that points there (`check_atomic_rmw`).
    pub(crate) fn check_atomic(
        &mut self,
        size: Size,
        op: AtomicOp,
        dst: Reg,
        off: i16,
        src: Reg,
    ) -> Check {
        self.read(src)?;
        let pointer = self.read(dst)?;
        if op == AtomicOp::CmpXchg {
            self.read(Reg::R0)?;
        }
        self.check_atomic_pointer(dst, &pointer, Direction::Write)?;
        let fetching = match op {
            AtomicOp::CmpXchg => Some(Reg::R0),
            AtomicOp::Xchg => Some(src),
            AtomicOp::Add { fetch }
            | AtomicOp::Or { fetch }
            | AtomicOp::And { fetch }
            | AtomicOp::Xor { fetch } => fetch.then_some(src),
        };
        if let Some(reg) = fetching {
            self.write(reg, Register::UNKNOWN)?;
        }
        let access = Access { reg: dst, off: off.into(), size, aligned: true };
        self.access(access, Transfer::Probe)?;
        let fetched = match fetching {
            Some(reg) => Some((reg, self.access(access, Transfer::Load { signed: false })?)),
            None => None,
        };
        self.access(access, Transfer::Fill)?;
        if let Some((reg, fetched)) = fetched {
            self.write(reg, fetched)?;
        }
        Ok(())
    }

    /// `dst = load_acquire(src + off)`.
    pub(crate) fn check_load_acquire(&mut self, size: Size, dst: Reg, src: Reg, off: i16) -> Check {
        let pointer = *self.state.register(src);
        self.load(Access { reg: src, off: off.into(), size, aligned: true }, false, dst)?;
        let pointer = if dst == src { *self.state.register(src) } else { pointer };
        self.check_atomic_pointer(src, &pointer, Direction::Read)
    }

    /// `store_release(dst + off, src)`.
    pub(crate) fn check_store_release(
        &mut self,
        size: Size,
        dst: Reg,
        off: i16,
        src: Reg,
    ) -> Check {
        let pointer = *self.state.register(dst);
        self.store(Access { reg: dst, off: off.into(), size, aligned: true }, Operand::Reg(src))?;
        self.check_atomic_pointer(dst, &pointer, Direction::Write)
    }

    /// Contexts, packets, sockets and flow keys may be no plain memory.
    fn check_atomic_pointer(&self, reg: Reg, found: &Register, direction: Direction) -> Check {
        match found.kind {
            Kind::Context
            | Kind::Packet { .. }
            | Kind::PacketMeta { .. }
            | Kind::FlowKeys
            | Kind::Object(_) => {
                Err(Reason::AtomicPointer { reg, found: *found, direction }.into())
            }
            Kind::Uninit
            | Kind::Scalar
            | Kind::Stack { .. }
            | Kind::Map { .. }
            | Kind::MapKey { .. }
            | Kind::MapValue { .. }
            | Kind::PacketEnd
            | Kind::Memory { .. }
            | Kind::Buffer { .. }
            | Kind::TracepointBuffer
            | Kind::Kernel { .. }
            | Kind::Function { .. } => Ok(()),
        }
    }
}
