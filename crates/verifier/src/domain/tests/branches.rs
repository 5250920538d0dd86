//! Branches: what is decided must hold for all numbers, and what is learned of an outcome must
//! admit all numbers that have it.

use proptest::prelude::*;
use skep_spec::insn::{Condition, Width};
use skep_spec::semantics;

use super::samples::{Sample, any_sample, edges, nibbles, number};
use crate::domain::branch::{is_taken, refine, refine_same};
use crate::domain::scalar::Scalar;

const CONDITIONS: [Condition; 11] = [
    Condition::Eq,
    Condition::Ne,
    Condition::Gt,
    Condition::Ge,
    Condition::Lt,
    Condition::Le,
    Condition::Set,
    Condition::SGt,
    Condition::SGe,
    Condition::SLt,
    Condition::SLe,
];

fn check(dst: &Sample, src: &Sample) {
    for width in [Width::W32, Width::W64] {
        for cond in CONDITIONS {
            let what = || format!("{width:?} {} {cond:?} {}", dst.scalar, src.scalar);
            let decided = is_taken(width, cond, dst.scalar, src.scalar);
            // An outcome that is decided is not learned from.
            let learn = |holds| refine(width, cond, holds, dst.scalar, src.scalar);
            let refined = decided.is_none().then(|| [false, true].map(learn));
            for &one in &dst.numbers {
                for &two in &src.numbers {
                    let holds = semantics::condition(width, cond, one, two);
                    assert!(decided.is_none_or(|decided| decided == holds), "{}", what());
                    let Some(refined) = refined else { continue };
                    let known = refined[usize::from(holds)];
                    assert!(!known.contradictory, "{} {holds}", what());
                    let (dst, src) = (known.dst, known.src);
                    assert!(dst.contains(one), "{} {holds}: {dst}, not {one:#x}", what());
                    assert!(src.contains(two), "{} {holds}: {src}, not {two:#x}", what());
                }
            }
        }
    }
}

fn check_same(sample: &Sample) {
    for width in [Width::W32, Width::W64] {
        for cond in CONDITIONS {
            for &number in &sample.numbers {
                let holds = semantics::condition(width, cond, number, number);
                if is_taken(width, cond, sample.scalar, sample.scalar).is_none() {
                    let known = refine_same(width, cond, holds, sample.scalar);
                    assert!(known.dst.contains(number) && !known.contradictory);
                }
            }
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
        check_same(dst);
        for src in &samples {
            check(dst, src);
        }
    }
}

#[test]
fn every_nibble() {
    let others: Vec<Sample> = nibbles().into_iter().step_by(4999).collect();
    for sample in nibbles() {
        let dst = Sample { scalar: sample.scalar.sync(), ..sample };
        check_same(&dst);
        for number in [0, 3, 8, u64::MAX] {
            check(&dst, &constant(number));
        }
        for other in &others {
            let src = Sample { scalar: other.scalar.sync(), numbers: other.numbers.clone() };
            check(&src, &dst);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_branch(dst in any_sample(), src in any_sample(), number in number()) {
        check(&dst, &src);
        check(&dst, &constant(number));
        check(&constant(number), &src);
        check_same(&dst);
    }
}
