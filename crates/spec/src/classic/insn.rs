//! One instruction, decoded.
//!
//! [`Insn`] can hold every instruction that Linux takes, and nothing else. Jump distances stay as
//! they stand in the bytes: how many instructions are skipped.

use super::ancillary::Ancillary;

/// How many bytes of the packet a load reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Size {
    /// Four bytes, a word: `ld`.
    W,
    /// Two bytes, a half word: `ldh`.
    H,
    /// One byte: `ldb`.
    B,
}

impl Size {
    /// All sizes.
    pub const ALL: [Size; 3] = [Size::W, Size::H, Size::B];

    /// The number of bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Size::W => 4,
            Size::H => 2,
            Size::B => 1,
        }
    }
}

/// A register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Register {
    /// The accumulator.
    A,
    /// The index.
    X,
}

/// A word of memory: `M[0]` to `M[15]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cell(u8);

impl Cell {
    /// How many there are (`BPF_MEMWORDS`).
    pub const COUNT: u8 = 16;

    /// The cell with this number, if there is one.
    pub fn new(number: u32) -> Option<Cell> {
        u8::try_from(number).ok().filter(|number| *number < Cell::COUNT).map(Cell)
    }

    /// All cells, in order.
    pub fn all() -> impl Iterator<Item = Cell> {
        (0..Cell::COUNT).map(Cell)
    }

    /// Its number, 0 to 15.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its number as an instruction holds it.
    pub const fn number(self) -> u32 {
        self.0 as u32
    }
}

/// Where a load from the packet reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// At `k`; of numbers from [`AD_OFF`](super::ancillary::AD_OFF) on, those that mean nothing.
    Abs(u32),
    /// At `X + k`, in 32 bits.
    Ind(u32),
    /// Not in the packet: an ancillary load.
    Ancillary(Ancillary),
}

/// What a load that reads no packet puts into its register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Value {
    /// A number.
    Imm(u32),
    /// A word of memory.
    Mem(Cell),
    /// The length of the packet.
    Len,
}

/// Arithmetic on `A`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AluOp {
    /// Wrapping addition.
    Add,
    /// Wrapping subtraction.
    Sub,
    /// Wrapping multiplication.
    Mul,
    /// Division; by an `X` of zero, the filter ends with 0.
    Div,
    /// Remainder; by an `X` of zero, the filter ends with 0.
    Mod,
    /// Bitwise or.
    Or,
    /// Bitwise and.
    And,
    /// Bitwise exclusive or.
    Xor,
    /// Shift left; an `X` counts modulo 32.
    Lsh,
    /// Logical shift right; an `X` counts modulo 32.
    Rsh,
}

impl AluOp {
    /// All operations.
    pub const ALL: [AluOp; 10] = [
        AluOp::Add,
        AluOp::Sub,
        AluOp::Mul,
        AluOp::Div,
        AluOp::Mod,
        AluOp::Or,
        AluOp::And,
        AluOp::Xor,
        AluOp::Lsh,
        AluOp::Rsh,
    ];
}

/// A comparison of `A`, unsigned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Condition {
    /// Equal.
    Eq,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Bits in common.
    Set,
}

impl Condition {
    /// All comparisons.
    pub const ALL: [Condition; 4] = [Condition::Eq, Condition::Gt, Condition::Ge, Condition::Set];
}

/// The second operand of arithmetic and comparisons.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// A number.
    K(u32),
    /// The index register.
    X,
}

/// What a filter returns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Returned {
    /// A number.
    K(u32),
    /// The accumulator.
    A,
}

/// One instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "fields carry the names of struct sock_filter: jt, jf, k")]
pub enum Insn {
    /// `A = packet[place]`, in network byte order; an ancillary load has a size that says nothing.
    LoadPacket { size: Size, place: Place },
    /// `A = value` or `X = value`.
    Load { to: Register, value: Value },
    /// `X = 4 * (packet[k] & 0xf)`: the length of the IPv4 header at `k`.
    LoadHeaderLen { k: u32 },
    /// `M[cell] = A` or `M[cell] = X`.
    Store { from: Register, cell: Cell },
    /// `A = A op source`.
    Alu { op: AluOp, source: Source },
    /// `A = -A`.
    Neg,
    /// Skips `k` instructions.
    Goto { k: u32 },
    /// Skips `jt` instructions if `A cond source`, else `jf`.
    Branch { cond: Condition, source: Source, jt: u8, jf: u8 },
    /// Ends the filter.
    Return(Returned),
    /// `X = A`.
    Tax,
    /// `A = X`.
    Txa,
}
