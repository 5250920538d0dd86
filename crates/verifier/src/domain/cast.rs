//! Truncation, zero extension, sign extension, and what loads yield.

use skep_spec::insn::{SignedFrom, Size, Width};

use super::range::Range;
use super::scalar::{Scalar, low32};
use super::tnum::Tnum;

impl Scalar {
    /// The lower half with zeros above, as every 32-bit operation leaves it; not yet in step.
    ///
    /// Sound: the result is the lower half read as unsigned, so the views of the lower half and
    /// their bits are views of the result. Read as signed it is the same number if it is not
    /// negative, and at most 32 ones in any case.
    #[inline]
    pub(super) fn zero_extend_low(self) -> Scalar {
        let s64 = if self.s32.min >= 0 && self.s32.max >= 0 {
            Range { min: self.s32.min.into(), max: self.s32.max.into() }
        } else {
            Range { min: 0, max: u32::MAX.into() }
        };
        let u64 = Range { min: self.u32.min.into(), max: self.u32.max.into() };
        Scalar { tnum: self.tnum.low(), u64, s64, ..self }
    }

    /// The low bytes with zeros above.
    ///
    /// Sound: if the bytes above are the same for both ends, they are for every number between
    /// them, so the low bytes run from end to end; otherwise they can be anything. With zeros
    /// above, the number is not negative, whence both readings agree.
    #[inline]
    #[must_use]
    pub fn truncate(self, size: Size) -> Scalar {
        let kept = match size {
            Size::DW => return self,
            Size::B | Size::H | Size::W => (1u64 << size.bits()) - 1,
        };
        let u64 = if self.u64.min & !kept == self.u64.max & !kept {
            Range { min: self.u64.min & kept, max: self.u64.max & kept }
        } else {
            Range { min: 0, max: kept }
        };
        let s64 = Range { min: u64.min.cast_signed(), max: u64.max.cast_signed() };
        let tnum = Tnum { value: self.tnum.value & kept, mask: self.tnum.mask & kept };
        let mut scalar = Scalar { tnum, u64, s64, ..self };
        if !matches!(size, Size::W) {
            scalar.forget_low_ranges();
        }
        scalar.sync()
    }

    /// The low bits of the register, sign-extended to all of it.
    ///
    /// Sound: if the bits above are the same throughout, the low bits run from end to end, and if
    /// moreover the ends agree in the sign that is spread, so does all between, and sign extension
    /// keeps the order. Otherwise any number of that size can come out.
    ///
    /// What is known of single bits is dropped, and the views are left as they are set here: Linux
    /// does so.
    #[inline]
    #[must_use]
    pub fn sign_extend(self, from: SignedFrom) -> Scalar {
        let bits = bits_of(from);
        if let Some(number) = self.as_constant() {
            return Scalar::constant(sign_extend(number, bits));
        }
        let (min, max) = (self.s64.min.cast_unsigned(), self.s64.max.cast_unsigned());
        let ends = [sign_extend(min, bits).cast_signed(), sign_extend(max, bits).cast_signed()];
        let (min_end, max_end) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        if min >> bits == max >> bits && (min_end >= 0) == (max_end >= 0) {
            let u64 = Range { min: min_end.cast_unsigned(), max: max_end.cast_unsigned() };
            let u32 = Range { min: low32(u64.min), max: low32(u64.max) };
            return Scalar {
                tnum: Tnum::range(u64.min, u64.max),
                u64,
                s64: Range { min: min_end, max: max_end },
                u32,
                s32: Range { min: u32.min.cast_signed(), max: u32.max.cast_signed() },
            };
        }
        let s32 = Range { min: i32::MIN >> (32 - bits), max: i32::MAX >> (32 - bits) };
        let s64 = Range { min: s32.min.into(), max: s32.max.into() };
        Scalar { s64, s32, ..Scalar::UNKNOWN }
    }

    /// The low bits of the lower half, sign-extended to that; not yet in step, and the upper half
    /// not yet cleared. Sound for the same reason as [`Scalar::sign_extend`].
    #[inline]
    fn sign_extend_low(self, from: SignedFrom) -> Scalar {
        let bits = bits_of(from);
        if let Some(number) = self.as_constant() {
            return Scalar::constant(low32(sign_extend(number, bits)).into());
        }
        let extend = |end: i32| (end << (32 - bits)) >> (32 - bits);
        let ends = [extend(self.s32.min), extend(self.s32.max)];
        let s32 = Range { min: ends[0].min(ends[1]), max: ends[0].max(ends[1]) };
        let above = |end: i32| u64::from(end.cast_unsigned()) >> bits;
        if above(self.s32.min) == above(self.s32.max) && (s32.min >= 0) == (s32.max >= 0) {
            let u32 = Range { min: s32.min.cast_unsigned(), max: s32.max.cast_unsigned() };
            let (min, max) = (i64::from(s32.min), i64::from(s32.max));
            let tnum = Tnum::range(min.cast_unsigned(), max.cast_unsigned()).low();
            return Scalar { tnum, u32, s32, ..self };
        }
        Scalar {
            tnum: Tnum::UNKNOWN.low(),
            u32: Range::FULL,
            s32: Range { min: i32::MIN >> (32 - bits), max: i32::MAX >> (32 - bits) },
            ..self
        }
    }

    /// What a load of unknown memory yields.
    #[inline]
    pub fn loaded(size: Size, signed: bool) -> Scalar {
        Scalar::UNKNOWN.reloaded(size, signed)
    }

    /// What a load yields of memory that holds `self` in its low bytes.
    #[inline]
    #[must_use]
    pub fn reloaded(self, size: Size, signed: bool) -> Scalar {
        match (signed, size) {
            (_, Size::DW) => self,
            (false, Size::B | Size::H | Size::W) => self.truncate(size),
            (true, Size::B) => self.sign_extend(SignedFrom::S8),
            (true, Size::H) => self.sign_extend(SignedFrom::S16),
            (true, Size::W) => self.sign_extend(SignedFrom::S32),
        }
    }
}

/// `dst = src`; see [`skep_spec::semantics::mov`].
#[inline]
pub fn mov(width: Width, src: Scalar) -> Scalar {
    match width {
        Width::W32 => src.zero_extend_low().sync(),
        Width::W64 => src,
    }
}

/// `dst = (s8)src` and the like; see [`skep_spec::semantics::mov_sx`].
#[inline]
pub fn mov_sx(width: Width, from: SignedFrom, src: Scalar) -> Scalar {
    match width {
        Width::W32 => src.sign_extend_low(from).zero_extend_low().sync(),
        Width::W64 => src.sign_extend(from),
    }
}

/// How many bits sign extension starts from: 8, 16 or 32.
#[inline]
const fn bits_of(from: SignedFrom) -> u32 {
    match from {
        SignedFrom::S8 => 8,
        SignedFrom::S16 => 16,
        SignedFrom::S32 => 32,
    }
}

/// The low `bits`, 1 to 64, with copies of their highest above.
#[inline]
const fn sign_extend(number: u64, bits: u32) -> u64 {
    let unused = u64::BITS - bits;
    ((number << unused).cast_signed() >> unused).cast_unsigned()
}
