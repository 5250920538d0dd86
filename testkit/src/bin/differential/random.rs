//! Chance that can be repeated: the same seed gives the same numbers on every machine.

/// A generator of random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

/// What SplitMix64 counts by.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The numbers of a seed.
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The seed of one program of a run.
    pub(crate) fn seed_of(run: u64, program: u64) -> u64 {
        Random(run ^ program.wrapping_mul(0xd134_2543_de82_ef95)).next()
    }

    /// Sixty-four random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.next()) * end as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `first` to `last`.
    pub(crate) fn between(&mut self, first: i32, last: i32) -> i32 {
        let count = usize::try_from(i64::from(last) - i64::from(first) + 1).unwrap_or(1);
        let offset = i32::try_from(self.below(count)).unwrap_or(0);
        first.wrapping_add(offset)
    }

    /// True this often in a hundred times.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// One of several, each as likely as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, of: &[(usize, T)]) -> T {
        let total = of.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(total);
        for (weight, what) in of {
            match at.checked_sub(*weight) {
                Some(left) => at = left,
                None => return *what,
            }
        }
        of[of.len() - 1].1
    }

    /// An immediate: mostly small, at times at the edge of a width, at times anything.
    pub(crate) fn immediate(&mut self) -> i32 {
        const EDGES: &[i32] =
            &[0, 1, -1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, i32::MAX, i32::MIN, -8];
        match self.below(10) {
            0..5 => self.between(-16, 64),
            5..8 => self.pick(EDGES),
            #[expect(clippy::cast_possible_truncation, reason = "random bits")]
            _ => self.next() as i32,
        }
    }
}
