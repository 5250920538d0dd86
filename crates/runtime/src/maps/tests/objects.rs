//! Program arrays and device maps.

use std::sync::Arc;

use skep_command::map::MapCreate;
use skep_command::{Errno, Handle};
use skep_spec::abi::{AttachType, MapType, ProgType};
use skep_spec::asm::assemble;

use super::{CPU, CPUS, attributes, key, keys};
use crate::maps::Map;
use crate::program::{Helpers, NewProgram, Program};

/// A program whose id is its handle.
fn program(handle: Handle) -> Result<Arc<Program>, Errno> {
    let (prog_type, expected_attach_type) = match handle.0 {
        10..20 => (ProgType::Xdp, None),
        20..30 => (ProgType::SchedCls, None),
        30..40 => (ProgType::Xdp, Some(AttachType::XdpDevmap)),
        _ => return Err(Errno::EBADF),
    };
    let code = assemble("r0 = 0\nexit\n").unwrap();
    let new = NewProgram {
        id: u32::try_from(handle.0).unwrap(),
        name: "test",
        prog_type,
        expected_attach_type,
        license: "GPL",
        code: &code,
        helpers: Helpers::Linux,
    };
    Ok(Program::load(&new, &|_| None).unwrap())
}

fn make(map_type: MapType, value_size: u32) -> Arc<Map> {
    let create = MapCreate { value_size, ..attributes(map_type, 4) };
    Map::create(1, &create, CPUS).unwrap()
}

fn put(map: &Map, at: u32, value: &[u32], flags: u64) -> Result<(), Errno> {
    let value: Vec<u8> = value.iter().flat_map(|part| part.to_ne_bytes()).collect();
    map.command_update_with(&key(at), &value, flags, &program)
}

#[test]
fn program_array() {
    let map = make(MapType::ProgArray, 4);
    assert_eq!(put(&map, 1, &[10], 0), Ok(()));
    assert_eq!(put(&map, 2, &[11], 1), Err(Errno::EINVAL));
    assert_eq!(put(&map, 4, &[11], 0), Err(Errno::E2BIG));
    assert_eq!(put(&map, 2, &[99], 0), Err(Errno::EBADF));
    // Its programs are of one type.
    assert_eq!(put(&map, 2, &[20], 0), Err(Errno::EINVAL));
    assert_eq!(map.admit(ProgType::Xdp), Ok(()));
    assert_eq!(map.admit(ProgType::SchedCls), Err(Errno::EINVAL));
    assert_eq!(map.command_lookup(&key(1), 0), Ok(key(10).to_vec()));
    assert_eq!(map.command_lookup(&key(2), 0), Err(Errno::ENOENT));
    assert_eq!(map.program(1).map(|program| program.id()), Some(10));
    assert!(map.program(0).is_none() && map.program(u32::MAX).is_none());
    assert_eq!(put(&map, 1, &[12], 0), Ok(()));
    assert_eq!(map.command_delete(&key(1)), Ok(()));
    assert_eq!(map.command_delete(&key(1)), Err(Errno::ENOENT));
    assert_eq!(put(&map, 3, &[12], 0), Ok(()));
    map.clear_programs();
    assert!(map.program(3).is_none());
    assert_eq!((map.lookup(CPU, &key(3)), map.spans().len()), (None, 0));
}

#[test]
fn device_map() {
    for map_type in [MapType::Devmap, MapType::DevmapHash] {
        let map = make(map_type, 8);
        assert_eq!(put(&map, 1, &[5, 0], 0), Ok(()));
        assert_eq!(put(&map, 2, &[6, 30], 0), Ok(()));
        // Not meant for a device map.
        assert_eq!(put(&map, 3, &[6, 10], 0), Err(Errno::EINVAL));
        assert_eq!(put(&map, 3, &[6, 99], 0), Err(Errno::EINVAL));
        let plain = map.device(1).unwrap();
        assert_eq!((plain.ifindex, plain.program.is_none()), (5, true));
        let running = map.device(2).unwrap();
        assert_eq!((running.ifindex, running.program.unwrap().id()), (6, 30));
        assert!(map.device(3).is_none());
        assert_eq!(map.command_lookup(&key(2), 0), Ok([key(6), key(30)].concat()));
        assert!(map.lookup(CPU, &key(2)).is_some());
        assert_eq!(map.lookup(CPU, &key(3)), None);
        assert_eq!(map.update(CPU, &key(2), &[0; 8], 0), Err(Errno::EACCES));
        assert_eq!(put(&map, 2, &[7, 0], 0), Ok(()));
        assert!(map.device(2).unwrap().program.is_none());
        assert_eq!(map.command_delete(&key(2)), Ok(()));
        assert!(map.device(2).is_none());
        let hash = map_type == MapType::DevmapHash;
        assert_eq!(keys(&map).len(), if hash { 1 } else { 4 });
    }
}

#[test]
fn narrow_device_map() {
    let map = make(MapType::DevmapHash, 4);
    assert_eq!(put(&map, 1_000_000, &[5], 0), Ok(()));
    assert_eq!(map.command_lookup(&key(1_000_000), 0), Ok(key(5).to_vec()));
    assert_eq!(map.device(1_000_000).unwrap().ifindex, 5);
    let spans = map.spans();
    let address = map.lookup(CPU, &key(1_000_000)).unwrap();
    assert_eq!(spans[0].element(address), Some((address, 4)));
}
