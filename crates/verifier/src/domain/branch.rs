//! Conditional jumps: whether a condition can hold, and what its outcome tells about the operands.
//!
//! The 32-bit forms look at the lower halves alone, and so at their views alone.

mod refine;

use skep_spec::insn::{Condition, Width};

pub use self::refine::{Refined, refine, refine_same};
use super::range::{Range, Unsigned};
use super::scalar::Scalar;
use super::tnum::Tnum;

/// Whether `dst cond src` holds: always, never, or (`None`) for some numbers only, as far as can
/// be seen.
///
/// Sound: `Some` is said only where one view of the operands settles it for all numbers admitted:
/// ranges that lie apart, or bits known to differ.
///
/// ```
/// use skep_spec::insn::{Condition, Size, Width};
/// use skep_verifier::domain::{Scalar, branch::is_taken};
///
/// let byte = Scalar::loaded(Size::B, false);
/// assert_eq!(is_taken(Width::W64, Condition::Lt, byte, Scalar::constant(256)), Some(true));
/// assert_eq!(is_taken(Width::W64, Condition::Lt, byte, Scalar::constant(255)), None);
/// ```
#[inline]
pub fn is_taken(width: Width, cond: Condition, dst: Scalar, src: Scalar) -> Option<bool> {
    match width {
        Width::W32 => decide(cond, low(dst), low(src), || false),
        Width::W64 => decide(cond, whole(dst), whole(src), || {
            dst.u32.is_apart_from(src.u32) || dst.s32.is_apart_from(src.s32)
        }),
    }
}

/// The views that a comparison looks at.
#[derive(Clone, Copy)]
struct Views<U: Unsigned> {
    tnum: Tnum,
    unsigned: Range<U>,
    signed: Range<U::Signed>,
}

#[inline]
fn whole(scalar: Scalar) -> Views<u64> {
    Views { tnum: scalar.tnum, unsigned: scalar.u64, signed: scalar.s64 }
}

#[inline]
fn low(scalar: Scalar) -> Views<u32> {
    Views { tnum: scalar.tnum.low(), unsigned: scalar.u32, signed: scalar.s32 }
}

/// Decides by the views; `low_differs` says whether the lower halves are known to differ, where
/// those are not what is compared.
#[inline]
fn decide<U: Unsigned>(
    cond: Condition,
    dst: Views<U>,
    src: Views<U>,
    low_differs: impl FnOnce() -> bool,
) -> Option<bool> {
    let not = |decided: Option<bool>| decided.map(|holds| !holds);
    match cond {
        Condition::Eq => are_equal(dst, src, low_differs),
        Condition::Ne => not(are_equal(dst, src, low_differs)),
        Condition::Set => share_bits(dst.tnum, src.tnum),
        Condition::Lt => is_less(dst.unsigned, src.unsigned),
        Condition::Ge => not(is_less(dst.unsigned, src.unsigned)),
        Condition::Gt => is_less(src.unsigned, dst.unsigned),
        Condition::Le => not(is_less(src.unsigned, dst.unsigned)),
        Condition::SLt => is_less(dst.signed, src.signed),
        Condition::SGe => not(is_less(dst.signed, src.signed)),
        Condition::SGt => is_less(src.signed, dst.signed),
        Condition::SLe => not(is_less(src.signed, dst.signed)),
    }
}

/// Two numbers are equal if both are known and the same, and differ if any view tells them apart.
#[inline]
fn are_equal<U: Unsigned>(
    dst: Views<U>,
    src: Views<U>,
    low_differs: impl FnOnce() -> bool,
) -> Option<bool> {
    if dst.tnum.is_constant() && src.tnum.is_constant() {
        return Some(dst.tnum.value == src.tnum.value);
    }
    let differ = !dst.tnum.overlaps(src.tnum)
        || dst.unsigned.is_apart_from(src.unsigned)
        || dst.signed.is_apart_from(src.signed)
        || low_differs();
    differ.then_some(false)
}

/// Two numbers share a one if a known one of the first meets a one of the second, and do not if
/// none of its possible ones does. Linux asks only where one of the two is known.
#[inline]
fn share_bits(dst: Tnum, src: Tnum) -> Option<bool> {
    let (bits, known) = if src.is_constant() { (dst, src.value) } else { (src, dst.value) };
    if !src.is_constant() && !dst.is_constant() {
        None
    } else if bits.value & known != 0 {
        Some(true)
    } else if bits.max() & known == 0 {
        Some(false)
    } else {
        None
    }
}

/// One range lies below the other if its end lies below the other's beginning.
#[inline]
fn is_less<T: super::range::Word>(dst: Range<T>, src: Range<T>) -> Option<bool> {
    if dst.max < src.min {
        Some(true)
    } else if dst.min >= src.max {
        Some(false)
    } else {
        None
    }
}
