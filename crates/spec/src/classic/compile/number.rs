//! What is known of a 64-bit number of which 32 bits are kept.

use crate::insn::Width;

/// What a word of memory says of the 64-bit register that it stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Number {
    /// The upper half is zero; the number is within these bounds.
    Narrow { min: u32, max: u32 },
    /// The upper half repeats the sign of the lower.
    Signed,
    /// The upper half may be anything.
    Wide,
    /// The word is the upper half, and the lower half is zero: what a shift left by 32 leaves.
    High,
}

impl Number {
    /// Any number with an upper half of zero.
    pub(super) const ANY32: Number = Number::Narrow { min: 0, max: u32::MAX };

    /// Zero, or a number of so many bits.
    pub(super) fn bits(bits: u32) -> Number {
        let max = 1u32.checked_shl(bits).map_or(u32::MAX, |limit| limit - 1);
        Number::Narrow { min: 0, max }
    }

    /// Any number in this range, which may go beyond 32 bits.
    pub(super) fn range(min: i128, max: i128) -> Number {
        if let (Ok(min), Ok(max)) = (u32::try_from(min), u32::try_from(max)) {
            Number::Narrow { min, max }
        } else if i32::try_from(min).is_ok() && i32::try_from(max).is_ok() {
            Number::Signed
        } else {
            Number::Wide
        }
    }

    /// A 64-bit number, of which the word has the lower half.
    pub(super) fn constant(value: u64) -> Number {
        match u32::try_from(value) {
            Ok(value) => Number::Narrow { min: value, max: value },
            Err(_) if i32::try_from(value.cast_signed()).is_ok() => Number::Signed,
            Err(_) => Number::Wide,
        }
    }

    /// An immediate as an operand.
    pub(super) fn immediate(width: Width, imm: i32) -> Number {
        match width {
            Width::W32 => Number::constant(imm.cast_unsigned().into()),
            Width::W64 => Number::constant(i64::from(imm).cast_unsigned()),
        }
    }

    /// The lower half, if it is one number.
    pub(super) fn low_constant(self) -> Option<u32> {
        match self {
            Number::Narrow { min, max } if min == max => Some(min),
            Number::Narrow { .. } | Number::Signed | Number::Wide | Number::High => None,
        }
    }

    /// The lower half as a number of its own; `None` where the word is not the lower half.
    pub(super) fn low(self) -> Option<Number> {
        match self {
            Number::Narrow { .. } => Some(self),
            Number::Signed | Number::Wide => Some(Number::ANY32),
            Number::High => None,
        }
    }

    /// The bounds of a number whose upper half is zero.
    pub(super) fn bounds(self) -> Option<(u32, u32)> {
        match self {
            Number::Narrow { min, max } => Some((min, max)),
            Number::Signed | Number::Wide | Number::High => None,
        }
    }

    /// The bounds of a number that 32 bits with a sign tell.
    pub(super) fn signed_bounds(self) -> Option<(i128, i128)> {
        match self {
            Number::Narrow { min, max } => Some((min.into(), max.into())),
            Number::Signed => Some((i32::MIN.into(), i32::MAX.into())),
            Number::Wide | Number::High => None,
        }
    }

    /// Whether sign extension of the word gives the number.
    pub(super) fn is_signed(self) -> bool {
        match self {
            Number::Narrow { min: _, max } => i32::try_from(max).is_ok(),
            Number::Signed => true,
            Number::Wide | Number::High => false,
        }
    }

    /// What is known where either may be there. `None` where the words mean different halves.
    pub(super) fn join(self, other: Number) -> Option<Number> {
        match (self, other) {
            (Number::High, Number::High) => Some(Number::High),
            (Number::High, _) | (_, Number::High) => None,
            (Number::Narrow { min, max }, Number::Narrow { min: min2, max: max2 }) => {
                Some(Number::Narrow { min: min.min(min2), max: max.max(max2) })
            }
            (one, other) if one.is_signed() && other.is_signed() => Some(Number::Signed),
            (_, _) => Some(Number::Wide),
        }
    }
}
