//! The legacy load of packet bytes, which ends the program where there are none.

use skep_spec::abi::ProgType;
use skep_spec::insn::{PacketIndex, Reg};

use crate::explore::{Next, Walk};
use crate::rejection::{Check, Leaving, Reason};
use crate::state::{Kind, Register};

impl Walk<'_> {
    /// `r0 = *(size *)skb[imm]` and the like. The context is in r6.
    ///
    /// Sound: it is a call of a function that takes the context, and leaves in r0 what is not
    /// known. As it may end the program, nothing may be held. In a function it may end the function
    /// alone, which then returns 0: the path on which the caller goes on without what the rest of
    /// the function does is followed too.
    pub(crate) fn check_packet_load(&mut self, index: PacketIndex) -> Check<Next> {
        match self.input.prog_type {
            ProgType::SocketFilter | ProgType::SchedCls | ProgType::SchedAct => {}
            _ => return Err(Reason::PacketLoadProgramType.into()),
        }
        let context = self.read(Reg::R6)?;
        self.check_nothing_held(Leaving::PacketLoad, true)?;
        if context.kind != Kind::Context {
            return Err(Reason::PacketLoadContext.into());
        }
        if let PacketIndex::Ind(reg) = index {
            self.read(reg)?;
        }
        self.check_unmoved(Reg::R6, false)?;
        for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            *self.state.register_mut(reg) = Register::UNINIT;
        }
        *self.state.register_mut(Reg::R0) = Register::UNKNOWN;
        if self.state.depth() == 0 {
            return Ok(Next::Following);
        }
        let behind = self.at.jump(0).ok_or(Reason::LastInsn)?;
        self.put_off(behind)?;
        *self.state.register_mut(Reg::R0) = Register::constant(0);
        self.return_to_caller()
    }
}
