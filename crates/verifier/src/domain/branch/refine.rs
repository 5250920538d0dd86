//! What the outcome of a comparison tells about its operands.

use skep_spec::insn::{Condition, Width};

use super::super::range::{Range, Word};
use super::super::scalar::{Scalar, low32};
use super::super::tnum::Tnum;

/// Both operands as known after a conditional jump.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refined {
    /// The first operand.
    pub dst: Scalar,
    /// The second operand.
    pub src: Scalar,
    /// Whether no numbers have this outcome, so that the path cannot be taken. `dst` and `src` are
    /// then what Linux 6.18 goes on with, which explores such a path all the same.
    pub contradictory: bool,
}

/// What is known of the operands where `dst cond src` held, or did not.
///
/// Meant for outcomes that [`super::is_taken`] leaves open.
///
/// Sound: a number is dropped only if it cannot have the outcome together with any number of the
/// other operand.
///
/// ```
/// use skep_spec::insn::{Condition, Width};
/// use skep_verifier::domain::{Scalar, branch::refine};
///
/// let at_most_8 = refine(Width::W64, Condition::Gt, false, Scalar::UNKNOWN, Scalar::constant(8));
/// assert_eq!(at_most_8.dst.u64.max, 8);
/// ```
#[inline]
pub fn refine(width: Width, cond: Condition, holds: bool, dst: Scalar, src: Scalar) -> Refined {
    let (mut dst, mut src) = (dst, src);
    narrow(width, cond, holds, &mut dst, &mut src);
    let (dst, src) = (dst.sync(), src.sync());
    let contradictory = dst.is_contradictory() || src.is_contradictory();
    Refined { dst: dst.settled(), src: src.settled(), contradictory }
}

/// What is known of a register where it was compared with itself.
///
/// Sound: the outcomes that narrow it are impossible. (Linux 6.18 does not see that.)
#[inline]
pub fn refine_same(width: Width, cond: Condition, holds: bool, scalar: Scalar) -> Refined {
    let mut scalar = scalar;
    match (cond, holds) {
        (Condition::Lt | Condition::Gt, true) | (Condition::Ge | Condition::Le, false) => {
            match width {
                Width::W32 => scalar.u32 = scalar.u32.without_ends(),
                Width::W64 => scalar.u64 = scalar.u64.without_ends(),
            }
        }
        (Condition::SLt | Condition::SGt, true) | (Condition::SGe | Condition::SLe, false) => {
            match width {
                Width::W32 => scalar.s32 = scalar.s32.without_ends(),
                Width::W64 => scalar.s64 = scalar.s64.without_ends(),
            }
        }
        (Condition::Lt | Condition::Gt | Condition::SLt | Condition::SGt, false)
        | (Condition::Ge | Condition::Le | Condition::SGe | Condition::SLe, true)
        | (Condition::Eq | Condition::Ne | Condition::Set, _) => {}
    }
    // Twice, as for two registers.
    let scalar = scalar.sync().sync();
    let contradictory = scalar.is_contradictory();
    let scalar = scalar.settled();
    Refined { dst: scalar, src: scalar, contradictory }
}

#[inline]
fn narrow(width: Width, cond: Condition, holds: bool, dst: &mut Scalar, src: &mut Scalar) {
    match (cond, holds) {
        (Condition::Eq, true) | (Condition::Ne, false) => equal(width, dst, src),
        (Condition::Eq, false) | (Condition::Ne, true) => {
            if let Some((scalar, known)) = against_constant(width, dst, src) {
                differ(width, scalar, known);
            }
        }
        (Condition::Set, true) => {
            if let Some((scalar, known)) = against_constant(width, dst, src) {
                share(width, scalar, known);
            }
        }
        (Condition::Set, false) => {
            if let Some((scalar, known)) = against_constant(width, dst, src) {
                share_none(width, scalar, known);
            }
        }
        (Condition::Le, true) | (Condition::Gt, false) => at_most(width, dst, src),
        (Condition::Ge, true) | (Condition::Lt, false) => at_most(width, src, dst),
        (Condition::Lt, true) | (Condition::Ge, false) => less(width, dst, src),
        (Condition::Gt, true) | (Condition::Le, false) => less(width, src, dst),
        (Condition::SLe, true) | (Condition::SGt, false) => at_most_signed(width, dst, src),
        (Condition::SGe, true) | (Condition::SLt, false) => at_most_signed(width, src, dst),
        (Condition::SLt, true) | (Condition::SGe, false) => less_signed(width, dst, src),
        (Condition::SGt, true) | (Condition::SLe, false) => less_signed(width, src, dst),
    }
}

/// The operand that is not known, and the number that the other one is; the second, if both are.
#[inline]
fn against_constant<'a>(
    width: Width,
    dst: &'a mut Scalar,
    src: &'a mut Scalar,
) -> Option<(&'a mut Scalar, u64)> {
    let known = |scalar: &Scalar| match width {
        Width::W32 => scalar.as_low_constant().map(u64::from),
        Width::W64 => scalar.as_constant(),
    };
    match (known(src), known(dst)) {
        (Some(number), _) => Some((dst, number)),
        (None, Some(number)) => Some((src, number)),
        (None, None) => None,
    }
}

/// Equal numbers are admitted by the views of both.
#[inline]
fn equal(width: Width, dst: &mut Scalar, src: &mut Scalar) {
    match width {
        Width::W32 => {
            both(&mut dst.u32, &mut src.u32);
            both(&mut dst.s32, &mut src.s32);
            let low = dst.tnum.low().intersect(src.tnum.low());
            dst.tnum = dst.tnum.with_low(low);
            src.tnum = src.tnum.with_low(low);
        }
        Width::W64 => {
            both(&mut dst.u64, &mut src.u64);
            both(&mut dst.s64, &mut src.s64);
            dst.tnum = dst.tnum.intersect(src.tnum);
            src.tnum = dst.tnum;
        }
    }
}

#[inline]
fn both<T: Word>(dst: &mut Range<T>, src: &mut Range<T>) {
    *dst = dst.intersect(*src);
    *src = *dst;
}

/// A number that is not the known one cannot be at an end of a range where that is.
#[inline]
fn differ(width: Width, scalar: &mut Scalar, known: u64) {
    match width {
        Width::W32 => {
            scalar.u32 = scalar.u32.without(low32(known));
            scalar.s32 = scalar.s32.without(low32(known).cast_signed());
        }
        Width::W64 => {
            scalar.u64 = scalar.u64.without(known);
            scalar.s64 = scalar.s64.without(known.cast_signed());
        }
    }
}

/// A number that shares a one with the known one has that bit, if the known one has a single one.
/// With more of them it is not said which.
#[inline]
fn share(width: Width, scalar: &mut Scalar, known: u64) {
    if known.is_power_of_two() {
        set_bits(width, scalar, |bits| bits.or(Tnum::constant(known)));
    }
}

/// A number that shares no one with the known one has zeros there. Linux forgets the ranges, lest
/// they contradict the bits.
#[inline]
fn share_none(width: Width, scalar: &mut Scalar, known: u64) {
    *scalar = scalar.forget_ranges();
    set_bits(width, scalar, |bits| bits.and(Tnum::constant(!known)));
}

#[inline]
fn set_bits(width: Width, scalar: &mut Scalar, change: impl FnOnce(Tnum) -> Tnum) {
    scalar.tnum = match width {
        Width::W32 => scalar.tnum.with_low(change(scalar.tnum.low())),
        Width::W64 => change(scalar.tnum),
    };
}

#[inline]
fn at_most(width: Width, smaller: &mut Scalar, larger: &mut Scalar) {
    match width {
        Width::W32 => smaller.u32.order(&mut larger.u32),
        Width::W64 => smaller.u64.order(&mut larger.u64),
    }
}

#[inline]
fn less(width: Width, smaller: &mut Scalar, larger: &mut Scalar) {
    match width {
        Width::W32 => smaller.u32.order_strictly(&mut larger.u32),
        Width::W64 => smaller.u64.order_strictly(&mut larger.u64),
    }
}

#[inline]
fn at_most_signed(width: Width, smaller: &mut Scalar, larger: &mut Scalar) {
    match width {
        Width::W32 => smaller.s32.order(&mut larger.s32),
        Width::W64 => smaller.s64.order(&mut larger.s64),
    }
}

#[inline]
fn less_signed(width: Width, smaller: &mut Scalar, larger: &mut Scalar) {
    match width {
        Width::W32 => smaller.s32.order_strictly(&mut larger.s32),
        Width::W64 => smaller.s64.order_strictly(&mut larger.s64),
    }
}
