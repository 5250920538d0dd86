//! Numbers in text: `bpf_strtol`, `bpf_strtoul`.

use skep_command::Errno;
use skep_spec::abi::format::is_space;

use super::{Outcome, fail};
use crate::fault::Fault;
use crate::run::Run;

/// How many characters Linux looks at, sign and leading space apart.
const DIGITS_MAX: usize = 63;

/// `bpf_strtol(buf, buf_len, flags, *res)`: a signed number.
///
/// Returns how many bytes were read, white space and sign included, and stores the number; the rest
/// of the buffer does not matter. On errors 0 is stored: `-EINVAL` for a base other than 0, 8, 10
/// and 16, for other flags, and if there is no digit; `-ERANGE` if the number does not fit.
pub(super) fn strtol(run: &mut Run<'_>, args: [u64; 5]) -> Outcome {
    convert(run, args, |parsed| {
        let value = if parsed.negative {
            i64::try_from(-i128::from(parsed.magnitude))
        } else {
            i64::try_from(parsed.magnitude)
        };
        value.map(i64::cast_unsigned).map_err(|_| Errno::ERANGE)
    })
}

/// `bpf_strtoul(buf, buf_len, flags, *res)`: an unsigned number.
///
/// As [`strtol`]; a minus sign before digits is `-EINVAL`.
pub(super) fn strtoul(run: &mut Run<'_>, args: [u64; 5]) -> Outcome {
    convert(
        run,
        args,
        |parsed| if parsed.negative { Err(Errno::EINVAL) } else { Ok(parsed.magnitude) },
    )
}

fn convert(
    run: &mut Run<'_>,
    [buf, buf_len, flags, res, _]: [u64; 5],
    value: fn(&Parsed) -> Result<u64, Errno>,
) -> Outcome {
    let text = read(run, buf, buf_len)?;
    let stored = run.writable(res, 8)?;
    let converted = parse(&text, flags).and_then(|parsed| Ok((value(&parsed)?, parsed.consumed)));
    match converted {
        Ok((value, consumed)) => {
            stored.copy_from(&value.to_ne_bytes());
            Ok(consumed as u64)
        }
        Err(errno) => {
            stored.fill(0);
            fail(errno)
        }
    }
}

/// As much of the text as can matter.
fn read(run: &Run<'_>, buf: u64, len: u64) -> Result<Vec<u8>, Fault> {
    let len = usize::try_from(len).map_err(|_| Fault::helper(format!("a text of {len} bytes")))?;
    Ok(run.readable(buf, len)?.to_vec())
}

/// A number as it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Parsed {
    magnitude: u64,
    negative: bool,
    consumed: usize,
}

/// Reads white space, a minus sign, a base prefix and digits.
fn parse(text: &[u8], flags: u64) -> Result<Parsed, Errno> {
    let base = match flags {
        0 => None,
        8 => Some(8),
        10 => Some(10),
        16 => Some(16),
        _ => return Err(Errno::EINVAL),
    };
    let space = text.iter().take_while(|byte| is_space(**byte)).count();
    let negative = text.get(space) == Some(&b'-');
    let skipped = space + usize::from(negative);
    let rest = text.get(skipped..).unwrap_or_default();
    let rest = rest.get(..rest.len().min(DIGITS_MAX)).unwrap_or_default();
    let (base, prefix) = radix(rest, base);
    let digits = rest.get(prefix..).unwrap_or_default();
    let digits: Vec<u64> = digits.iter().map_while(|byte| digit(*byte, base)).collect();
    if digits.is_empty() {
        return Err(Errno::EINVAL);
    }
    let magnitude = digits
        .iter()
        .try_fold(0u64, |value, digit| value.checked_mul(base)?.checked_add(*digit))
        .ok_or(Errno::ERANGE)?;
    Ok(Parsed { magnitude, negative, consumed: skipped + prefix + digits.len() })
}

/// The base, and how long the prefix is that names it. Without a base, `0x` before a hexadecimal
/// digit means 16 and any other leading zero 8; with base 16, `0x` is skipped even if no digit
/// follows.
fn radix(text: &[u8], base: Option<u64>) -> (u64, usize) {
    let hex = matches!(text, [b'0', b'x' | b'X', ..]);
    let base = base.unwrap_or(match text {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => 16,
        [b'0', ..] => 8,
        _ => 10,
    });
    (base, if base == 16 && hex { 2 } else { 0 })
}

fn digit(byte: u8, base: u64) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from).filter(|digit| *digit < base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, flags: u64, expected: Result<(u64, bool, usize), Errno>) {
        let found = parse(text.as_bytes(), flags);
        let found = found.map(|parsed| (parsed.magnitude, parsed.negative, parsed.consumed));
        assert_eq!(found, expected, "{text:?} with flags {flags}");
    }

    #[test]
    fn digits_and_what_stands_before_them() {
        check("42", 0, Ok((42, false, 2)));
        check("42xyz", 0, Ok((42, false, 2)));
        check(" \t\n\u{b}\u{c}\r42", 0, Ok((42, false, 8)));
        check("-42", 0, Ok((42, true, 3)));
        check("+42", 0, Err(Errno::EINVAL));
        check("--42", 0, Err(Errno::EINVAL));
        check("- 42", 0, Err(Errno::EINVAL));
        check("", 0, Err(Errno::EINVAL));
        check("  ", 0, Err(Errno::EINVAL));
        check("-", 0, Err(Errno::EINVAL));
        check("x", 0, Err(Errno::EINVAL));
    }

    #[test]
    fn bases_and_their_prefixes() {
        check("0x1fz", 0, Ok((0x1f, false, 4)));
        check("0X1F", 16, Ok((0x1f, false, 4)));
        check("1f", 16, Ok((0x1f, false, 2)));
        check("017", 0, Ok((0o17, false, 3)));
        check("019", 0, Ok((1, false, 2)));
        check("0xg", 0, Ok((0, false, 1)));
        check("0xg", 16, Err(Errno::EINVAL));
        check("0x12", 10, Ok((0, false, 1)));
        check("0x12", 8, Ok((0, false, 1)));
        check("12", 2, Err(Errno::EINVAL));
        check("12", 10 | 0x20, Err(Errno::EINVAL));
        check("12", 1 << 40, Err(Errno::EINVAL));
    }

    #[test]
    fn numbers_that_do_not_fit() {
        check("18446744073709551615", 0, Ok((u64::MAX, false, 20)));
        check("18446744073709551616", 0, Err(Errno::ERANGE));
        check("99999999999999999999999999", 0, Err(Errno::ERANGE));
        check("-18446744073709551616", 0, Err(Errno::ERANGE));
    }

    #[test]
    fn no_more_than_63_characters_are_read() {
        let zeros = "0".repeat(70) + "5";
        check(&zeros, 10, Ok((0, false, 63)));
        check(&format!("-{zeros}"), 10, Ok((0, true, 64)));
    }
}
