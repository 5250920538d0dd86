//! Text to instructions, in the syntax that [`crate::disasm`] prints.
//!
//! ```
//! use skep_spec::asm::assemble;
//!
//! let code = assemble(
//!     "
//!         r0 = 0              ; the sum
//!     again:
//!         r0 += 1
//!         if r0 < 10 goto again
//!         exit
//!     ",
//! )?;
//! assert_eq!(code.len(), 4);
//!
//! let error = assemble("r0 = 0\nexti").unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "line 2, column 1: found `exti`, expected an instruction; did you mean `exit`?"
//! );
//! # Ok::<(), skep_spec::asm::AsmError>(())
//! ```
//!
//! A line holds any number of labels and at most one instruction. A comment goes from `;` or `//`
//! to the end of its line, or begins the line with `#`. Besides what the disassembler
//! prints, the assembler takes
//!
//! - labels as targets of jumps and calls, and in `subprog[name]`; a label hides a helper of the
//!   same name;
//! - decimal and hexadecimal numbers anywhere, also above `i32::MAX` where the instruction looks
//!   at 32 bits only, and in comparisons, where the kernel prints them so;
//! - `goto +5` for `goto pc+5`, `(r1)` for `(r1 +0)`, `call 1` or `call bpf_map_lookup_elem` for
//!   `call bpf_map_lookup_elem#1`;
//! - lines of a kernel log, whose slot number, live registers and state after the instruction are
//!   ignored. An opcode byte matters in one place: `(18) r1 = 0x5` is a 64-bit load, as is
//!   `r1 = 0x5 ll` without it.

mod error;
mod line;
pub(crate) mod suggest;
#[cfg(test)]
mod tests;
pub(crate) mod token;

use std::collections::BTreeMap;

use crate::abi::HelperId;
use crate::code::{Code, InsnIdx};
use crate::insn::{Callee, Imm64, Insn};
use token::Token;

pub use error::{AsmError, AsmErrorKind};

type Result<T, E = AsmError> = std::result::Result<T, E>;

/// Assembles a program.
///
/// # Errors
///
/// The first place that cannot be read, or else the first name that means nothing.
pub fn assemble(source: &str) -> Result<Code> {
    let mut program = Program::default();
    for (number, text) in (1..).zip(source.lines()) {
        program.line(number, text)?;
    }
    program.finish()
}

/// A program in the making.
#[derive(Default)]
struct Program<'a> {
    code: Code,
    labels: BTreeMap<&'a str, Label>,
    /// Instructions whose operand is a name, until all labels are known.
    references: Vec<Reference<'a>>,
}

struct Label {
    at: InsnIdx,
    line: usize,
}

/// An instruction that refers to a place by name; its distance is 0 so far.
struct Reference<'a> {
    at: InsnIdx,
    line: usize,
    name: Token<'a>,
}

impl<'a> Program<'a> {
    fn line(&mut self, number: usize, text: &'a str) -> Result<()> {
        let line = line::parse(number, text)?;
        for name in line.labels {
            let label = Label { at: InsnIdx(self.code.len()), line: number };
            if let Some(first) = self.labels.insert(name.text, label) {
                let kind =
                    AsmErrorKind::DuplicateLabel { name: name.text.into(), first: first.line };
                return Err(AsmError { line: number, column: name.column, kind });
            }
        }
        if let Some(insn) = line.insn {
            let at = self.code.push(insn);
            self.references.extend(line.reference.map(|name| Reference { at, line: number, name }));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Code> {
        for reference in std::mem::take(&mut self.references) {
            let insn = self.resolve(&reference).map_err(|kind| AsmError {
                line: reference.line,
                column: reference.name.column,
                kind,
            })?;
            self.code.replace(reference.at, insn).expect("asm: resolving keeps the length");
        }
        Ok(self.code)
    }

    /// The instruction with the distance to its label, or the helper of that name.
    fn resolve(&self, reference: &Reference<'_>) -> Result<Insn, AsmErrorKind> {
        let insn = *self.code.get(reference.at).expect("asm: a reference is at an instruction");
        let name = reference.name.text;
        let Some(label) = self.labels.get(name) else {
            let is_call = matches!(insn, Insn::Call(_));
            return match HelperId::from_name(name) {
                Some(helper) if is_call => {
                    Ok(Insn::Call(Callee::Helper(helper.number().cast_signed())))
                }
                Some(_) | None => Err(self.unknown_name(name, is_call)),
            };
        };
        let distance = i64::from(label.at.0) - i64::from(reference.at.0) - 1;
        let too_far = |_| AsmErrorKind::LabelTooFar { name: name.into(), distance };
        let short = || i16::try_from(distance).map_err(too_far);
        let long = || i32::try_from(distance).map_err(too_far);
        Ok(match insn {
            Insn::Goto { .. } => Insn::Goto { off: short()? },
            Insn::MayGoto { .. } => Insn::MayGoto { off: short()? },
            Insn::Branch { width, cond, dst, src, .. } => {
                Insn::Branch { width, cond, dst, src, off: short()? }
            }
            Insn::GotoLong { .. } => Insn::GotoLong { imm: long()? },
            Insn::Call(_) => Insn::Call(Callee::Local(long()?)),
            Insn::LoadImm64 { dst, .. } => Insn::LoadImm64 { dst, imm: Imm64::Func(long()?) },
            Insn::Alu { .. }
            | Insn::Neg { .. }
            | Insn::Mov { .. }
            | Insn::MovSx { .. }
            | Insn::AddrSpaceCast { .. }
            | Insn::Swap { .. }
            | Insn::LoadPacket { .. }
            | Insn::Load { .. }
            | Insn::Store { .. }
            | Insn::Atomic { .. }
            | Insn::LoadAcquire { .. }
            | Insn::StoreRelease { .. }
            | Insn::Exit => unreachable!("asm: only jumps, calls and loads refer to names"),
        })
    }

    fn unknown_name(&self, name: &str, is_call: bool) -> AsmErrorKind {
        let helpers = if is_call { HelperId::ALL } else { &[] };
        let names = self.labels.keys().copied().chain(helpers.iter().map(|helper| helper.name()));
        let expected = if is_call { "a label or a helper" } else { "a label" };
        AsmErrorKind::unexpected(name, expected, suggest::nearest(name, names))
    }
}
