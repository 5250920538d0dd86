//! Maps as programs use them, through helpers.
//!
//! A lookup gives the address of the value itself. The address stays valid for as long as the map
//! lives; the value may be changed, deleted or reused by others at any time, as in the kernel.

use std::sync::Arc;

use skep_command::Errno;
use skep_spec::abi::flags;

use super::array;
use super::{Kind, Map};
use crate::memory::{Access, Span};
use crate::world::Cpu;

impl Map {
    /// What programs may do with its values.
    pub fn program_access(&self) -> Access {
        if self.flags & flags::map::RDONLY_PROG != 0 {
            Access::Read
        } else if self.flags & flags::map::WRONLY_PROG != 0 {
            Access::Write
        } else {
            Access::ReadWrite
        }
    }

    /// `bpf_map_lookup_elem`: the address of a key's value, on a CPU if values are per CPU. `None`
    /// too for a CPU that is not possible, as `bpf_map_lookup_percpu_elem` says it.
    #[inline]
    pub fn lookup(&self, cpu: Cpu, key: &[u8]) -> Option<u64> {
        if key.len() != self.key_size() {
            return None;
        }
        match &self.kind {
            Kind::Array(array) => array.lookup(cpu, key),
            Kind::Hash(hash) => hash.lookup(cpu, key),
            Kind::LpmTrie(trie) => trie.lookup(key),
            Kind::Devmap(devmap) => devmap.lookup(key),
            Kind::DevmapHash(devmap) => devmap.hash().lookup(cpu, key),
            Kind::ProgArray(_) | Kind::PerfEventArray(_) | Kind::Ringbuf(_) => None,
        }
    }

    /// `bpf_map_update_elem`: sets a key's value, on a CPU if values are per CPU. `EACCES` for a map
    /// that programs may only read, which a verifier does not let them try.
    pub fn update(&self, cpu: Cpu, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.check_program_write(key)?;
        if value.len() != self.value_size() || !self.has_cpu(cpu) {
            return Err(Errno::EINVAL);
        }
        match &self.kind {
            Kind::Array(array) => array.update(cpu, key, value, flags),
            Kind::Hash(hash) => {
                self.check_lock(flags)?;
                hash.update(cpu, key, value, flags, &self.counters)
            }
            Kind::LpmTrie(trie) => trie.update(cpu, key, value, flags, &self.counters),
            Kind::Ringbuf(_) => Err(Errno::ENOTSUPP),
            Kind::ProgArray(_)
            | Kind::PerfEventArray(_)
            | Kind::Devmap(_)
            | Kind::DevmapHash(_) => Err(Errno::EINVAL),
        }
    }

    /// `bpf_map_delete_elem`: removes a key. `cpu` is where the caller runs.
    pub fn delete(&self, cpu: Cpu, key: &[u8]) -> Result<(), Errno> {
        self.check_program_write(key)?;
        match &self.kind {
            Kind::Hash(hash) => hash.delete(cpu, key),
            Kind::LpmTrie(trie) => trie.delete(cpu, key),
            Kind::Ringbuf(_) => Err(Errno::ENOTSUPP),
            Kind::Array(_)
            | Kind::ProgArray(_)
            | Kind::PerfEventArray(_)
            | Kind::Devmap(_)
            | Kind::DevmapHash(_) => Err(Errno::EINVAL),
        }
    }

    /// `bpf_for_each_map_elem`: hands each key and the address of its value to `visit` until that
    /// says to stop (false), and returns how many there were. `visit` may change the map. `EINVAL` for
    /// the types that Linux does not let programs walk: all but arrays and hash tables.
    pub fn for_each(
        &self,
        cpu: Cpu,
        visit: &mut dyn FnMut(&[u8], u64) -> bool,
    ) -> Result<u32, Errno> {
        match &self.kind {
            Kind::Array(array) => Ok(array::walk(array.elements(), cpu, visit)),
            Kind::Hash(hash) => hash.walk(cpu, visit),
            Kind::LpmTrie(_)
            | Kind::ProgArray(_)
            | Kind::PerfEventArray(_)
            | Kind::Ringbuf(_)
            | Kind::Devmap(_)
            | Kind::DevmapHash(_) => Err(Errno::EINVAL),
        }
    }

    /// The memory of its values.
    pub fn spans(self: &Arc<Map>) -> Vec<Span> {
        let Some(elements) = self.elements() else { return Vec::new() };
        let stride = elements.value_stride() as u64;
        let access = self.program_access();
        let span = |(addr, len): (u64, usize)| {
            let (len, size) = (len as u64, self.value_size as u64);
            // SAFETY: `value_ranges` gives memory of the map's data, an area that is mapped and
            // initialised as long as the map lives, which the span owns a reference to; the area
            // exposes its provenance when it is made, and gives out no references to plain bytes.
            unsafe { Span::new(addr, len, stride, size, access, self.clone()) }
        };
        elements.value_ranges().into_iter().map(span).collect()
    }

    fn check_program_write(&self, key: &[u8]) -> Result<(), Errno> {
        if key.len() != self.key_size() {
            return Err(Errno::EINVAL);
        }
        if self.flags & flags::map::RDONLY_PROG != 0 { Err(Errno::EACCES) } else { Ok(()) }
    }

    fn has_cpu(&self, cpu: Cpu) -> bool {
        self.elements().is_none_or(|elements| elements.has_cpu(cpu))
    }
}
