//! Which instructions have a part in what is looked for on the way back along a path.
//!
//! Most have none: they write another register than is looked for. That is seen at a glance here,
//! without looking at the instruction.

use skep_spec::insn::{Insn, Operand, Reg};

/// What an instruction may have a part in: registers of the function that it is in, one bit each,
/// and other things.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Back(u16);

/// Slots of a stack.
const SLOTS: u16 = 1 << 14;

/// Anything at all: what goes on between functions is not so simple.
const ELSE: u16 = 1 << 15;

impl Back {
    /// What an instruction has a part in: where its result goes, and what it tells something.
    pub(crate) fn of(insn: &Insn) -> Back {
        let one = |reg: Reg| Back(1 << reg.index());
        match *insn {
            Insn::Alu { dst, .. }
            | Insn::Neg { dst, .. }
            | Insn::Swap { dst, .. }
            | Insn::Mov { dst, .. }
            | Insn::MovSx { dst, .. }
            | Insn::AddrSpaceCast { dst, .. }
            | Insn::Load { dst, .. }
            | Insn::LoadAcquire { dst, .. }
            | Insn::LoadImm64 { dst, .. } => one(dst),
            Insn::LoadPacket { .. } => one(Reg::R0),
            Insn::Store { dst, .. } | Insn::StoreRelease { dst, .. } => one(dst).and(Back(SLOTS)),
            Insn::Atomic { dst, src, .. } => {
                one(dst).and(one(src)).and(one(Reg::R0)).and(Back(SLOTS))
            }
            Insn::Branch { dst, src, .. } => match src {
                Operand::Reg(src) => one(dst).and(one(src)),
                Operand::Imm(_) => Back(0),
            },
            Insn::Goto { .. } | Insn::GotoLong { .. } | Insn::MayGoto { .. } => Back(0),
            Insn::Call(_) | Insn::Exit => Back(ELSE),
        }
    }

    /// Who looks for registers of the function at hand, for slots, or for more.
    #[inline]
    pub(crate) const fn wanting(registers: u16, slots: bool, more: bool) -> Back {
        let slots = if slots { SLOTS | ELSE } else { 0 };
        let more = if more { ELSE } else { 0 };
        let registers = if registers != 0 { registers | ELSE } else { 0 };
        Back(registers | slots | more)
    }

    /// Whether nothing is looked for.
    #[inline]
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether an instruction has a part in what is looked for.
    #[inline]
    pub(crate) const fn concern(self, wanted: Back) -> bool {
        self.0 & wanted.0 != 0
    }

    const fn and(self, other: Back) -> Back {
        Back(self.0 | other.0)
    }
}
