//! `struct sock_filter` to instructions.
//!
//! A code that the kernel does not know is an error. What stands in a field that the instruction does
//! not use does not matter, as in the kernel: tcpdump itself leaves numbers there. [`Raw::used`] is
//! the instruction without them.

use thiserror::Error;

use super::ancillary::Ancillary;
use super::encode::{A, B, NEG, TXA, X, alu_bits, class, condition_bits, mode, size_bits};
use super::insn::{AluOp, Cell, Condition, Insn, Place, Register, Returned, Size, Source, Value};
use super::raw::Raw;

/// An instruction without a meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("insn {at}: {kind}")]
pub struct DecodeError {
    /// Its index.
    pub at: usize,
    /// What is wrong with it.
    pub kind: DecodeErrorKind,
}

/// What is wrong with an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DecodeErrorKind {
    /// No instruction has this code.
    #[error("unknown code {code:#04x}")]
    UnknownCode {
        /// The code.
        code: u16,
    },
    /// There are sixteen words of memory.
    #[error("there is no M[{k}]: M[0] to M[15] are there")]
    NoSuchCell {
        /// The number of the word.
        k: u32,
    },
}

/// Decodes a filter, which nobody has checked.
///
/// # Errors
///
/// The first instruction that means nothing.
pub fn decode_all(raws: &[Raw]) -> Result<Vec<Insn>, DecodeError> {
    let each = raws.iter().zip(0..);
    each.map(|(raw, at)| decode(*raw).map_err(|kind| DecodeError { at, kind })).collect()
}

impl Raw {
    /// The instruction with zeros in the fields that it does not use; unchanged if it means nothing.
    pub fn used(self) -> Raw {
        decode(self).map_or(self, Insn::to_raw)
    }
}

/// Decodes an instruction.
///
/// # Errors
///
/// If it means nothing.
pub fn decode(raw: Raw) -> Result<Insn, DecodeErrorKind> {
    let Raw { code, jt, jf, k } = raw;
    let unknown = DecodeErrorKind::UnknownCode { code };
    let source = if code & X == 0 { Source::K(k) } else { Source::X };
    match code & 7 {
        class::LD if code == class::LD | mode::LEN => {
            Ok(Insn::Load { to: Register::A, value: Value::Len })
        }
        class::LDX if code == class::LDX | mode::LEN => {
            Ok(Insn::Load { to: Register::X, value: Value::Len })
        }
        class::LD if code == class::LD | mode::IMM => {
            Ok(Insn::Load { to: Register::A, value: Value::Imm(k) })
        }
        class::LDX if code == class::LDX | mode::IMM => {
            Ok(Insn::Load { to: Register::X, value: Value::Imm(k) })
        }
        class::LD if code == class::LD | mode::MEM => {
            Ok(Insn::Load { to: Register::A, value: Value::Mem(cell(k)?) })
        }
        class::LDX if code == class::LDX | mode::MEM => {
            Ok(Insn::Load { to: Register::X, value: Value::Mem(cell(k)?) })
        }
        class::LD => packet_load(raw).ok_or(unknown),
        class::LDX if code == class::LDX | mode::MSH | B => Ok(Insn::LoadHeaderLen { k }),
        class::ST if code == class::ST => Ok(Insn::Store { from: Register::A, cell: cell(k)? }),
        class::STX if code == class::STX => Ok(Insn::Store { from: Register::X, cell: cell(k)? }),
        class::ALU if code == class::ALU | NEG => Ok(Insn::Neg),
        class::ALU => {
            let is_it = |op: &AluOp| class::ALU | alu_bits(*op) | (code & X) == code;
            let op = AluOp::ALL.into_iter().find(is_it).ok_or(unknown)?;
            Ok(Insn::Alu { op, source })
        }
        class::JMP if code == class::JMP => Ok(Insn::Goto { k }),
        class::JMP => {
            let is_it = |cond: &Condition| class::JMP | condition_bits(*cond) | (code & X) == code;
            let cond = Condition::ALL.into_iter().find(is_it).ok_or(unknown)?;
            Ok(Insn::Branch { cond, source, jt, jf })
        }
        class::RET if code == class::RET => Ok(Insn::Return(Returned::K(k))),
        class::RET if code == class::RET | A => Ok(Insn::Return(Returned::A)),
        class::MISC if code == class::MISC => Ok(Insn::Tax),
        class::MISC if code == class::MISC | TXA => Ok(Insn::Txa),
        _ => Err(unknown),
    }
}

fn packet_load(raw: Raw) -> Option<Insn> {
    let is_it = |mode: u16| move |size: &Size| class::LD | mode | size_bits(*size) == raw.code;
    if let Some(size) = Size::ALL.into_iter().find(is_it(mode::ABS)) {
        let place = match Ancillary::from_offset(raw.k) {
            Some(field) => Place::Ancillary(field),
            None => Place::Abs(raw.k),
        };
        return Some(Insn::LoadPacket { size, place });
    }
    let size = Size::ALL.into_iter().find(is_it(mode::IND))?;
    Some(Insn::LoadPacket { size, place: Place::Ind(raw.k) })
}

fn cell(k: u32) -> Result<Cell, DecodeErrorKind> {
    Cell::new(k).ok_or(DecodeErrorKind::NoSuchCell { k })
}
