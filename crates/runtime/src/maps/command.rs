//! Maps as commands use them, with the shape of bpf(2).
//!
//! Keys and values are copied. The values of per-CPU maps hold one value for each possible CPU, each
//! padded to 8 bytes.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use skep_command::Errno;

use super::array::next_index;
use super::flags::{BPF_F_LOCK, BPF_F_RDONLY, BPF_F_WRONLY};
use super::{Kind, Map};
use crate::world::Cpu;

impl Map {
    /// Bytes of a value in commands.
    pub fn command_value_size(&self) -> usize {
        match &self.kind {
            Kind::Array(array) => array.elements().command_size(),
            Kind::Hash(hash) => hash.elements().command_size(),
        }
    }

    /// `BPF_MAP_LOOKUP_ELEM`.
    pub fn command_lookup(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, Errno> {
        if flags & !BPF_F_LOCK != 0 {
            return Err(Errno::EINVAL);
        }
        self.check_read()?;
        self.check_lock(flags)?;
        self.check_key(key)?;
        match &self.kind {
            Kind::Array(array) => {
                let index = array.index(key).ok_or(Errno::ENOENT)?;
                Ok(array.elements().command_value(index))
            }
            Kind::Hash(hash) => hash.command_lookup(key).ok_or(Errno::ENOENT),
        }
    }

    /// `BPF_MAP_UPDATE_ELEM`.
    pub fn command_update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let _changing = self.begin_write()?;
        self.check_lock(flags)?;
        self.check_key(key)?;
        if value.len() != self.command_value_size() {
            return Err(Errno::EINVAL);
        }
        match &self.kind {
            Kind::Array(array) => array.command_update(key, value, flags),
            Kind::Hash(hash) => hash.command_update(key, value, flags, &self.counters),
        }
    }

    /// `BPF_MAP_DELETE_ELEM`.
    pub fn command_delete(&self, key: &[u8]) -> Result<(), Errno> {
        let _changing = self.begin_write()?;
        self.check_key(key)?;
        match &self.kind {
            Kind::Array(_) => Err(Errno::EINVAL),
            Kind::Hash(hash) => hash.delete(Cpu(0), key),
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
            Kind::Array(_) => {
                Ok(next_index(key, self.max_entries).map(|index| index.to_ne_bytes().to_vec()))
            }
            Kind::Hash(hash) => hash.next_key(key),
        }
    }

    /// `BPF_MAP_FREEZE`: commands no longer change the map.
    pub fn freeze(&self) -> Result<(), Errno> {
        if self.flags & BPF_F_RDONLY != 0 {
            return Err(Errno::EPERM);
        }
        self.gate.freeze()
    }

    /// Whether it is frozen.
    pub fn is_frozen(&self) -> bool {
        self.gate.is_frozen()
    }

    fn check_read(&self) -> Result<(), Errno> {
        if self.flags & BPF_F_WRONLY != 0 { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// Checks that commands may change the map, and keeps it from being frozen meanwhile.
    fn begin_write(&self) -> Result<Writing<'_>, Errno> {
        if self.flags & BPF_F_RDONLY != 0 {
            return Err(Errno::EPERM);
        }
        self.gate.begin_write()
    }

    /// No map of the user engine has a spin lock in its values yet.
    #[expect(clippy::unused_self, reason = "whether there is a lock is for the map to say")]
    fn check_lock(&self, flags: u64) -> Result<(), Errno> {
        if flags & BPF_F_LOCK != 0 { Err(Errno::EINVAL) } else { Ok(()) }
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
