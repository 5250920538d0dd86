//! The fuzz targets on seeded random input: the same on every run and machine.

use skep_spec::classic::{dump, raw};
use skep_spec::fuzz;
use skep_spec::{asm::assemble, encode::encode};

/// Inputs a target gets.
const RUNS: u32 = 20_000;
/// Changes that are made to a good input, at most.
const MAX_CHANGES: u64 = 6;

/// Good inputs to start from: every case in a folder.
fn seeds(folder: &str) -> Vec<String> {
    let folder = testkit::root().join("tests").join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let texts = paths.iter().map(|path| std::fs::read_to_string(path).expect("a case"));
    texts.map(|text| text.split("\n--- ").next().unwrap_or("").to_owned()).collect()
}

/// A small generator (xorshift64*), to need no crate for it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// Changes some bytes: overwrites, removes, inserts, doubles and cuts.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.next() % MAX_CHANGES {
            let at = self.below(bytes.len());
            match self.next() % 6 {
                0 if at < bytes.len() => bytes[at] = self.byte(),
                1 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 => bytes.insert(at, self.byte()),
                4 => bytes.extend_from_within(at..bytes.len().min(at + 64)),
                _ if self.next().is_multiple_of(8) => bytes.truncate(at),
                _ => {}
            }
        }
    }
}

fn run(target: fn(&[u8]), seeds: &[Vec<u8>]) {
    let mut random = Random(0x5eed_5eed_5eed_5eed);
    for seed in seeds {
        target(seed);
    }
    for _ in 0..RUNS {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        random.mutate(&mut bytes);
        target(&bytes);
    }
    for _ in 0..RUNS {
        let bytes: Vec<u8> = (0..random.below(40)).map(|_| random.byte()).collect();
        target(&bytes);
    }
}

#[test]
fn decode() {
    let seeds: Vec<Vec<u8>> = seeds("asm")
        .iter()
        .filter_map(|text| assemble(text).ok())
        .map(|code| encode(&code))
        .collect();
    assert!(seeds.len() > 10);
    run(fuzz::decode, &seeds);
}

#[test]
fn asm() {
    let seeds: Vec<Vec<u8>> = seeds("asm").into_iter().map(String::into_bytes).collect();
    assert!(seeds.len() > 20);
    run(fuzz::asm, &seeds);
}

#[test]
fn classic() {
    let filters = seeds("classic").into_iter().filter_map(|text| dump::parse(&text).ok());
    let programs = seeds("classic/compile").into_iter().filter_map(|text| assemble(&text).ok());
    let seeds: Vec<Vec<u8>> = filters
        .map(|raws| raw::to_bytes(&raws))
        .chain(programs.map(|code| encode(&code)))
        .collect();
    assert!(seeds.len() > 20);
    run(fuzz::classic, &seeds);
}

#[test]
fn classic_text() {
    let seeds: Vec<Vec<u8>> = seeds("classic").into_iter().map(String::into_bytes).collect();
    assert!(seeds.len() > 20);
    run(fuzz::classic_text, &seeds);
}
