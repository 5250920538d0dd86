//! Programs whose results hang on addresses, which differ between engines.
//!
//! A caller with all privileges may let a pointer become a number: by comparing it with one, by
//! storing a part of it, by subtracting pointers to different things. What a generated program does
//! so by chance is no difference between engines, and is found in the verifier's states.

use std::ops::ControlFlow;

use skep_spec::insn::{AluOp, AtomicOp, Condition, Insn, Operand, Reg, Size, Width};
use skep_spec::{Code, InsnIdx};
use skep_verifier::Observer;
use skep_verifier::state::{Kind, State};

/// Watches for a pointer that becomes a number.
pub(crate) struct Addresses<'a> {
    code: &'a Code,
    /// Whether one was seen.
    pub(crate) shown: bool,
}

impl<'a> Addresses<'a> {
    /// None seen yet.
    pub(crate) fn new(code: &'a Code) -> Addresses<'a> {
        Addresses { code, shown: false }
    }
}

impl Observer for Addresses<'_> {
    fn before(&mut self, at: InsnIdx, state: &State) -> ControlFlow<()> {
        self.shown |= self.code.get(at).is_some_and(|insn| shows(insn, state));
        if self.shown { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Whether an instruction makes a number of a pointer.
fn shows(insn: &Insn, state: &State) -> bool {
    let pointer = |reg: Reg| state.register(reg).is_pointer();
    let packet = |reg: Reg| {
        let kind = state.register(reg).kind;
        matches!(kind, Kind::Packet { .. } | Kind::PacketMeta { .. } | Kind::PacketEnd)
    };
    match *insn {
        Insn::Branch { width, cond, dst, src, .. } => match src {
            Operand::Imm(imm) => {
                let null_check = width == Width::W64
                    && imm == 0
                    && matches!(cond, Condition::Eq | Condition::Ne);
                pointer(dst) && !null_check
            }
            Operand::Reg(src) => (pointer(dst) || pointer(src)) && !(packet(dst) && packet(src)),
        },
        Insn::Store { size, dst, src: Operand::Reg(src), .. } => {
            let spilled =
                size == Size::DW && matches!(state.register(dst).kind, Kind::Stack { .. });
            pointer(src) && !spilled
        }
        Insn::StoreRelease { src, .. } => pointer(src),
        Insn::Atomic { op, src, .. } => pointer(src) || op == AtomicOp::CmpXchg && pointer(Reg::R0),
        Insn::Alu { op: AluOp::Sub, dst, src: Operand::Reg(src), .. } => {
            pointer(dst) && pointer(src) && !(packet(dst) && packet(src))
        }
        Insn::Mov { width: Width::W32, src: Operand::Reg(src), .. } => pointer(src),
        // What was spilled whole may be read in part.
        Insn::Load { size, src, .. } => {
            let from_stack = matches!(state.register(src).kind, Kind::Stack { .. });
            let stack = &state.frame().stack;
            let slots = (0..stack.depth().div_ceil(8)).filter_map(|number| stack.slot(number));
            let mut spilled = slots.filter_map(|slot| slot.register());
            size != Size::DW && from_stack && spilled.any(|register| register.is_pointer())
        }
        Insn::Exit => pointer(Reg::R0),
        _ => false,
    }
}
