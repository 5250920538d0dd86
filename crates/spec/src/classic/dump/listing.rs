//! The listing of `tcpdump -d`: numbered instructions, whose jumps name numbers.
//!
//! It says all that there is to say but for the size of an ancillary load, which means nothing.

use std::fmt::Write;

use crate::asm::{AsmError, AsmErrorKind};
use crate::classic::asm::assemble;
use crate::classic::disasm;
use crate::classic::insn::{Insn, Source};

/// Reads a listing.
pub(super) fn parse(text: &str) -> Result<Vec<Insn>, AsmError> {
    let mut insns = Vec::new();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        insns.push(one(line, text, insns.len())?);
    }
    Ok(insns)
}

/// An instruction: its number, then the assembler's text, or a jump with numbers.
fn one(line: usize, text: &str, at: usize) -> Result<Insn, AsmError> {
    let error = |part: &str, expected: String| {
        let column = column(text, part);
        AsmError { line, column, kind: AsmErrorKind::unexpected(part, expected, None) }
    };
    let number = text.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let Some((number, rest)) = number else {
        return Err(error(text.trim(), format!("the instruction's number, `({at:03})`")));
    };
    if number.parse() != Ok(at) {
        return Err(error(number, format!("{at:03}, the instruction's number")));
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    // Where a jump leads, as the number of instructions that it skips.
    let skip = |word: &str, most: usize| {
        let to = word.parse::<usize>().ok().and_then(|to| to.checked_sub(at + 1));
        to.filter(|skip| *skip <= most)
            .ok_or_else(|| error(word, "the number of an instruction that a jump reaches".into()))
    };
    let byte = u8::MAX.into();
    let source = match words.as_slice() {
        ["ja" | "jmp", to] => format!("ja +{}", skip(to, u32::MAX as usize)?),
        [name, operand, "jt", yes, "jf", no] => {
            format!("{name} {operand}, +{}, +{}", skip(yes, byte)?, skip(no, byte)?)
        }
        _ => rest.to_owned(),
    };
    let assembled = assemble(&source).map_err(|inner| {
        // Where the text is the line's own, so is the place.
        let shift = text.chars().count() - rest.chars().count();
        let column = if source == rest { inner.column + shift } else { column(text, rest.trim()) };
        AsmError { line, column, kind: inner.kind }
    })?;
    match assembled.as_slice() {
        [insn] => Ok(*insn),
        _ => Err(error(rest.trim(), "an instruction".into())),
    }
}

/// The column of a part of a line.
fn column(line: &str, part: &str) -> usize {
    let before = (part.as_ptr().addr()).wrapping_sub(line.as_ptr().addr());
    line.get(..before).map_or(1, |before| before.chars().count() + 1)
}

/// Writes a listing.
pub(super) fn print(insns: &[Insn]) -> String {
    let mut text = String::new();
    for ((at, insn), line) in insns.iter().enumerate().zip(disasm::Listing::new(insns).lines()) {
        let to = |skipped: u32| at as u64 + 1 + u64::from(skipped);
        let _ = match *insn {
            Insn::Goto { k } => writeln!(text, "({at:03}) {:<8} {}", "ja", to(k)),
            Insn::Branch { cond, source, jt, jf } => {
                let name = disasm::condition_name(cond);
                let operand = operand(source);
                let (yes, no) = (to(jt.into()), to(jf.into()));
                writeln!(text, "({at:03}) {name:<8} {operand:<16} jt {yes}\tjf {no}")
            }
            Insn::LoadPacket { .. }
            | Insn::Load { .. }
            | Insn::LoadHeaderLen { .. }
            | Insn::Store { .. }
            | Insn::Alu { .. }
            | Insn::Neg
            | Insn::Return(_)
            | Insn::Tax
            | Insn::Txa => {
                let (name, operand) = line.split_once(' ').unwrap_or((&line, ""));
                writeln!(text, "({at:03}) {name:<8} {operand}")
            }
        };
    }
    text
}

fn operand(source: Source) -> String {
    match source {
        Source::K(k) => format!("#{k:#x}"),
        Source::X => "x".to_owned(),
    }
}
