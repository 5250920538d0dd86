//! The forms in which tcpdump prints filters, and other tools take them: read and written.
//!
//! | [`Form`] | tcpdump's option | an instruction | taken by |
//! |---|---|---|---|
//! | [`Form::Listing`] | `-d` | `(000) ldh      [12]` | people |
//! | [`Form::Initialisers`] | `-dd` | `{ 0x28, 0, 0, 0x0000000c },` | C compilers |
//! | [`Form::Decimals`] | `-ddd` | `40 0 0 12`, after a line with the count | iptables, tc |
//! | [`Form::Assembly`] | | `ldh [12]` | `bpf_asm` |
//!
//! [`parse`] tells them apart by how they begin.

mod listing;

use std::fmt::Write;

use super::asm::assemble;
use super::decode::{DecodeError, decode_all};
use super::disasm;
use super::encode::encode;
use super::raw::Raw;
use crate::asm::token::{Token, TokenKind, tokens};
use crate::asm::{AsmError, AsmErrorKind};

/// A form of text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// For the assembler.
    Assembly,
    /// As `tcpdump -d` lists it.
    Listing,
    /// C initialisers of `struct sock_filter`.
    Initialisers,
    /// The number of instructions, then each as decimal numbers.
    Decimals,
}

impl Form {
    /// The form of a text, by its first line that says something.
    pub fn of(text: &str) -> Form {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        if first.starts_with('{') {
            Form::Initialisers
        } else if first.starts_with('(') {
            Form::Listing
        } else if first.starts_with(|c: char| c.is_ascii_digit()) {
            Form::Decimals
        } else {
            Form::Assembly
        }
    }
}

/// Reads a filter in whatever form it is, and does not check it.
///
/// # Errors
///
/// The first place that cannot be read.
pub fn parse(text: &str) -> Result<Vec<Raw>, AsmError> {
    match Form::of(text) {
        Form::Assembly => assemble(text).map(|insns| encode(&insns)),
        Form::Listing => listing::parse(text).map(|insns| encode(&insns)),
        Form::Initialisers => initialisers(text),
        Form::Decimals => decimals(text),
    }
}

/// Writes a filter.
///
/// # Errors
///
/// For the forms with mnemonics, the first instruction that has none.
pub fn print(raws: &[Raw], form: Form) -> Result<String, DecodeError> {
    let mut text = String::new();
    match form {
        Form::Assembly => text = disasm::Listing::new(&decode_all(raws)?).to_string(),
        Form::Listing => text = listing::print(&decode_all(raws)?),
        Form::Initialisers => {
            for Raw { code, jt, jf, k } in raws {
                let _ = writeln!(text, "{{ {code:#x}, {jt}, {jf}, {k:#010x} }},");
            }
        }
        Form::Decimals => {
            let _ = writeln!(text, "{}", raws.len());
            for Raw { code, jt, jf, k } in raws {
                let _ = writeln!(text, "{code} {jt} {jf} {k}");
            }
        }
    }
    Ok(text)
}

/// Reads numbers and signs, over all lines.
struct Numbers<'a> {
    tokens: Vec<(usize, Token<'a>)>,
    next: usize,
}

impl<'a> Numbers<'a> {
    fn new(text: &'a str) -> Numbers<'a> {
        let mut all = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let parts = tokens(text, 0).into_iter();
            all.extend(
                parts.filter(|token| token.kind != TokenKind::End).map(|token| (line, token)),
            );
        }
        Numbers { tokens: all, next: 0 }
    }

    fn peek(&self) -> Option<(usize, Token<'a>)> {
        self.tokens.get(self.next).copied()
    }

    /// Passes the next token if it is this one.
    fn eat(&mut self, text: &str) -> bool {
        let found = self.peek().is_some_and(|(_, token)| token.text == text);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, text: &str) -> Result<(), AsmError> {
        if self.eat(text) { Ok(()) } else { Err(self.unexpected(format!("`{text}`"))) }
    }

    /// A number, decimal or hexadecimal, that fits.
    fn number<N: TryFrom<u64>>(&mut self, max: u32) -> Result<N, AsmError> {
        let token = self.peek().filter(|(_, token)| token.kind == TokenKind::Number);
        let Some((line, token)) = token else { return Err(self.unexpected("a number")) };
        let value = match token.text.strip_prefix("0x").or(token.text.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => token.text.parse(),
        };
        let number = value.ok().filter(|value| *value <= u64::from(max));
        let Some(number) = number.and_then(|number| N::try_from(number).ok()) else {
            let found = format!("`{}`", token.text);
            let kind = AsmErrorKind::OutOfRange { found, min: 0, max: max.into(), hint: "" };
            return Err(AsmError { line, column: token.column, kind });
        };
        self.next += 1;
        Ok(number)
    }

    fn unexpected(&self, expected: impl Into<String>) -> AsmError {
        let (line, column, text) = match (self.peek(), self.tokens.last()) {
            (Some((line, token)), _) => (line, token.column, token.text),
            (None, Some((line, last))) => (*line, last.column + last.text.chars().count(), ""),
            (None, None) => (1, 1, ""),
        };
        AsmError { line, column, kind: AsmErrorKind::unexpected(text, expected, None) }
    }
}

fn initialisers(text: &str) -> Result<Vec<Raw>, AsmError> {
    let mut numbers = Numbers::new(text);
    let mut raws = Vec::new();
    while numbers.peek().is_some() {
        numbers.expect("{")?;
        let code = numbers.number(u16::MAX.into())?;
        numbers.expect(",")?;
        let jt = numbers.number(u8::MAX.into())?;
        numbers.expect(",")?;
        let jf = numbers.number(u8::MAX.into())?;
        numbers.expect(",")?;
        let k = numbers.number(u32::MAX)?;
        numbers.expect("}")?;
        raws.push(Raw { code, jt, jf, k });
        if !numbers.eat(",") {
            break;
        }
    }
    match numbers.peek() {
        None => Ok(raws),
        Some(_) => Err(numbers.unexpected("`,` or the end")),
    }
}

/// The lines of `tcpdump -ddd`, or the same with commas between the instructions, as iptables and
/// tc take it.
fn decimals(text: &str) -> Result<Vec<Raw>, AsmError> {
    let mut numbers = Numbers::new(text);
    let count_place = numbers.peek();
    let count: usize = numbers.number(u16::MAX.into())?;
    let mut raws = Vec::new();
    numbers.eat(",");
    while numbers.peek().is_some() {
        raws.push(Raw {
            code: numbers.number(u16::MAX.into())?,
            jt: numbers.number(u8::MAX.into())?,
            jf: numbers.number(u8::MAX.into())?,
            k: numbers.number(u32::MAX)?,
        });
        numbers.eat(",");
    }
    if let Some((line, token)) = count_place.filter(|_| count != raws.len()) {
        let expected = format!("{}, as so many instructions follow", raws.len());
        let kind = AsmErrorKind::unexpected(token.text, expected, None);
        return Err(AsmError { line, column: token.column, kind });
    }
    Ok(raws)
}
