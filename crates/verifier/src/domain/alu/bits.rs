//! Bitwise operations.
//!
//! The bits of the result are exact, bit by bit. Ranges come from them, sharpened by one fact each:
//! `and` never gives more than either operand, `or` never less.

use super::super::range::{Range, Unsigned};
use super::super::scalar::{Scalar, low32};
use super::super::tnum::Tnum;

/// Sound: a result has at least its known ones, and as it has no bit that an operand lacks, at
/// most the smaller of the operands' largest numbers.
#[inline]
pub(super) fn and(dst: Scalar, src: Scalar) -> Scalar {
    let tnum = dst.tnum.and(src.tnum);
    bitwise(
        tnum,
        Range { min: tnum.min(), max: dst.u64.max.min(src.u64.max) },
        Range { min: low32(tnum.min()), max: dst.u32.max.min(src.u32.max) },
    )
}

/// Sound: a result has at most its known and unknown ones together, and as it has every bit of
/// both operands, at least the larger of the operands' smallest numbers.
#[inline]
pub(super) fn or(dst: Scalar, src: Scalar) -> Scalar {
    let tnum = dst.tnum.or(src.tnum);
    bitwise(
        tnum,
        Range { min: dst.u64.min.max(src.u64.min), max: tnum.max() },
        Range { min: dst.u32.min.max(src.u32.min), max: low32(tnum.max()) },
    )
}

/// Sound: the ranges are those of the bits.
#[inline]
pub(super) fn xor(dst: Scalar, src: Scalar) -> Scalar {
    let tnum = dst.tnum.xor(src.tnum);
    bitwise(
        tnum,
        Range { min: tnum.min(), max: tnum.max() },
        Range { min: low32(tnum.min()), max: low32(tnum.max()) },
    )
}

/// Sound: a signed range is the unsigned one, where that is one, and unlimited otherwise.
#[inline]
fn bitwise(tnum: Tnum, u64: Range<u64>, u32: Range<u32>) -> Scalar {
    let mut result = Scalar { tnum, u64, s64: signed(u64), u32, s32: signed(u32) };
    result.ranges_from_bits();
    result
}

#[inline]
fn signed<U: Unsigned>(range: Range<U>) -> Range<U::Signed> {
    range.signed().unwrap_or(Range::FULL)
}
