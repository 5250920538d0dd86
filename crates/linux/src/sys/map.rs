//! Maps: making them, and their elements.

use std::os::fd::{AsFd, OwnedFd};

use skep_command::Errno;
use skep_command::attr::{Cmd, Wire, map};
use skep_spec::abi::{MapType, map_rules};

use super::{Result, address, address_mut, bpf, bpf_new_fd, info_by_fd, number};

/// A map, and the sizes that the kernel reads and writes of its elements.
#[derive(Debug)]
pub(crate) struct Map {
    fd: OwnedFd,
    /// Bytes of a key.
    key_bytes: usize,
    /// Bytes of a value as commands see it: of all possible CPUs, in a per-CPU map.
    value_bytes: usize,
}

/// Makes a map.
pub(crate) fn create(create: map::Create) -> Result<OwnedFd> {
    let mut attr = map::Create { excl_prog_hash: 0, excl_prog_hash_size: 0, ..create }.encode();
    // SAFETY: the only pointer, `excl_prog_hash`, is null, which is allowed. The command returns a
    // descriptor.
    unsafe { bpf_new_fd(Cmd::MapCreate, &mut attr) }
}

impl Map {
    /// Takes a map, of which the kernel says what its sizes are.
    ///
    /// `EINVAL` if the descriptor is no map, or of a type unknown here.
    pub(crate) fn new(fd: OwnedFd, possible_cpus: u32) -> Result<(Map, map::Info)> {
        let mut map = Map { fd, key_bytes: 0, value_bytes: 0 };
        let info = map.info()?;
        let map_type = MapType::from_u32(info.map_type).ok_or(Errno::EINVAL)?;
        map.key_bytes = info.key_size as usize;
        map.value_bytes =
            map_rules::of(map_type).command_value_size(info.value_size, possible_cpus);
        Ok((map, info))
    }

    /// The descriptor.
    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Bytes of a key and of a value as commands see it.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.key_bytes, self.value_bytes)
    }

    /// What the kernel says of it.
    pub(crate) fn info(&self) -> Result<map::Info> {
        // SAFETY: a descriptor that is no map is refused, as its info has another size or kind; the
        // only pointer of a map's info, `hash`, is null.
        unsafe { info_by_fd(self.fd.as_fd(), &map::Info::default()) }
    }

    /// The value under a key, which has [`Map::sizes`] bytes or is refused.
    pub(crate) fn lookup(&self, key: &[u8], flags: u64) -> Result<Vec<u8>> {
        self.check_key(key)?;
        let mut value = vec![0; self.value_bytes];
        let value_address = address_mut(&mut value);
        let mut attr = self.element(address(key), value_address, flags).encode();
        // SAFETY: `key` has the map's key size (checked above), and `value` the size that the
        // kernel writes: the map's value size, times possible CPUs where there is one for each
        // (`Map::new`). Both live until the call returns.
        unsafe { bpf(Cmd::MapLookupElem, &mut attr) }?;
        Ok(value)
    }

    /// Writes a value; key and value have [`Map::sizes`] bytes or are refused.
    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
        self.check_key(key)?;
        if value.len() != self.value_bytes {
            return Err(Errno::EINVAL);
        }
        let mut attr = self.element(address(key), address(value), flags).encode();
        // SAFETY: `key` and `value` have the sizes that the kernel reads (checked above; see
        // `Map::new`) and live until the call returns.
        unsafe { bpf(Cmd::MapUpdateElem, &mut attr) }?;
        Ok(())
    }

    /// Removes the element under a key, which has [`Map::sizes`] bytes or is refused.
    pub(crate) fn delete(&self, key: &[u8]) -> Result<()> {
        self.check_key(key)?;
        let mut attr = self.element(address(key), 0, 0).encode();
        // SAFETY: `key` has the map's key size (checked above) and lives until the call returns;
        // the command follows no other pointer.
        unsafe { bpf(Cmd::MapDeleteElem, &mut attr) }?;
        Ok(())
    }

    /// The key after `key`, or the first one.
    pub(crate) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>> {
        if let Some(key) = key {
            self.check_key(key)?;
        }
        let mut next = vec![0; self.key_bytes];
        let next_address = address_mut(&mut next);
        let mut attr = self.element(key.map_or(0, address), next_address, 0).encode();
        // SAFETY: `key` is null, which asks for the first, or has the map's key size (checked
        // above), and `next` has it too; both live until the call returns.
        unsafe { bpf(Cmd::MapGetNextKey, &mut attr) }?;
        Ok(next)
    }

    /// Forbids further changes by commands.
    pub(crate) fn freeze(&self) -> Result<()> {
        // The command takes the map alone: what follows it must be left out or zero.
        let mut attr = self.element(0, 0, 0).encode();
        // SAFETY: the command follows no pointer.
        unsafe { bpf(Cmd::MapFreeze, &mut attr) }?;
        Ok(())
    }

    fn element(&self, key: u64, value: u64, flags: u64) -> map::Element {
        map::Element { map_fd: number(self.fd.as_fd()), key, value, flags }
    }

    fn check_key(&self, key: &[u8]) -> Result<()> {
        if key.len() == self.key_bytes { Ok(()) } else { Err(Errno::EINVAL) }
    }
}
