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

    fn u8(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn u32(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.next().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    fn u32_below(&mut self, limit: u32) -> u32 {
        self.u32() % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let len = u64::try_from(from.len()).expect("a short list");
        from[usize::try_from(self.below(len)).expect("below the length")]
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.u8()).collect()
    }
}
