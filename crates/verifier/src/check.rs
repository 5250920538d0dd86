//! What one instruction may do, and what it makes of the state. One file a subject.

mod exit;

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
            Insn::Exit => self.check_exit(),
            _ => unsupported("instruction"),
        }
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
