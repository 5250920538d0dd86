//! The formats of `bpf_trace_printk`, `bpf_snprintf` and their like: cut into literal text and
//! directives, with the rules on what programs may write (`bpf_bprintf_prepare`).
//!
//! A directive is `%`, flags (`0`, `+`, `-`, space), a width, and a conversion. No precision, no
//! `*`, no `#`, no `h`, `o`, `n` or floating point; of the kernel's many `%p` extensions, those of
//! [`Conversion`].

mod ctype;

pub use self::ctype::is_space;
use self::ctype::{is_alnum, is_punct, is_text};

/// A format that the kernel does not take (`EINVAL`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadFormat;

/// Whether a format, without its terminating zero, asks for no more than `arguments`.
#[must_use]
pub fn is_valid(format: &[u8], arguments: u64) -> bool {
    let mut asked = 0;
    Pieces::new(format).all(|piece| match piece {
        Ok(Piece::Text(_)) => true,
        Ok(Piece::Directive(_)) => {
            asked += 1;
            asked <= arguments
        }
        Err(BadFormat) => false,
    })
}

/// The widest field; wider ones are cut to this (`FIELD_WIDTH_MAX`).
const WIDTH_MAX: i32 = (1 << 23) - 1;

/// A part of a format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece<'f> {
    /// Bytes to be copied.
    Text(&'f [u8]),
    /// What prints an argument.
    Directive(Directive),
}

/// What prints an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Directive {
    /// The flags.
    pub flags: Flags,
    /// As the kernel holds it: −1 stands for none.
    pub width: i32,
    /// How the argument is printed.
    pub conversion: Conversion,
}

/// The flags between `%` and the width.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// `-`
    pub left: bool,
    /// `+`
    pub plus: bool,
    /// space
    pub space: bool,
    /// `0`
    pub zero: bool,
}

/// How an argument is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conversion {
    /// `d i u x X`, with `l` or `ll` for 64 bits.
    Number {
        /// 64 bits.
        wide: bool,
        /// Its form.
        style: Style,
    },
    /// `c`
    Char,
    /// `s`: a string in memory of the run, which here is what a kernel address is.
    Text,
    /// `pks`: the same, without regard to the width.
    KernelText,
    /// `pus`: a string at a user-space address.
    UserText,
    /// `p`, `pK`: a number that stands for the address without betraying it.
    HashedPointer,
    /// `px`: the address.
    Pointer,
    /// `ps`, `pS`: the symbol at an address.
    Symbol,
    /// `pB`: the symbol of a return address, printed before the rest.
    Backtrace,
    /// `pI4 pi4 pI6 pi6`: the address in memory.
    Address(AddressStyle),
}

/// How a number is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// `d i`
    Signed,
    /// `u`
    Unsigned,
    /// `x`
    LowerHex,
    /// `X`
    UpperHex,
}

/// How an Internet address is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressStyle {
    /// `I4`: 10.0.0.1
    V4,
    /// `i4`: 010.000.000.001
    V4Padded,
    /// `I6`: 0001:0203:…
    V6,
    /// `i6`: 00010203…
    V6Plain,
}

impl AddressStyle {
    /// The number of bytes in memory.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no address is empty")]
    pub const fn len(self) -> usize {
        match self {
            AddressStyle::V4 | AddressStyle::V4Padded => 4,
            AddressStyle::V6 | AddressStyle::V6Plain => 16,
        }
    }
}

/// Cuts a format, without its terminating zero, into pieces, up to what is wrong with it.
#[derive(Clone, Debug)]
pub struct Pieces<'f> {
    rest: &'f [u8],
}

impl<'f> Pieces<'f> {
    /// The pieces of a format.
    #[must_use]
    pub fn new(format: &'f [u8]) -> Pieces<'f> {
        Pieces { rest: format }
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next_if(&mut self, wanted: impl Fn(u8) -> bool) -> Option<u8> {
        let byte = self.peek().filter(|byte| wanted(*byte))?;
        self.rest = self.rest.get(1..).unwrap_or_default();
        Some(byte)
    }

    /// The stretch of bytes that are `wanted`.
    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'f [u8] {
        let len = self.rest.iter().position(|byte| !wanted(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn text(&mut self) -> Result<Piece<'f>, BadFormat> {
        let text = self.take_while(|byte| byte != b'%');
        if text.iter().all(|byte| is_text(*byte)) { Ok(Piece::Text(text)) } else { Err(BadFormat) }
    }

    fn directive(&mut self) -> Result<Piece<'f>, BadFormat> {
        let flags = self.flags();
        let width = self.width();
        let conversion = self.conversion()?;
        Ok(Piece::Directive(Directive { flags, width, conversion }))
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        for flag in self.take_while(|byte| matches!(byte, b'0' | b'+' | b'-' | b' ')) {
            match flag {
                b'-' => flags.left = true,
                b'+' => flags.plus = true,
                b' ' => flags.space = true,
                _ => flags.zero = true,
            }
        }
        flags
    }

    /// The kernel computes widths in a C `int` that wraps, then bounds them.
    fn width(&mut self) -> i32 {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() {
            return -1;
        }
        let width = digits.iter().fold(0i32, |width, digit| {
            width.wrapping_mul(10).wrapping_add(i32::from(digit - b'0'))
        });
        width.clamp(-WIDTH_MAX, WIDTH_MAX)
    }

    fn conversion(&mut self) -> Result<Conversion, BadFormat> {
        if self.next_if(|byte| byte == b'p').is_some() {
            return self.pointer();
        }
        if self.next_if(|byte| byte == b's').is_some() {
            self.end_of_text()?;
            return Ok(Conversion::Text);
        }
        if self.next_if(|byte| byte == b'c').is_some() {
            return Ok(Conversion::Char);
        }
        let mut wide = false;
        for _ in 0..2 {
            wide |= self.next_if(|byte| byte == b'l').is_some();
        }
        let style = match self.next_if(|_| true) {
            Some(b'd' | b'i') => Style::Signed,
            Some(b'u') => Style::Unsigned,
            Some(b'x') => Style::LowerHex,
            Some(b'X') => Style::UpperHex,
            _ => return Err(BadFormat),
        };
        Ok(Conversion::Number { wide, style })
    }

    /// What follows `%p`. Letters and digits behind a pointer directive belong to it and are not
    /// printed, whatever they are.
    fn pointer(&mut self) -> Result<Conversion, BadFormat> {
        let conversion = match self.rest {
            [b'k', b's', ..] => self.text_at(Conversion::KernelText)?,
            [b'u', b's', ..] => self.text_at(Conversion::UserText)?,
            [b'K', ..] => Conversion::HashedPointer,
            [b'x', ..] => Conversion::Pointer,
            [b's' | b'S', ..] => Conversion::Symbol,
            [b'B', ..] => Conversion::Backtrace,
            [b'I', b'4', ..] => Conversion::Address(AddressStyle::V4),
            [b'i', b'4', ..] => Conversion::Address(AddressStyle::V4Padded),
            [b'I', b'6', ..] => Conversion::Address(AddressStyle::V6),
            [b'i', b'6', ..] => Conversion::Address(AddressStyle::V6Plain),
            [] => Conversion::HashedPointer,
            [next, ..] if is_space(*next) || is_punct(*next) => Conversion::HashedPointer,
            _ => return Err(BadFormat),
        };
        self.take_while(is_alnum);
        Ok(conversion)
    }

    /// `ks` and `us`.
    fn text_at(&mut self, conversion: Conversion) -> Result<Conversion, BadFormat> {
        self.rest = self.rest.get(2..).unwrap_or_default();
        self.end_of_text()?;
        Ok(conversion)
    }

    /// Behind a string there must be the end, a space or punctuation.
    fn end_of_text(&self) -> Result<(), BadFormat> {
        match self.peek() {
            Some(next) if !is_space(next) && !is_punct(next) => Err(BadFormat),
            Some(_) | None => Ok(()),
        }
    }
}

impl<'f> Iterator for Pieces<'f> {
    type Item = Result<Piece<'f>, BadFormat>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        if self.next_if(|byte| byte == b'%').is_none() {
            return Some(self.text());
        }
        if self.next_if(|byte| byte == b'%').is_some() {
            return Some(Ok(Piece::Text(b"%")));
        }
        Some(self.directive())
    }
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[track_caller]
    fn check(format: &[u8], arguments: u64, expected: bool) {
        assert_eq!(
            is_valid(format, arguments),
            expected,
            "{:?}",
            format.escape_ascii().to_string()
        );
    }

    #[test]
    fn formats() {
        check(b"", 0, true);
        check(b"%d%%%llx", 2, true);
        check(b"%d %d", 1, false);
        check(b"%-08u, %+5i", 2, true);
        check(b"%5000000000d", 1, true);
        check(b"%", 1, false);
        check(b"%h", 1, false);
        check(b"%lld%lx", 2, true);
        check(b"%llld", 1, false);
        check(b"%s.", 1, true);
        check(b"%sx", 1, false);
        check(b"%p %pB%pKx%ps", 4, true);
        check(b"%pks;%pus", 2, true);
        check(b"%pksa", 1, false);
        check(b"%pI4%pi6", 2, true);
        check(b"%pI5", 1, false);
        check(b"%c%c", 2, true);
        check(b"\x01", 0, false);
        check("\u{e4}".as_bytes(), 0, true);
        check(b"%\xe4", 1, false);
        check(b"%s\xa0%s\xe4", 2, false);
    }
}
