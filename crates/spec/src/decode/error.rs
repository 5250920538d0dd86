//! Why bytes are no instruction.
//!
//! The sentences begin as the kernel's verifier words them, so that they can be searched for, and
//! go on to say what was found and what is required.

use std::fmt;

use thiserror::Error;

use crate::code::InsnIdx;
use crate::insn::Size;
use crate::raw::Raw;

/// A slot that is no instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("insn {at}: {kind}")]
pub struct DecodeError {
    /// The slot; of a two-slot instruction the first.
    pub at: InsnIdx,
    /// What is wrong with it.
    pub kind: DecodeErrorKind,
}

/// What is wrong with a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DecodeErrorKind {
    /// The bytes end inside a slot.
    #[error("incomplete slot: {bytes} bytes, required 8")]
    PartialSlot {
        /// How many bytes are there, 1 to 7.
        bytes: usize,
    },
    /// No instruction has this opcode.
    #[error("unknown opcode {opcode:02x}")]
    UnknownOpcode {
        /// The opcode.
        opcode: u8,
    },
    /// A field has a value that means nothing in this instruction, most often because the
    /// instruction does not use the field and it is not zero.
    #[error("{form} uses reserved fields: {field} is {found}, required {}", OneOf(allowed))]
    Field {
        /// The instruction.
        form: Form,
        /// The field.
        field: Field,
        /// Its value.
        found: i32,
        /// The values that mean something.
        allowed: &'static [i32],
    },
    /// There are no registers above `r10`.
    #[error("R{number} is invalid: {field} is {number}, required 0 to 10")]
    Register {
        /// The field that names the register.
        field: Field,
        /// Its value, 11 to 15.
        number: u8,
    },
    /// A 64-bit immediate load is the last slot.
    #[error("invalid bpf_ld_imm64 insn: second slot is missing")]
    LdImm64SecondMissing,
    /// A 64-bit immediate load is followed by something other than its second half.
    #[error(
        "invalid bpf_ld_imm64 insn: second slot has opcode {:02x}, dst {}, src {}, off {}, \
         required 0 in all",
        found.opcode, found.dst, found.src, found.off
    )]
    LdImm64Second {
        /// The second slot.
        found: Raw,
    },
    /// A 64-bit immediate load of a kind that does not exist, or whose upper half must be zero.
    #[error(
        "unrecognized bpf_ld_imm64 insn: src is {src}, imm of the second slot {high}, required \
         src 0 to 6, and imm 0 with src 1, 4 and 5"
    )]
    LdImm64Pseudo {
        /// The source register field, which says what is loaded.
        src: u8,
        /// The upper half of the immediate.
        high: i32,
    },
    /// An atomic operation that does not exist.
    #[error("BPF_ATOMIC uses invalid atomic opcode {imm:02x}: no operation has this imm")]
    AtomicOperation {
        /// The immediate, which says what is done.
        imm: i32,
    },
    /// A read-modify-write operation on one or two bytes.
    #[error("invalid atomic operand size: {} bytes, required 4 or 8", size.bytes())]
    AtomicSize {
        /// The size.
        size: Size,
    },
}

/// A field of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the names are those of RFC 9669")]
pub enum Field {
    Dst,
    Src,
    Off,
    Imm,
}

impl Field {
    /// The value of this field.
    pub fn of(self, raw: Raw) -> i32 {
        match self {
            Field::Dst => raw.dst.into(),
            Field::Src => raw.src.into(),
            Field::Off => raw.off.into(),
            Field::Imm => raw.imm,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Dst => "dst",
            Field::Src => "src",
            Field::Off => "off",
            Field::Imm => "imm",
        })
    }
}

/// A group of instructions that share their reserved fields; displays as the kernel calls it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// Arithmetic with two operands.
    Alu,
    /// Negation.
    Neg,
    /// Moves.
    Mov,
    /// Byte order.
    End,
    /// Loads.
    Ldx,
    /// 64-bit immediate loads.
    LdImm64,
    /// Legacy packet loads.
    LdPacket,
    /// Stores of an immediate.
    St,
    /// Stores of a register.
    Stx,
    /// Unconditional jumps.
    Ja,
    /// Conditional jumps of both widths.
    Jmp,
    /// `may_goto`.
    MayGoto,
    /// Calls.
    Call,
    /// Returns.
    Exit,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Alu => "BPF_ALU",
            Form::Neg => "BPF_NEG",
            Form::Mov => "BPF_MOV",
            Form::End => "BPF_END",
            Form::Ldx => "BPF_LDX",
            Form::LdImm64 => "BPF_LD_IMM64",
            Form::LdPacket => "BPF_LD_[ABS|IND]",
            Form::St => "BPF_ST",
            Form::Stx => "BPF_STX",
            Form::Ja => "BPF_JA",
            Form::Jmp => "BPF_JMP/JMP32",
            Form::MayGoto => "may_goto",
            Form::Call => "BPF_CALL",
            Form::Exit => "BPF_EXIT",
        })
    }
}

/// Displays `0, 8 or 16`.
struct OneOf<'a>(&'a [i32]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, value) in self.0.iter().enumerate() {
            let before = match i {
                0 => "",
                _ if i + 1 == self.0.len() => " or ",
                _ => ", ",
            };
            write!(f, "{before}{value}")?;
        }
        Ok(())
    }
}
