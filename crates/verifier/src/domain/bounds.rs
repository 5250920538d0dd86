//! Keeping the five views of a [`Scalar`] in step.
//!
//! Each step below replaces a view by what it has in common with another view, translated. As
//! every admitted number is admitted by all views, none is lost: a step only drops numbers that
//! some other view rules out. That is the soundness argument for all of them; what differs, and is
//! said at each, is why the translation is right.
//!
//! The order of the steps decides how much is found, and equals Linux 6.18's (`reg_bounds_sync` in
//! kernel/bpf/verifier.c); so does the number of rounds.

use super::range::{Range, Unsigned};
use super::scalar::{Scalar, low32};
use super::tnum::Tnum;

/// How many rounds of deduction between the ranges are made. A round can enable the next; the
/// selftests of Linux found cases that need three.
const ROUNDS: usize = 3;

impl Scalar {
    /// Brings the views into step, as far as Linux does.
    #[inline]
    #[must_use]
    pub fn sync(self) -> Scalar {
        // Nothing can be learned of one number that all views admit.
        if self.tnum.is_constant() && self.contains(self.tnum.value) {
            return Scalar::constant(self.tnum.value);
        }
        let mut scalar = self;
        scalar.sync_views();
        scalar
    }

    /// In place: copies of scalars are what takes time here.
    fn sync_views(&mut self) {
        self.ranges_from_bits();
        for _ in 0..ROUNDS {
            let before = *self;
            self.low_from_whole();
            agree(&mut self.u32, &mut self.s32);
            agree(&mut self.u64, &mut self.s64);
            self.whole_from_low();
            if *self == before {
                break;
            }
        }
        self.bits_from_ranges();
        self.ranges_from_bits();
    }

    /// Ranges from the known bits.
    #[inline]
    pub(super) fn ranges_from_bits(&mut self) {
        self.low_ranges_from_bits();
        let bits = self.tnum;
        self.u64 = self.u64.intersect(Range { min: bits.min(), max: bits.max() });
        self.s64 = self.s64.intersect(Range {
            min: (bits.value | bits.mask & SIGN).cast_signed(),
            max: (bits.value | bits.mask & !SIGN).cast_signed(),
        });
        if let Some(number) = self.only_number() {
            *self = Scalar::constant(number);
        }
    }

    /// The only number that both the bits and the unsigned range admit, if there is one only. (It
    /// may be named where there is none, too: nothing is lost then.)
    #[inline]
    fn only_number(&self) -> Option<u64> {
        let Range { min, max } = self.u64;
        let counts_through = self.tnum.mask & self.tnum.mask.wrapping_add(1) == 0;
        if counts_through && min < max {
            return None;
        }
        let first = if self.tnum.contains(min) { min } else { self.tnum.next(min) };
        let only = if first == min {
            self.tnum.next(min) > max
        } else {
            first == self.tnum.max() || (first <= max && self.tnum.next(first) > max)
        };
        only.then_some(first)
    }

    /// Ranges of the lower half from the known bits. The smallest number has zeros for all unknown
    /// bits, the largest has ones; a signed number has it the other way round in its sign.
    #[inline]
    pub(super) fn low_ranges_from_bits(&mut self) {
        let (value, mask) = (low32(self.tnum.value), low32(self.tnum.mask));
        self.u32 = self.u32.intersect(Range { min: value, max: value | mask });
        self.s32 = self.s32.intersect(Range {
            min: (value | mask & LOW_SIGN).cast_signed(),
            max: (value | mask & !LOW_SIGN).cast_signed(),
        });
    }

    /// The lower half's ranges from the register's.
    #[inline]
    fn low_from_whole(&mut self) {
        let unsigned = Ends { min: self.u64.min, max: self.u64.max };
        let signed = Ends { min: self.s64.min.cast_unsigned(), max: self.s64.max.cast_unsigned() };
        for ends in [unsigned, signed] {
            let low = Range { min: low32(ends.min), max: low32(ends.max) };
            if ends.min >> 32 == ends.max >> 32 {
                // The upper half is the same throughout, so that the lower half counts through
                // from end to end.
                if low.min <= low.max {
                    self.u32 = self.u32.intersect(low);
                }
                if let Some(low) = low.signed() {
                    self.s32 = self.s32.intersect(low);
                }
            }
        }
        for ends in [unsigned, signed] {
            // The upper half steps up once, which is where the lower half goes from its largest
            // number to zero: from -1 to 0 if read as signed, so that it counts through again.
            let low =
                Range { min: low32(ends.min).cast_signed(), max: low32(ends.max).cast_signed() };
            let next = low32(ends.min >> 32).wrapping_add(1);
            if next == low32(ends.max >> 32) && low.min < 0 && low.max >= 0 {
                self.s32 = self.s32.intersect(low);
            }
        }
    }

    /// The register's ranges from the lower half's.
    #[inline]
    fn whole_from_low(&mut self) {
        // Among the numbers with the upper half of an end, those on the inner side of the end
        // have a lower half no smaller (or larger) than the lower half can be at all.
        let unsigned = |end: u64, low: u32| end & !LOW | u64::from(low);
        let signed = |end: i64, low: u32| unsigned(end.cast_unsigned(), low).cast_signed();
        self.u64 = self.u64.intersect(Range {
            min: unsigned(self.u64.min, self.u32.min),
            max: unsigned(self.u64.max, self.u32.max),
        });
        self.s64 = self.s64.intersect(Range {
            min: signed(self.s64.min, self.u32.min),
            max: signed(self.s64.max, self.u32.max),
        });
        // A number that fits in 32 bits signed is the sign extension of its lower half; if that
        // is not negative, both are the same number.
        let fits = self.s64.min >= i32::MIN.into() && self.s64.max <= i32::MAX.into();
        if self.s32.min >= 0 && fits {
            self.s64 = Range { min: self.s32.min.into(), max: self.s32.max.into() };
            self.u64 =
                Range { min: self.s64.min.cast_unsigned(), max: self.s64.max.cast_unsigned() };
            self.tnum = self.tnum.intersect(Tnum::range(self.u64.min, self.u64.max));
        }
    }

    /// Known bits from the unsigned ranges.
    #[inline]
    fn bits_from_ranges(&mut self) {
        let whole = self.tnum.intersect(Tnum::range(self.u64.min, self.u64.max));
        let low = whole.low().intersect(Tnum::range(self.u32.min.into(), self.u32.max.into()));
        self.tnum = whole.with_low(low);
    }
}

/// The ends of a range of registers, as bits.
#[derive(Clone, Copy)]
struct Ends {
    min: u64,
    max: u64,
}

/// Tightens the unsigned and the signed range of the same bits by each other.
///
/// Written around a circle, both kinds of numbers run the same way; unsigned ones begin at zero,
/// signed ones at the smallest negative number. A range of one kind that does not cross the
/// other's beginning is a range of the other kind as well. A signed range that does cross zero is,
/// to an unsigned eye, two pieces: one at the bottom and one at the top. If the unsigned range
/// reaches only one of them, only that one counts.
#[inline]
pub(super) fn agree<U: Unsigned>(unsigned: &mut Range<U>, signed: &mut Range<U::Signed>) {
    if let Some(range) = unsigned.signed() {
        *signed = signed.intersect(range);
    }
    let range = Range { min: U::unsigned(signed.min), max: U::unsigned(signed.max) };
    if range.min <= range.max {
        *unsigned = unsigned.intersect(range);
    } else if unsigned.max < range.min {
        // The upper piece is out of reach: the number is not negative.
        signed.min = unsigned.min.signed();
        unsigned.max = unsigned.max.min(range.max);
    } else if range.max < unsigned.min {
        // The lower piece is out of reach: the number is negative.
        signed.max = unsigned.max.signed();
        unsigned.min = unsigned.min.max(range.min);
    }
}

/// The lower half.
const LOW: u64 = u32::MAX as u64;
/// The sign of the register.
const SIGN: u64 = 1 << 63;
/// The sign of the lower half.
const LOW_SIGN: u32 = 1 << 31;
