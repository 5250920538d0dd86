//! Tests of maps through their two sides.

mod hash;
mod lpm;
mod objects;
mod records;
mod stress;

use std::sync::Arc;

use skep_command::Errno;
use skep_command::map::MapCreate;
use skep_spec::abi::MapType;

use super::Map;
use crate::world::Cpu;

/// The possible CPUs in these tests.
const CPUS: u32 = 3;
const CPU: Cpu = Cpu(1);

/// Attributes of a map with keys and values of 4 and 8 bytes.
fn attributes(map_type: MapType, max_entries: u32) -> MapCreate<'static> {
    MapCreate {
        name: "test",
        map_type,
        key_size: 4,
        value_size: 8,
        max_entries,
        flags: 0,
        extra: 0,
        inner: None,
        numa_node: None,
        btf: None,
    }
}

fn make(map_type: MapType, max_entries: u32) -> Arc<Map> {
    Map::create(1, &attributes(map_type, max_entries), CPUS).unwrap()
}

fn key(n: u32) -> [u8; 4] {
    n.to_ne_bytes()
}

fn value(n: u64) -> [u8; 8] {
    n.to_ne_bytes()
}

/// What a program reads at the address of a value of 8 bytes.
fn load(map: &Arc<Map>, address: u64) -> u64 {
    assert!(map.spans().iter().any(|span| span.addr() <= address
        && address + 8 <= span.addr() + span.len()
        && span.element(address) == Some((address, 8))));
    let place = std::ptr::with_exposed_provenance_mut::<u64>(usize::try_from(address).unwrap());
    // SAFETY: the address is that of a value in a span of the map (above), which the map aligns to 8
    // and keeps mapped for as long as `map` lives.
    let word = unsafe { std::sync::atomic::AtomicU64::from_ptr(place) };
    word.load(std::sync::atomic::Ordering::Relaxed)
}

/// All keys in the order of `next_key`.
fn keys(map: &Map) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    while let Some(next) = map.next_key(keys.last().map(Vec::as_slice)).unwrap() {
        keys.push(next);
    }
    keys
}

#[test]
fn array() {
    let map = make(MapType::Array, 4);
    assert_eq!(map.command_lookup(&key(3), 0), Ok(vec![0; 8]));
    assert_eq!(map.command_lookup(&key(4), 0), Err(Errno::ENOENT));
    assert_eq!(map.command_update(&key(3), &value(7), 0), Ok(()));
    assert_eq!(map.command_update(&key(4), &value(7), 0), Err(Errno::E2BIG));
    assert_eq!(map.command_update(&key(3), &value(7), 1), Err(Errno::EEXIST));
    assert_eq!(map.command_update(&key(3), &value(7), 3), Err(Errno::EINVAL));
    assert_eq!(map.command_delete(&key(3)), Err(Errno::EINVAL));
    assert_eq!(load(&map, map.lookup(CPU, &key(3)).unwrap()), 7);
    assert_eq!(map.lookup(CPU, &key(4)), None);
    assert_eq!(map.update(CPU, &key(2), &value(9), 0), Ok(()));
    assert_eq!(map.command_lookup(&key(2), 0), Ok(value(9).to_vec()));
    assert_eq!(keys(&map), (0..4).map(|n| key(n).to_vec()).collect::<Vec<_>>());
    assert_eq!(map.next_key(Some(&key(77))), Ok(Some(key(0).to_vec())));
    let first = map.lookup(CPU, &key(0)).unwrap();
    assert_eq!(map.lookup(CPU, &key(1)), Some(first + 8));
    assert_eq!(first % 4096, 0);
}

#[test]
fn percpu_array() {
    let attributes = MapCreate { value_size: 5, ..attributes(MapType::PercpuArray, 2) };
    let map = Map::create(1, &attributes, CPUS).unwrap();
    assert_eq!(map.command_value_size(), 8 * CPUS as usize);
    assert_eq!(map.update(Cpu(2), &key(1), b"fifth", 0), Ok(()));
    assert_eq!(map.update(Cpu(3), &key(1), b"fifth", 0), Err(Errno::EINVAL));
    assert_eq!(map.lookup(Cpu(3), &key(1)), None);
    let mut expected = vec![0; 16];
    expected.extend(b"fifth\0\0\0");
    assert_eq!(map.command_lookup(&key(1), 0), Ok(expected));
    let new: Vec<u8> = (1..=24).collect();
    assert_eq!(map.command_update(&key(0), &new, 0), Ok(()));
    let read = map.command_lookup(&key(0), 0).unwrap();
    assert_eq!(read, new);
    assert_eq!(map.spans().len(), CPUS as usize);
}

#[test]
fn frozen() {
    let map = make(MapType::Array, 4);
    assert_eq!(map.freeze(), Ok(()));
    assert!(map.info().frozen);
    assert_eq!(map.command_update(&key(0), &value(1), 0), Err(Errno::EPERM));
    assert_eq!(map.command_delete(&key(0)), Err(Errno::EPERM));
    assert_eq!(map.freeze(), Err(Errno::EPERM));
    assert_eq!(map.update(CPU, &key(0), &value(1), 0), Ok(()));
    assert_eq!(map.command_lookup(&key(0), 0), Ok(value(1).to_vec()));
}
