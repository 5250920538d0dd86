//! Text to instructions, in the syntax of the kernel's `bpf_asm`.
//!
//! Besides what `bpf_asm` takes, the assembler takes what tcpdump prints in its place
//! (`ld #pktlen`, `ldb [vlanp]`), `+N` for the place that is `N` instructions further, and
//! `SKF_NET_OFF + 9` for an offset from a header.

mod operand;
mod parser;

use std::collections::BTreeMap;

use super::insn::{Condition, Insn, Source};
use crate::asm::suggest;
use crate::asm::token::Token;
use crate::asm::{AsmError, AsmErrorKind};

type Result<T, E = AsmError> = std::result::Result<T, E>;

/// Assembles a filter, and does not check it.
///
/// # Errors
///
/// The first place that cannot be read, or else the first label that is nowhere or out of reach.
pub fn assemble(source: &str) -> Result<Vec<Insn>> {
    let mut items = Vec::new();
    let mut labels = BTreeMap::new();
    for (line, text) in (1..).zip(source.lines()) {
        let parsed = parser::parse(line, text)?;
        for name in parsed.labels {
            if let Some((_, first)) = labels.insert(name.text, (items.len(), line)) {
                let kind = AsmErrorKind::DuplicateLabel { name: name.text.into(), first };
                return Err(AsmError { line, column: name.column, kind });
            }
        }
        items.extend(parsed.item.map(|item| (line, item)));
    }
    let labels = Labels(labels);
    let resolved = items.iter().enumerate().map(|(at, (line, item))| {
        let skips = |target: &Target<'_>, most: u32| labels.skips(at, *line, target, most);
        match item {
            Item::Insn(insn) => Ok(*insn),
            Item::Goto(target) => Ok(Insn::Goto { k: skips(target, u32::MAX)? }),
            Item::Branch { cond, source, yes, no } => {
                let byte = |target: &Option<Target<'_>>| match target {
                    Some(target) => {
                        skips(target, u8::MAX.into()).map(|skips| skips.to_le_bytes()[0])
                    }
                    None => Ok(0),
                };
                let (jt, jf) = (byte(yes)?, byte(no)?);
                Ok(Insn::Branch { cond: *cond, source: *source, jt, jf })
            }
        }
    });
    resolved.collect()
}

/// An instruction whose jumps may still lead to names.
enum Item<'a> {
    Insn(Insn),
    Goto(Target<'a>),
    /// A jump that goes on with the next instruction where no target is given.
    Branch {
        cond: Condition,
        source: Source,
        yes: Option<Target<'a>>,
        no: Option<Target<'a>>,
    },
}

/// Where a jump leads.
enum Target<'a> {
    Label(Token<'a>),
    Skip(Token<'a>, u32),
}

/// The instruction that each label names, and the line that it stands on.
struct Labels<'a>(BTreeMap<&'a str, (usize, usize)>);

impl Labels<'_> {
    /// How many instructions a jump skips.
    fn skips(&self, at: usize, line: usize, target: &Target<'_>, most: u32) -> Result<u32> {
        let error = |token: &Token<'_>, kind| AsmError { line, column: token.column, kind };
        match target {
            Target::Skip(_, skips) if *skips <= most => Ok(*skips),
            Target::Skip(token, skips) => {
                let (found, max) = (format!("+{skips}"), most.into());
                Err(error(token, AsmErrorKind::OutOfRange { found, min: 0, max, hint: "" }))
            }
            Target::Label(name) => {
                let Some((to, _)) = self.0.get(name.text) else {
                    let near = suggest::nearest(name.text, self.0.keys().copied());
                    return Err(error(name, AsmErrorKind::unexpected(name.text, "a label", near)));
                };
                let distance = i64::try_from(*to).unwrap_or(i64::MAX)
                    - i64::try_from(at).unwrap_or(i64::MAX)
                    - 1;
                let skips = u32::try_from(distance).ok().filter(|skips| *skips <= most);
                skips.ok_or_else(|| {
                    let name_text = name.text.into();
                    error(name, AsmErrorKind::LabelTooFar { name: name_text, distance })
                })
            }
        }
    }
}
