//! Hash tables.

use std::collections::{BTreeMap, BTreeSet};

use skep_command::Errno;
use skep_command::map::MapCreate;
use skep_spec::abi::MapType;

use super::{CPU, CPUS, attributes, key, keys, load, make, value};
use crate::maps::Map;
use crate::world::Cpu;

#[test]
fn flags_and_errors() {
    let map = make(MapType::Hash, 2);
    assert_eq!(map.command_lookup(&key(1), 0), Err(Errno::ENOENT));
    assert_eq!(map.command_update(&key(1), &value(1), 2), Err(Errno::ENOENT));
    assert_eq!(map.command_update(&key(1), &value(1), 1), Ok(()));
    assert_eq!(map.command_update(&key(1), &value(2), 1), Err(Errno::EEXIST));
    assert_eq!(map.command_update(&key(1), &value(2), 2), Ok(()));
    assert_eq!(map.command_update(&key(1), &value(2), 3), Err(Errno::EINVAL));
    assert_eq!(map.command_update(&key(1), &value(2), 4), Err(Errno::EINVAL));
    assert_eq!(map.update(CPU, &key(1), &value(2), 4), Err(Errno::EINVAL));
    assert_eq!(map.command_update(&key(2), &value(2), 0), Ok(()));
    assert_eq!(map.command_update(&key(3), &value(2), 0), Err(Errno::E2BIG));
    assert_eq!(map.command_update(&key(2), &value(5), 0), Ok(()));
    assert_eq!(map.losses().full, 1);
    assert_eq!(load(&map, map.lookup(CPU, &key(2)).unwrap()), 5);
    assert_eq!(map.delete(CPU, &key(3)), Err(Errno::ENOENT));
    assert_eq!(map.delete(CPU, &key(2)), Ok(()));
    assert_eq!(map.update(CPU, &key(3), &value(3), 0), Ok(()));
    assert_eq!(map.command_delete(&key(1)), Ok(()));
    assert_eq!(keys(&map), vec![key(3).to_vec()]);
}

/// Random operations give what they give on a map of the standard library.
#[test]
fn like_a_model() {
    for (map_type, size) in [(MapType::Hash, 64), (MapType::PercpuHash, 300), (MapType::Hash, 1)] {
        let map = make(map_type, size);
        let percpu = map_type == MapType::PercpuHash;
        let mut model: BTreeMap<u32, u64> = BTreeMap::new();
        let mut random = 12345u64;
        for step in 0..20_000u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let n = (random >> 33) as u32 % (size + size / 4 + 1);
            let full = model.len() == size as usize && !model.contains_key(&n);
            match random >> 60 {
                0..8 => {
                    let expected = if full { Err(Errno::E2BIG) } else { Ok(()) };
                    assert_eq!(map.update(CPU, &key(n), &value(step), 0), expected);
                    if !full {
                        model.insert(n, step);
                    }
                }
                8..12 => {
                    let expected = model.remove(&n).map(|_| ()).ok_or(Errno::ENOENT);
                    assert_eq!(map.delete(CPU, &key(n)), expected);
                }
                _ => {
                    let found = map.lookup(CPU, &key(n)).map(|address| load(&map, address));
                    assert_eq!(found, model.get(&n).copied());
                    if percpu && found.is_some() {
                        let other = map.lookup(Cpu(0), &key(n)).unwrap();
                        assert_eq!(load(&map, other), 0);
                    }
                }
            }
        }
        let expected: BTreeSet<_> = model.keys().map(|n| key(*n).to_vec()).collect();
        let found = keys(&map);
        assert_eq!(found.len(), expected.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

/// All keys in one bucket's overflow chain: values of all sizes, in any order of removal.
#[test]
fn overflow_chains() {
    let map = make(MapType::Hash, 20);
    for round in 0..200u32 {
        for n in 0..20 {
            assert_eq!(map.update(CPU, &key(round * 100 + n), &value(n.into()), 1), Ok(()));
        }
        assert_eq!(keys(&map).len(), 20);
        for n in 0..20 {
            let n = (n * 7 + round) % 20;
            assert_eq!(map.update(CPU, &key(round * 100 + n), &value(1000), 2), Ok(()));
            assert_eq!(map.delete(CPU, &key(round * 100 + n)), Ok(()));
        }
        assert_eq!(keys(&map).len(), 0);
    }
}

#[test]
fn percpu_values() {
    let map = make(MapType::PercpuHash, 4);
    let all: Vec<u8> = (0..CPUS).flat_map(|cpu| value(u64::from(cpu) + 10)).collect();
    assert_eq!(map.command_update(&key(1), &all, 0), Ok(()));
    assert_eq!(map.update(Cpu(2), &key(1), &value(99), 0), Ok(()));
    for (cpu, expected) in [(0, 10), (1, 11), (2, 99)] {
        assert_eq!(load(&map, map.lookup(Cpu(cpu), &key(1)).unwrap()), expected);
    }
    assert_eq!(map.delete(CPU, &key(1)), Ok(()));
    // A new element has zeros on the CPUs that did not write it.
    assert_eq!(map.update(Cpu(1), &key(2), &value(5), 0), Ok(()));
    let expected: Vec<u8> = [0, 5, 0].into_iter().flat_map(value).collect();
    assert_eq!(map.command_lookup(&key(2), 0), Ok(expected));
}

#[test]
fn lru_always_has_room() {
    for map_type in [MapType::LruHash, MapType::LruPercpuHash] {
        for size in [1, 2, 64, 1000] {
            let map = make(map_type, size);
            for n in 0..5 * size {
                assert_eq!(map.update(CPU, &key(n), &value(n.into()), 1), Ok(()));
                assert!(map.lookup(CPU, &key(n)).is_some());
            }
            assert_eq!(keys(&map).len(), size as usize);
            assert_eq!(map.losses().evicted, u64::from(4 * size));
        }
    }
}

#[test]
fn lru_keeps_what_is_used() {
    let map = make(MapType::LruHash, 256);
    for n in 0..10_000 {
        assert_eq!(map.update(CPU, &key(n), &value(0), 0), Ok(()));
        for used in 0..16.min(n) {
            assert!(map.lookup(CPU, &key(used)).is_some(), "{used} is gone after {n}");
        }
    }
}

#[test]
fn keys_of_any_size() {
    for size in [1, 3, 8, 13, 64, 65, 300] {
        let attributes = MapCreate { key_size: size, ..attributes(MapType::LruHash, 10) };
        let map = Map::create(1, &attributes, CPUS).unwrap();
        for n in 0..50u8 {
            let mut key = vec![7; size as usize];
            key[size as usize - 1] = n;
            assert_eq!(map.update(CPU, &key, &value(n.into()), 0), Ok(()));
            assert_eq!(map.command_lookup(&key, 0), Ok(value(n.into()).to_vec()));
        }
        assert_eq!(keys(&map).len(), 10);
    }
}
