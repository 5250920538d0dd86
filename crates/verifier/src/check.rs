//! What one instruction may do, and what it makes of the state. One file a subject.

pub(crate) mod alu;
mod arg;
mod atomic;
mod call;
mod callback;
mod constant_string;
mod exit;
mod imm64;
mod jump;
mod kernel_type;
mod lock;
mod map_compat;
pub(crate) mod memory;
mod packet_load;
mod packet_range;
mod pointer;
mod reference;
mod ret;
mod signature;
pub(crate) mod subprog;
mod target;

use skep_spec::insn::{Insn, Reg};

use crate::explore::{Next, Walk};
use crate::rejection::{Check, Reason, unsupported};
use crate::state::Register;

impl Walk<'_> {
    /// Checks the instruction at hand, and carries it out on the state.
    pub(crate) fn step(&mut self) -> Check<Next> {
        let Some(insn) = self.input.code.get(self.at).copied() else {
            return Err(Reason::JumpIntoImm64(self.at).into());
        };
        if let Some(facts) = self.facts.at_mut(self.at) {
            facts.seen = true;
        }
        match insn {
            Insn::Alu { width, op, dst, src } => self.check_alu(width, op, dst, src)?,
            Insn::Neg { width, dst } => self.check_neg(width, dst)?,
            Insn::Mov { width, dst, src } => self.check_mov(width, dst, src)?,
            Insn::MovSx { width, from, dst, src } => self.check_mov_sx(width, from, dst, src)?,
            Insn::AddrSpaceCast { .. } => return unsupported("arenas"),
            Insn::Swap { kind, size, dst } => self.check_swap(kind, size, dst)?,
            Insn::LoadImm64 { dst, imm } => self.check_imm64(dst, imm)?,
            Insn::LoadPacket { index, .. } => return self.check_packet_load(index),
            Insn::Load { size, signed, dst, src, off } => {
                self.check_load(size, signed, dst, src, off)?;
            }
            Insn::Store { size, dst, off, src } => self.check_store(size, dst, off, src)?,
            Insn::Atomic { size, op, dst, off, src } => {
                self.check_atomic(size, op, dst, off, src)?;
            }
            Insn::LoadAcquire { size, dst, src, off } => {
                self.check_load_acquire(size, dst, src, off)?;
            }
            Insn::StoreRelease { size, dst, off, src } => {
                self.check_store_release(size, dst, off, src)?;
            }
            Insn::Goto { off } => return self.check_goto(off.into()),
            Insn::GotoLong { imm } => return self.check_goto(imm),
            Insn::Branch { width, cond, dst, src, off } => {
                self.counters.jumps += 1;
                return self.check_branch(width, cond, dst, src, off);
            }
            Insn::MayGoto { .. } => return unsupported("may_goto"),
            Insn::Call(callee) => {
                self.counters.jumps += 1;
                return self.check_call(callee);
            }
            Insn::Exit => {
                self.counters.jumps += 1;
                return self.check_exit();
            }
        }
        Ok(Next::Following)
    }

    /// That a register holds something.
    #[inline]
    pub(crate) fn check_init(&self, reg: Reg) -> Check {
        if self.state.register(reg).is_init() { Ok(()) } else { Err(Reason::Uninit(reg).into()) }
    }

    /// A register whose value an instruction uses.
    #[inline]
    pub(crate) fn read(&mut self, reg: Reg) -> Check<Register> {
        let register = *self.state.register(reg);
        if register.is_init() { Ok(register) } else { Err(Reason::Uninit(reg).into()) }
    }

    /// Puts a value into a register, which must not be the frame pointer.
    #[inline]
    pub(crate) fn write(&mut self, reg: Reg, value: Register) -> Check {
        if reg == Reg::FP {
            return Err(Reason::FramePointerWrite.into());
        }
        *self.state.register_mut(reg) = value;
        Ok(())
    }
}
