//! Known bits: numbers of which some bits are known and the others are not ("tristate numbers").
//!
//! The arguments below speak of *admitted* numbers: those that agree with the known bits. Addition
//! and its relatives rest on one fact: the carry into a bit can only grow when operands grow, so
//! the smallest and the largest admitted operands between them show every carry that can happen.
//! Vishwanathan et al., "Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers"
//! (CGO 2022), prove it at length.

use skep_spec::insn::{SwapKind, SwapSize, Width};
use skep_spec::semantics;

/// A number with known and unknown bits.
///
/// ```
/// use skep_verifier::domain::Tnum;
///
/// let even = Tnum { value: 0, mask: !1 };
/// assert!(even.contains(8) && !even.contains(9));
/// assert_eq!(even.add(Tnum::constant(1)), Tnum { value: 1, mask: !1 });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tnum {
    /// The known bits; zero where `mask` has a one.
    pub value: u64,
    /// A one for each unknown bit.
    pub mask: u64,
}

impl Tnum {
    /// Nothing is known.
    pub const UNKNOWN: Tnum = Tnum { value: 0, mask: u64::MAX };

    /// Every bit is known.
    #[inline]
    pub const fn constant(value: u64) -> Tnum {
        Tnum { value, mask: 0 }
    }

    /// What the numbers from `min` to `max` have in common: the bits above the highest in which
    /// the two differ.
    #[inline]
    pub const fn range(min: u64, max: u64) -> Tnum {
        let mask = match (min ^ max).leading_zeros() {
            64 => 0,
            same => u64::MAX >> same,
        };
        Tnum { value: min & !mask, mask }
    }

    /// Whether every bit is known.
    #[inline]
    pub const fn is_constant(self) -> bool {
        self.mask == 0
    }

    /// Whether every bit of the lower half is known.
    #[inline]
    pub const fn is_low_constant(self) -> bool {
        self.mask & LOW == 0
    }

    /// Whether no bit is known.
    #[inline]
    pub const fn is_unknown(self) -> bool {
        self.mask == u64::MAX
    }

    /// Whether the number is admitted.
    #[inline]
    pub const fn contains(self, number: u64) -> bool {
        number & !self.mask == self.value
    }

    /// Whether every number that `other` admits is admitted here.
    #[inline]
    pub const fn includes(self, other: Tnum) -> bool {
        other.mask & !self.mask == 0 && other.value & !self.mask == self.value
    }

    /// Whether some number is admitted by both: no bit is known to both and differs.
    #[inline]
    pub const fn overlaps(self, other: Tnum) -> bool {
        (self.value ^ other.value) & !self.mask & !other.mask == 0
    }

    /// Whether every admitted number is a multiple of `size`, a power of two or zero.
    #[inline]
    pub const fn is_aligned(self, size: u64) -> bool {
        (self.value | self.mask) & size.saturating_sub(1) == 0
    }

    /// The smallest admitted number, unsigned.
    #[inline]
    pub const fn min(self) -> u64 {
        self.value
    }

    /// The largest admitted number, unsigned.
    #[inline]
    pub const fn max(self) -> u64 {
        self.value | self.mask
    }

    /// The smallest admitted number above `number`, or the largest admitted number if none is.
    ///
    /// Counting up within the unknown bits: with ones in all other places, a carry runs through
    /// these. If `number` is not admitted itself, that begins at the highest place where it has a
    /// one more, below which everything starts afresh.
    #[inline]
    pub const fn next(self, number: u64) -> u64 {
        if number >= self.max() {
            return self.max();
        }
        if number < self.value {
            return self.value;
        }
        let above = number - self.value;
        let below = match (above & !self.mask).leading_zeros() {
            64 => 0,
            zeros => u64::MAX >> zeros,
        };
        let counted = (above | !self.mask | below).wrapping_add(1);
        self.value | counted & self.mask
    }

    /// What both admit. Where a bit is known to both and differs, nothing is; the result then says
    /// one, and so admits a number that neither does.
    #[inline]
    pub const fn intersect(self, other: Tnum) -> Tnum {
        let mask = self.mask & other.mask;
        Tnum { value: (self.value | other.value) & !mask, mask }
    }

    /// What either admits.
    #[inline]
    pub const fn union(self, other: Tnum) -> Tnum {
        let mask = (self.value ^ other.value) | self.mask | other.mask;
        Tnum { value: self.value & !mask, mask }
    }
}

/// Arithmetic, wrapping at 64 bits.
impl Tnum {
    /// Sums. Adding the smallest operands shows the fewest carries, adding the largest the most;
    /// a bit is known if it is known in both operands and its carry is the same in both sums.
    #[inline]
    pub const fn add(self, other: Tnum) -> Tnum {
        let smallest = self.value.wrapping_add(other.value);
        let largest = smallest.wrapping_add(self.mask.wrapping_add(other.mask));
        let mask = (largest ^ smallest) | self.mask | other.mask;
        Tnum { value: smallest & !mask, mask }
    }

    /// Differences. Borrows are the most when the minuend is smallest and the subtrahend largest,
    /// and the fewest the other way round.
    #[inline]
    pub const fn sub(self, other: Tnum) -> Tnum {
        let known = self.value.wrapping_sub(other.value);
        let largest = known.wrapping_add(self.mask);
        let smallest = known.wrapping_sub(other.mask);
        let mask = (largest ^ smallest) | self.mask | other.mask;
        Tnum { value: known & !mask, mask }
    }

    /// Zero minus.
    #[inline]
    pub const fn neg(self) -> Tnum {
        Tnum::constant(0).sub(self)
    }

    /// Products, by long multiplication: for each bit of `self`, `other` is added where the bit is
    /// one, and may or may not be added where it is unknown.
    #[inline]
    pub const fn mul(self, other: Tnum) -> Tnum {
        if self.is_constant() && other.is_constant() {
            return Tnum::constant(self.value.wrapping_mul(other.value));
        }
        let mut product = Tnum::constant(0);
        let mut bits = self.max();
        while bits != 0 {
            let bit = bits.trailing_zeros();
            let with = product.add(other.lshift(bit));
            product = if self.value >> bit & 1 == 1 { with } else { product.union(with) };
            bits &= bits - 1;
        }
        product
    }

    /// Bitwise and: a known zero on either side is a known zero.
    #[inline]
    pub const fn and(self, other: Tnum) -> Tnum {
        let value = self.value & other.value;
        Tnum { value, mask: self.max() & other.max() & !value }
    }

    /// Bitwise or: a known one on either side is a known one.
    #[inline]
    pub const fn or(self, other: Tnum) -> Tnum {
        let value = self.value | other.value;
        Tnum { value, mask: (self.mask | other.mask) & !value }
    }

    /// Bitwise exclusive or: unknown where either side is.
    #[inline]
    pub const fn xor(self, other: Tnum) -> Tnum {
        let mask = self.mask | other.mask;
        Tnum { value: (self.value ^ other.value) & !mask, mask }
    }

    /// Shift left by less than 64.
    #[inline]
    pub const fn lshift(self, count: u32) -> Tnum {
        Tnum { value: self.value << count, mask: self.mask << count }
    }

    /// Logical shift right by less than 64.
    #[inline]
    pub const fn rshift(self, count: u32) -> Tnum {
        Tnum { value: self.value >> count, mask: self.mask >> count }
    }

    /// Arithmetic shift right by less than the width. An unknown sign fills with unknown bits,
    /// as a known one fills with itself. At 32 bits the result is zero-extended.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the upper half is to go")]
    pub const fn arshift(self, count: u32, width: Width) -> Tnum {
        match width {
            Width::W32 => Tnum {
                value: (self.value as i32 >> count).cast_unsigned() as u64,
                mask: (self.mask as i32 >> count).cast_unsigned() as u64,
            },
            Width::W64 => Tnum {
                value: (self.value.cast_signed() >> count).cast_unsigned(),
                mask: (self.mask.cast_signed() >> count).cast_unsigned(),
            },
        }
    }
}

/// Byte order.
impl Tnum {
    /// The low bytes in the other order, with zeros above.
    #[inline]
    pub fn swap_bytes(self, size: SwapSize) -> Tnum {
        let swap = |bits| semantics::swap(SwapKind::Always, size, bits);
        Tnum { value: swap(self.value), mask: swap(self.mask) }
    }
}

/// The bits of the lower half.
const LOW: u64 = u32::MAX as u64;

/// The lower half, the upper half, and the low bytes.
impl Tnum {
    /// The low `bytes`, 1 to 8, with zeros above.
    #[inline]
    pub const fn cast(self, bytes: u32) -> Tnum {
        let kept = u64::MAX >> (64 - 8 * bytes);
        Tnum { value: self.value & kept, mask: self.mask & kept }
    }

    /// The lower half, with zeros above.
    #[inline]
    pub const fn low(self) -> Tnum {
        Tnum { value: self.value & LOW, mask: self.mask & LOW }
    }

    /// The upper half, with zeros below.
    #[inline]
    pub const fn high(self) -> Tnum {
        Tnum { value: self.value & !LOW, mask: self.mask & !LOW }
    }

    /// The upper half of `self` with the lower half of `low`.
    #[inline]
    pub const fn with_low(self, low: Tnum) -> Tnum {
        Tnum { value: self.value & !LOW | low.value & LOW, mask: self.mask & !LOW | low.mask & LOW }
    }
}
