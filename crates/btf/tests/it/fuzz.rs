//! The fuzz targets on seeded random input: the same on every run and machine.

use std::time::{Duration, Instant};

use crate::listing;
use crate::support::Kinds;
use skep_btf::{Btf, dump, fuzz};

/// Inputs that a target gets.
const RUNS: u32 = 3_000;
/// Changes that are made to a good input, at most.
const MAX_CHANGES: u32 = 4;
/// How long an input may take, in a build without optimizations on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Numbers that are often one too large.
const EDGES: [u32; 8] = [0, 1, 2, 0x7f, 0xffff, 0x00ff_ffff, 0x7fff_ffff, u32::MAX];

/// A small generator (xorshift64*), to need no crate for it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit.max(1)
    }

    /// Changes some words: BTF is made of them, and random bytes would mostly be large numbers.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.next() % MAX_CHANGES {
            let at = self.below(bytes.len() / 4) * 4;
            let other = self.below(bytes.len() / 4) * 4;
            let word = match self.next() % 6 {
                0 => EDGES[self.below(EDGES.len())],
                1 => self.next() % 64,
                2 => self.next(),
                3 => word(bytes, at) ^ (1 << (self.next() % 32)),
                4 => word(bytes, at).wrapping_add(self.next() % 9).wrapping_sub(4),
                _ => word(bytes, other),
            };
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
            if self.next().is_multiple_of(64) {
                bytes.truncate(other.max(4));
            }
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Types of every kind: those of the text cases, and of an object if there is a compiler.
fn seeds() -> Vec<Vec<u8>> {
    let folder = testkit::root().join("tests/btf");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    let mut seeds: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .map(|text| listing::parse(text.split("\n--- ").next().unwrap()).to_bytes().unwrap())
        .collect();
    seeds.extend(Kinds::compile().map(|kinds| kinds.section(".BTF")));
    seeds
}

fn run(target: fn(&[u8]), seeds: &[Vec<u8>], first: usize) {
    let mut random = Random(0x5eed_5eed_5eed_5eed);
    seeds.iter().for_each(|seed| target(seed));
    for _ in 0..RUNS {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        let mut changed = bytes.split_off(first);
        random.mutate(&mut changed);
        bytes.append(&mut changed);
        let start = Instant::now();
        target(&bytes);
        assert!(start.elapsed() < PATIENCE, "{:?}: {bytes:02x?}", start.elapsed());
    }
}

#[test]
fn btf() {
    run(fuzz::btf, &seeds(), 0);
}

/// The same behind a header that is right, so that more of it is read.
#[test]
fn types() {
    run(fuzz::btf, &seeds(), 24);
}

#[test]
fn dedup() {
    run(fuzz::dedup, &seeds(), 24);
}

#[test]
fn minimal() {
    run(fuzz::minimal, &seeds(), 24);
}

#[test]
fn json() {
    let target = |bytes: &[u8]| {
        if let Ok(btf) = Btf::parse(bytes) {
            serde_json::to_string(&dump::json(&btf)).unwrap();
        }
    };
    run(target, &seeds(), 24);
}

#[test]
fn ext() {
    let Some(kinds) = Kinds::compile() else { return };
    let btf = kinds.section(".BTF");
    let mut seed = u32::try_from(btf.len()).unwrap().to_le_bytes().to_vec();
    seed.extend(&btf);
    let first = seed.len();
    seed.extend(kinds.section(".BTF.ext"));
    run(fuzz::ext, &[seed], first);
}
