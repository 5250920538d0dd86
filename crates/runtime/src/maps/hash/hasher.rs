//! The hash of a key: fast, and seeded for each map so that nobody outside can choose collisions.
//!
//! Words of 8 bytes are mixed in by a 64 × 64 → 128-bit multiplication whose halves are folded
//! together. Both factors depend on the seed, which never leaves the map.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher as _};

use crate::maps::memory::load_word;

/// Odd constants without structure: the fraction of the golden ratio, and of the square root of 3.
const WORD: u64 = 0x9e37_79b9_7f4a_7c15;
const END: u64 = 0xbb67_ae85_84ca_a73b;

/// Hashes keys with a seed.
#[derive(Clone, Copy)]
pub(crate) struct Hasher {
    seed: u64,
    factor: u64,
}

impl Hasher {
    /// A hasher with a random seed.
    pub(crate) fn random() -> Hasher {
        let random = || RandomState::new().build_hasher().finish();
        Hasher { seed: random(), factor: random() | 1 }
    }

    /// A hasher that is the same in each map (`BPF_F_ZERO_SEED`).
    pub(crate) fn unseeded() -> Hasher {
        Hasher { seed: 0, factor: WORD }
    }

    /// The hash of a key. All its bits are good.
    #[inline]
    pub(crate) fn hash(self, key: &[u8]) -> u64 {
        let mut state = self.seed ^ key.len() as u64;
        for word in key.chunks(8) {
            state = fold(state ^ load_word(word), self.factor).wrapping_add(WORD);
        }
        fold(state, END ^ self.seed)
    }
}

/// The halves of a 128-bit product, folded together.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counters, addresses and other orderly keys must spread over buckets like random ones.
    #[test]
    fn orderly_keys_spread() {
        for hasher in [Hasher::random(), Hasher::unseeded()] {
            for shift in [0, 3, 8, 16, 24] {
                let mut buckets = [0u32; 256];
                for n in 0..2560u32 {
                    let hash = hasher.hash(&n.rotate_left(shift).to_ne_bytes());
                    buckets[(hash & 255) as usize] += 1;
                }
                // 10 a bucket; 40 would be nine standard deviations away.
                let (low, high) = (buckets.iter().min(), buckets.iter().max());
                assert!(high < Some(&40), "shift {shift}: {low:?}..{high:?}");
            }
        }
    }

    #[test]
    fn length_counts() {
        let hasher = Hasher::unseeded();
        assert_ne!(hasher.hash(&[0; 4]), hasher.hash(&[0; 8]));
    }
}
