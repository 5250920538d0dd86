//! Ranges of numbers, unsigned or signed, of 32 or 64 bits.

/// A number that a [`Range`] can hold.
pub trait Word: Copy + Ord {
    /// Whether it is signed.
    const SIGNED: bool;
    /// The smallest.
    const MIN: Self;
    /// The largest.
    const MAX: Self;
    /// One.
    const ONE: Self;

    /// `self + other`, wrapping, and whether it wrapped.
    fn add(self, other: Self) -> (Self, bool);
    /// `self - other`, wrapping, and whether it wrapped.
    fn sub(self, other: Self) -> (Self, bool);
    /// `self * other`, unless it wraps.
    fn mul(self, other: Self) -> Option<Self>;
}

/// An unsigned [`Word`] and its signed twin: the same bits, read in two ways.
pub trait Unsigned: Word {
    /// The twin.
    type Signed: Word;

    /// The bits, read as signed.
    fn signed(self) -> Self::Signed;
    /// The bits, read as unsigned.
    fn unsigned(signed: Self::Signed) -> Self;
}

macro_rules! words {
    ($($unsigned:ident $signed:ident)*) => { $(
        word!($unsigned, false);
        word!($signed, true);

        impl Unsigned for $unsigned {
            type Signed = $signed;

            #[inline]
            fn signed(self) -> $signed {
                self.cast_signed()
            }

            #[inline]
            fn unsigned(signed: $signed) -> $unsigned {
                signed.cast_unsigned()
            }
        }
    )* };
}

macro_rules! word {
    ($word:ident, $signed:literal) => {
        impl Word for $word {
            const SIGNED: bool = $signed;
            const MIN: Self = $word::MIN;
            const MAX: Self = $word::MAX;
            const ONE: Self = 1;

            #[inline]
            fn add(self, other: Self) -> (Self, bool) {
                self.overflowing_add(other)
            }

            #[inline]
            fn sub(self, other: Self) -> (Self, bool) {
                self.overflowing_sub(other)
            }

            #[inline]
            fn mul(self, other: Self) -> Option<Self> {
                self.checked_mul(other)
            }
        }
    };
}

words! { u64 i64 u32 i32 }

/// The numbers from `min` to `max`, both included; none if `min` is above `max`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the names say it all")]
pub struct Range<T> {
    pub min: T,
    pub max: T,
}

impl<T: Word> Range<T> {
    /// Every number.
    pub const FULL: Range<T> = Range { min: T::MIN, max: T::MAX };

    /// One number.
    #[inline]
    pub const fn exactly(number: T) -> Range<T> {
        Range { min: number, max: number }
    }

    /// Whether there is no number in it.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.min > self.max
    }

    /// Whether there is exactly one number in it.
    #[inline]
    pub fn is_constant(self) -> bool {
        self.min == self.max
    }

    /// Whether the number is in it.
    #[inline]
    pub fn contains(self, number: T) -> bool {
        self.min <= number && number <= self.max
    }

    /// Whether every number of `other` is in it.
    #[inline]
    pub fn includes(self, other: Range<T>) -> bool {
        self.min <= other.min && other.max <= self.max
    }

    /// The numbers in both; empty where there are none.
    #[inline]
    pub fn intersect(self, other: Range<T>) -> Range<T> {
        Range { min: self.min.max(other.min), max: self.max.min(other.max) }
    }

    /// Whether one lies wholly above the other.
    #[inline]
    pub fn is_apart_from(self, other: Range<T>) -> bool {
        self.min > other.max || self.max < other.min
    }

    /// The numbers in it but for one, if that is at an end. An empty range may come to be full.
    #[inline]
    pub fn without(self, number: T) -> Range<T> {
        let Range { mut min, mut max } = self;
        if min == number {
            min = min.add(T::ONE).0;
        }
        if max == number {
            max = max.sub(T::ONE).0;
        }
        Range { min, max }
    }

    /// The numbers in it but for the smallest and the largest.
    #[inline]
    pub fn without_ends(self) -> Range<T> {
        Range {
            min: self.min.add(T::ONE).0.max(self.min),
            max: self.max.min(self.max.sub(T::ONE).0),
        }
    }

    /// Keeps the numbers of `self` and `other` that can be in the relation `self <= other`.
    #[inline]
    pub fn order(&mut self, other: &mut Range<T>) {
        self.max = self.max.min(other.max);
        other.min = self.min.max(other.min);
    }

    /// Keeps the numbers of `self` and `other` that can be in the relation `self < other`.
    #[inline]
    pub fn order_strictly(&mut self, other: &mut Range<T>) {
        self.max = self.max.min(other.max.sub(T::ONE).0);
        other.min = self.min.add(T::ONE).0.max(other.min);
    }
}

/// Arithmetic, wrapping at the width.
#[expect(clippy::should_implement_trait, reason = "abstract, in a family with operations of Tnum")]
impl<T: Word> Range<T> {
    /// Sums. The ends are the sums of the ends, unless wrapping tears the sums apart. Where all of
    /// them wrap they stay together; among signed numbers that is given up as well, as Linux does.
    #[inline]
    pub fn add(self, other: Range<T>) -> Range<T> {
        let (min, min_wraps) = self.min.add(other.min);
        let (max, max_wraps) = self.max.add(other.max);
        let torn = if T::SIGNED { min_wraps || max_wraps } else { !min_wraps && max_wraps };
        if torn { Range::FULL } else { Range { min, max } }
    }

    /// Differences, as [`Range::add`]: the smallest is that of the smallest and the largest.
    #[inline]
    pub fn sub(self, other: Range<T>) -> Range<T> {
        let (min, min_wraps) = self.min.sub(other.max);
        let (max, max_wraps) = self.max.sub(other.min);
        let torn = if T::SIGNED { min_wraps || max_wraps } else { min_wraps && !max_wraps };
        if torn { Range::FULL } else { Range { min, max } }
    }

    /// Products. Multiplication by a fixed number rises or falls throughout, so that the extremes
    /// are among the products of the ends. If one of those wraps, nothing is known.
    #[inline]
    pub fn mul(self, other: Range<T>) -> Range<T> {
        let products = || {
            let highest = self.max.mul(other.max)?;
            let lowest = self.min.mul(other.min)?;
            if !T::SIGNED {
                return Some(Range { min: lowest, max: highest });
            }
            let (one, two) = (self.min.mul(other.max)?, self.max.mul(other.min)?);
            Some(Range {
                min: lowest.min(highest).min(one.min(two)),
                max: lowest.max(highest).max(one.max(two)),
            })
        };
        products().unwrap_or(Range::FULL)
    }
}

impl<U: Unsigned> Range<U> {
    /// The same numbers read as signed, if they are a range then, too.
    #[inline]
    pub fn signed(self) -> Option<Range<U::Signed>> {
        let signed = Range { min: self.min.signed(), max: self.max.signed() };
        (signed.min <= signed.max).then_some(signed)
    }
}
