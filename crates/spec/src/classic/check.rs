//! Which filters the kernel takes: the rules of sockets, and those of seccomp.
//!
//! The rules of sockets are those of `bpf_check_classic` and, for the length of jumps once the
//! filter is translated, of `bpf_convert_filter` (both `net/core/filter.c`, Linux 6.18); seccomp adds
//! those of `seccomp_check_filter` (`kernel/seccomp.c`). Tests ask the kernel.

mod memory;
mod reach;

use thiserror::Error;

use super::ancillary::{AD_OFF, Ancillary};
use super::decode::{DecodeErrorKind, decode};
use super::insn::{AluOp, Cell, Insn, Place, Register, Source, Value};
use super::raw::Raw;
use super::seccomp;

/// The most instructions of a filter (`BPF_MAXINSNS`).
pub const MAX_INSNS: usize = 4096;

/// Where a filter is to work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rules {
    /// On the packets of a socket (`SO_ATTACH_FILTER`).
    Socket,
    /// On system calls (`SECCOMP_SET_MODE_FILTER`).
    Seccomp,
}

/// A filter that the kernel takes. [`check`] alone makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    insns: Vec<Insn>,
    rules: Rules,
}

impl Filter {
    /// Its instructions.
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// The rules that it keeps.
    pub fn rules(&self) -> Rules {
        self.rules
    }
}

/// Why the kernel does not take a filter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum CheckError {
    /// There are no instructions, or too many.
    #[error("the filter has {found} instructions, required 1 to {MAX_INSNS}")]
    Length {
        /// How many there are.
        found: usize,
    },
    /// An instruction is refused.
    #[error("insn {at}: {kind}")]
    Insn {
        /// Its index.
        at: usize,
        /// Why.
        kind: CheckErrorKind,
    },
}

/// Why an instruction is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum CheckErrorKind {
    /// It has no meaning.
    #[error("{0}")]
    Decode(DecodeErrorKind),
    /// The filter could go on behind its end.
    #[error("the last instruction is no return")]
    NoReturn,
    /// A division or remainder by the number zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A shift by the width or more.
    #[error("a shift by {k} bits, required 0 to 31")]
    Shift {
        /// The number of bits.
        k: u32,
    },
    /// A jump behind the end.
    #[error("a jump to instruction {target}, the last is {last}")]
    JumpOut {
        /// Where the jump leads.
        target: u64,
        /// The last instruction.
        last: usize,
    },
    /// A jump that the kernel cannot translate: it leads over too many instructions of the
    /// translated filter, or starts too far in it.
    #[error("the jump does not fit 16 bits when the kernel translates the filter")]
    JumpTooFar,
    /// An offset in the range of ancillary loads that asks for nothing.
    #[error("there is no ancillary load at SKF_AD_OFF + {number}")]
    NoSuchAncillary {
        /// The offset's distance from `SKF_AD_OFF`.
        number: u32,
    },
    /// A word of memory may be read before it is written.
    #[error("M[{}] may be read before it is written", cell.index())]
    Uninitialized {
        /// The word.
        cell: Cell,
    },
    /// seccomp has no such instruction.
    #[error("seccomp filters cannot {what}")]
    NotForSeccomp {
        /// What the instruction does.
        what: &'static str,
    },
    /// A load that is not of an aligned word in `struct seccomp_data`.
    #[error("offset {k} is no multiple of 4 below {}, the size of seccomp_data", seccomp::DATA_LEN)]
    SeccompOffset {
        /// The offset.
        k: u32,
    },
}

/// Checks a filter by the kernel's rules.
///
/// As in the kernel, what stands in fields that an instruction does not use does not matter.
///
/// # Errors
///
/// A reason why the kernel would refuse it with `EINVAL`.
pub fn check(raws: &[Raw], rules: Rules) -> Result<Filter, CheckError> {
    if raws.is_empty() || raws.len() > MAX_INSNS {
        return Err(CheckError::Length { found: raws.len() });
    }
    let mut insns = Vec::with_capacity(raws.len());
    for (at, raw) in raws.iter().enumerate() {
        let error = |kind| CheckError::Insn { at, kind };
        let insn = decode(*raw).map_err(|kind| error(CheckErrorKind::Decode(kind)))?;
        one(insn, at, raws.len()).map_err(error)?;
        if rules == Rules::Seccomp {
            for_seccomp(insn).map_err(error)?;
        }
        insns.push(insn);
    }
    let last = insns.len() - 1;
    if !matches!(insns.last(), Some(Insn::Return(_))) {
        return Err(CheckError::Insn { at: last, kind: CheckErrorKind::NoReturn });
    }
    memory::check(&insns).map_err(|(at, kind)| CheckError::Insn { at, kind })?;
    if rules == Rules::Socket {
        reach::check(&insns).map_err(|(at, kind)| CheckError::Insn { at, kind })?;
    }
    Ok(Filter { insns, rules })
}

/// What is to be said of an instruction by itself.
fn one(insn: Insn, at: usize, len: usize) -> Result<(), CheckErrorKind> {
    let jump = |skipped: u32| {
        let target = at as u64 + 1 + u64::from(skipped);
        let last = len - 1;
        if target <= last as u64 { Ok(()) } else { Err(CheckErrorKind::JumpOut { target, last }) }
    };
    match insn {
        Insn::Alu { op: AluOp::Div | AluOp::Mod, source: Source::K(0) } => {
            Err(CheckErrorKind::DivisionByZero)
        }
        Insn::Alu { op: AluOp::Lsh | AluOp::Rsh, source: Source::K(k @ 32..) } => {
            Err(CheckErrorKind::Shift { k })
        }
        Insn::LoadPacket { size: _, place: Place::Abs(k @ AD_OFF..) } => {
            Err(CheckErrorKind::NoSuchAncillary { number: k - AD_OFF })
        }
        Insn::Goto { k } => jump(k),
        Insn::Branch { cond: _, source: _, jt, jf } => {
            jump(jt.into()).and_then(|()| jump(jf.into()))
        }
        Insn::LoadPacket { .. }
        | Insn::Load { .. }
        | Insn::LoadHeaderLen { .. }
        | Insn::Store { .. }
        | Insn::Alu { .. }
        | Insn::Neg
        | Insn::Return(_)
        | Insn::Tax
        | Insn::Txa => Ok(()),
    }
}

/// What seccomp adds: words of `struct seccomp_data` are all that there is to load, and some
/// arithmetic is missing.
fn for_seccomp(insn: Insn) -> Result<(), CheckErrorKind> {
    use super::insn::Size;
    let cannot = |what| Err(CheckErrorKind::NotForSeccomp { what });
    match insn {
        Insn::LoadPacket { size: Size::W, place: Place::Abs(k) } => {
            if k < seccomp::DATA_LEN && k.is_multiple_of(4) {
                Ok(())
            } else {
                Err(CheckErrorKind::SeccompOffset { k })
            }
        }
        Insn::LoadPacket { size: Size::W, place: Place::Ancillary(field) } => {
            Err(CheckErrorKind::SeccompOffset { k: Ancillary::offset(field) })
        }
        Insn::LoadPacket { size: Size::H | Size::B, place: _ } => cannot("load less than a word"),
        Insn::LoadPacket { size: Size::W, place: Place::Ind(_) } => cannot("load at an index"),
        Insn::LoadHeaderLen { .. } => cannot("load the length of a header"),
        Insn::Alu { op: AluOp::Mod, source: _ } => cannot("take remainders"),
        Insn::Load {
            to: Register::A | Register::X,
            value: Value::Imm(_) | Value::Mem(_) | Value::Len,
        }
        | Insn::Store { .. }
        | Insn::Alu { .. }
        | Insn::Neg
        | Insn::Goto { .. }
        | Insn::Branch { .. }
        | Insn::Return(_)
        | Insn::Tax
        | Insn::Txa => Ok(()),
    }
}
