//! Maps.
//!
//! A [`Map`] has two sides. Programs look values up and use them in place, by address; what they do
//! is in `program`. Commands, which have the shape of bpf(2), copy; they are in `command`. Both give
//! the results and errors that Linux gives.
//!
//! A map's memory has two parts, both of which hold offsets and indices and never pointers, so that
//! they can become files that other processes map:
//!
//! - *data*, with the kernel's layout where that has one: the values of an array from offset 0 on,
//!   each padded to 8 bytes; a ring buffer's consumer page, producer page and ring;
//! - *control*, which engines alone write: buckets, links, free lists, locks.
//!
//! Every index that is read from such memory is bounded before it is used, and every walk has a limit.
//!
//! | module | subject |
//! |---|---|
//! | `program`, `command` | the two sides |
//! | `array`, `hash`, `lpm_trie`, `ringbuf`, `perf_event_array`, `prog_array`, `devmap` | the types |
//! | `create` | which attributes a new map may have |
//! | `elements`, `ring` | where keys, values and records lie |
//! | `memory`, `pool`, `grace`, `lock` | what they lie in, what is free, and since when |

mod array;
mod command;
mod counters;
mod create;
mod devmap;
mod elements;
mod error;
mod grace;
mod hash;
mod lock;
mod lpm_trie;
mod memory;
mod perf_event_array;
mod pool;
mod prog_array;
mod program;
mod ring;
mod ringbuf;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use skep_command::map::{MapCreate, MapInfo};
use skep_command::{Errno, Handle};
use skep_spec::abi::{MapType, flags};
use skep_verifier::environment::MapBtf;

pub use self::counters::Losses;
pub use self::devmap::Device;
pub use self::error::MapError;
pub use self::grace::{Pin, pin};

use self::array::Array;
use self::command::Gate;
use self::counters::Counters;
use self::devmap::{Devmap, DevmapHash};
use self::elements::{Elements, Shape};
use self::hash::Hash;
use self::lpm_trie::LpmTrie;
use self::perf_event_array::PerfEventArray;
use self::prog_array::ProgArray;
use self::ringbuf::Ringbuf;
use crate::program::Program;

/// Finds the program behind a handle, for commands whose values are handles.
pub type Programs<'a> = &'a dyn Fn(Handle) -> Result<Arc<Program>, Errno>;

/// A map.
pub struct Map {
    id: u32,
    name: String,
    map_type: MapType,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    types: Option<MapBtf>,
    gate: Gate,
    counters: Counters,
    kind: Kind,
}

/// What stands behind a map.
enum Kind {
    Array(Array),
    Hash(Hash),
    LpmTrie(LpmTrie),
    ProgArray(ProgArray),
    PerfEventArray(PerfEventArray),
    Ringbuf(Ringbuf),
    Devmap(Devmap),
    DevmapHash(DevmapHash),
}

impl Map {
    /// Makes a map, with an id that the engine gives it, for a number of possible CPUs.
    pub fn create(id: u32, create: &MapCreate<'_>, cpus: u32) -> Result<Arc<Map>, MapError> {
        Map::create_typed(id, create, None, cpus)
    }

    /// The same, with the types of its values.
    pub(crate) fn create_typed(
        id: u32,
        create: &MapCreate<'_>,
        types: Option<MapBtf>,
        cpus: u32,
    ) -> Result<Arc<Map>, MapError> {
        create::check(create)?;
        let mut max_entries = create.max_entries;
        if create.flags & flags::map::NO_COMMON_LRU != 0 {
            max_entries = whole_lists(max_entries, cpus);
        }
        let mut map_flags = create.flags;
        if matches!(create.map_type, MapType::Devmap | MapType::DevmapHash) {
            // Lookups by programs give the value itself: they must not write it.
            map_flags |= flags::map::RDONLY_PROG;
        }
        let kind = Kind::new(create, max_entries, cpus.max(1)).map_err(|errno| {
            let what = format!("no memory for {max_entries} elements");
            MapError::new(errno, create.map_type, what)
        })?;
        Ok(Arc::new(Map {
            id,
            name: create.name.to_owned(),
            map_type: create.map_type,
            key_size: create.key_size,
            value_size: create.value_size,
            max_entries,
            flags: map_flags,
            gate: Gate::default(),
            types,
            counters: Counters::default(),
            kind,
        }))
    }

    /// The engine-wide id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The name that it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type.
    pub fn map_type(&self) -> MapType {
        self.map_type
    }

    /// Bytes of a key.
    pub fn key_size(&self) -> usize {
        self.key_size as usize
    }

    /// Bytes of a value (of one CPU's value, if values are per CPU).
    pub fn value_size(&self) -> usize {
        self.value_size as usize
    }

    /// The number of elements, or bytes of a ring buffer.
    pub fn max_entries(&self) -> u32 {
        self.max_entries
    }

    /// `BPF_F_*` creation flags.
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// The types of its values, if it was made with them.
    pub(crate) fn types(&self) -> Option<&MapBtf> {
        self.types.as_ref()
    }

    /// What commands are told of it.
    pub fn info(&self) -> MapInfo {
        MapInfo {
            id: self.id,
            name: self.name.clone(),
            map_type: self.map_type,
            key_size: self.key_size,
            value_size: self.value_size,
            max_entries: self.max_entries,
            flags: self.flags,
            frozen: self.is_frozen(),
        }
    }

    /// What it has lost or refused.
    pub fn losses(&self) -> Losses {
        self.counters.read()
    }

    /// Bytes of memory that it has set aside.
    pub fn memory(&self) -> usize {
        match &self.kind {
            Kind::Array(array) => array.elements().memory(),
            Kind::Hash(hash) => hash.memory(),
            Kind::LpmTrie(trie) => trie.memory(),
            Kind::ProgArray(array) => array.memory(),
            Kind::PerfEventArray(array) => array.memory(),
            Kind::Ringbuf(ringbuf) => ringbuf.memory(),
            Kind::Devmap(devmap) => devmap.elements().memory(),
            Kind::DevmapHash(devmap) => devmap.hash().memory(),
        }
    }

    /// Keys and values, if it has any that programs can touch.
    fn elements(&self) -> Option<&Elements> {
        match &self.kind {
            Kind::Array(array) => Some(array.elements()),
            Kind::Hash(hash) => Some(hash.elements()),
            Kind::LpmTrie(trie) => Some(trie.elements()),
            Kind::Devmap(devmap) => Some(devmap.elements()),
            Kind::DevmapHash(devmap) => Some(devmap.hash().elements()),
            Kind::ProgArray(_) | Kind::PerfEventArray(_) | Kind::Ringbuf(_) => None,
        }
    }
}

impl Kind {
    fn new(create: &MapCreate<'_>, max_entries: u32, cpus: u32) -> Result<Kind, Errno> {
        let shape = |key_size: u32, percpu: bool| Shape {
            count: max_entries,
            key_size: key_size as usize,
            value_size: create.value_size as usize,
            copies: if percpu { cpus } else { 1 },
            percpu,
        };
        let hash_kind = |lru| hash::Kind {
            cpus,
            lru,
            prealloc: create.flags & flags::map::NO_PREALLOC == 0,
            seeded: create.flags & flags::map::ZERO_SEED == 0,
        };
        let hash =
            |percpu, lru| Hash::new(shape(create.key_size, percpu), hash_kind(lru)).map(Kind::Hash);
        match create.map_type {
            MapType::Array => Array::new(shape(0, false)).map(Kind::Array),
            MapType::PercpuArray => Array::new(shape(0, true)).map(Kind::Array),
            MapType::Hash => hash(false, false),
            MapType::PercpuHash => hash(true, false),
            MapType::LruHash => hash(false, true),
            MapType::LruPercpuHash => hash(true, true),
            MapType::LpmTrie => {
                LpmTrie::new(shape(create.key_size, false), cpus).map(Kind::LpmTrie)
            }
            MapType::ProgArray => ProgArray::new(max_entries).map(Kind::ProgArray),
            MapType::PerfEventArray => {
                PerfEventArray::new(max_entries, cpus).map(Kind::PerfEventArray)
            }
            MapType::Ringbuf => Ringbuf::new(max_entries).map(Kind::Ringbuf),
            MapType::Devmap => Devmap::new(max_entries).map(Kind::Devmap),
            MapType::DevmapHash => {
                let shape = Shape { value_size: DevmapHash::VALUE, ..shape(4, false) };
                // As if with BPF_F_NO_PREALLOC: a run may hold what it found.
                let kind = hash::Kind { prealloc: false, ..hash_kind(false) };
                Hash::new(shape, kind).map(|hash| Kind::DevmapHash(DevmapHash::new(hash)))
            }
            MapType::StackTrace
            | MapType::CgroupArray
            | MapType::ArrayOfMaps
            | MapType::HashOfMaps
            | MapType::Sockmap
            | MapType::Cpumap
            | MapType::Xskmap
            | MapType::Sockhash
            | MapType::CgroupStorage
            | MapType::ReuseportSockarray
            | MapType::PercpuCgroupStorage
            | MapType::Queue
            | MapType::Stack
            | MapType::SkStorage
            | MapType::StructOps
            | MapType::InodeStorage
            | MapType::TaskStorage
            | MapType::BloomFilter
            | MapType::UserRingbuf
            | MapType::CgrpStorage
            | MapType::Arena => Err(Errno::EOPNOTSUPP),
        }
    }
}

/// The number of elements of an LRU map with lists of their own for `cpus` CPUs: as many for each.
fn whole_lists(max_entries: u32, cpus: u32) -> u32 {
    let up = max_entries.checked_next_multiple_of(cpus.max(1));
    up.unwrap_or(max_entries - max_entries % cpus.max(1))
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({} {:?}, {})", self.id, self.name, self.map_type)
    }
}
