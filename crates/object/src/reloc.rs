//! The kinds of relocation that BPF objects have.

use std::fmt;

/// A relocation's kind. The names are those of the LLVM BPF back end, which defines them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RelocKind {
    /// `R_BPF_NONE`: nothing is to be done.
    None,
    /// `R_BPF_64_64`: the address of data, a map or a function in a 64-bit immediate load.
    Insn64,
    /// `R_BPF_64_ABS64`: an address in eight bytes of data.
    Abs64,
    /// `R_BPF_64_ABS32`: an address in four bytes of data.
    Abs32,
    /// `R_BPF_64_NODYLD32`: an offset in four bytes of type information.
    NoDyld32,
    /// `R_BPF_64_32`: the distance of a call.
    Call,
    /// A number that is not assigned.
    Unknown(u32),
}

impl RelocKind {
    /// The kind with this number.
    pub fn new(number: u32) -> RelocKind {
        match number {
            0 => RelocKind::None,
            1 => RelocKind::Insn64,
            2 => RelocKind::Abs64,
            3 => RelocKind::Abs32,
            4 => RelocKind::NoDyld32,
            10 => RelocKind::Call,
            number => RelocKind::Unknown(number),
        }
    }

    /// The number of this kind.
    pub fn number(self) -> u32 {
        match self {
            RelocKind::None => 0,
            RelocKind::Insn64 => 1,
            RelocKind::Abs64 => 2,
            RelocKind::Abs32 => 3,
            RelocKind::NoDyld32 => 4,
            RelocKind::Call => 10,
            RelocKind::Unknown(number) => number,
        }
    }
}

impl fmt::Display for RelocKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RelocKind::None => "R_BPF_NONE",
            RelocKind::Insn64 => "R_BPF_64_64",
            RelocKind::Abs64 => "R_BPF_64_ABS64",
            RelocKind::Abs32 => "R_BPF_64_ABS32",
            RelocKind::NoDyld32 => "R_BPF_64_NODYLD32",
            RelocKind::Call => "R_BPF_64_32",
            RelocKind::Unknown(number) => return write!(f, "type {number}"),
        })
    }
}
