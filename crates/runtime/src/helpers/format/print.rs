//! Text from pieces and arguments.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use skep_spec::abi::format::{Conversion, Directive, Piece, Style};

use super::Printed;
use super::arguments::{Area, Cursor, symbol};

/// The digits of a pointer, when no width is asked for.
const POINTER_WIDTH: i32 = 16;

/// Prints into a buffer of `capacity` bytes of which the last is for the zero.
pub(super) fn print(pieces: &[Piece<'_>], area: &Area, capacity: usize) -> Printed {
    let mut args = area.cursor();
    let mut output = Output { text: Vec::new(), capacity, len: 0 };
    for piece in pieces {
        match piece {
            Piece::Text(text) => output.text(text),
            Piece::Directive(directive) => output.directive(*directive, &mut args),
        }
    }
    let mut text = output.text;
    text.truncate(capacity.saturating_sub(1));
    Printed { text, len: output.len }
}

/// Text that counts on when its room is used up.
struct Output {
    text: Vec<u8>,
    capacity: usize,
    len: u64,
}

impl Output {
    fn room(&self) -> usize {
        self.capacity - self.text.len()
    }

    fn text(&mut self, text: &[u8]) {
        let fits = text.len().min(self.room());
        self.text.extend_from_slice(text.get(..fits).unwrap_or_default());
        self.len += text.len() as u64;
    }

    /// Adds `count` times `byte`; nothing if `count` is negative.
    fn fill(&mut self, byte: u8, count: i32) {
        let count = usize::try_from(count).unwrap_or(0);
        let fits = count.min(self.room());
        self.text.resize(self.text.len() + fits, byte);
        self.len += count as u64;
    }

    fn directive(&mut self, directive: Directive, args: &mut Cursor<'_>) {
        match directive.conversion {
            Conversion::Number { wide, style } => self.number(directive, style, wide, args),
            Conversion::Char => self.padded(directive, &[args.byte()]),
            Conversion::Text => self.padded(directive, args.text()),
            Conversion::HashedPointer => self.pointer(directive, hashed(args.u64())),
            Conversion::Pointer => self.pointer(directive, args.u64()),
            Conversion::Symbol => self.padded(directive, symbol(args.u64()).as_bytes()),
            // Width and flags do not matter to what was printed beforehand, and with no room left
            // the argument is neither counted nor skipped.
            Conversion::KernelText
            | Conversion::UserText
            | Conversion::Backtrace
            | Conversion::Address(_) => {
                if self.room() > 0 {
                    self.text(args.text());
                }
            }
        }
    }

    fn padded(&mut self, directive: Directive, text: &[u8]) {
        let padding = directive.width.saturating_sub(i32::try_from(text.len()).unwrap_or(i32::MAX));
        if !directive.flags.left {
            self.fill(b' ', padding);
        }
        self.text(text);
        if directive.flags.left {
            self.fill(b' ', padding);
        }
    }

    fn number(&mut self, directive: Directive, style: Style, wide: bool, args: &mut Cursor<'_>) {
        let (bits, signed) = if wide {
            let bits = args.u64();
            (bits, bits.cast_signed())
        } else {
            let bits = args.u32();
            (u64::from(bits), i64::from(bits.cast_signed()))
        };
        let (sign, digits) = match style {
            Style::Signed => (sign(directive, signed < 0), signed.unsigned_abs().to_string()),
            Style::Unsigned => (None, bits.to_string()),
            Style::LowerHex => (None, format!("{bits:x}")),
            Style::UpperHex => (None, format!("{bits:X}")),
        };
        self.digits(directive, sign, &digits);
    }

    fn pointer(&mut self, directive: Directive, value: u64) {
        let mut directive = directive;
        if directive.width == -1 {
            directive.width = POINTER_WIDTH;
            directive.flags.zero = true;
        }
        self.digits(directive, None, &format!("{value:x}"));
    }

    fn digits(&mut self, directive: Directive, sign: Option<u8>, digits: &str) {
        let flags = directive.flags;
        let len = digits.len() + usize::from(sign.is_some());
        let padding = directive.width.saturating_sub(i32::try_from(len).unwrap_or(i32::MAX));
        if !flags.left && !flags.zero {
            self.fill(b' ', padding);
        }
        if let Some(sign) = sign {
            self.text(&[sign]);
        }
        if !flags.left && flags.zero {
            self.fill(b'0', padding);
        }
        self.text(digits.as_bytes());
        if flags.left {
            self.fill(b' ', padding);
        }
    }
}

/// The character before a signed number.
fn sign(directive: Directive, negative: bool) -> Option<u8> {
    match (negative, directive.flags.plus, directive.flags.space) {
        (true, _, _) => Some(b'-'),
        (false, true, _) => Some(b'+'),
        (false, false, true) => Some(b' '),
        (false, false, false) => None,
    }
}

/// A 32-bit number that is the same for the same address for the life of the process, so that
/// output can be compared but tells nobody where memory lies. Null and error numbers, which are not
/// addresses, are shown as they are.
fn hashed(addr: u64) -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    const ERRNO_MAX: u64 = 4095;
    if addr == 0 || addr >= ERRNO_MAX.wrapping_neg() {
        return addr;
    }
    KEY.get_or_init(RandomState::new).hash_one(addr) & 0xffff_ffff
}
