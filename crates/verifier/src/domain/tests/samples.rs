//! Scalars to try, each with numbers that it admits.

use proptest::prelude::*;
use proptest::sample::select;

use crate::domain::range::Range;
use crate::domain::scalar::{Scalar, low32};
use crate::domain::tnum::Tnum;

/// A scalar and some numbers that it admits.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) scalar: Scalar,
    pub(super) numbers: Vec<u64>,
}

/// Numbers at which something changes.
pub(super) const EDGES: [u64; 22] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_fffe,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_7fff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_fffe_ffff_ffff,
    0xffff_ffff_7fff_ffff,
    0xffff_ffff_8000_0000,
    0xffff_ffff_ffff_ff80,
    0xffff_ffff_ffff_ffff,
];

/// The least scalar that admits the numbers, each view by itself.
pub(super) fn hull(numbers: &[u64]) -> Scalar {
    let mut hull = Scalar::constant(numbers[0]);
    for &number in numbers {
        let (low, one) = (low32(number), Scalar::constant(number));
        hull.tnum = hull.tnum.union(one.tnum);
        hull.u64 = join(hull.u64, number);
        hull.s64 = join(hull.s64, number.cast_signed());
        hull.u32 = join(hull.u32, low);
        hull.s32 = join(hull.s32, low.cast_signed());
    }
    hull
}

fn join<T: Ord + Copy>(range: Range<T>, number: T) -> Range<T> {
    Range { min: range.min.min(number), max: range.max.max(number) }
}

/// The hulls of all pairs of [`EDGES`].
pub(super) fn edges() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (index, &one) in EDGES.iter().enumerate() {
        for &two in &EDGES[index..] {
            samples.push(Sample { scalar: hull(&[one, two]).sync(), numbers: vec![one, two] });
        }
    }
    samples
}

/// Every scalar that four bits and a range of numbers of four bits describe, unsigned and signed.
pub(super) fn nibbles() -> Vec<Sample> {
    let mut samples = Vec::new();
    for value in 0..16u64 {
        for mask in (0..16).filter(|mask| value & mask == 0) {
            for (min, max) in (0..16).flat_map(|min| (min..16).map(move |max| (min, max))) {
                let tnum = Tnum { value, mask };
                let scalar = Scalar { tnum, u64: Range { min, max }, ..Scalar::UNKNOWN };
                samples.extend(sample(scalar, 0..16));
                // The same bits in numbers from -8 to 7: the highest of them is the sign, which
                // all above repeat.
                let wide = |bits: u64| if bits & 8 == 0 { bits } else { bits | !15 };
                let tnum = Tnum { value: wide(value), mask: wide(mask) };
                let s64 = Range { min: min.cast_signed() - 8, max: max.cast_signed() - 8 };
                let scalar = Scalar { tnum, s64, ..Scalar::UNKNOWN };
                samples.extend(sample(scalar, (-8..8i64).map(i64::cast_unsigned)));
            }
        }
    }
    samples
}

/// The scalar with those of the numbers that it admits, unless it admits none.
fn sample(scalar: Scalar, numbers: impl IntoIterator<Item = u64>) -> Option<Sample> {
    let numbers: Vec<u64> = numbers.into_iter().filter(|number| scalar.contains(*number)).collect();
    (!numbers.is_empty()).then_some(Sample { scalar, numbers })
}

/// Any number, with a liking for those at which something changes.
pub(super) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        select(&EDGES[..]),
        (select(&EDGES[..]), -3..4i64).prop_map(|(edge, by)| edge.wrapping_add_signed(by)),
        (any::<u64>(), 0..64u32).prop_map(|(bits, by)| bits >> by),
        (any::<i64>(), 0..64u32).prop_map(|(bits, by)| (bits >> by).cast_unsigned()),
    ]
}

/// A scalar of which each view admits some numbers, and often more; not in step.
pub(super) fn loose() -> impl Strategy<Value = Sample> {
    let numbers = proptest::collection::vec(number(), 1..4);
    let slack = proptest::collection::vec(number(), 10);
    (numbers, slack, any::<u16>()).prop_map(|(numbers, slack, which)| {
        let mut scalar = hull(&numbers);
        let loosens = |bit: usize| which >> bit & 1 == 1;
        if loosens(0) {
            scalar.tnum = scalar.tnum.union(Tnum::constant(slack[0]));
        }
        if loosens(1) {
            scalar.tnum = Tnum::UNKNOWN;
        }
        if loosens(2) {
            scalar.u64 = join(join(scalar.u64, slack[1]), slack[2]);
        }
        if loosens(3) {
            scalar.s64 = join(join(scalar.s64, slack[3].cast_signed()), slack[4].cast_signed());
        }
        if loosens(4) {
            scalar.u32 = join(join(scalar.u32, low32(slack[5])), low32(slack[6]));
        }
        if loosens(5) {
            let low = [slack[7], slack[8]].map(|number| low32(number).cast_signed());
            scalar.s32 = join(join(scalar.s32, low[0]), low[1]);
        }
        Sample { scalar, numbers }
    })
}

/// A scalar in step.
pub(super) fn any_sample() -> impl Strategy<Value = Sample> {
    loose().prop_map(|sample| Sample { scalar: sample.scalar.sync(), ..sample })
}
