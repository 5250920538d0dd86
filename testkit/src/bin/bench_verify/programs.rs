//! Programs that take a verifier long, each in its own way.

use skep::spec::Code;
use skep::spec::insn::{AluOp, Condition, Insn, Operand, Reg, Size, Width};

/// A program to verify.
pub(crate) struct Program {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Its instructions, for a socket filter.
    pub(crate) code: Code,
}

/// All of them.
pub(crate) fn all() -> Vec<Program> {
    let program = |name, insns| Program { name, code: insns_to_code(insns) };
    vec![
        program("straight, 4,000 insns", straight(4_000)),
        program("branches, 4,000 insns", branches(4_000)),
        program("loop of arithmetic", arithmetic_loop(20_000)),
        program("loop of arithmetic, long", arithmetic_loop(150_000)),
        program("loop over the stack", stack_loop(10_000)),
        program("loop over the stack, long", stack_loop(70_000)),
        program("loop with branches", branching_loop(8_000)),
    ]
}

/// The program whose memory is measured: a million instructions, and as much stack as there is.
pub(crate) fn largest() -> Program {
    let mut insns = Vec::new();
    for slot in 1..=STACK_SLOTS {
        insns.push(Insn::Store {
            size: Size::DW,
            dst: Reg::FP,
            off: -8 * slot,
            src: Operand::Imm(i32::from(slot)),
        });
    }
    // As many rounds as fit: the instructions before the loop and the two around count as well.
    insns.extend(stack_loop(76_900));
    Program { name: "1 M instructions, full stack", code: insns_to_code(insns) }
}

const STACK_SLOTS: i16 = 64;

fn insns_to_code(insns: Vec<Insn>) -> Code {
    let mut code = Code::new();
    for insn in insns {
        code.push(insn);
    }
    code
}

fn mov(dst: Reg, src: Operand) -> Insn {
    Insn::Mov { width: Width::W64, dst, src }
}

fn alu(op: AluOp, dst: Reg, src: Operand) -> Insn {
    Insn::Alu { width: Width::W64, op, dst, src }
}

fn branch(cond: Condition, dst: Reg, imm: i32, off: i16) -> Insn {
    Insn::Branch { width: Width::W64, cond, dst, src: Operand::Imm(imm), off }
}

/// The length of the packet, which nothing is known of.
fn unknown(dst: Reg) -> Insn {
    Insn::Load { size: Size::W, signed: false, dst, src: Reg::R1, off: 0 }
}

fn end() -> [Insn; 2] {
    [mov(Reg::R0, Operand::Imm(0)), Insn::Exit]
}

/// Arithmetic on known and unknown numbers, and nothing else.
fn straight(len: usize) -> Vec<Insn> {
    let ops = [AluOp::Add, AluOp::And, AluOp::Xor, AluOp::Mul, AluOp::Or, AluOp::Sub];
    let mut insns =
        vec![unknown(Reg::R2), mov(Reg::R3, Operand::Imm(7)), mov(Reg::R4, Operand::Reg(Reg::R2))];
    let mut round = ops.into_iter().cycle().zip(1..);
    while insns.len() + 3 < len {
        let Some((op, number)) = round.next() else { break };
        let (dst, src) = match number % 4 {
            0 => (Reg::R2, Operand::Imm(number)),
            1 => (Reg::R3, Operand::Imm(number)),
            2 => (Reg::R4, Operand::Reg(Reg::R2)),
            _ => (Reg::R2, Operand::Reg(Reg::R3)),
        };
        insns.push(alu(op, dst, src));
    }
    insns.extend(end());
    insns
}

/// Branches on what is not known, whose sides differ in what is looked at only later.
fn branches(len: usize) -> Vec<Insn> {
    let mut insns = vec![unknown(Reg::R6), mov(Reg::R7, Operand::Imm(0))];
    for number in 1.. {
        insns.extend([
            unknown(Reg::R2),
            branch(Condition::Gt, Reg::R2, number, 1),
            alu(AluOp::Add, Reg::R7, Operand::Imm(1)),
            Insn::Store { size: Size::DW, dst: Reg::FP, off: -8, src: Operand::Reg(Reg::R2) },
            alu(AluOp::Xor, Reg::R2, Operand::Reg(Reg::R6)),
        ]);
        // All sides are told apart until here, where the stack is written at what was counted, and
        // then go on together.
        if number % 5 == 0 {
            insns.extend([
                alu(AluOp::And, Reg::R7, Operand::Imm(0x7)),
                mov(Reg::R3, Operand::Reg(Reg::FP)),
                alu(AluOp::Add, Reg::R3, Operand::Reg(Reg::R7)),
                Insn::Store { size: Size::B, dst: Reg::R3, off: -16, src: Operand::Imm(0) },
                mov(Reg::R7, Operand::Imm(0)),
            ]);
        }
        if insns.len() + 12 > len {
            break;
        }
    }
    insns.extend(end());
    insns
}

/// Rounds of five instructions on registers.
fn arithmetic_loop(rounds: i32) -> Vec<Insn> {
    let mut insns = vec![unknown(Reg::R2), mov(Reg::R6, Operand::Imm(0))];
    insns.extend([
        alu(AluOp::Add, Reg::R2, Operand::Imm(3)),
        alu(AluOp::Xor, Reg::R2, Operand::Reg(Reg::R6)),
        mov(Reg::R3, Operand::Reg(Reg::R2)),
        alu(AluOp::And, Reg::R3, Operand::Imm(0xff)),
        alu(AluOp::Add, Reg::R6, Operand::Imm(1)),
        branch(Condition::Lt, Reg::R6, rounds, -6),
    ]);
    insns.extend(end());
    insns
}

/// Rounds of thirteen instructions that keep their numbers on the stack.
fn stack_loop(rounds: i32) -> Vec<Insn> {
    let store = |off, src| Insn::Store { size: Size::DW, dst: Reg::FP, off, src };
    let load = |dst, off| Insn::Load { size: Size::DW, signed: false, dst, src: Reg::FP, off };
    let mut insns = vec![
        store(-8, Operand::Imm(0)),
        unknown(Reg::R7),
        mov(Reg::R6, Operand::Imm(0)),
        store(-16, Operand::Reg(Reg::R7)),
    ];
    insns.extend([
        load(Reg::R2, -8),
        alu(AluOp::Add, Reg::R2, Operand::Imm(1)),
        store(-8, Operand::Reg(Reg::R2)),
        load(Reg::R3, -16),
        alu(AluOp::Xor, Reg::R3, Operand::Reg(Reg::R2)),
        store(-16, Operand::Reg(Reg::R3)),
        mov(Reg::R4, Operand::Reg(Reg::R3)),
        alu(AluOp::And, Reg::R4, Operand::Imm(7)),
        mov(Reg::R5, Operand::Reg(Reg::FP)),
        alu(AluOp::Add, Reg::R5, Operand::Reg(Reg::R4)),
        Insn::Store { size: Size::B, dst: Reg::R5, off: -32, src: Operand::Imm(1) },
        alu(AluOp::Add, Reg::R6, Operand::Imm(1)),
        branch(Condition::Lt, Reg::R6, rounds, -13),
    ]);
    insns.extend(end());
    insns
}

/// Rounds of eight instructions with a branch whose outcome is open.
fn branching_loop(rounds: i32) -> Vec<Insn> {
    let mut insns =
        vec![unknown(Reg::R2), mov(Reg::R6, Operand::Imm(0)), mov(Reg::R7, Operand::Imm(0))];
    insns.extend([
        unknown(Reg::R2),
        branch(Condition::Gt, Reg::R2, 100, 1),
        alu(AluOp::Add, Reg::R7, Operand::Imm(1)),
        mov(Reg::R3, Operand::Reg(Reg::R7)),
        alu(AluOp::And, Reg::R3, Operand::Imm(0xf)),
        alu(AluOp::Add, Reg::R6, Operand::Imm(1)),
        branch(Condition::Lt, Reg::R6, rounds, -7),
    ]);
    insns.extend(end());
    insns
}
