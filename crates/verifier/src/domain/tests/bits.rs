//! Every tnum with five bits of interest, against every number that it admits.

use skep_spec::insn::{AluOp, SwapKind, SwapSize, Width};
use skep_spec::semantics;

use crate::domain::tnum::Tnum;

/// How many bits are of interest.
const BITS: usize = 5;

/// Where these bits stand: at the ends, across the middle, and at all places that matter.
const PLACES: [[u32; BITS]; 4] =
    [[0, 1, 2, 3, 4], [59, 60, 61, 62, 63], [30, 31, 32, 33, 34], [0, 7, 31, 32, 63]];

/// All tnums of which these bits are zero, one or unknown, and the others zero, each with the
/// numbers that it admits.
fn all(places: [u32; BITS]) -> Vec<(Tnum, Vec<u64>)> {
    let spread = |bits: u64| {
        places.iter().enumerate().fold(0, |all, (bit, place)| all | (bits >> bit & 1) << place)
    };
    let mut tnums = Vec::new();
    for value in 0..1 << BITS {
        for mask in (0..1 << BITS).filter(|mask| value & mask == 0) {
            let numbers = (0..1 << BITS).filter(|number| number & !mask == value);
            let tnum = Tnum { value: spread(value), mask: spread(mask) };
            tnums.push((tnum, numbers.map(spread).collect()));
        }
    }
    tnums
}

/// Whether the result is sound for every tnum.
fn check_one(name: &str, abstractly: impl Fn(Tnum) -> Tnum, concretely: impl Fn(u64) -> u64) {
    for places in PLACES {
        for (tnum, numbers) in all(places) {
            let result = abstractly(tnum);
            assert_eq!(result.value & result.mask, 0, "{name} {tnum}: {result:?}");
            for &number in &numbers {
                let found = concretely(number);
                assert!(result.contains(found), "{name} {tnum} = {result}, not {found:#x}");
            }
        }
    }
}

/// Whether the result is sound for every pair of tnums.
fn check_two(name: &str, abstractly: impl Fn(Tnum, Tnum) -> Tnum, op: AluOp) {
    for places in PLACES {
        let tnums = all(places);
        for (dst, dst_numbers) in &tnums {
            for (src, src_numbers) in &tnums {
                let result = abstractly(*dst, *src);
                assert_eq!(result.value & result.mask, 0, "{dst} {name} {src}: {result:?}");
                for &one in dst_numbers {
                    for &two in src_numbers {
                        let found = semantics::alu(Width::W64, op, one, two);
                        let admitted = result.contains(found);
                        assert!(admitted, "{dst} {name} {src} = {result}, not {found:#x}");
                    }
                }
            }
        }
    }
}

#[test]
fn sums_and_differences() {
    check_two("+", Tnum::add, AluOp::Add);
    check_two("-", Tnum::sub, AluOp::Sub);
    check_one("-", Tnum::neg, u64::wrapping_neg);
}

#[test]
fn products() {
    check_two("*", Tnum::mul, AluOp::Mul);
}

#[test]
fn bitwise() {
    check_two("&", Tnum::and, AluOp::And);
    check_two("|", Tnum::or, AluOp::Or);
    check_two("^", Tnum::xor, AluOp::Xor);
}

#[test]
fn shifts() {
    for count in 0..64 {
        let shift = |op| move |n| semantics::alu(Width::W64, op, n, count.into());
        check_one("<<", |tnum| tnum.lshift(count), shift(AluOp::Lsh));
        check_one(">>", |tnum| tnum.rshift(count), shift(AluOp::Rsh));
        check_one("s>>", |tnum| tnum.arshift(count, Width::W64), shift(AluOp::Arsh));
    }
    for count in 0..32 {
        let shift = |n| semantics::alu(Width::W32, AluOp::Arsh, n, count.into());
        check_one("s>>", |tnum| tnum.arshift(count, Width::W32), shift);
    }
}

#[test]
fn parts() {
    for bytes in 1..=8 {
        let kept = u64::MAX >> (64 - 8 * bytes);
        check_one("low bytes", |tnum| tnum.cast(bytes), |number| number & kept);
    }
    check_one("low half", Tnum::low, |number| number & 0xffff_ffff);
    check_one("high half", Tnum::high, |number| number & !0xffff_ffff);
    for size in [SwapSize::S16, SwapSize::S32, SwapSize::S64] {
        let swap = |number| semantics::swap(SwapKind::Always, size, number);
        check_one("swap", |tnum| tnum.swap_bytes(size), swap);
    }
}

#[test]
fn sets() {
    for places in PLACES {
        let tnums = all(places);
        for (one, numbers) in &tnums {
            assert_eq!(numbers.iter().min(), Some(&one.min()));
            assert_eq!(numbers.iter().max(), Some(&one.max()));
            assert_eq!(one.is_aligned(2), numbers.iter().all(|number| number % 2 == 0));
            for (two, others) in &tnums {
                let included = others.iter().all(|number| one.contains(*number));
                assert_eq!(one.includes(*two), included, "{one} includes {two}");
                let shared: Vec<u64> =
                    others.iter().copied().filter(|number| one.contains(*number)).collect();
                assert_eq!(one.overlaps(*two), !shared.is_empty(), "{one} overlaps {two}");
                for number in shared {
                    assert!(one.intersect(*two).contains(number), "{one} and {two}");
                }
                for &number in numbers.iter().chain(others) {
                    assert!(one.union(*two).contains(number), "{one} or {two}");
                }
            }
        }
    }
}

#[test]
fn next_number() {
    for places in PLACES {
        let tnums = all(places);
        let every: Vec<u64> = tnums.iter().flat_map(|(_, numbers)| numbers.clone()).collect();
        for (tnum, numbers) in &tnums {
            for number in every.iter().flat_map(|n| [n.wrapping_sub(1), *n, n.wrapping_add(1)]) {
                let next = numbers.iter().copied().filter(|other| *other > number).min();
                assert_eq!(tnum.next(number), next.unwrap_or(tnum.max()), "{tnum} {number:#x}");
            }
        }
    }
}

#[test]
fn ranges() {
    for min in 0..64 {
        for max in min..64 {
            for (min, max) in [(min, max), (!max, !min), (min, !max), (min << 32, max << 32)] {
                let tnum = Tnum::range(min, max);
                assert!(tnum.contains(min) && tnum.contains(max), "{min:#x} to {max:#x}: {tnum}");
                assert!(tnum.contains(min + (max - min) / 2), "{min:#x} to {max:#x}: {tnum}");
            }
        }
    }
}
