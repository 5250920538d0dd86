//! Every range of four-bit numbers, against every number in it.

use crate::domain::bounds::agree;
use crate::domain::range::{Range, Unsigned, Word};

/// An unsigned number of four bits, 0 to 15.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct U4(u8);

/// A signed number of four bits, -8 to 7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct I4(i8);

impl U4 {
    fn wrap(number: i32) -> (U4, bool) {
        let wrapped = U4(u8::try_from(number & 15).expect("four bits"));
        (wrapped, i32::from(wrapped.0) != number)
    }
}

impl I4 {
    fn wrap(number: i32) -> (I4, bool) {
        let wrapped = I4(i8::try_from((number & 15 ^ 8) - 8).expect("four bits"));
        (wrapped, i32::from(wrapped.0) != number)
    }
}

/// A word of which all numbers can be tried.
trait Small: Word + std::fmt::Debug {
    fn all() -> Vec<Self>;
    fn number(self) -> i32;
    fn wrapped(number: i32) -> Self;
}

macro_rules! small {
    ($word:ident, $signed:literal, $min:literal, $max:literal) => {
        impl Small for $word {
            fn all() -> Vec<Self> {
                ($min..=$max).map($word).collect()
            }

            fn number(self) -> i32 {
                self.0.into()
            }

            fn wrapped(number: i32) -> Self {
                $word::wrap(number).0
            }
        }

        impl Word for $word {
            const SIGNED: bool = $signed;
            const MIN: Self = $word($min);
            const MAX: Self = $word($max);
            const ONE: Self = $word(1);

            fn add(self, other: Self) -> (Self, bool) {
                $word::wrap(self.number() + other.number())
            }

            fn sub(self, other: Self) -> (Self, bool) {
                $word::wrap(self.number() - other.number())
            }

            fn mul(self, other: Self) -> Option<Self> {
                let (product, wrapped) = $word::wrap(self.number() * other.number());
                (!wrapped).then_some(product)
            }
        }
    };
}

small!(U4, false, 0, 15);
small!(I4, true, -8, 7);

impl Unsigned for U4 {
    type Signed = I4;

    fn signed(self) -> I4 {
        I4::wrap(self.0.into()).0
    }

    fn unsigned(signed: I4) -> U4 {
        U4::wrap(signed.0.into()).0
    }
}

/// All ranges that are not empty, with the numbers in them.
fn all<T: Small>() -> Vec<(Range<T>, Vec<T>)> {
    let mut ranges = Vec::new();
    for min in T::all() {
        for max in T::all().into_iter().filter(|max| min <= *max) {
            let range = Range { min, max };
            let numbers = T::all().into_iter().filter(|number| range.contains(*number)).collect();
            ranges.push((range, numbers));
        }
    }
    ranges
}

fn check<T: Small>(
    abstractly: fn(Range<T>, Range<T>) -> Range<T>,
    concretely: fn(i32, i32) -> i32,
) {
    for (dst, dst_numbers) in &all::<T>() {
        for (src, src_numbers) in &all::<T>() {
            let result = abstractly(*dst, *src);
            for one in dst_numbers {
                for two in src_numbers {
                    let found = T::wrapped(concretely(one.number(), two.number()));
                    let admitted = result.contains(found);
                    assert!(admitted, "{dst:?} {src:?} give {result:?}, not {found:?}");
                }
            }
        }
    }
}

#[test]
fn arithmetic() {
    check::<U4>(Range::add, |one, two| one + two);
    check::<I4>(Range::add, |one, two| one + two);
    check::<U4>(Range::sub, |one, two| one - two);
    check::<I4>(Range::sub, |one, two| one - two);
    check::<U4>(Range::mul, |one, two| one * two);
    check::<I4>(Range::mul, |one, two| one * two);
}

#[test]
fn order() {
    fn check<T: Small>() {
        for (dst, dst_numbers) in &all::<T>() {
            for (src, src_numbers) in &all::<T>() {
                let (mut at_most, mut at_least) = (*dst, *src);
                at_most.order(&mut at_least);
                let (mut less, mut more) = (*dst, *src);
                less.order_strictly(&mut more);
                for one in dst_numbers {
                    for two in src_numbers {
                        assert!(one > two || at_most.contains(*one) && at_least.contains(*two));
                        assert!(one >= two || less.contains(*one) && more.contains(*two));
                    }
                }
            }
        }
    }
    check::<U4>();
    check::<I4>();
}

#[test]
fn numbers_left_out() {
    for (range, numbers) in all::<U4>() {
        for hole in U4::all() {
            let left = range.without(hole);
            // An end that is the only number wraps; nothing is lost by that.
            assert!(numbers.iter().all(|number| *number == hole || left.contains(*number)));
        }
    }
}

#[test]
fn the_two_readings_agree() {
    for (unsigned, numbers) in all::<U4>() {
        for (signed, _) in all::<I4>() {
            let (mut tighter_unsigned, mut tighter_signed) = (unsigned, signed);
            agree(&mut tighter_unsigned, &mut tighter_signed);
            let both: Vec<U4> =
                numbers.iter().copied().filter(|number| signed.contains(number.signed())).collect();
            for number in &both {
                assert!(tighter_unsigned.contains(*number), "{unsigned:?} {signed:?} {number:?}");
                assert!(tighter_signed.contains(number.signed()), "{unsigned:?} {signed:?}");
            }
            if both.is_empty() {
                continue;
            }
            assert!(unsigned.includes(tighter_unsigned), "{unsigned:?} {signed:?}");
            assert!(signed.includes(tighter_signed), "{unsigned:?} {signed:?}");
        }
    }
}
