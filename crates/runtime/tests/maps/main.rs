//! Maps of the user engine against those of the kernel.
//!
//! The same commands go to both, and every result and errno must be the same. Where bpf(2) is not
//! permitted, that is a counted skip.

mod commands;
mod create;
mod kernel;

use skep_command::map::MapCreate;
use skep_spec::abi::MapType;

/// Attributes of a map without flags.
fn attributes(
    map_type: MapType,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
) -> MapCreate<'static> {
    MapCreate {
        name: "skep_test",
        map_type,
        key_size,
        value_size,
        max_entries,
        flags: 0,
        extra: 0,
        inner: None,
        numa_node: None,
        btf: None,
    }
}

/// Random numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64*, by Vigna.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}
