//! Maps as commands use them, with the shape of bpf(2).
//!
//! Keys and values are copied. The values of per-CPU maps hold one value for each possible CPU, each
//! padded to 8 bytes.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use skep_command::{Errno, Handle};
use skep_spec::abi::ProgType;
use skep_spec::abi::flags::{self, update};

use super::array::{index, next_index};
use super::{Kind, Map, Programs, pin};
use crate::world::Cpu;

impl Map {
    /// Bytes of a value in commands.
    pub fn command_value_size(&self) -> usize {
        match &self.kind {
            Kind::Array(array) => array.elements().command_size(),
            Kind::Hash(hash) => hash.elements().command_size(),
            Kind::LpmTrie(_)
            | Kind::ProgArray(_)
            | Kind::PerfEventArray(_)
            | Kind::Ringbuf(_)
            | Kind::Devmap(_)
            | Kind::DevmapHash(_) => self.value_size(),
        }
    }

    /// `BPF_MAP_LOOKUP_ELEM`.
    pub fn command_lookup(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, Errno> {
        if flags & !update::LOCK != 0 {
            return Err(Errno::EINVAL);
        }
        self.check_read()?;
        self.check_lock(flags)?;
        self.check_key(key)?;
        let _held = pin();
        match &self.kind {
            Kind::Array(array) => {
                let place = array.index(key).ok_or(Errno::ENOENT)?;
                Ok(array.elements().command_value(place))
            }
            Kind::Hash(hash) => hash.command_lookup(key).ok_or(Errno::ENOENT),
            Kind::LpmTrie(trie) => trie.command_lookup(key).ok_or(Errno::ENOENT),
            Kind::ProgArray(array) => {
                let program = index(key).and_then(|place| array.program(place));
                let id = program.ok_or(Errno::ENOENT)?.id();
                Ok(id.to_ne_bytes().to_vec())
            }
            Kind::PerfEventArray(_) | Kind::Ringbuf(_) => Err(Errno::ENOTSUPP),
            Kind::Devmap(devmap) => {
                devmap.command_lookup(key, self.value_size()).ok_or(Errno::ENOENT)
            }
            Kind::DevmapHash(devmap) => {
                let mut value = devmap.hash().command_lookup(key).ok_or(Errno::ENOENT)?;
                value.truncate(self.value_size());
                Ok(value)
            }
        }
    }

    /// `BPF_MAP_UPDATE_ELEM`, for maps whose values are no handles (`EBADF` for those).
    pub fn command_update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.command_update_with(key, value, flags, &|_| Err(Errno::EBADF))
    }

    /// `BPF_MAP_UPDATE_ELEM`. Where a value is the handle of a program, `programs` finds it.
    pub fn command_update_with(
        &self,
        key: &[u8],
        value: &[u8],
        flags: u64,
        programs: Programs<'_>,
    ) -> Result<(), Errno> {
        let _changing = self.begin_write()?;
        self.check_lock(flags)?;
        self.check_key(key)?;
        if value.len() != self.command_value_size() {
            return Err(Errno::EINVAL);
        }
        match &self.kind {
            Kind::Array(array) => array.command_update(key, value, flags),
            Kind::Hash(hash) => hash.command_update(key, value, flags, &self.counters),
            Kind::LpmTrie(trie) => trie.update(Cpu(0), key, value, flags, &self.counters),
            Kind::ProgArray(array) => {
                let place = self.object_index(key, flags)?;
                let handle = index(value).ok_or(Errno::EINVAL)?;
                let handle = i32::try_from(handle).map_err(|_| Errno::EBADF)?;
                let program = programs(Handle(handle))?;
                if program.prog_type() == ProgType::Ext {
                    return Err(Errno::EINVAL);
                }
                array.admit(program.prog_type())?;
                array.put(place, Some(program)).map(drop)
            }
            // The engine's rings are there from the beginning, and it has no perf events.
            Kind::PerfEventArray(_) => self.object_index(key, flags).and(Err(Errno::EBADF)),
            Kind::Ringbuf(_) => Err(Errno::ENOTSUPP),
            Kind::Devmap(devmap) => devmap.command_update(key, value, flags, programs),
            Kind::DevmapHash(devmap) => {
                devmap.command_update(key, value, flags, programs, &self.counters)
            }
        }
    }

    /// `BPF_MAP_DELETE_ELEM`.
    pub fn command_delete(&self, key: &[u8]) -> Result<(), Errno> {
        let _changing = self.begin_write()?;
        self.check_key(key)?;
        match &self.kind {
            Kind::Array(_) => Err(Errno::EINVAL),
            Kind::Hash(hash) => hash.delete(Cpu(0), key),
            Kind::LpmTrie(trie) => trie.delete(Cpu(0), key),
            Kind::ProgArray(array) => {
                let place = self.object_index(key, update::ANY)?;
                array.put(place, None)?.map(drop).ok_or(Errno::ENOENT)
            }
            Kind::PerfEventArray(_) => self.object_index(key, update::ANY).and(Err(Errno::ENOENT)),
            Kind::Ringbuf(_) => Err(Errno::ENOTSUPP),
            Kind::Devmap(devmap) => devmap.delete(key),
            Kind::DevmapHash(devmap) => devmap.delete(key),
        }
    }

    /// `BPF_MAP_GET_NEXT_KEY`: the key after `key`, the first if there is no `key` or the map does
    /// not have it, `None` after the last.
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>, Errno> {
        self.check_read()?;
        if let Some(key) = key {
            self.check_key(key)?;
        }
        match &self.kind {
            Kind::Array(_) | Kind::ProgArray(_) | Kind::PerfEventArray(_) | Kind::Devmap(_) => {
                Ok(next_index(key, self.max_entries).map(|index| index.to_ne_bytes().to_vec()))
            }
            Kind::Hash(hash) => hash.next_key(key),
            Kind::LpmTrie(trie) => trie.next_key(key),
            Kind::DevmapHash(devmap) => devmap.hash().next_key(key),
            Kind::Ringbuf(_) => Err(Errno::ENOTSUPP),
        }
    }

    /// `BPF_MAP_FREEZE`: commands no longer change the map.
    pub fn freeze(&self) -> Result<(), Errno> {
        if self.flags & flags::map::RDONLY != 0 {
            return Err(Errno::EPERM);
        }
        self.gate.freeze()
    }

    /// Whether it is frozen.
    pub fn is_frozen(&self) -> bool {
        self.gate.is_frozen()
    }

    fn check_read(&self) -> Result<(), Errno> {
        if self.flags & flags::map::WRONLY != 0 { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// Checks that commands may change the map, and keeps it from being frozen meanwhile.
    fn begin_write(&self) -> Result<Writing<'_>, Errno> {
        if self.flags & flags::map::RDONLY != 0 {
            return Err(Errno::EPERM);
        }
        self.gate.begin_write()
    }

    /// No map of the user engine has a spin lock in its values yet.
    #[expect(clippy::unused_self, reason = "whether there is a lock is for the map to say")]
    pub(super) fn check_lock(&self, flags: u64) -> Result<(), Errno> {
        if flags & update::LOCK != 0 { Err(Errno::EINVAL) } else { Ok(()) }
    }

    /// The place that a key names in an array of objects.
    fn object_index(&self, key: &[u8], flags: u64) -> Result<u32, Errno> {
        if flags != update::ANY {
            return Err(Errno::EINVAL);
        }
        index(key).filter(|index| *index < self.max_entries).ok_or(Errno::E2BIG)
    }

    fn check_key(&self, key: &[u8]) -> Result<(), Errno> {
        if key.len() == self.key_size() { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

/// Lets commands that change a map through until it is frozen.
#[derive(Default)]
pub(super) struct Gate {
    /// How many commands are changing the map, and [`FROZEN`].
    state: AtomicU32,
}

/// The bit of a frozen map.
const FROZEN: u32 = 1 << 31;

impl Gate {
    fn begin_write(&self) -> Result<Writing<'_>, Errno> {
        let writing = Writing { gate: self };
        let before = self.state.fetch_add(1, Acquire);
        if before & FROZEN != 0 { Err(Errno::EPERM) } else { Ok(writing) }
    }

    /// `EBUSY` while a command changes the map, `EPERM` if it is frozen.
    fn freeze(&self) -> Result<(), Errno> {
        match self.state.compare_exchange(0, FROZEN, AcqRel, Relaxed) {
            Ok(_) => Ok(()),
            Err(state) if state & FROZEN != 0 => Err(Errno::EPERM),
            Err(_) => Err(Errno::EBUSY),
        }
    }

    fn is_frozen(&self) -> bool {
        self.state.load(Acquire) & FROZEN != 0
    }
}

/// A command is changing a map.
struct Writing<'a> {
    gate: &'a Gate,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.gate.state.fetch_sub(1, Release);
    }
}
