//! Which upper halves matter: those that may be read later, before they are written.
//!
//! An instruction of 32 bits leaves zeros in the upper half of what it writes. Some machines do so
//! by themselves; on others a compiler has to say it, and where nobody looks, it need not.
//!
//! Sound: what an instruction reads may be stated too large, and is, for calls and returns.

use skep_spec::insn::{AtomicOp, Callee, Insn, PacketIndex, Reg, Size, SwapSize, Width};
use skep_spec::{Code, InsnIdx};

use super::Registers;
use super::flow::{NONE, successors};

/// The instructions that write 32 bits of a register whose upper half matters later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ZeroExtensions {
    needed: Vec<bool>,
}

impl ZeroExtensions {
    /// Works them out: backwards, again and again while something changes, which it can at most
    /// once for each register of each instruction.
    #[must_use]
    pub(crate) fn of(code: &Code) -> ZeroExtensions {
        let slots = code.len() as usize;
        let mut before = vec![Registers::NONE; slots];
        let mut needed = vec![false; slots];
        let mut changed = true;
        while changed {
            changed = false;
            for at in (0..code.len()).rev() {
                let Some(insn) = code.get(InsnIdx(at)) else { continue };
                let after = successors(code, at)
                    .into_iter()
                    .filter(|to| *to != NONE)
                    .fold(Registers::NONE, |live, to| live.and(before[to as usize]));
                let effect = effect(insn, after);
                let live = Registers(after.0 & !effect.writes.0).and(effect.reads);
                needed[at as usize] = effect.narrow.is_some_and(|reg| after.contains(reg));
                changed |= before[at as usize] != live;
                before[at as usize] = live;
            }
        }
        ZeroExtensions { needed }
    }

    /// Whether the instruction in a slot writes such a half.
    #[must_use]
    pub fn needed(&self, at: InsnIdx) -> bool {
        self.needed.get(at.index()).copied().unwrap_or(false)
    }
}

/// What an instruction has to do with upper halves.
struct Effect {
    /// Those that it reads.
    reads: Registers,
    /// Those that it writes.
    writes: Registers,
    /// The register of which it writes 32 bits or fewer.
    narrow: Option<Reg>,
}

impl Effect {
    fn wide(reads: Registers, dst: Reg) -> Effect {
        Effect { reads, writes: Registers::one(dst), narrow: None }
    }

    fn narrow(reads: Registers, dst: Reg) -> Effect {
        Effect { reads, writes: Registers::one(dst), narrow: Some(dst) }
    }

    fn sized(size: Size, reads: Registers, dst: Reg) -> Effect {
        if size == Size::DW { Effect::wide(reads, dst) } else { Effect::narrow(reads, dst) }
    }

    fn reads(reads: Registers) -> Effect {
        Effect { reads, writes: Registers::NONE, narrow: None }
    }
}

/// The effect of an instruction, after which the upper halves of `after` matter.
fn effect(insn: &Insn, after: Registers) -> Effect {
    let none = Registers::NONE;
    let one = Registers::one;
    match *insn {
        Insn::Alu { width: Width::W64, dst, src, .. } => {
            Effect::wide(one(dst).and(Registers::operand(src)), dst)
        }
        Insn::Neg { width: Width::W64, dst } => Effect::wide(one(dst), dst),
        // A copy of a half that does not matter does not make it matter.
        Insn::Mov { width: Width::W64, dst, src } => {
            let reads = if after.contains(dst) { Registers::operand(src) } else { none };
            Effect::wide(reads, dst)
        }
        Insn::MovSx { width: Width::W64, dst, .. } => Effect::wide(none, dst),
        Insn::Alu { width: Width::W32, dst, .. }
        | Insn::Neg { width: Width::W32, dst }
        | Insn::Mov { width: Width::W32, dst, .. }
        | Insn::MovSx { width: Width::W32, dst, .. }
        | Insn::Swap { size: SwapSize::S16 | SwapSize::S32, dst, .. } => Effect::narrow(none, dst),
        Insn::Swap { size: SwapSize::S64, dst, .. } => Effect::wide(one(dst), dst),
        Insn::AddrSpaceCast { dst, src, .. } => Effect::wide(one(src), dst),
        Insn::LoadImm64 { dst, .. } => Effect::wide(none, dst),
        Insn::LoadPacket { index, .. } => {
            let index = match index {
                PacketIndex::Abs => none,
                PacketIndex::Ind(reg) => one(reg),
            };
            Effect::narrow(one(Reg::R6).and(index), Reg::R0)
        }
        Insn::Load { signed: true, dst, src, .. } => Effect::wide(one(src), dst),
        Insn::Load { size, dst, src, .. } | Insn::LoadAcquire { size, dst, src, .. } => {
            Effect::sized(size, one(src), dst)
        }
        Insn::Store { size, dst, src, .. } => {
            let stored = if size == Size::DW { Registers::operand(src) } else { none };
            Effect::reads(one(dst).and(stored))
        }
        Insn::StoreRelease { size, dst, src, .. } => {
            let stored = if size == Size::DW { one(src) } else { none };
            Effect::reads(one(dst).and(stored))
        }
        Insn::Atomic { size, op, dst, src, .. } => atomic(size, op, dst, src),
        Insn::Branch { width: Width::W64, dst, src, .. } => {
            Effect::reads(one(dst).and(Registers::operand(src)))
        }
        Insn::Branch { width: Width::W32, .. }
        | Insn::Goto { .. }
        | Insn::GotoLong { .. }
        | Insn::MayGoto { .. } => Effect::reads(none),
        Insn::Call(callee) => {
            let callee = match callee {
                Callee::Reg(reg) => one(reg),
                Callee::Helper(_) | Callee::Local(_) | Callee::Kfunc { .. } => none,
            };
            let arguments = Registers::arguments(5);
            Effect { reads: arguments.and(callee), writes: Registers::SCRATCH, narrow: None }
        }
        Insn::Exit => Effect::reads(one(Reg::R0)),
    }
}

fn atomic(size: Size, op: AtomicOp, dst: Reg, src: Reg) -> Effect {
    let one = Registers::one;
    let operands = match (size, op) {
        (Size::DW, AtomicOp::CmpXchg) => one(src).and(one(Reg::R0)),
        (Size::DW, _) => one(src),
        (Size::B | Size::H | Size::W, _) => Registers::NONE,
    };
    let reads = one(dst).and(operands);
    match op {
        AtomicOp::CmpXchg => Effect::sized(size, reads, Reg::R0),
        AtomicOp::Xchg
        | AtomicOp::Add { fetch: true }
        | AtomicOp::Or { fetch: true }
        | AtomicOp::And { fetch: true }
        | AtomicOp::Xor { fetch: true } => Effect::sized(size, reads, src),
        AtomicOp::Add { fetch: false }
        | AtomicOp::Or { fetch: false }
        | AtomicOp::And { fetch: false }
        | AtomicOp::Xor { fetch: false } => Effect::reads(reads),
    }
}

#[cfg(test)]
mod tests {
    use skep_spec::asm::assemble;

    use super::*;

    /// The slots of a program that need a zero extension are these.
    fn check(program: &str, expected: &[u32]) {
        let code = assemble(program).unwrap();
        let found = ZeroExtensions::of(&code);
        let needed: Vec<u32> = (0..code.len()).filter(|at| found.needed(InsnIdx(*at))).collect();
        assert_eq!(needed, expected, "{program}");
    }

    #[test]
    fn what_is_read_whole_is_extended() {
        check("w0 = 1\nexit", &[0]);
        check("w1 = 1\nr1 <<= 3\nr0 = 0\nexit", &[0]);
        check("w1 = w2\n*(u64 *)(r10 -8) = r1\nr0 = 0\nexit", &[0]);
        check("w1 = 1\nif r1 > 5 goto +0\nr0 = 0\nexit", &[0]);
        check("r1 = *(u32 *)(r10 -8)\nr1 += 1\nr0 = r1\nexit", &[0]);
    }

    #[test]
    fn what_is_read_in_part_is_not() {
        check("w1 = 1\nw1 += 2\n*(u32 *)(r10 -8) = r1\nr0 = 0\nexit", &[]);
        check("w1 = 1\nif w1 > 5 goto +0\nr0 = 0\nexit", &[]);
        check("w1 = 1\nr2 = (s32)r1\nr0 = r2\nexit", &[]);
    }

    #[test]
    fn copies_pass_it_on() {
        check("w1 = 1\nr2 = r1\n*(u32 *)(r10 -8) = r2\nr0 = 0\nexit", &[]);
        check("w1 = 1\nr2 = r1\nr0 = r2\nexit", &[0]);
    }

    #[test]
    fn loops_carry_it_round() {
        check(
            "w1 = 1\nagain:\nif r1 > 9 goto out\nw1 += 1\ngoto again\nout:\nr0 = 0\nexit",
            &[0, 2],
        );
    }
}
