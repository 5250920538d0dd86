//! Random programs that do nothing but compute with numbers and branch on them.

use skep_spec::Code;
use skep_spec::insn::{
    AluOp, Callee, Condition, Imm64, Insn, Operand, Reg, SignedFrom, Size, SwapKind, SwapSize,
    Width,
};

use crate::random::Random;

/// The registers that are computed with.
const REGS: [Reg; 5] = [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R4];
/// The register that is a pointer.
pub(crate) const POINTER: Reg = Reg::R5;
/// The stack slot that holds bytes nobody knows.
const SLOT: i16 = -8;
/// How many steps a program has, and how many of them branch at most: paths double.
const STEPS: u64 = 24;
const BRANCHES: u32 = 6;
/// `bpf_ktime_get_ns`.
const KTIME_GET_NS: i32 = 5;

/// A program; `map` is one whose value it may point to.
pub(crate) fn random(random: &mut Random, map: i32) -> Code {
    let mut insns = vec![Insn::Call(Callee::Helper(KTIME_GET_NS))];
    // Single bytes are not tracked as a spilled register would be.
    for byte in 0..8 {
        let off = SLOT + byte;
        insns.push(Insn::Store { size: Size::B, dst: Reg::FP, off, src: Operand::Reg(Reg::R0) });
    }
    for dst in REGS {
        insns.push(fresh(random, dst));
    }
    insns.push(Insn::LoadImm64 { dst: POINTER, imm: Imm64::MapValue { fd: map, off: 0 } });
    let mut branches = 0;
    for _ in 0..STEPS {
        if branches < BRANCHES && random.once_in(3) {
            branches += 1;
            insns.push(branch(random));
            let skipped = arithmetic(random);
            if let Some(Insn::Branch { off, .. }) = insns.last_mut() {
                *off = i16::try_from(skipped.len()).expect("a step is short");
            }
            insns.extend(skipped);
        } else {
            insns.extend(arithmetic(random));
        }
    }
    // At last, as pointers that may be far off are refused.
    for _ in 0..random.below(4) {
        insns.extend(pointer(random));
    }
    insns.push(Insn::Mov { width: Width::W64, dst: Reg::R0, src: Operand::Imm(0) });
    insns.push(Insn::Exit);
    Code::from_iter(insns)
}

/// Loads what nobody knows.
fn fresh(random: &mut Random, dst: Reg) -> Insn {
    let size = random.pick(&[Size::B, Size::H, Size::W, Size::DW, Size::DW]);
    let signed = size != Size::DW && random.once_in(2);
    Insn::Load { size, signed, dst, src: Reg::FP, off: SLOT }
}

fn width(random: &mut Random) -> Width {
    random.pick(&[Width::W32, Width::W64])
}

/// Constants at which something changes, and others.
fn imm(random: &mut Random) -> i32 {
    let bit = 1i32 << random.below(31);
    match random.below(6) {
        0 => i32::try_from(random.below(10)).expect("small") - 4,
        1 => bit,
        2 => bit - 1,
        3 => -bit,
        4 => random.pick(&[0, 1, -1, i32::MIN, i32::MAX, i32::MIN + 1, 0xff, 0xffff, 0x7f, 0x80]),
        _ => random.short() >> random.below(32),
    }
}

fn operand(random: &mut Random) -> Operand {
    if random.once_in(3) { Operand::Reg(random.pick(&REGS)) } else { Operand::Imm(imm(random)) }
}

/// A step without a branch.
fn arithmetic(random: &mut Random) -> Vec<Insn> {
    let (width, dst) = (width(random), random.pick(&REGS));
    match random.below(20) {
        0 => vec![Insn::Neg { width, dst }],
        1 => vec![fresh(random, dst)],
        2 => {
            let src = Operand::Imm(imm(random));
            vec![Insn::Mov { width, dst, src }]
        }
        3 => {
            let kind = random.pick(&[SwapKind::ToLe, SwapKind::ToBe, SwapKind::Always]);
            let size = random.pick(&[SwapSize::S16, SwapSize::S32, SwapSize::S64]);
            vec![Insn::Swap { kind, size, dst }]
        }
        // Copies would be linked to each other. The original is therefore given up at once.
        4 | 5 => {
            let src = random.pick(&REGS);
            let copy = Insn::Mov { width, dst, src: Operand::Reg(src) };
            if dst == src { vec![copy] } else { vec![copy, fresh(random, src)] }
        }
        6 | 7 => {
            let src = random.pick(&REGS);
            let from = match width {
                Width::W32 => random.pick(&[SignedFrom::S8, SignedFrom::S16]),
                Width::W64 => random.pick(&[SignedFrom::S8, SignedFrom::S16, SignedFrom::S32]),
            };
            let copy = Insn::MovSx { width, from, dst, src };
            if dst == src { vec![copy] } else { vec![copy, fresh(random, src)] }
        }
        8 => {
            let op = random.pick(&[AluOp::Div, AluOp::SDiv, AluOp::Mod, AluOp::SMod]);
            let src = match operand(random) {
                Operand::Imm(0) => Operand::Imm(3),
                other => other,
            };
            vec![Insn::Alu { width, op, dst, src }]
        }
        9..=11 => {
            let op = random.pick(&[AluOp::Lsh, AluOp::Rsh, AluOp::Arsh]);
            let bits = match width {
                Width::W32 => 32,
                Width::W64 => 64,
            };
            let src = match operand(random) {
                reg @ Operand::Reg(_) if random.once_in(4) => reg,
                _ if random.once_in(4) => Operand::Imm(bits / 2),
                _ => Operand::Imm(random.short().rem_euclid(bits)),
            };
            vec![Insn::Alu { width, op, dst, src }]
        }
        _ => {
            let ops = [AluOp::Add, AluOp::Sub, AluOp::Mul, AluOp::And, AluOp::Or, AluOp::Xor];
            vec![Insn::Alu { width, op: random.pick(&ops), dst, src: operand(random) }]
        }
    }
}

/// Moves the pointer by a number that is mostly not large.
fn pointer(random: &mut Random) -> Vec<Insn> {
    let (width, dst) = (Width::W64, random.pick(&REGS));
    let limit = match random.below(3) {
        0 => Insn::Alu { width, op: AluOp::Arsh, dst, src: Operand::Imm(36) },
        1 => Insn::Alu { width, op: AluOp::Rsh, dst, src: Operand::Imm(40) },
        _ => Insn::Alu { width, op: AluOp::And, dst, src: Operand::Imm(imm(random) >> 8) },
    };
    let op = random.pick(&[AluOp::Add, AluOp::Sub]);
    vec![limit, Insn::Alu { width, op, dst: POINTER, src: Operand::Reg(dst) }]
}

/// A branch whose distance is still to be set.
fn branch(random: &mut Random) -> Insn {
    let conditions = [
        Condition::Eq,
        Condition::Ne,
        Condition::Gt,
        Condition::Ge,
        Condition::Lt,
        Condition::Le,
        Condition::Set,
        Condition::SGt,
        Condition::SGe,
        Condition::SLt,
        Condition::SLe,
    ];
    let (cond, dst) = (random.pick(&conditions), random.pick(&REGS));
    Insn::Branch { width: width(random), cond, dst, src: operand(random), off: 0 }
}
