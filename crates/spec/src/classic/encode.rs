//! Instructions to `struct sock_filter`: the inverse of [`super::decode()`].

use super::insn::{AluOp, Condition, Insn, Place, Register, Returned, Size, Source, Value};
use super::raw::Raw;

/// Classes: the lowest three bits of the code.
pub(super) mod class {
    pub(crate) const LD: u16 = 0;
    pub(crate) const LDX: u16 = 1;
    pub(crate) const ST: u16 = 2;
    pub(crate) const STX: u16 = 3;
    pub(crate) const ALU: u16 = 4;
    pub(crate) const JMP: u16 = 5;
    pub(crate) const RET: u16 = 6;
    pub(crate) const MISC: u16 = 7;
}

/// Modes of loads: the highest three bits.
pub(super) mod mode {
    pub(crate) const IMM: u16 = 0x00;
    pub(crate) const ABS: u16 = 0x20;
    pub(crate) const IND: u16 = 0x40;
    pub(crate) const MEM: u16 = 0x60;
    pub(crate) const LEN: u16 = 0x80;
    pub(crate) const MSH: u16 = 0xa0;
}

/// The size of a byte, in loads.
pub(super) const B: u16 = 0x10;
/// The second operand is `X`.
pub(super) const X: u16 = 0x08;
/// The accumulator is returned.
pub(super) const A: u16 = 0x10;
/// Negation, an operation without a second operand.
pub(super) const NEG: u16 = 0x80;
/// From `X` to `A`, as against the other way.
pub(super) const TXA: u16 = 0x80;

/// The bits of a load that say its size.
pub(super) const fn size_bits(size: Size) -> u16 {
    match size {
        Size::W => 0x00,
        Size::H => 0x08,
        Size::B => B,
    }
}

/// The bits of arithmetic that say the operation.
pub(super) const fn alu_bits(op: AluOp) -> u16 {
    match op {
        AluOp::Add => 0x00,
        AluOp::Sub => 0x10,
        AluOp::Mul => 0x20,
        AluOp::Div => 0x30,
        AluOp::Or => 0x40,
        AluOp::And => 0x50,
        AluOp::Lsh => 0x60,
        AluOp::Rsh => 0x70,
        AluOp::Mod => 0x90,
        AluOp::Xor => 0xa0,
    }
}

/// The bits of a jump that say its condition.
pub(super) const fn condition_bits(cond: Condition) -> u16 {
    match cond {
        Condition::Eq => 0x10,
        Condition::Gt => 0x20,
        Condition::Ge => 0x30,
        Condition::Set => 0x40,
    }
}

/// The instructions as the kernel takes them.
pub fn encode(insns: &[Insn]) -> Vec<Raw> {
    insns.iter().map(|insn| insn.to_raw()).collect()
}

impl Insn {
    /// The instruction as the kernel takes it.
    pub fn to_raw(self) -> Raw {
        let raw = |code, k| Raw { code, jt: 0, jf: 0, k };
        let by_register = |register, a, x| match register {
            Register::A => a,
            Register::X => x,
        };
        match self {
            Insn::LoadPacket { size, place } => {
                let (mode, k) = match place {
                    Place::Abs(k) => (mode::ABS, k),
                    Place::Ind(k) => (mode::IND, k),
                    Place::Ancillary(field) => (mode::ABS, field.offset()),
                };
                raw(class::LD | mode | size_bits(size), k)
            }
            Insn::Load { to, value } => {
                let (mode, k) = match value {
                    Value::Imm(k) => (mode::IMM, k),
                    Value::Mem(cell) => (mode::MEM, cell.number()),
                    Value::Len => (mode::LEN, 0),
                };
                raw(by_register(to, class::LD, class::LDX) | mode, k)
            }
            Insn::LoadHeaderLen { k } => raw(class::LDX | mode::MSH | B, k),
            Insn::Store { from, cell } => {
                raw(by_register(from, class::ST, class::STX), cell.number())
            }
            Insn::Alu { op, source } => {
                let (bit, k) = source_bits(source);
                raw(class::ALU | alu_bits(op) | bit, k)
            }
            Insn::Neg => raw(class::ALU | NEG, 0),
            Insn::Goto { k } => raw(class::JMP, k),
            Insn::Branch { cond, source, jt, jf } => {
                let (bit, k) = source_bits(source);
                Raw { code: class::JMP | condition_bits(cond) | bit, jt, jf, k }
            }
            Insn::Return(Returned::K(k)) => raw(class::RET, k),
            Insn::Return(Returned::A) => raw(class::RET | A, 0),
            Insn::Tax => raw(class::MISC, 0),
            Insn::Txa => raw(class::MISC | TXA, 0),
        }
    }
}

fn source_bits(source: Source) -> (u16, u32) {
    match source {
        Source::K(k) => (0, k),
        Source::X => (X, 0),
    }
}
