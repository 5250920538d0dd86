//! One line: labels, what a log puts before an instruction, the instruction.

use super::error::{AsmError, AsmErrorKind};
use super::token::{Token, TokenKind, tokens};
use super::{Result, suggest};
use crate::insn::Insn;

mod call;
mod insn;
mod load;
mod operand;

/// What a line says.
pub(super) struct Line<'a> {
    pub(super) labels: Vec<Token<'a>>,
    pub(super) insn: Option<Insn>,
    /// The name that the instruction refers to, its distance being 0.
    pub(super) reference: Option<Token<'a>>,
}

pub(super) fn parse(number: usize, text: &str) -> Result<Line<'_>> {
    if text.trim_start().starts_with('#') {
        return Ok(Line { labels: Vec::new(), insn: None, reference: None });
    }
    let (opcode, offset) = log_prefix(text);
    let tokens = tokens(text, offset);
    let mut parser = Parser { line: number, tokens, next: 0, opcode, reference: None };
    let labels = parser.labels()?;
    let insn = match parser.peek().kind {
        TokenKind::End => None,
        TokenKind::Word | TokenKind::Number | TokenKind::Sign => Some(parser.insn()?),
    };
    match parser.peek().kind {
        TokenKind::End => Ok(Line { labels, insn, reference: parser.reference }),
        TokenKind::Word | TokenKind::Number | TokenKind::Sign => {
            Err(parser.unexpected("the end of the line"))
        }
    }
}

/// Recognizes what a log puts before an instruction, `12: (b7) ` or `12: 01....... (b7) `, and
/// gives the opcode byte, if there is one, and the offset at which the instruction begins.
fn log_prefix(text: &str) -> (Option<u8>, usize) {
    let digits = |s: &str| s.len() - s.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mut rest = text.trim_start();
    if let Some(after) = rest[digits(rest)..].strip_prefix(':').filter(|_| digits(rest) > 0) {
        rest = after.trim_start();
        // The registers that are live, r0 to r9.
        if let Some((live, after)) = rest.split_once(' ')
            && live.len() == 10
            && live.bytes().all(|c| c == b'.' || c.is_ascii_digit())
        {
            rest = after.trim_start();
        }
    }
    let mut opcode = None;
    if let Some((byte, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
        && byte.len() == 2
        && let Ok(byte) = u8::from_str_radix(byte, 16)
    {
        opcode = Some(byte);
        rest = after;
    }
    (opcode, text.len() - rest.len())
}

/// Reads the tokens of one line.
struct Parser<'a> {
    line: usize,
    /// Ends with a token of kind [`TokenKind::End`], which is never passed.
    tokens: Vec<Token<'a>>,
    next: usize,
    /// The opcode byte that a log gave.
    opcode: Option<u8>,
    reference: Option<Token<'a>>,
}

impl<'a> Parser<'a> {
    fn labels(&mut self) -> Result<Vec<Token<'a>>> {
        let mut labels = Vec::new();
        while self.peek().kind == TokenKind::Word && self.peek_after().text == ":" {
            let name = self.advance();
            if operand::register(name.text).is_some() || name.text == "pc" {
                return Err(self.unexpected_at(name, "a label, which cannot be a register"));
            }
            labels.push(name);
            self.advance();
        }
        Ok(labels)
    }

    fn peek(&self) -> Token<'a> {
        self.tokens[self.next]
    }

    fn peek_after(&self) -> Token<'a> {
        self.tokens[(self.next + 1).min(self.tokens.len() - 1)]
    }

    fn advance(&mut self) -> Token<'a> {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.next += 1;
        }
        token
    }

    /// Passes the next token if it is this one.
    fn eat(&mut self, text: &str) -> bool {
        let found = self.peek().text == text;
        if found {
            self.advance();
        }
        found
    }

    /// Passes the next token, which must be this one.
    fn expect(&mut self, text: &'static str) -> Result<()> {
        if self.eat(text) { Ok(()) } else { Err(self.unexpected(format!("`{text}`"))) }
    }

    /// Passes several tokens.
    fn expect_all<const N: usize>(&mut self, texts: [&'static str; N]) -> Result<()> {
        texts.into_iter().try_for_each(|text| self.expect(text))
    }

    fn unexpected(&self, expected: impl Into<String>) -> AsmError {
        self.unexpected_at(self.peek(), expected)
    }

    fn unexpected_at(&self, token: Token<'_>, expected: impl Into<String>) -> AsmError {
        self.unexpected_word(token, expected, &[])
    }

    /// An error about a word that should have been one of those known.
    fn unexpected_word(
        &self,
        token: Token<'_>,
        expected: impl Into<String>,
        known: &[&str],
    ) -> AsmError {
        let suggestion = match token.kind {
            TokenKind::Word if operand::is_past_the_registers(token.text) => {
                let kind = AsmErrorKind::unexpected(token.text, operand::REGISTERS, None);
                return AsmError { line: self.line, column: token.column, kind };
            }
            TokenKind::Word => suggest::nearest(token.text, known.iter().copied()),
            TokenKind::Number | TokenKind::Sign | TokenKind::End => None,
        };
        let kind = AsmErrorKind::unexpected(token.text, expected, suggestion);
        AsmError { line: self.line, column: token.column, kind }
    }
}
