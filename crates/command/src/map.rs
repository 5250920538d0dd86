//! Commands on maps.

use skep_spec::abi::MapType;

use crate::Handle;

/// What a new map is to be. Zero means "none" where the UAPI says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapCreate<'a> {
    /// Up to 15 bytes of `[A-Za-z0-9_.]`.
    pub name: &'a str,
    /// The kind of map.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value (of one CPU's value, in a per-CPU map).
    pub value_size: u32,
    /// The number of elements, or bytes of a ring buffer.
    pub max_entries: u32,
    /// `BPF_F_*` creation flags.
    pub flags: u32,
    /// Per-type extra data, such as a bloom filter's number of hash functions.
    pub extra: u64,
    /// The map whose shape inner maps have, in a map of maps.
    pub inner: Option<Handle>,
    /// The NUMA node to allocate on, with `BPF_F_NUMA_NODE`.
    pub numa_node: Option<u32>,
    /// Types of key and value.
    pub btf: Option<MapBtf>,
}

/// The BTF of a map's keys and values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapBtf {
    /// A loaded BTF.
    pub btf: Handle,
    /// The key's type id, or 0.
    pub key_type_id: u32,
    /// The value's type id.
    pub value_type_id: u32,
}

/// What an engine says of a map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapInfo {
    /// The engine-wide id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The kind of map.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// The number of elements, or bytes of a ring buffer.
    pub max_entries: u32,
    /// `BPF_F_*` creation flags.
    pub flags: u32,
    /// Whether commands may no longer change it.
    pub frozen: bool,
}

/// A record that a program sent to user space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// From a ring buffer, or the ring of one CPU in a perf event array.
    Record {
        /// The CPU whose ring it stood in; 0 for a ring buffer.
        cpu: u32,
        /// The bytes.
        data: &'a [u8],
    },
    /// Records that found their ring full.
    Lost {
        /// The CPU whose ring was full.
        cpu: u32,
        /// How many were lost since the last time.
        count: u64,
    },
}

/// Receives events.
pub type EventSink<'a> = dyn FnMut(Event<'_>) + 'a;
