//! A number as the verifier knows it: known bits and four ranges at once.

use super::range::Range;
use super::tnum::Tnum;

/// What is known of a 64-bit number. It stands for the numbers that all five views admit.
///
/// The fields may be set freely; [`Scalar::sync`] then brings the views into step. Operations on
/// scalars leave them in step, and expect to find them so.
///
/// ```
/// use skep_verifier::domain::Scalar;
///
/// let mut length = Scalar::UNKNOWN;
/// length.u64.max = 100;
/// let length = length.sync();
/// assert_eq!((length.s64.min, length.s64.max), (0, 100));
/// assert_eq!(length.tnum.mask, 0x7f);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Scalar {
    /// The known bits.
    pub tnum: Tnum,
    /// The register, read as unsigned.
    pub u64: Range<u64>,
    /// The register, read as signed.
    pub s64: Range<i64>,
    /// The lower half, read as unsigned.
    pub u32: Range<u32>,
    /// The lower half, read as signed.
    pub s32: Range<i32>,
}

impl Scalar {
    /// Any number.
    pub const UNKNOWN: Scalar = Scalar {
        tnum: Tnum::UNKNOWN,
        u64: Range { min: u64::MIN, max: u64::MAX },
        s64: Range { min: i64::MIN, max: i64::MAX },
        u32: Range { min: u32::MIN, max: u32::MAX },
        s32: Range { min: i32::MIN, max: i32::MAX },
    };

    /// Zero.
    pub const ZERO: Scalar = Scalar::constant(0);

    /// One number.
    #[inline]
    pub const fn constant(number: u64) -> Scalar {
        let low = low32(number);
        Scalar {
            tnum: Tnum::constant(number),
            u64: Range::exactly(number),
            s64: Range::exactly(number.cast_signed()),
            u32: Range::exactly(low),
            s32: Range::exactly(low.cast_signed()),
        }
    }

    /// Any number that these bits admit.
    #[inline]
    pub fn from_tnum(tnum: Tnum) -> Scalar {
        Scalar { tnum, ..Scalar::UNKNOWN }.sync()
    }

    /// Any number from `min` to `max`, unsigned.
    #[inline]
    pub fn from_unsigned(min: u64, max: u64) -> Scalar {
        Scalar { u64: Range { min, max }, ..Scalar::UNKNOWN }.sync()
    }

    /// The number, if it is known.
    #[inline]
    pub const fn as_constant(self) -> Option<u64> {
        if self.tnum.is_constant() { Some(self.tnum.value) } else { None }
    }

    /// The lower half, if it is known.
    #[inline]
    pub const fn as_low_constant(self) -> Option<u32> {
        if self.tnum.is_low_constant() { Some(low32(self.tnum.value)) } else { None }
    }

    /// Whether nothing is known.
    #[inline]
    pub fn is_unknown(self) -> bool {
        self == Scalar::UNKNOWN
    }

    /// Whether all five views admit the number.
    #[inline]
    pub fn contains(self, number: u64) -> bool {
        let low = low32(number);
        self.tnum.contains(number)
            && self.u64.contains(number)
            && self.s64.contains(number.cast_signed())
            && self.u32.contains(low)
            && self.s32.contains(low.cast_signed())
    }

    /// Whether each view of `self` admits all that the same view of `other` admits. What is safe
    /// for `self` is then safe for `other`.
    #[inline]
    pub fn includes(self, other: Scalar) -> bool {
        self.tnum.includes(other.tnum)
            && self.u64.includes(other.u64)
            && self.s64.includes(other.s64)
            && self.u32.includes(other.u32)
            && self.s32.includes(other.s32)
    }

    /// Whether the views contradict each other, so that the scalar stands for no number: a range
    /// is empty, or not the one number that the bits allow.
    ///
    /// Some contradictions go unseen, which is sound: the set is then taken to be larger than it
    /// is. Linux checks the same (`reg_bounds_sanity_check`), and then forgets the ranges, see
    /// [`Scalar::forget_ranges`].
    #[inline]
    pub fn is_contradictory(self) -> bool {
        if self.u64.is_empty() || self.s64.is_empty() || self.u32.is_empty() || self.s32.is_empty()
        {
            return true;
        }
        if !self.tnum.is_low_constant() {
            return false;
        }
        let bits = Scalar::constant(self.tnum.value);
        let whole = !self.tnum.is_constant() || (self.u64 == bits.u64 && self.s64 == bits.s64);
        !(whole && self.u32 == bits.u32 && self.s32 == bits.s32)
    }

    /// The bits alone, with every range full.
    #[inline]
    pub fn forget_ranges(self) -> Scalar {
        Scalar { tnum: self.tnum, ..Scalar::UNKNOWN }
    }

    /// The scalar, or what Linux goes on with where the views contradict each other.
    #[inline]
    pub fn settled(self) -> Scalar {
        if self.is_contradictory() { self.forget_ranges() } else { self }
    }

    /// The lower half unknown in range.
    #[inline]
    pub(super) fn forget_low_ranges(&mut self) {
        self.u32 = Range::FULL;
        self.s32 = Range::FULL;
    }

    /// The whole register unknown in range.
    #[inline]
    pub(super) fn forget_whole_ranges(&mut self) {
        self.u64 = Range::FULL;
        self.s64 = Range::FULL;
    }
}

/// The lower half of a register.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the upper half is to go")]
pub(super) const fn low32(number: u64) -> u32 {
    number as u32
}
