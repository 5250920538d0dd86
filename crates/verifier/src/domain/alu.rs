//! Arithmetic on scalars: one transfer function for each operation.
//!
//! Most operations work out the views one by one: bits from bits, each range from ranges. A result
//! that comes out of one view is right whatever the others say, so each needs an argument of its
//! own only; [`Scalar::sync`] then combines them. The lower half of a sum, difference, product or
//! bitwise result depends on the lower halves of the operands alone, whence the views of the lower
//! half are worked out from those. A 32-bit operation takes them and zero-extends.

mod bits;
mod shift;

use skep_spec::insn::{AluOp, Size, SwapKind, SwapSize, Width};

pub use super::cast::{mov, mov_sx};
use super::range::Range;
use super::scalar::Scalar;
use super::tnum::Tnum;

/// `dst op src`; see [`skep_spec::semantics::alu`].
///
/// ```
/// use skep_spec::insn::{AluOp, Size, Width};
/// use skep_verifier::domain::{Scalar, alu::alu};
///
/// let byte = Scalar::loaded(Size::B, false);
/// let word = alu(Width::W64, AluOp::Mul, byte, Scalar::constant(4));
/// assert_eq!((word.u64.min, word.u64.max), (0, 1020));
/// assert!(word.tnum.is_aligned(4));
/// ```
#[inline]
pub fn alu(width: Width, op: AluOp, dst: Scalar, src: Scalar) -> Scalar {
    tracked(width, op, dst, src).unwrap_or(Scalar::UNKNOWN)
}

/// `dst op src`, where Linux 6.18 follows the operation.
#[inline]
fn tracked(width: Width, op: AluOp, dst: Scalar, src: Scalar) -> Option<Scalar> {
    let result = match op {
        AluOp::Add => add(dst, src),
        AluOp::Sub => sub(dst, src),
        AluOp::Mul => mul(dst, src),
        AluOp::And => bits::and(dst, src),
        AluOp::Or => bits::or(dst, src),
        AluOp::Xor => bits::xor(dst, src),
        AluOp::Lsh => shift::lsh(width, dst, shift::count(width, src)?),
        AluOp::Rsh => shift::rsh(width, dst, shift::count(width, src)?),
        AluOp::Arsh => shift::arsh(width, dst, shift::count(width, src)?),
        // Not even if both operands are known.
        AluOp::Div | AluOp::SDiv | AluOp::Mod | AluOp::SMod => return None,
    };
    Some(finish(width, result))
}

/// `-dst`; see [`skep_spec::semantics::neg`].
///
/// Sound: it is the difference of zero and the operand.
#[inline]
pub fn neg(width: Width, dst: Scalar) -> Scalar {
    finish(width, sub(Scalar::ZERO, dst))
}

/// `dst` in another byte order; see [`skep_spec::semantics::swap`].
///
/// Sound: the bits move with their bytes. Of ranges only what the bits say is left. To little
/// endian is truncation.
#[inline]
pub fn swap(kind: SwapKind, size: SwapSize, dst: Scalar) -> Scalar {
    let kept = match size {
        SwapSize::S16 => Size::H,
        SwapSize::S32 => Size::W,
        SwapSize::S64 => Size::DW,
    };
    let swapped = match kind {
        SwapKind::ToLe => dst,
        SwapKind::ToBe | SwapKind::Always => {
            let tnum = dst.tnum.swap_bytes(size);
            Scalar { tnum, ..Scalar::UNKNOWN }
        }
    };
    swapped.truncate(kept).sync()
}

/// A register that lies at a fixed distance from `scalar`, of which a branch has told more; the
/// width is that of the addition which made the distance.
///
/// Sound as [`alu`]'s addition is, which it is.
#[inline]
pub fn displace(width: Width, scalar: Scalar, distance: i64) -> Scalar {
    alu(width, AluOp::Add, scalar, Scalar::constant(distance.cast_unsigned()))
}

/// The variable part of a pointer's offset after `pointer += src`.
///
/// Sound: each view of the sum comes from the same view of the operands, and is given up where
/// an end wraps. Linux keeps no ranges of a pointer's lower half.
#[inline]
pub fn pointer_add(offset: Scalar, src: Scalar) -> Scalar {
    let u64 = match offset.u64.max.checked_add(src.u64.max) {
        Some(max) => Range { min: offset.u64.min.wrapping_add(src.u64.min), max },
        None => Range::FULL,
    };
    pointer(offset.tnum.add(src.tnum), u64, offset.s64.add(src.s64))
}

/// The variable part of a pointer's offset after `pointer -= src`.
///
/// Sound as [`pointer_add`] is.
#[inline]
pub fn pointer_sub(offset: Scalar, src: Scalar) -> Scalar {
    let u64 = match offset.u64.min.checked_sub(src.u64.max) {
        Some(min) => Range { min, max: offset.u64.max.wrapping_sub(src.u64.min) },
        None => Range::FULL,
    };
    pointer(offset.tnum.sub(src.tnum), u64, offset.s64.sub(src.s64))
}

#[inline]
fn pointer(tnum: Tnum, u64: Range<u64>, s64: Range<i64>) -> Scalar {
    Scalar { tnum, u64, s64, ..Scalar::UNKNOWN }.sync()
}

/// A number whose bits are all equal, taken apart: 0 and -1, if `scalar` can be nothing else.
///
/// Compilers turn comparisons into such masks. Before `and` and `or` with a constant, Linux goes
/// on with each of the two alone, the second first.
///
/// Sound: the range has no other member. Where only the lower half has the range, the upper half
/// stays as it was known.
#[inline]
pub fn zero_or_ones(scalar: Scalar) -> Option<[Scalar; 2]> {
    if (scalar.s64.min, scalar.s64.max) == (-1, 0) {
        return Some([Scalar::ZERO, Scalar::constant(u64::MAX)]);
    }
    if (scalar.s32.min, scalar.s32.max) != (-1, 0) {
        return None;
    }
    let with_low = |low: u32| Scalar {
        tnum: scalar.tnum.with_low(Tnum::constant(low.into())),
        u32: Range::exactly(low),
        s32: Range::exactly(low.cast_signed()),
        ..scalar
    };
    Some([with_low(0), with_low(u32::MAX)])
}

/// Clears the upper half after a 32-bit operation, and brings the views into step.
#[inline]
fn finish(width: Width, result: Scalar) -> Scalar {
    match width {
        Width::W32 => result.zero_extend_low().sync(),
        Width::W64 => result.sync(),
    }
}

/// Sound: each view by itself, see [`Tnum::add`] and [`Range::add`].
#[inline]
fn add(dst: Scalar, src: Scalar) -> Scalar {
    Scalar {
        tnum: dst.tnum.add(src.tnum),
        u64: dst.u64.add(src.u64),
        s64: dst.s64.add(src.s64),
        u32: dst.u32.add(src.u32),
        s32: dst.s32.add(src.s32),
    }
}

/// Sound: each view by itself, see [`Tnum::sub`] and [`Range::sub`].
#[inline]
fn sub(dst: Scalar, src: Scalar) -> Scalar {
    Scalar {
        tnum: dst.tnum.sub(src.tnum),
        u64: dst.u64.sub(src.u64),
        s64: dst.s64.sub(src.s64),
        u32: dst.u32.sub(src.u32),
        s32: dst.s32.sub(src.s32),
    }
}

/// Sound: each view by itself, see [`Tnum::mul`] and [`Range::mul`].
#[inline]
fn mul(dst: Scalar, src: Scalar) -> Scalar {
    Scalar {
        tnum: dst.tnum.mul(src.tnum),
        u64: dst.u64.mul(src.u64),
        s64: dst.s64.mul(src.s64),
        u32: dst.u32.mul(src.u32),
        s32: dst.s32.mul(src.s32),
    }
}
