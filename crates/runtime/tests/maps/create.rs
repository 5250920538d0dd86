//! Which attributes a map may have.

use skep_command::Errno;
use skep_command::map::MapCreate;
use skep_runtime::maps::Map;
use skep_spec::abi::MapType;

use super::kernel::{KernelMap, available, possible_cpus};
use super::{Random, attributes};

/// The types that the user engine has, with good sizes of key and value and flags that they need.
const TYPES: &[(MapType, u32, u32, u32)] = &[
    (MapType::Array, 4, 8, 0),
    (MapType::PercpuArray, 4, 8, 0),
    (MapType::Hash, 4, 8, 0),
    (MapType::PercpuHash, 4, 8, 0),
    (MapType::LruHash, 4, 8, 0),
    (MapType::LruPercpuHash, 4, 8, 0),
    (MapType::LpmTrie, 8, 8, 1),
    (MapType::ProgArray, 4, 4, 0),
    (MapType::PerfEventArray, 4, 4, 0),
    (MapType::Ringbuf, 0, 0, 0),
    (MapType::Devmap, 4, 4, 0),
    (MapType::DevmapHash, 4, 8, 0),
];

/// Both engines make the map, or refuse it for the same reason.
fn check(create: &MapCreate<'_>) {
    let cpus = possible_cpus();
    let kernel = KernelMap::create(create, 1).map(drop);
    let ours = Map::create(1, create, cpus);
    let found = ours.as_ref().map(drop).map_err(|error| error.errno);
    let text = ours.as_ref().err().map(ToString::to_string);
    assert_eq!(found, kernel, "{create:?}: {text:?}");
    assert_eq!(text.is_some(), kernel.is_err());
}

#[test]
fn each_size() {
    if !available() {
        return;
    }
    let kmalloc = 4 << 20;
    let sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 255, 256, 257, 259, 260, 261, 4096];
    let large = [32_760, 32_761, 32_768, 32_769, i32::MAX as u32 + 1];
    for (map_type, key_size, value_size, flags) in TYPES {
        let entries = if *map_type == MapType::Ringbuf { 4096 } else { 3 };
        let good =
            MapCreate { flags: *flags, ..attributes(*map_type, *key_size, *value_size, entries) };
        check(&good);
        for size in sizes.into_iter().chain(large) {
            check(&MapCreate { key_size: size, ..good });
        }
        let near = (kmalloc - 400..kmalloc + 8).step_by(4);
        let near = near.chain((kmalloc - 60..kmalloc - 40).step_by(1));
        for size in sizes.into_iter().chain(large).chain(near) {
            check(&MapCreate { value_size: size, max_entries: entries.min(4096), ..good });
        }
    }
}

#[test]
fn each_number_of_entries() {
    if !available() {
        return;
    }
    for (map_type, key_size, value_size, flags) in TYPES {
        for entries in [0, 1, 2, 3, 4095, 4096, 4097, 8192, 12_288, 65_536] {
            let create = attributes(*map_type, *key_size, *value_size, entries);
            check(&MapCreate { flags: *flags, ..create });
        }
    }
    check(&MapCreate { flags: 1, ..attributes(MapType::LpmTrie, 8, 4096, u32::MAX) });
    check(&MapCreate { flags: 1, ..attributes(MapType::Hash, 8, 4096, 1 << 20) });
    for map_type in [MapType::Hash, MapType::DevmapHash] {
        check(&attributes(map_type, 4, 8, u32::MAX));
        check(&attributes(map_type, 4, 8, (1 << 31) + 1));
    }
}

#[test]
fn each_flag() {
    if !available() {
        return;
    }
    for (map_type, key_size, value_size, flags) in TYPES {
        let entries = if *map_type == MapType::Ringbuf { 4096 } else { 3 };
        let create = attributes(*map_type, *key_size, *value_size, entries);
        check(&create);
        for one in 0..32 {
            for other in one..32 {
                // Bits 13 (a parent's descriptor), 15 and 16 (descriptors follow) are for other types.
                let bits = 1 << one | 1 << other;
                if bits & (1 << 16) == 0 {
                    check(&MapCreate { flags: bits | flags, ..create });
                }
            }
        }
    }
}

#[test]
fn each_name() {
    if !available() {
        return;
    }
    for name in ["", "a", "fifteen_letters", "sixteen_letters_", "a.b_c", "a b", "a-b", "ä", "a/b"]
    {
        check(&MapCreate { name, ..attributes(MapType::Array, 4, 8, 1) });
    }
}

#[test]
fn extra_data() {
    if !available() {
        return;
    }
    for (map_type, key_size, value_size, flags) in TYPES {
        let create = attributes(*map_type, *key_size, *value_size, 4096);
        check(&MapCreate { extra: 1, flags: *flags, ..create });
    }
}

/// Several things wrong at once: the same one counts.
#[test]
fn random_attributes() {
    if !available() {
        return;
    }
    let mut random = Random(7);
    for _ in 0..5_000 {
        let (map_type, key_size, value_size, flags) = random.pick(TYPES);
        let pick = |random: &mut Random, good: u32| match random.below(4) {
            0 => random.pick(&[0, 1, 4, 5, 8, 40_000, 5 << 20, 1 << 31]),
            _ => good,
        };
        let mut create = attributes(map_type, key_size, value_size, 4096);
        create.key_size = pick(&mut random, key_size);
        create.value_size = pick(&mut random, value_size);
        if random.below(6) == 0 {
            create.max_entries = random.pick(&[0, 1, 4096, 5000]);
        }
        create.flags = match random.below(3) {
            0 => flags,
            1 => flags | 1 << random.below(13),
            _ => 1 << random.below(13) | 1 << random.below(13),
        };
        if u64::from(create.value_size) * u64::from(create.max_entries) < 1 << 28 {
            check(&create);
        }
    }
}

/// What the user engine lacks has an answer of its own.
#[test]
fn other_types() {
    for map_type in MapType::ALL {
        if TYPES.iter().any(|(has, ..)| has == map_type) {
            continue;
        }
        let error = Map::create(1, &attributes(*map_type, 4, 4, 1), 2).unwrap_err();
        assert_eq!(error.errno, Errno::EOPNOTSUPP);
        assert!(error.to_string().contains(map_type.name()), "{error}");
    }
}
