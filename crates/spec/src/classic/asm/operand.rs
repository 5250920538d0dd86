//! The operands of loads: places in the packet, memory, facts about the packet.

use super::Result;
use super::parser::Parser;
use crate::asm::token::TokenKind;
use crate::asm::{AsmErrorKind, suggest};
use crate::classic::ancillary::{AD_OFF, Ancillary, LL_OFF, NET_OFF};
use crate::classic::insn::{Cell, Insn, Place, Register, Size, Value};

/// Where offsets begin that do not count from the packet's first byte.
pub(super) const OFFSETS: [(&str, u32); 3] =
    [("SKF_AD_OFF", AD_OFF), ("SKF_NET_OFF", NET_OFF), ("SKF_LL_OFF", LL_OFF)];

/// The names of the packet's length: `bpf_asm`'s and tcpdump's.
const LENGTH: [&str; 2] = ["len", "pktlen"];

impl Parser<'_> {
    /// What follows `ld`, `ldh` and `ldb`.
    pub(super) fn load(&mut self, size: Size) -> Result<Insn> {
        if self.eat("[") {
            let place = self.place()?;
            self.expect("]")?;
            return Ok(Insn::LoadPacket { size, place });
        }
        if size == Size::W
            && let Some(value) = self.value()?
        {
            return Ok(Insn::Load { to: Register::A, value });
        }
        self.eat("#");
        Ok(Insn::LoadPacket { size, place: Place::Ancillary(self.ancillary()?) })
    }

    /// What follows `ldx`.
    pub(super) fn load_x(&mut self) -> Result<Insn> {
        if let Some(value) = self.value()? {
            return Ok(Insn::Load { to: Register::X, value });
        }
        if self.peek().kind == TokenKind::Number {
            return self.header_len();
        }
        Err(self.unexpected("`M[…]`, a number after `#`, `#len` or `4*([…]&0xf)`"))
    }

    /// `4*([k]&0xf)`.
    pub(super) fn header_len(&mut self) -> Result<Insn> {
        for sign in ["4", "*", "(", "["] {
            self.expect(sign)?;
        }
        let k = self.number()?;
        self.expect("]")?;
        self.expect("&")?;
        if !self.eat("0xf") && !self.eat("0xF") && !self.eat("15") {
            return Err(self.unexpected("`0xf`"));
        }
        self.expect(")")?;
        Ok(Insn::LoadHeaderLen { k })
    }

    /// `[3]`, the number of a word of memory.
    pub(super) fn cell(&mut self) -> Result<Cell> {
        self.expect("[")?;
        let token = self.peek();
        let number = self.number()?;
        let Some(cell) = Cell::new(number) else {
            let (found, max) = (number.to_string(), i128::from(Cell::COUNT - 1));
            return Err(
                self.error_at(token, AsmErrorKind::OutOfRange { found, min: 0, max, hint: "" })
            );
        };
        self.expect("]")?;
        Ok(cell)
    }

    /// Memory, a number or the packet's length, if one of these is next.
    fn value(&mut self) -> Result<Option<Value>> {
        if self.eat("M") {
            return Ok(Some(Value::Mem(self.cell()?)));
        }
        let is_marked = self.peek().text == "#";
        let operand = if is_marked { self.peek_after() } else { self.peek() };
        if LENGTH.contains(&operand.text) {
            self.eat("#");
            self.advance();
            return Ok(Some(Value::Len));
        }
        if is_marked && operand.kind == TokenKind::Word && !is_offset(operand.text) {
            return Ok(None);
        }
        if is_marked {
            self.advance();
            return Ok(Some(Value::Imm(self.number()?)));
        }
        Ok(None)
    }

    /// What stands in brackets: an offset, one from `X` on, or what tcpdump writes there.
    fn place(&mut self) -> Result<Place> {
        self.eat("%");
        if self.eat("x") || self.eat("X") {
            if self.eat("+") {
                return Ok(Place::Ind(self.number()?));
            }
            // The minus sign belongs to the number.
            let k = if self.peek().text == "-" { self.number()? } else { 0 };
            return Ok(Place::Ind(k));
        }
        if self.peek().kind == TokenKind::Word && !is_offset(self.peek().text) {
            return Ok(Place::Ancillary(self.ancillary()?));
        }
        let k = self.number()?;
        Ok(Ancillary::from_offset(k).map_or(Place::Abs(k), Place::Ancillary))
    }

    fn ancillary(&mut self) -> Result<Ancillary> {
        let token = self.peek();
        let Some(field) = Ancillary::from_word(token.text) else {
            let names = Ancillary::ALL.iter().map(|field| field.name());
            let near = match token.kind {
                TokenKind::Word => suggest::nearest(token.text, names),
                TokenKind::Number | TokenKind::Sign | TokenKind::End => None,
            };
            let expected = "`[…]`, `M[…]`, a number after `#`, `#len` or an ancillary load";
            return Err(self.error_at(token, AsmErrorKind::unexpected(token.text, expected, near)));
        };
        self.advance();
        Ok(field)
    }
}

fn is_offset(word: &str) -> bool {
    OFFSETS.iter().any(|(name, _)| *name == word)
}
