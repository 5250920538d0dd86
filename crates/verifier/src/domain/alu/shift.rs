//! Shifts by a known count.
//!
//! The bits move along exactly. Ranges move with them where no bit that may be one leaves at the
//! top; what cannot be said is left to the bits.

use skep_spec::insn::Width;

use super::super::range::Range;
use super::super::scalar::{Scalar, low32};

/// The count, if it is known and smaller than the width. The whole register counts, also for a
/// 32-bit shift: Linux gives up if its upper half may be set.
#[inline]
pub(super) fn count(width: Width, src: Scalar) -> Option<u32> {
    let (known, bits) = match width {
        Width::W32 => {
            let ranges = src.u32.is_constant() && src.s32.is_constant();
            (src.tnum.is_low_constant() && ranges, 32)
        }
        Width::W64 => {
            let ranges = src.u64.is_constant() && src.s64.is_constant();
            (src.tnum.is_constant() && ranges, 64)
        }
    };
    (known && src.u64.max < bits).then(|| low32(src.u64.min))
}

/// `dst << count`; the count is smaller than the width.
#[inline]
pub(super) fn lsh(width: Width, dst: Scalar, count: u32) -> Scalar {
    match width {
        Width::W32 => lsh_low(dst, count),
        Width::W64 => lsh_whole(dst, count),
    }
}

/// `dst >> count`, unsigned; the count is smaller than the width.
#[inline]
pub(super) fn rsh(width: Width, dst: Scalar, count: u32) -> Scalar {
    match width {
        Width::W32 => rsh_low(dst, count),
        Width::W64 => rsh_whole(dst, count),
    }
}

/// `dst >> count`, signed; the count is smaller than the width.
#[inline]
pub(super) fn arsh(width: Width, dst: Scalar, count: u32) -> Scalar {
    match width {
        Width::W32 => arsh_low(dst, count),
        Width::W64 => arsh_whole(dst, count),
    }
}

/// Sound: as long as no one leaves at the top, shifting multiplies, which keeps the order. The
/// sign is whatever bit comes to stand there, so that nothing is known of signed numbers, save for
/// a shift by 32, which makes the lower half's sign the register's.
#[inline]
fn lsh_whole(dst: Scalar, count: u32) -> Scalar {
    let s64 = if count == 32 {
        Range { min: i64::from(dst.s32.min) << 32, max: i64::from(dst.s32.max) << 32 }
    } else {
        Range::FULL
    };
    let u64 = if dst.u64.max > 1 << (63 - count) {
        Range::FULL
    } else {
        Range { min: dst.u64.min << count, max: dst.u64.max << count }
    };
    let u32 = lsh_low_range(dst.u32, count);
    let mut result = Scalar { tnum: dst.tnum.lshift(count), u64, s64, u32, s32: Range::FULL };
    result.ranges_from_bits();
    result
}

/// Sound: as the shift of the register, in the lower half.
#[inline]
fn lsh_low(dst: Scalar, count: u32) -> Scalar {
    let u32 = lsh_low_range(dst.u32, count);
    low(Scalar { tnum: dst.tnum.low().lshift(count).low(), u32, s32: Range::FULL, ..dst })
}

#[inline]
fn lsh_low_range(range: Range<u32>, count: u32) -> Range<u32> {
    if count > 31 || range.max > 1 << (31 - count) {
        Range::FULL
    } else {
        Range { min: range.min << count, max: range.max << count }
    }
}

/// Sound: the shift divides unsigned numbers, rounding down, which keeps the order. Of signed
/// numbers and of the lower half, which bits of the upper half come down to, nothing is said.
#[inline]
fn rsh_whole(dst: Scalar, count: u32) -> Scalar {
    let u64 = Range { min: dst.u64.min >> count, max: dst.u64.max >> count };
    let mut result = Scalar { tnum: dst.tnum.rshift(count), u64, ..Scalar::UNKNOWN };
    result.ranges_from_bits();
    result
}

/// Sound: as the shift of the register, in the lower half.
#[inline]
fn rsh_low(dst: Scalar, count: u32) -> Scalar {
    let u32 = Range { min: dst.u32.min >> count, max: dst.u32.max >> count };
    low(Scalar { tnum: dst.tnum.low().rshift(count), u32, s32: Range::FULL, ..dst })
}

/// Sound: the shift divides signed numbers, rounding down, which keeps the order. Of unsigned
/// numbers and of the lower half nothing is said.
#[inline]
fn arsh_whole(dst: Scalar, count: u32) -> Scalar {
    let s64 = Range { min: dst.s64.min >> count, max: dst.s64.max >> count };
    let mut result = Scalar { tnum: dst.tnum.arshift(count, Width::W64), s64, ..Scalar::UNKNOWN };
    result.ranges_from_bits();
    result
}

/// Sound: as the shift of the register, in the lower half.
#[inline]
fn arsh_low(dst: Scalar, count: u32) -> Scalar {
    let s32 = Range { min: dst.s32.min >> count, max: dst.s32.max >> count };
    low(Scalar { tnum: dst.tnum.arshift(count, Width::W32), u32: Range::FULL, s32, ..dst })
}

/// Leaves the whole register's ranges to the zero extension that follows.
#[inline]
fn low(mut result: Scalar) -> Scalar {
    result.forget_whole_ranges();
    result.low_ranges_from_bits();
    result
}
