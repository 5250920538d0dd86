//! The text of the kernel's log (kernel/bpf/log.c in Linux 6.18).
//!
//! A known number is printed as such; of others, only the views that say something are, and views
//! that say the same are put together: `scalar(smin=0,smax=umax=255,var_off=(0x0; 0xff))`.

use std::fmt;

use super::scalar::Scalar;
use super::tnum::Tnum;

/// A number to be read as signed: decimal if short, else hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct Signed(pub i64);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if i16::try_from(self.0).is_ok() {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:#x}", self.0)
        }
    }
}

/// A number to be read as unsigned: decimal if short, else hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned(pub u64);

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if u16::try_from(self.0).is_ok() {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:#x}", self.0)
        }
    }
}

/// `(value; mask)`, or the number if it is known.
impl fmt::Display for Tnum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_constant() {
            Unsigned(self.value).fmt(f)
        } else {
            write!(f, "({:#x}; {:#x})", self.value, self.mask)
        }
    }
}

/// As the log shows a register that holds a number and has no other attributes.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_constant() {
            Some(number) => Signed(number.cast_signed()).fmt(f),
            None => write!(f, "scalar({})", Attributes(*self)),
        }
    }
}

/// What is known of a number that is not known entirely, as a list with commas; nothing, where
/// nothing is known.
#[derive(Clone, Copy, Debug)]
pub struct Attributes(pub Scalar);

impl Attributes {
    /// Whether the list is empty.
    pub fn is_empty(self) -> bool {
        self.0.is_unknown()
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut bounds = bounds(self.0);
        for first in 0..bounds.len() {
            let Some(bound) = bounds[first].take() else { continue };
            write!(f, "{separator}{}=", bound.name)?;
            separator = ",";
            // The same end (every other one) of the other ranges, if it is the same number.
            for other in bounds.iter_mut().skip(first + 2).step_by(2) {
                if let Some(same) = other.take_if(|other| other.matches(&bound)) {
                    write!(f, "{}=", same.name)?;
                }
            }
            if bound.signed {
                write!(f, "{}", Signed(bound.number.cast_signed()))?;
            } else {
                write!(f, "{}", Unsigned(bound.number))?;
            }
        }
        if self.0.tnum.is_unknown() {
            Ok(())
        } else {
            write!(f, "{separator}var_off={}", self.0.tnum)
        }
    }
}

/// An end of a range.
struct Bound {
    name: &'static str,
    number: u64,
    signed: bool,
}

impl Bound {
    /// Whether both are the same number. A negative one is no large positive one.
    fn matches(&self, other: &Bound) -> bool {
        let negative = |bound: &Bound| bound.signed && bound.number.cast_signed() < 0;
        self.number == other.number && negative(self) == negative(other)
    }
}

/// The ends that say something, smallest and largest by turns.
fn bounds(scalar: Scalar) -> [Option<Bound>; 8] {
    let signed = |name, number: i64, says_nothing: i64| {
        let number = number.cast_unsigned();
        (number != says_nothing.cast_unsigned()).then_some(Bound { name, number, signed: true })
    };
    let unsigned = |name, number: u64, says_nothing: u64| {
        (number != says_nothing).then_some(Bound { name, number, signed: false })
    };
    let low_signed = |name, number: i32, says_nothing: i32| {
        // Long numbers are printed in hexadecimal, and without the sign extension.
        let bits = match i16::try_from(number) {
            Ok(short) => i64::from(short),
            Err(_) => i64::from(number.cast_unsigned()),
        };
        (number != says_nothing).then_some(Bound {
            name,
            number: bits.cast_unsigned(),
            signed: true,
        })
    };
    [
        signed("smin", scalar.s64.min, i64::MIN),
        signed("smax", scalar.s64.max, i64::MAX),
        unsigned("umin", scalar.u64.min, 0),
        unsigned("umax", scalar.u64.max, u64::MAX),
        low_signed("smin32", scalar.s32.min, i32::MIN),
        low_signed("smax32", scalar.s32.max, i32::MAX),
        unsigned("umin32", scalar.u32.min.into(), 0),
        unsigned("umax32", scalar.u32.max.into(), u32::MAX.into()),
    ]
}
