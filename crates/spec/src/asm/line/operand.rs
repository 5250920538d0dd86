//! Registers, numbers, addresses and jump targets.

use super::super::Result;
use super::super::error::{AsmError, AsmErrorKind};
use super::super::token::{Token, TokenKind};
use super::Parser;
use crate::insn::{Operand, Reg, Size, Width};
use crate::syntax;

const I32: (i128, i128) = (i32::MIN as i128, i32::MAX as i128);
const I32_OR_U32: (i128, i128) = (i32::MIN as i128, u32::MAX as i128);
const I64_OR_U64: (i128, i128) = (i64::MIN as i128, u64::MAX as i128);

/// What should stand where there is no register.
pub(super) const REGISTERS: &str = "a register, r0 to r10 or w0 to w10";

/// Whether this is the name of a register, were there more of them.
pub(super) fn is_past_the_registers(name: &str) -> bool {
    let number = name.strip_prefix(['r', 'w']).unwrap_or("");
    !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()) && register(name).is_none()
}

/// The register with this name.
pub(super) fn register(name: &str) -> Option<(Width, Reg)> {
    let width = match name.as_bytes().first()? {
        b'r' => Width::W64,
        b'w' => Width::W32,
        _ => return None,
    };
    let number = name.get(1..).filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()))?;
    let reg = Reg::new(number.parse().ok()?)?;
    // No leading zeros.
    (number.len() == reg.index().to_string().len()).then_some((width, reg))
}

/// What a number must fit into, which is what the instruction looks at.
#[derive(Clone, Copy)]
pub(super) enum Fits {
    /// 32 bits, sign-extended to 64: what a reader takes for 2³² - 1 would be -1.
    SignExtended,
    /// 32 bits, of whatever sign.
    Bits32,
}

impl Fits {
    pub(super) fn width(width: Width) -> Fits {
        match width {
            Width::W32 => Fits::Bits32,
            Width::W64 => Fits::SignExtended,
        }
    }

    pub(super) fn size(size: Size) -> Fits {
        match size {
            Size::B | Size::H | Size::W => Fits::Bits32,
            Size::DW => Fits::SignExtended,
        }
    }
}

impl<'a> Parser<'a> {
    /// A register of either width.
    pub(super) fn any_register(&mut self) -> Result<(Width, Reg)> {
        let token = self.peek();
        match register(token.text) {
            Some(register) => {
                self.advance();
                Ok(register)
            }
            None => Err(self.unexpected(REGISTERS)),
        }
    }

    /// A register of one width.
    pub(super) fn register(&mut self, width: Width) -> Result<Reg> {
        let token = self.peek();
        match register(token.text) {
            Some((found, reg)) if found == width => {
                self.advance();
                Ok(reg)
            }
            Some(_) | None => {
                let letter = syntax::register_letter(width);
                Err(self.unexpected(format!("a register, {letter}0 to {letter}10")))
            }
        }
    }

    pub(super) fn register64(&mut self) -> Result<Reg> {
        self.register(Width::W64)
    }

    /// This very register once more.
    pub(super) fn same_register(&mut self, width: Width, reg: Reg) -> Result<()> {
        let token = self.peek();
        if self.register(width)? == reg {
            return Ok(());
        }
        let letter = syntax::register_letter(width);
        Err(self.unexpected_at(token, format!("`{letter}{}`, the same register", reg.index())))
    }

    /// A register or an immediate.
    pub(super) fn operand(&mut self, width: Width, fits: Fits) -> Result<Operand> {
        match self.peek().kind {
            TokenKind::Word => self.register(width).map(Operand::Reg),
            TokenKind::Number | TokenKind::Sign | TokenKind::End => {
                self.imm32(fits).map(Operand::Imm)
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "checked to fit 32 bits")]
    pub(super) fn imm32(&mut self, fits: Fits) -> Result<i32> {
        let (range, hint) = match fits {
            Fits::SignExtended => (I32, "; as a 64-bit immediate it is written `rN = NUMBER ll`"),
            Fits::Bits32 => (I32_OR_U32, ""),
        };
        Ok(self.number(range, hint)? as i32)
    }

    /// A number that an instruction keeps as it is, such as a descriptor.
    pub(super) fn i32(&mut self) -> Result<i32> {
        let number = self.number(I32, "")?;
        Ok(i32::try_from(number).expect("asm: the range was checked"))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        let number = self.number((0, u32::MAX.into()), "")?;
        Ok(u32::try_from(number).expect("asm: the range was checked"))
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        let number = self.number((0, u16::MAX.into()), "")?;
        Ok(u16::try_from(number).expect("asm: the range was checked"))
    }

    pub(super) fn i16(&mut self) -> Result<i16> {
        let number = self.number((i16::MIN.into(), i16::MAX.into()), "")?;
        Ok(i16::try_from(number).expect("asm: the range was checked"))
    }

    #[expect(clippy::cast_possible_truncation, reason = "checked to fit 64 bits")]
    pub(super) fn u64(&mut self) -> Result<u64> {
        Ok(self.number(I64_OR_U64, "")? as u64)
    }

    /// A number with an optional sign, in a range.
    fn number(&mut self, (min, max): (i128, i128), hint: &'static str) -> Result<i128> {
        let first = self.peek();
        let sign = match first.text {
            "-" | "+" => self.advance().text,
            _ => "",
        };
        let digits = self.peek();
        if digits.kind != TokenKind::Number {
            return Err(self.unexpected("a number"));
        }
        let found = || format!("{sign}{}", digits.text);
        let out_of_range = || {
            let kind = AsmErrorKind::OutOfRange { found: found(), min, max, hint };
            AsmError { line: self.line, column: first.column, kind }
        };
        let magnitude = match magnitude(digits) {
            Magnitude::Value(value) => i128::from(value),
            Magnitude::TooLarge => return Err(out_of_range()),
            Magnitude::NotANumber => return Err(self.unexpected("a number")),
        };
        let value = if sign == "-" { -magnitude } else { magnitude };
        if !(min..=max).contains(&value) {
            return Err(out_of_range());
        }
        self.advance();
        Ok(value)
    }

    /// `u32` or `s16`, and whether it is signed.
    fn memory_type(&mut self) -> Result<(Size, bool)> {
        // There is no sign-extending load of eight bytes.
        let types = || {
            let unsigned = syntax::SIZES.into_iter().map(|size| (size, false));
            unsigned.chain([(Size::B, true), (Size::H, true), (Size::W, true)])
        };
        let token = self.peek();
        match types().find(|&(size, signed)| syntax::size(size, signed) == token.text) {
            Some(found) => {
                self.advance();
                Ok(found)
            }
            None => {
                let known: Vec<_> =
                    types().map(|(size, signed)| syntax::size(size, signed)).collect();
                let expected = "a type, u8 to u64 or s8 to s32";
                Err(self.unexpected_word(token, expected, &known))
            }
        }
    }

    /// `(u32 *)`, and whether it is signed.
    pub(super) fn cast(&mut self) -> Result<(Size, bool)> {
        self.expect("(")?;
        let found = self.memory_type()?;
        self.expect_all(["*", ")"])?;
        Ok(found)
    }

    /// `(r1 +8)`.
    pub(super) fn base_and_offset(&mut self) -> Result<(Reg, i16)> {
        self.expect("(")?;
        let base = self.register64()?;
        let off = match self.peek().text {
            "+" | "-" => self.i16()?,
            _ => 0,
        };
        if !self.eat(")") {
            return Err(self.unexpected("`)` or an offset such as `+8`"));
        }
        Ok((base, off))
    }

    /// `(u32 *)(r1 +8)` with an unsigned type.
    pub(super) fn address(&mut self) -> Result<(Size, Reg, i16)> {
        let token = self.peek_after();
        match self.cast()? {
            (size, false) => {
                let (base, off) = self.base_and_offset()?;
                Ok((size, base, off))
            }
            (_, true) => Err(self.unexpected_at(token, "an unsigned type, u8 to u64")),
        }
    }

    /// `pc+5`, `+5`, or a label, for which the distance is 0 until it is known.
    pub(super) fn target16(&mut self) -> Result<i16> {
        if self.names_a_place() { Ok(0) } else { self.i16() }
    }

    /// As [`Parser::target16`], of 32 bits.
    pub(super) fn target32(&mut self) -> Result<i32> {
        if self.names_a_place() { Ok(0) } else { self.i32() }
    }

    /// Passes a label and remembers it, or passes what stands before a distance.
    fn names_a_place(&mut self) -> bool {
        let token = self.peek();
        match token.kind {
            TokenKind::Word if token.text == "pc" => {
                self.advance();
                false
            }
            TokenKind::Word => {
                self.reference = Some(self.advance());
                true
            }
            TokenKind::Number | TokenKind::Sign | TokenKind::End => false,
        }
    }
}

enum Magnitude {
    Value(u64),
    TooLarge,
    NotANumber,
}

fn magnitude(token: Token<'_>) -> Magnitude {
    let (digits, radix) = match token.text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (token.text, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Magnitude::NotANumber;
    }
    u64::from_str_radix(digits, radix).map_or(Magnitude::TooLarge, Magnitude::Value)
}
