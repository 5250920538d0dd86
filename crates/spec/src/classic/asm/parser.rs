//! One line: labels and an instruction.

use super::operand::OFFSETS;
use super::{Item, Result, Target};
use crate::asm::token::{Token, TokenKind, tokens};
use crate::asm::{AsmError, AsmErrorKind, suggest};
use crate::classic::disasm::{alu_name, condition_name, load_name, opposite};
use crate::classic::insn::{AluOp, Condition, Insn, Register, Returned, Size, Source, Value};

/// What a line says.
pub(super) struct Line<'a> {
    pub(super) labels: Vec<Token<'a>>,
    pub(super) item: Option<Item<'a>>,
}

pub(super) fn parse(line: usize, text: &str) -> Result<Line<'_>> {
    let mut parser = Parser { line, tokens: tokens(text, 0), next: 0 };
    let mut labels = Vec::new();
    while parser.peek().kind == TokenKind::Word && parser.peek_after().text == ":" {
        labels.push(parser.advance());
        parser.advance();
    }
    let item = if parser.at_end() { None } else { Some(parser.instruction()?) };
    if parser.at_end() {
        Ok(Line { labels, item })
    } else {
        Err(parser.unexpected("the end of the line"))
    }
}

/// What a mnemonic stands for, before its operands.
#[derive(Clone, Copy)]
enum Mnemonic {
    Load(Size),
    LoadImm(Register),
    LoadX,
    LoadXByte,
    Store(Register),
    Alu(AluOp),
    Neg,
    Goto,
    /// A comparison, and whether it jumps where the comparison does not hold.
    Branch(Condition, bool),
    Return,
    Tax,
    Txa,
}

/// Mnemonics that are no name of arithmetic, comparison or load.
const OTHERS: [(&str, Mnemonic); 13] = [
    ("ldi", Mnemonic::LoadImm(Register::A)),
    ("ldx", Mnemonic::LoadX),
    ("ldxi", Mnemonic::LoadImm(Register::X)),
    ("ldxb", Mnemonic::LoadXByte),
    ("st", Mnemonic::Store(Register::A)),
    ("stx", Mnemonic::Store(Register::X)),
    ("neg", Mnemonic::Neg),
    ("jmp", Mnemonic::Goto),
    ("ja", Mnemonic::Goto),
    ("jneq", Mnemonic::Branch(Condition::Eq, true)),
    ("ret", Mnemonic::Return),
    ("tax", Mnemonic::Tax),
    ("txa", Mnemonic::Txa),
];

/// All mnemonics.
fn mnemonics() -> impl Iterator<Item = (&'static str, Mnemonic)> {
    let loads = Size::ALL.into_iter().map(|size| (load_name(size), Mnemonic::Load(size)));
    let alu = AluOp::ALL.into_iter().map(|op| (alu_name(op), Mnemonic::Alu(op)));
    let branches = Condition::ALL
        .into_iter()
        .map(|cond| (condition_name(cond), Mnemonic::Branch(cond, false)));
    let opposites = Condition::ALL
        .into_iter()
        .filter_map(|cond| Some((opposite(cond)?, Mnemonic::Branch(cond, true))));
    loads.chain(alu).chain(branches).chain(opposites).chain(OTHERS)
}

/// Reads the tokens of one line.
pub(super) struct Parser<'a> {
    line: usize,
    /// Ends with a token of kind [`TokenKind::End`], which is never passed.
    tokens: Vec<Token<'a>>,
    next: usize,
}

impl<'a> Parser<'a> {
    fn instruction(&mut self) -> Result<Item<'a>> {
        let name = self.peek();
        let Some((_, mnemonic)) = mnemonics().find(|(known, _)| *known == name.text) else {
            let known = suggest::nearest(name.text, mnemonics().map(|(known, _)| known));
            let kind = AsmErrorKind::unexpected(name.text, "an instruction", known);
            return Err(self.error_at(name, kind));
        };
        self.advance();
        Ok(Item::Insn(match mnemonic {
            Mnemonic::Load(size) => self.load(size)?,
            Mnemonic::LoadImm(to) => {
                self.eat("#");
                Insn::Load { to, value: Value::Imm(self.number()?) }
            }
            Mnemonic::LoadX => self.load_x()?,
            Mnemonic::LoadXByte => self.header_len()?,
            Mnemonic::Store(from) => {
                self.expect("M")?;
                Insn::Store { from, cell: self.cell()? }
            }
            Mnemonic::Alu(op) => Insn::Alu { op, source: self.source()? },
            Mnemonic::Neg => Insn::Neg,
            Mnemonic::Goto => return Ok(Item::Goto(self.target()?)),
            Mnemonic::Branch(cond, is_opposite) => return self.branch(cond, is_opposite),
            Mnemonic::Return => {
                self.eat("%");
                if self.eat("a") || self.eat("A") {
                    Insn::Return(Returned::A)
                } else {
                    self.eat("#");
                    Insn::Return(Returned::K(self.number()?))
                }
            }
            Mnemonic::Tax => Insn::Tax,
            Mnemonic::Txa => Insn::Txa,
        }))
    }

    /// What is compared, and where it leads: both ways, or only where the mnemonic says.
    fn branch(&mut self, cond: Condition, is_opposite: bool) -> Result<Item<'a>> {
        let source = self.source()?;
        self.expect(",")?;
        let first = Some(self.target()?);
        if is_opposite {
            return Ok(Item::Branch { cond, source, yes: None, no: first });
        }
        let no = if self.eat(",") { Some(self.target()?) } else { None };
        Ok(Item::Branch { cond, source, yes: first, no })
    }

    /// `x` or a number.
    fn source(&mut self) -> Result<Source> {
        self.eat("%");
        if self.eat("x") || self.eat("X") {
            return Ok(Source::X);
        }
        if !self.eat("#") && self.peek().kind != TokenKind::Number && self.peek().text != "-" {
            return Err(self.unexpected("`x` or a number after `#`"));
        }
        Ok(Source::K(self.number()?))
    }

    fn target(&mut self) -> Result<Target<'a>> {
        let first = self.peek();
        match first.kind {
            TokenKind::Word => Ok(Target::Label(self.advance())),
            TokenKind::Sign if first.text == "+" => {
                self.advance();
                Ok(Target::Skip(first, self.number()?))
            }
            TokenKind::Sign | TokenKind::Number | TokenKind::End => Err(self.unexpected("a label")),
        }
    }

    /// A number of 32 bits, of whatever sign.
    pub(super) fn number(&mut self) -> Result<u32> {
        let is_negative = self.eat("-");
        let token = self.peek();
        if let Some((_, value)) = OFFSETS.iter().find(|(name, _)| *name == token.text) {
            self.advance();
            return Ok(if self.eat("+") { value.wrapping_add(self.number()?) } else { *value });
        }
        if token.kind != TokenKind::Number {
            return Err(self.unexpected("a number"));
        }
        let sign = if is_negative { "-" } else { "" };
        let found = format!("{sign}{}", token.text);
        let Some(number) = magnitude(token.text) else {
            return Err(self.unexpected("a number, decimal, 0x, 0b or octal"));
        };
        let signed = if is_negative { -number } else { number };
        let (min, max) = (i128::from(i32::MIN), i128::from(u32::MAX));
        let bits = u32::try_from(signed)
            .ok()
            .or_else(|| i32::try_from(signed).ok().map(i32::cast_unsigned));
        let Some(bits) = bits else {
            let kind = AsmErrorKind::OutOfRange { found, min, max, hint: "" };
            return Err(self.error_at(token, kind));
        };
        self.advance();
        Ok(bits)
    }

    pub(super) fn at_end(&self) -> bool {
        self.peek().kind == TokenKind::End
    }

    pub(super) fn peek(&self) -> Token<'a> {
        self.tokens[self.next]
    }

    pub(super) fn peek_after(&self) -> Token<'a> {
        self.tokens[(self.next + 1).min(self.tokens.len() - 1)]
    }

    pub(super) fn advance(&mut self) -> Token<'a> {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.next += 1;
        }
        token
    }

    /// Passes the next token if it is this one.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.peek().text == text;
        if found {
            self.advance();
        }
        found
    }

    /// Passes the next token, which must be this one.
    pub(super) fn expect(&mut self, text: &str) -> Result<()> {
        if self.eat(text) { Ok(()) } else { Err(self.unexpected(format!("`{text}`"))) }
    }

    pub(super) fn unexpected(&self, expected: impl Into<String>) -> AsmError {
        self.error_at(self.peek(), AsmErrorKind::unexpected(self.peek().text, expected, None))
    }

    pub(super) fn error_at(&self, token: Token<'_>, kind: AsmErrorKind) -> AsmError {
        AsmError { line: self.line, column: token.column, kind }
    }
}

/// The value of a number as C writes it. Numbers of more than 32 digits are none.
fn magnitude(text: &str) -> Option<i128> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (text.get(2..)?, 16),
        [b'0', b'b' | b'B', ..] => (text.get(2..)?, 2),
        [b'0', _, ..] => (text.get(1..)?, 8),
        _ => (text, 10),
    };
    let digits = digits.trim_start_matches('0');
    match digits {
        "" => text.ends_with('0').then_some(0),
        _ if digits.len() > 32 => None,
        _ => i128::from_str_radix(digits, radix).ok(),
    }
}
