//! Random programs of any instructions, with jumps and calls to anywhere.

use skep_spec::Code;
use skep_spec::abi::ProgType;
use skep_spec::insn::{
    AluOp, AtomicOp, Callee, Condition, Imm64, Insn, Operand, PacketIndex, Reg, SignedFrom, Size,
    SwapKind, SwapSize, Width,
};

use crate::Program;
use crate::random::Random;

/// How many instructions a program has at most.
const INSNS: u64 = 40;
/// One more than the highest helper.
const HELPERS: u64 = 214;

/// A program.
pub(crate) fn random(random: &mut Random) -> Program {
    let count = 1 + random.below(INSNS);
    let mut insns: Vec<Insn> = (0..count).map(|at| insn(random, at, count)).collect();
    if !random.once_in(20) {
        insns.push(Insn::Exit);
    }
    let prog_type = ProgType::SocketFilter;
    Program { code: Code::from_iter(insns), prog_type, starts: Vec::new() }
}

/// A distance from an instruction to most often another one.
fn distance(random: &mut Random, at: u64, count: u64) -> i32 {
    let number = |number: u64| i32::try_from(number).expect("small");
    if random.once_in(100) {
        return random.short() >> random.below(32);
    }
    let forward = random.below(count + 1 - at);
    if random.once_in(4) { -number(random.below(at + 1)) } else { number(forward) }
}

fn near(random: &mut Random, at: u64, count: u64) -> i16 {
    i16::try_from(distance(random, at, count)).unwrap_or(i16::MAX)
}

fn reg(random: &mut Random) -> Reg {
    random.pick(&Reg::ALL[..10])
}

fn operand(random: &mut Random) -> Operand {
    if random.once_in(2) { Operand::Imm(random.short() >> 20) } else { Operand::Reg(reg(random)) }
}

fn insn(random: &mut Random, at: u64, count: u64) -> Insn {
    let (dst, src) = (reg(random), reg(random));
    let off = -8 * i16::try_from(1 + random.below(8)).expect("small");
    let width = random.pick(&[Width::W32, Width::W64]);
    let size = random.pick(&[Size::B, Size::H, Size::W, Size::DW]);
    match random.below(40) {
        0..=4 => Insn::Alu {
            width,
            op: random.pick(&[AluOp::Add, AluOp::Xor]),
            dst,
            src: operand(random),
        },
        5 => Insn::Neg { width, dst },
        6..=9 => Insn::Mov { width, dst, src: operand(random) },
        10 => Insn::MovSx { width, from: SignedFrom::S8, dst, src },
        11 => Insn::Swap { kind: SwapKind::ToBe, size: SwapSize::S16, dst },
        12 => Insn::LoadImm64 { dst, imm: Imm64::Value(random.number()) },
        13 => Insn::LoadImm64 { dst, imm: Imm64::Func(distance(random, at, count)) },
        14 => {
            let index = random.pick(&[PacketIndex::Abs, PacketIndex::Ind(src)]);
            let size = random.pick(&[Size::B, Size::H, Size::W]);
            if random.once_in(4) {
                Insn::LoadPacket { size, index, imm: 0 }
            } else {
                Insn::Mov { width, dst, src: operand(random) }
            }
        }
        15..=17 => Insn::Load { size, signed: false, dst, src, off },
        18 => Insn::Load { size: Size::W, signed: true, dst, src, off },
        19..=21 => Insn::Store { size, dst, off, src: operand(random) },
        22 => Insn::Store { size: Size::DW, dst: Reg::FP, off, src: operand(random) },
        23 | 24 => {
            let fetch = random.once_in(2);
            let op = random.pick(&[
                AtomicOp::Add { fetch },
                AtomicOp::Or { fetch },
                AtomicOp::And { fetch },
                AtomicOp::Xor { fetch },
                AtomicOp::Xchg,
                AtomicOp::CmpXchg,
            ]);
            Insn::Atomic { size: random.pick(&[Size::W, Size::DW]), op, dst, off, src }
        }
        25 => Insn::LoadAcquire { size, dst, src, off },
        26 => Insn::StoreRelease { size, dst, off, src },
        27 => {
            if random.once_in(4) {
                Insn::Goto { off: near(random, at, count) }
            } else {
                Insn::Neg { width, dst }
            }
        }
        28 => {
            if random.once_in(4) {
                Insn::GotoLong { imm: distance(random, at, count) }
            } else {
                Insn::Neg { width, dst }
            }
        }
        29..=33 => Insn::Branch {
            width,
            cond: random.pick(&[Condition::Eq, Condition::SGt, Condition::Set]),
            dst,
            src: operand(random),
            off: near(random, at, count),
        },
        34 => Insn::MayGoto { off: near(random, at, count) },
        35..=37 => {
            let number = random.below(HELPERS + 4);
            Insn::Call(Callee::Helper(i32::try_from(number).expect("small")))
        }
        38 => Insn::Call(Callee::Local(distance(random, at, count))),
        _ => {
            if random.once_in(8) {
                Insn::Exit
            } else {
                Insn::Mov { width, dst, src: operand(random) }
            }
        }
    }
}
