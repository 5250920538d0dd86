//! Random commands.

use std::collections::BTreeSet;
use std::sync::Arc;

use skep_command::Errno;
use skep_command::map::MapCreate;
use skep_runtime::maps::Map;
use skep_spec::abi::MapType;

use super::kernel::{KernelMap, available, possible_cpus};
use super::{Random, attributes};

/// A map of each engine.
struct Pair {
    ours: Arc<Map>,
    kernel: KernelMap,
    /// Whether keys come in the same order.
    ordered: bool,
}

impl Pair {
    fn new(create: &MapCreate<'_>) -> Pair {
        let cpus = possible_cpus();
        let (copies, ordered) = match create.map_type {
            MapType::PercpuArray => (cpus, true),
            MapType::PercpuHash | MapType::LruPercpuHash => (cpus, false),
            MapType::Hash | MapType::LruHash | MapType::DevmapHash => (1, false),
            _ => (1, true),
        };
        Pair {
            ours: Map::create(1, create, cpus).expect("good attributes"),
            kernel: KernelMap::create(create, copies).expect("good attributes"),
            ordered,
        }
    }

    fn lookup(&self, key: &[u8], flags: u64) {
        let (ours, kernel) = (self.ours.command_lookup(key, flags), self.kernel.lookup(key, flags));
        assert_eq!(ours, kernel, "lookup {key:?} {flags}");
    }

    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let ours = self.ours.command_update(key, value, flags);
        let kernel = self.kernel.update(key, value, flags);
        assert_eq!(ours, kernel, "update {key:?} {flags}");
        ours
    }

    fn delete(&self, key: &[u8]) {
        let (ours, kernel) = (self.ours.command_delete(key), self.kernel.delete(key));
        assert_eq!(ours, kernel, "delete {key:?}");
    }

    fn next_key(&self, key: Option<&[u8]>) {
        let (ours, kernel) = (self.ours.next_key(key), self.kernel.next_key(key));
        match self.ordered {
            true => assert_eq!(ours, kernel, "key after {key:?}"),
            false => assert_eq!(ours.map(drop), kernel.map(drop), "key after {key:?}"),
        }
    }

    fn freeze(&self) {
        assert_eq!(self.ours.freeze(), self.kernel.freeze());
    }

    /// Both have the same keys with the same values.
    fn same_contents(&self) {
        let ours = walk(|key| self.ours.next_key(key).expect("may be walked"));
        let kernel = walk(|key| self.kernel.next_key(key).expect("may be walked"));
        if self.ordered {
            assert_eq!(ours, kernel);
        }
        let sorted = |keys: &[Vec<u8>]| keys.iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!(sorted(&ours), sorted(&kernel));
        assert_eq!(ours.len(), sorted(&ours).len());
        for key in &ours {
            self.lookup(key, 0);
        }
    }
}

/// All keys.
fn walk(next: impl Fn(Option<&[u8]>) -> Option<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    while let Some(key) = next(keys.last().map(Vec::as_slice)) {
        keys.push(key);
        assert!(keys.len() < 100_000, "a walk without end");
    }
    keys
}

/// How one run of random commands is made.
struct Plan<'a> {
    create: MapCreate<'a>,
    seed: u64,
    steps: u32,
    key: &'a dyn Fn(&mut Random) -> Vec<u8>,
    value: &'a dyn Fn(&mut Random, usize) -> Vec<u8>,
}

fn check(plan: &Plan<'_>) {
    let pair = Pair::new(&plan.create);
    let mut random = Random(plan.seed);
    let value_size = pair.ours.command_value_size();
    for step in 0..plan.steps {
        let key = (plan.key)(&mut random);
        match random.below(16) {
            0..7 => {
                let value = (plan.value)(&mut random, value_size);
                let flags = match random.below(8) {
                    0..4 => 0,
                    4 => 1,
                    5 => 2,
                    6 => random.below(8),
                    _ => random.next() << random.below(48),
                };
                let _ = pair.update(&key, &value, flags);
            }
            7..10 => pair.delete(&key),
            10..13 => pair.lookup(&key, 0),
            13 => pair.lookup(&key, random.below(9)),
            14 => pair.next_key(Some(&key)),
            _ => pair.next_key(None),
        }
        if step % 1024 == 0 {
            pair.same_contents();
        }
    }
    pair.same_contents();
    pair.freeze();
    pair.freeze();
    let key = (plan.key)(&mut random);
    let _ = pair.update(&key, &vec![1; value_size], 0);
    pair.delete(&key);
    pair.lookup(&key, 0);
    pair.same_contents();
}

fn any_value(random: &mut Random, size: usize) -> Vec<u8> {
    random.bytes(size)
}

/// A number as key, mostly one that fits.
fn index(random: &mut Random, entries: u32) -> Vec<u8> {
    let number = match random.below(32) {
        0 => random.u32(),
        _ => random.u32_below(entries + 2),
    };
    number.to_ne_bytes().to_vec()
}

#[test]
fn arrays() {
    if !available() {
        return;
    }
    for map_type in [MapType::Array, MapType::PercpuArray] {
        for (seed, value_size, entries) in [(1, 8, 1), (2, 1, 5), (3, 13, 64), (4, 4096, 3)] {
            let create = attributes(map_type, 4, value_size, entries);
            let key = |random: &mut Random| index(random, entries);
            check(&Plan { create, seed, steps: 4000, key: &key, value: &any_value });
        }
    }
}

#[test]
fn hash_tables() {
    if !available() {
        return;
    }
    for map_type in [MapType::Hash, MapType::PercpuHash] {
        for flags in [0, 1] {
            for (seed, key_size, value_size, entries) in
                [(1, 4, 8, 1), (2, 4, 1, 10), (3, 13, 13, 100), (4, 1, 300, 40), (5, 70, 8, 1000)]
            {
                let create =
                    MapCreate { flags, ..attributes(map_type, key_size, value_size, entries) };
                let key = |random: &mut Random| {
                    let number = random.below(u64::from(entries) * 5 / 4 + 2);
                    let mut key = vec![0; key_size as usize];
                    let len = key.len().min(8);
                    key[..len].copy_from_slice(&number.to_ne_bytes()[..len]);
                    key
                };
                check(&Plan { create, seed, steps: 12_000, key: &key, value: &any_value });
            }
        }
    }
}

/// Far from full, so that neither side evicts.
#[test]
fn lru_hash_tables() {
    if !available() {
        return;
    }
    for map_type in [MapType::LruHash, MapType::LruPercpuHash] {
        for flags in [0, 2] {
            let create = MapCreate { flags, ..attributes(map_type, 4, 8, 8192) };
            let key = |random: &mut Random| index(random, 300);
            // Random keys over all numbers are too many to stay far from full: only small ones.
            let key = |random: &mut Random| {
                let mut key = key(random);
                key[2..].fill(0);
                key
            };
            check(&Plan { create, seed: 9, steps: 10_000, key: &key, value: &any_value });
        }
    }
}

#[test]
fn lpm_tries() {
    if !available() {
        return;
    }
    for (seed, data, entries, dense) in [
        (1, 4, 20, true),
        (2, 4, 500, true),
        (3, 16, 200, false),
        (4, 1, 600, true),
        (5, 9, 64, false),
    ] {
        let create = MapCreate { flags: 1, ..attributes(MapType::LpmTrie, 4 + data, 8, entries) };
        let key = |random: &mut Random| {
            let len = match random.below(40) {
                0 => random.u32(),
                _ => random.u32_below(data * 8 + 2),
            };
            let mut key = len.to_ne_bytes().to_vec();
            let bytes = (0..data).map(|_| match random.below(if dense { 3 } else { 2 }) {
                0 => 0,
                1 => 0xc0,
                _ => random.u8(),
            });
            key.extend(bytes);
            key
        };
        check(&Plan { create, seed, steps: 20_000, key: &key, value: &any_value });
    }
}

#[test]
fn device_maps() {
    if !available() {
        return;
    }
    for (map_type, value_size) in [
        (MapType::Devmap, 4),
        (MapType::Devmap, 8),
        (MapType::DevmapHash, 4),
        (MapType::DevmapHash, 8),
    ] {
        let create = attributes(map_type, 4, value_size, 6);
        let key = |random: &mut Random| index(random, 8);
        // Loopback is an interface that every machine has; no descriptor of a program is given, or
        // one that is none.
        let value = |random: &mut Random, size: usize| {
            let ifindex = u32::from(random.below(5) != 0);
            let program = random.pick(&[0, u32::MAX, 1_000_000, 1_000_000]);
            let mut value = ifindex.to_ne_bytes().to_vec();
            value.extend(program.to_ne_bytes());
            value.truncate(size);
            value
        };
        check(&Plan { create, seed: 5, steps: 4000, key: &key, value: &value });
    }
}

/// Arrays of objects without objects.
#[test]
fn object_arrays() {
    if !available() {
        return;
    }
    for map_type in [MapType::ProgArray, MapType::PerfEventArray] {
        let create = attributes(map_type, 4, 4, 3);
        let key = |random: &mut Random| index(random, 3);
        let value = |_: &mut Random, _: usize| 1_000_000u32.to_ne_bytes().to_vec();
        check(&Plan { create, seed: 5, steps: 1000, key: &key, value: &value });
    }
}

#[test]
fn ring_buffers() {
    if !available() {
        return;
    }
    let pair = Pair::new(&attributes(MapType::Ringbuf, 0, 0, 4096));
    pair.lookup(&[], 0);
    let _ = pair.update(&[], &[], 0);
    pair.delete(&[]);
    pair.next_key(None);
    pair.freeze();
    pair.freeze();
}

/// Commands that the creation flags forbid.
#[test]
fn access_flags() {
    if !available() {
        return;
    }
    for flags in [1 << 3, 1 << 4, 1 << 7, 1 << 8] {
        for map_type in [MapType::Array, MapType::Hash, MapType::LpmTrie] {
            let prealloc = u32::from(map_type == MapType::LpmTrie);
            let key_size = if map_type == MapType::Array { 4 } else { 8 };
            let create =
                MapCreate { flags: flags | prealloc, ..attributes(map_type, key_size, 8, 4) };
            let key = |random: &mut Random| {
                let mut key = index(random, 4);
                key.resize(key_size as usize, 0);
                key
            };
            check_access(&create, &key);
        }
    }
}

fn check_access(create: &MapCreate<'_>, key: &dyn Fn(&mut Random) -> Vec<u8>) {
    let pair = Pair::new(create);
    let mut random = Random(3);
    for _ in 0..100 {
        let key = key(&mut random);
        let _ = pair.update(&key, &random.bytes(8), 0);
        pair.lookup(&key, 0);
        pair.delete(&key);
        pair.next_key(Some(&key));
        pair.next_key(None);
    }
    pair.freeze();
}
