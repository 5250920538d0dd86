//! Scalars: keeping in step, and arithmetic.

use proptest::prelude::*;
use skep_spec::insn::{AluOp, SignedFrom, Size, SwapKind, SwapSize, Width};
use skep_spec::semantics;

use super::samples::{Sample, any_sample, edges, loose, nibbles, number};
use crate::domain::alu;
use crate::domain::scalar::Scalar;

const WIDTHS: [Width; 2] = [Width::W32, Width::W64];
const OPS: [AluOp; 13] = [
    AluOp::Add,
    AluOp::Sub,
    AluOp::Mul,
    AluOp::Div,
    AluOp::SDiv,
    AluOp::Mod,
    AluOp::SMod,
    AluOp::Or,
    AluOp::And,
    AluOp::Xor,
    AluOp::Lsh,
    AluOp::Rsh,
    AluOp::Arsh,
];

/// Whether the result admits a number, and no view is empty.
fn assert_admits(result: Scalar, number: u64, what: impl Fn() -> String) {
    assert!(result.contains(number), "{}: {result}, not {number:#x}", what());
    assert!(!result.is_contradictory(), "{}: {result:?}", what());
}

fn check_sync(sample: &Sample) {
    let synced = sample.scalar.sync();
    for &number in &sample.numbers {
        assert_admits(synced, number, || format!("in step: {}", sample.scalar));
    }
}

fn check_alu(width: Width, op: AluOp, dst: &Sample, src: &Sample) {
    let result = alu::alu(width, op, dst.scalar, src.scalar);
    for &one in &dst.numbers {
        for &two in &src.numbers {
            let what = || format!("{width:?} {op:?} {} {}", dst.scalar, src.scalar);
            assert_admits(result, semantics::alu(width, op, one, two), what);
        }
    }
}

fn check_unary(dst: &Sample) {
    let check = |what: &str, result: Scalar, concretely: &dyn Fn(u64) -> u64| {
        for &number in &dst.numbers {
            assert_admits(result, concretely(number), || format!("{what} {}", dst.scalar));
        }
    };
    for width in WIDTHS {
        let neg = alu::neg(width, dst.scalar);
        check("negated", neg, &|number| semantics::neg(width, number));
        check("moved", alu::mov(width, dst.scalar), &|number| semantics::mov(width, number));
        for from in [SignedFrom::S8, SignedFrom::S16, SignedFrom::S32] {
            let result = alu::mov_sx(width, from, dst.scalar);
            check("extended", result, &|number| semantics::mov_sx(width, from, number));
        }
    }
    for kind in [SwapKind::ToLe, SwapKind::ToBe, SwapKind::Always] {
        for size in [SwapSize::S16, SwapSize::S32, SwapSize::S64] {
            let result = alu::swap(kind, size, dst.scalar);
            check("swapped", result, &|number| semantics::swap(kind, size, number));
        }
    }
    for size in [Size::B, Size::H, Size::W, Size::DW] {
        for signed in [false, true] {
            let result = dst.scalar.reloaded(size, signed);
            check("reloaded", result, &|number| semantics::load(size, signed, number));
        }
    }
    if let Some([zero, ones]) = alu::zero_or_ones(dst.scalar) {
        for &number in &dst.numbers {
            let admitted = zero.contains(number) || ones.contains(number);
            assert!(admitted, "{} is {zero} or {ones}, not {number:#x}", dst.scalar);
        }
    }
}

fn check_pointer(offset: &Sample, src: &Sample) {
    let (sum, difference) =
        (alu::pointer_add(offset.scalar, src.scalar), alu::pointer_sub(offset.scalar, src.scalar));
    for &one in &offset.numbers {
        for &two in &src.numbers {
            let what = || format!("pointer {} {}", offset.scalar, src.scalar);
            assert_admits(sum, one.wrapping_add(two), what);
            assert_admits(difference, one.wrapping_sub(two), what);
        }
    }
}

fn constant(number: u64) -> Sample {
    Sample { scalar: Scalar::constant(number), numbers: vec![number] }
}

#[test]
fn every_pair_of_edges() {
    let samples = edges();
    for dst in &samples {
        check_unary(dst);
        for src in &samples {
            check_pointer(dst, src);
            for width in WIDTHS {
                for op in OPS {
                    check_alu(width, op, dst, src);
                }
            }
        }
    }
}

#[test]
fn every_nibble() {
    for sample in nibbles() {
        check_sync(&sample);
        let dst = Sample { scalar: sample.scalar.sync(), ..sample };
        check_unary(&dst);
        for width in WIDTHS {
            for count in [0, 1, 2, 3, 4, 28, 29, 31, 32, 33, 60, 61, 63, 64] {
                for op in [AluOp::Lsh, AluOp::Rsh, AluOp::Arsh] {
                    check_alu(width, op, &dst, &constant(count));
                }
            }
            for number in [1, 5, 8, 15, u64::MAX, !7] {
                for op in OPS {
                    check_alu(width, op, &dst, &constant(number));
                }
            }
        }
    }
}

#[test]
fn constants() {
    for width in WIDTHS {
        for (op, dst, src) in OPS.into_iter().flat_map(|op| {
            let edges = super::samples::EDGES;
            edges.into_iter().flat_map(move |one| edges.map(|two| (op, one, two)))
        }) {
            let found = alu::alu(width, op, Scalar::constant(dst), Scalar::constant(src));
            let exact = Scalar::constant(semantics::alu(width, op, dst, src));
            let tracked = match op {
                AluOp::Div | AluOp::SDiv | AluOp::Mod | AluOp::SMod => false,
                AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => {
                    src < if matches!(width, Width::W32) { 32 } else { 64 }
                }
                AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::Or | AluOp::And | AluOp::Xor => true,
            };
            let expected = if tracked { exact } else { Scalar::UNKNOWN };
            assert_eq!(found, expected, "{width:?} {op:?} {dst:#x} {src:#x}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn in_step(sample in loose()) {
        check_sync(&sample);
    }

    #[test]
    fn arithmetic(dst in any_sample(), src in any_sample()) {
        check_unary(&dst);
        check_pointer(&dst, &src);
        for width in WIDTHS {
            for op in OPS {
                check_alu(width, op, &dst, &src);
            }
        }
    }

    #[test]
    fn arithmetic_with_a_constant(dst in any_sample(), src in number(), count in 0..64u64) {
        for width in WIDTHS {
            for op in OPS {
                check_alu(width, op, &dst, &constant(src));
                check_alu(width, op, &dst, &constant(count));
            }
        }
    }
}
