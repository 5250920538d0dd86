//! Which registers matter: those that may be read later, before they are written.
//!
//! Sound: a register that no path reads before it writes it has no influence on any of them, so
//! that states which differ in it alone are as good as equal. What an instruction reads may be
//! stated too large, and what it writes too small.

use skep_btf::TypeId;
use skep_spec::InsnIdx;
use skep_spec::abi::{HelperId, proto};
use skep_spec::insn::{AtomicOp, Callee, Insn, Operand, Reg};

use super::blocks::{BlockIdx, Blocks, Waiting};
use super::{Registers, SlotFacts};
use crate::environment::Environment;
use crate::input::Input;

/// Works out the registers that are live before each instruction.
///
/// Backwards through the blocks, until nothing changes: each can change at most once for each
/// register, so the time is linear in the size of the program.
pub(super) fn mark_live(
    input: &Input<'_>,
    environment: &dyn Environment,
    blocks: &Blocks,
    slots: &mut [SlotFacts],
) {
    let mut signatures = Signatures::new(input, environment);
    let mut waiting = Waiting::new(BlockIdx(0), blocks.len());
    for block in (0u32..).take(blocks.len()) {
        waiting.add(BlockIdx(block));
    }
    while let Some(block) = waiting.take() {
        let range = blocks.slots(block);
        let first = range.start as usize;
        let mut live = Registers::NONE;
        for successor in blocks.successors(block) {
            live = live.and(slots[blocks.slots(successor).start as usize].live);
        }
        let before = slots[first].live;
        for at in range.rev() {
            if let Some(insn) = input.code.get(InsnIdx(at)) {
                live = live.before(effect(insn, &mut signatures));
                slots[at as usize].live = live;
            }
        }
        if live != before {
            for predecessor in blocks.predecessors(block) {
                waiting.add(predecessor);
            }
        }
    }
}

/// The registers that an instruction reads and writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Effect {
    reads: Registers,
    writes: Registers,
}

impl Registers {
    /// No register.
    pub(super) const NONE: Registers = Registers(0);

    /// r0 to r5, which calls do not preserve.
    pub(super) const SCRATCH: Registers = Registers(0x3f);

    pub(super) const fn one(reg: Reg) -> Registers {
        Registers(1 << reg.index())
    }

    pub(super) const fn and(self, other: Registers) -> Registers {
        Registers(self.0 | other.0)
    }

    pub(super) const fn operand(operand: Operand) -> Registers {
        match operand {
            Operand::Reg(reg) => Registers::one(reg),
            Operand::Imm(_) => Registers::NONE,
        }
    }

    /// The first registers of arguments.
    pub(super) const fn arguments(count: usize) -> Registers {
        Registers(((1 << count) - 1) << 1)
    }

    /// What is live before an instruction, if these are live after it.
    const fn before(self, effect: Effect) -> Registers {
        Registers(self.0 & !effect.writes.0 | effect.reads.0)
    }
}

/// What an instruction reads and writes; the kernel's idea of it (`compute_insn_live_regs`).
fn effect(insn: &Insn, signatures: &mut Signatures<'_>) -> Effect {
    let none = Registers::NONE;
    let (reads, writes) = match *insn {
        Insn::Alu { dst, src, .. } => {
            (Registers::one(dst).and(Registers::operand(src)), Registers::one(dst))
        }
        Insn::Neg { dst, .. } | Insn::Swap { dst, .. } => {
            (Registers::one(dst), Registers::one(dst))
        }
        Insn::Mov { dst, src, .. } => (Registers::operand(src), Registers::one(dst)),
        Insn::MovSx { dst, src, .. }
        | Insn::AddrSpaceCast { dst, src, .. }
        | Insn::Load { dst, src, .. }
        | Insn::LoadAcquire { dst, src, .. } => (Registers::one(src), Registers::one(dst)),
        Insn::LoadImm64 { dst, .. } => (none, Registers::one(dst)),
        Insn::LoadPacket { .. } => (Registers::ALL, none),
        Insn::Store { dst, src, .. } => (Registers::one(dst).and(Registers::operand(src)), none),
        Insn::StoreRelease { dst, src, .. } => (Registers::one(dst).and(Registers::one(src)), none),
        Insn::Atomic { op, dst, src, .. } => {
            let reads = Registers::one(dst).and(Registers::one(src));
            match op {
                AtomicOp::CmpXchg => (reads.and(Registers::one(Reg::R0)), Registers::one(Reg::R0)),
                AtomicOp::Xchg
                | AtomicOp::Add { fetch: true }
                | AtomicOp::Or { fetch: true }
                | AtomicOp::And { fetch: true }
                | AtomicOp::Xor { fetch: true } => (reads, Registers::one(src)),
                AtomicOp::Add { fetch: false }
                | AtomicOp::Or { fetch: false }
                | AtomicOp::And { fetch: false }
                | AtomicOp::Xor { fetch: false } => (reads, none),
            }
        }
        Insn::Goto { .. } | Insn::GotoLong { .. } | Insn::MayGoto { .. } => (none, none),
        Insn::Branch { dst, src, .. } => (Registers::one(dst).and(Registers::operand(src)), none),
        Insn::Call(callee) => {
            (Registers::arguments(signatures.arguments(callee)), Registers::SCRATCH)
        }
        Insn::Exit => (Registers::one(Reg::R0), none),
    };
    Effect { reads, writes }
}

/// How many arguments functions take, as far as that is known.
struct Signatures<'a> {
    input: &'a Input<'a>,
    environment: &'a dyn Environment,
    /// Of helpers by number, once they were asked for.
    helpers: Vec<Option<u8>>,
}

/// The most that a call passes.
const MOST_ARGUMENTS: usize = 5;

impl<'a> Signatures<'a> {
    fn new(input: &'a Input<'a>, environment: &'a dyn Environment) -> Signatures<'a> {
        Signatures { input, environment, helpers: Vec::new() }
    }

    fn arguments(&mut self, callee: Callee) -> usize {
        match callee {
            Callee::Helper(number) => {
                super::helper(number).map_or(MOST_ARGUMENTS, |helper| self.of_helper(helper))
            }
            Callee::Kfunc { btf_id, module: 0 } => self.of_kernel(btf_id).unwrap_or(MOST_ARGUMENTS),
            Callee::Local(_) | Callee::Kfunc { .. } | Callee::Reg(_) => MOST_ARGUMENTS,
        }
    }

    fn of_helper(&mut self, helper: HelperId) -> usize {
        if self.helpers.is_empty() {
            self.helpers = vec![None; HelperId::ALL.len() + 1];
        }
        let known = &mut self.helpers[helper.number() as usize];
        let (prog_type, attach_type) = (self.input.prog_type, self.input.attach_type);
        let look_up = || {
            let proto = proto::proto(helper, prog_type, attach_type);
            let count = proto.map_or(MOST_ARGUMENTS, |proto| proto.args.len());
            u8::try_from(count).expect("protos: at most five arguments")
        };
        usize::from(*known.get_or_insert_with(look_up))
    }

    fn of_kernel(&self, btf_id: i32) -> Option<usize> {
        let signature =
            self.environment.kernel_btf()?.signature(TypeId(u32::try_from(btf_id).ok()?))?;
        Some(signature.params.len().min(MOST_ARGUMENTS))
    }
}
