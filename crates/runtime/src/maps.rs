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
//! | `array`, `hash` | the map types |
//! | `create` | which attributes a new map may have |
//! | `elements`, `memory`, `pool` | where keys and values lie, in what memory, and which are free |

mod array;
mod counters;
mod create;
mod elements;
mod error;
mod hash;
mod memory;
mod pool;

mod command;
pub mod flags;
mod program;

use std::fmt;
use std::sync::Arc;

use skep_command::Errno;
use skep_command::map::{MapCreate, MapInfo};
use skep_spec::abi::MapType;

pub use self::counters::Losses;
pub use self::error::MapError;

use self::array::Array;
use self::command::Gate;
use self::counters::Counters;
use self::elements::{Elements, Shape};
use self::flags::{BPF_F_NO_COMMON_LRU, BPF_F_ZERO_SEED};
use self::hash::Hash;

/// A map.
pub struct Map {
    id: u32,
    name: String,
    map_type: MapType,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    gate: Gate,
    counters: Counters,
    kind: Kind,
}

/// What stands behind a map.
enum Kind {
    Array(Array),
    Hash(Hash),
}

impl Map {
    /// Makes a map, with an id that the engine gives it, for a number of possible CPUs.
    pub fn create(id: u32, create: &MapCreate<'_>, cpus: u32) -> Result<Arc<Map>, MapError> {
        create::check(create)?;
        let mut max_entries = create.max_entries;
        if create.flags & BPF_F_NO_COMMON_LRU != 0 {
            max_entries = whole_lists(max_entries, cpus);
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
            flags: create.flags,
            gate: Gate::default(),
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
        }
    }

    /// Keys and values, if it has any that programs can touch.
    fn elements(&self) -> Option<&Elements> {
        match &self.kind {
            Kind::Array(array) => Some(array.elements()),
            Kind::Hash(hash) => Some(hash.elements()),
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
        let hash = |percpu, lru| {
            let seeded = create.flags & BPF_F_ZERO_SEED == 0;
            Hash::new(shape(create.key_size, percpu), hash::Kind { cpus, lru, seeded })
                .map(Kind::Hash)
        };
        match create.map_type {
            MapType::Array => Array::new(shape(0, false)).map(Kind::Array),
            MapType::PercpuArray => Array::new(shape(0, true)).map(Kind::Array),
            MapType::Hash => hash(false, false),
            MapType::PercpuHash => hash(true, false),
            MapType::LruHash => hash(false, true),
            MapType::LruPercpuHash => hash(true, true),
            MapType::LpmTrie
            | MapType::ProgArray
            | MapType::PerfEventArray
            | MapType::Ringbuf
            | MapType::Devmap
            | MapType::DevmapHash
            | MapType::StackTrace
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

#[cfg(test)]
mod tests;

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({} {:?}, {})", self.id, self.name, self.map_type)
    }
}
