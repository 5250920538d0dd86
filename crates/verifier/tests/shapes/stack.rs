//! Random programs that pass values through the stacks of functions that call each other.
//!
//! r6 points to a stack, the function's own or its caller's; r7 to r9 hold numbers, r9 counts
//! rounds.

use skep_spec::Code;
use skep_spec::abi::ProgType;
use skep_spec::insn::{AluOp, Callee, Condition, Imm64, Insn, Operand, Reg, Size, Width};

use crate::Program;
use crate::random::Random;

/// How many functions a program has at most.
const FUNCTIONS: u64 = 4;
/// How many steps a function has at most.
const STEPS: u64 = 14;
/// `bpf_get_prandom_u32`.
const RANDOM: i32 = 7;
/// `bpf_loop`.
const LOOP: i32 = 181;

/// A call whose distance is not known yet.
struct Patch {
    at: usize,
    callee: usize,
}

/// A program.
pub(crate) fn random(random: &mut Random) -> Program {
    let count = usize::try_from(1 + random.below(FUNCTIONS)).expect("small");
    let mut code: Vec<Insn> = Vec::new();
    let mut slots = 0;
    let mut starts = Vec::new();
    let mut patches = Vec::new();
    for function in 0..count {
        starts.push(slots);
        let mut insns = Vec::new();
        let mut calls = Vec::new();
        body(random, function, count, &mut insns, &mut calls);
        patches.extend(calls.into_iter().map(|(at, callee)| Patch { at: code.len() + at, callee }));
        slots += insns.iter().map(|insn| i32::try_from(insn.slots()).expect("small")).sum::<i32>();
        code.extend(insns);
    }
    for Patch { at, callee } in patches {
        let before: u32 = code[..at].iter().map(Insn::slots).sum();
        let distance = starts[callee] - i32::try_from(before).expect("small") - 1;
        match &mut code[at] {
            Insn::Call(Callee::Local(to)) | Insn::LoadImm64 { imm: Imm64::Func(to), .. } => {
                *to = distance;
            }
            other => panic!("{other} calls nothing"),
        }
    }
    let starts = starts.into_iter().map(|start| u32::try_from(start).expect("small")).collect();
    let prog_type = random.pick(&[ProgType::SocketFilter, ProgType::Kprobe]);
    Program { code: Code::from_iter(code), prog_type, starts }
}

fn mov(dst: Reg, src: Operand) -> Insn {
    Insn::Mov { width: Width::W64, dst, src }
}

/// A function; notes its calls.
fn body(
    random: &mut Random,
    function: usize,
    count: usize,
    insns: &mut Vec<Insn>,
    calls: &mut Vec<(usize, usize)>,
) {
    let base =
        if function == 0 { Reg::FP } else { random.pick(&[Reg::R1, Reg::R1, Reg::R2, Reg::FP]) };
    insns.push(mov(Reg::R6, Operand::Reg(base)));
    insns.push(Insn::Call(Callee::Helper(RANDOM)));
    insns.push(mov(Reg::R7, Operand::Reg(Reg::R0)));
    insns.push(mov(Reg::R8, Operand::Imm(random.short() >> 28)));
    insns.push(mov(Reg::R9, Operand::Imm(0)));
    for _ in 0..random.below(STEPS) {
        step(random, function, count, insns, calls, true);
    }
    // Every later function is called at least by the one before it.
    if function + 1 < count {
        call(random, function + 1, insns, calls);
    }
    for _ in 0..random.below(STEPS / 2) {
        step(random, function, count, insns, calls, true);
    }
    insns.push(mov(Reg::R0, Operand::Reg(random.pick(&[Reg::R7, Reg::R8]))));
    insns.push(Insn::Exit);
}

fn slot(random: &mut Random) -> i16 {
    -8 * i16::try_from(1 + random.below(5)).expect("small")
}

fn step(
    random: &mut Random,
    function: usize,
    count: usize,
    insns: &mut Vec<Insn>,
    calls: &mut Vec<(usize, usize)>,
    nest: bool,
) {
    let number = random.pick(&[Reg::R7, Reg::R8]);
    let stack = random.pick(&[Reg::R6, Reg::FP]);
    match random.below(20) {
        0..=3 => {
            let size = random.pick(&[Size::DW, Size::DW, Size::DW, Size::W, Size::B]);
            let src = random.pick(&[Operand::Imm(1), Operand::Reg(number)]);
            insns.push(Insn::Store { size, dst: stack, off: slot(random), src });
        }
        4..=7 => {
            let size = random.pick(&[Size::DW, Size::DW, Size::DW, Size::W, Size::B]);
            insns.push(Insn::Load {
                size,
                signed: false,
                dst: number,
                src: stack,
                off: slot(random),
            });
        }
        8 => insns.push(mov(number, Operand::Imm(random.short() >> 28))),
        9 => {
            insns.push(Insn::Call(Callee::Helper(RANDOM)));
            insns.push(mov(number, Operand::Reg(Reg::R0)));
        }
        10 => insns.push(Insn::Alu {
            width: Width::W64,
            op: random.pick(&[AluOp::Add, AluOp::And]),
            dst: number,
            src: Operand::Imm(random.short() >> 28),
        }),
        11..=15 if nest => branch(random, number, function, count, insns, calls),
        16 if nest => rounds(random, function, count, insns, calls),
        17 | 18 if function + 1 < count => {
            let later = u64::try_from(count - function - 1).expect("small");
            let callee = function + 1 + usize::try_from(random.below(later)).expect("small");
            call(random, callee, insns, calls);
        }
        19 if function + 1 < count && random.once_in(3) => {
            callback(random, function + 1, insns, calls);
        }
        _ => insns.push(mov(number, Operand::Imm(7))),
    }
}

/// Steps that are left out if a number is not as asked for.
fn branch(
    random: &mut Random,
    number: Reg,
    function: usize,
    count: usize,
    insns: &mut Vec<Insn>,
    calls: &mut Vec<(usize, usize)>,
) {
    let place = insns.len();
    let cond = random.pick(&[Condition::Eq, Condition::Gt, Condition::SLt]);
    let src = Operand::Imm(random.short() >> 27);
    insns.push(Insn::Branch { width: Width::W64, cond, dst: number, src, off: 0 });
    for _ in 0..random.below(4) {
        step(random, function, count, insns, calls, false);
    }
    let skipped: u32 = insns[place + 1..].iter().map(Insn::slots).sum();
    if let Insn::Branch { off, .. } = &mut insns[place] {
        *off = i16::try_from(skipped).expect("small");
    }
}

/// Steps in a loop.
fn rounds(
    random: &mut Random,
    function: usize,
    count: usize,
    insns: &mut Vec<Insn>,
    calls: &mut Vec<(usize, usize)>,
) {
    insns.push(mov(Reg::R9, Operand::Imm(0)));
    let place = insns.len();
    for _ in 0..1 + random.below(4) {
        step(random, function, count, insns, calls, false);
    }
    let one = Operand::Imm(1);
    insns.push(Insn::Alu { width: Width::W64, op: AluOp::Add, dst: Reg::R9, src: one });
    let back: u32 = insns[place..].iter().map(Insn::slots).sum();
    insns.push(Insn::Branch {
        width: Width::W64,
        cond: Condition::Lt,
        dst: Reg::R9,
        src: Operand::Imm(i32::try_from(random.below(12)).expect("small")),
        off: -i16::try_from(back + 1).expect("small"),
    });
}

fn call(
    random: &mut Random,
    callee: usize,
    insns: &mut Vec<Insn>,
    calls: &mut Vec<(usize, usize)>,
) {
    for dst in [Reg::R1, Reg::R2] {
        insns.push(mov(dst, Operand::Reg(random.pick(&[Reg::R6, Reg::FP]))));
    }
    calls.push((insns.len(), callee));
    insns.push(Insn::Call(Callee::Local(0)));
}

/// `bpf_loop`, which passes a number and a pointer.
fn callback(
    random: &mut Random,
    callee: usize,
    insns: &mut Vec<Insn>,
    calls: &mut Vec<(usize, usize)>,
) {
    insns.push(mov(Reg::R1, Operand::Imm(random.pick(&[0, 1, 5]))));
    calls.push((insns.len(), callee));
    insns.push(Insn::LoadImm64 { dst: Reg::R2, imm: Imm64::Func(0) });
    insns.push(mov(Reg::R3, Operand::Reg(random.pick(&[Reg::R6, Reg::FP]))));
    insns.push(mov(Reg::R4, Operand::Imm(0)));
    insns.push(Insn::Call(Callee::Helper(LOOP)));
}
