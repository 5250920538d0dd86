//! A created map, its entries, and what they mean by the object's types.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use skep_btf::{TypeId, Value};
use skep_command::map::EventSink;
use skep_command::{Errno, Handle};
use skep_object::{MapDef, Object};
use skep_spec::abi::MapType;

use crate::error::{Error, Result};
use crate::handle::Owned;

/// Programs may only read such a map (UAPI).
const BPF_F_RDONLY_PROG: u32 = 1 << 7;

/// A map on an engine. Dropping it closes it.
#[derive(Debug)]
pub struct Map {
    owned: Owned,
    object: Arc<Object>,
    definition: skep_object::Map,
}

/// A key and what the map holds under it, as bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// The value; one for each possible CPU in a per-CPU map.
    pub values: Vec<Vec<u8>>,
}

/// Bytes, read by their type if there is one.
#[derive(Clone, PartialEq, Debug)]
pub enum Typed<'a> {
    /// Read by type.
    Value(Value<'a>),
    /// Of no known type.
    Bytes(Vec<u8>),
}

impl Serialize for Typed<'_> {
    /// A value as its type has it; bytes as bpftool prints them, `["0x01","0x00"]`.
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Typed::Value(value) => value.serialize(serializer),
            Typed::Bytes(bytes) => {
                serializer.collect_seq(bytes.iter().map(|byte| format!("{byte:#04x}")))
            }
        }
    }
}

impl std::fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Typed::Value(value) => value.fmt(f),
            Typed::Bytes(bytes) => {
                for (at, byte) in bytes.iter().enumerate() {
                    let space = if at == 0 { "" } else { " " };
                    write!(f, "{space}{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

impl Map {
    pub(crate) fn new(owned: Owned, object: &Arc<Object>, definition: &skep_object::Map) -> Map {
        Map { owned, object: Arc::clone(object), definition: definition.clone() }
    }

    /// What the object calls it.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Type, sizes and flags.
    pub fn def(&self) -> &MapDef {
        &self.definition.def
    }

    /// Whether it holds global variables.
    pub fn is_global_data(&self) -> bool {
        self.definition.is_global_data()
    }

    /// Whether programs may only read it.
    pub fn is_read_only(&self) -> bool {
        self.def().flags & BPF_F_RDONLY_PROG != 0
    }

    /// Its handle on the engine.
    pub fn handle(&self) -> Handle {
        self.owned.handle
    }

    /// Whether it has one value for each CPU under a key.
    pub fn is_per_cpu(&self) -> bool {
        matches!(
            self.def().map_type,
            MapType::PercpuHash | MapType::PercpuArray | MapType::LruPercpuHash
        )
    }

    /// Whether it carries records to user space instead of entries.
    pub fn is_event_ring(&self) -> bool {
        matches!(self.def().map_type, MapType::Ringbuf | MapType::PerfEventArray)
    }

    /// All entries, in the order that the engine gives them. An entry that goes away meanwhile is
    /// left out. Rings have no entries.
    ///
    /// # Errors
    ///
    /// Whatever the engine has against reading the map.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        if self.is_event_ring() {
            return Ok(entries);
        }
        let engine = &self.owned.engine;
        let mut next = engine.map_next_key(self.handle(), None)?;
        // A map whose keys come and go could be walked in circles; each entry is met once.
        let limit = usize::try_from(self.def().max_entries).unwrap_or(usize::MAX).max(1);
        while let Some(key) = next {
            match engine.map_lookup(self.handle(), &key, 0) {
                Ok(value) => {
                    entries.push(Entry { key: key.clone(), values: self.split(value) });
                }
                Err(error) if error.errno == Errno::ENOENT => {}
                Err(error) => return Err(Error::Command(error)),
            }
            if entries.len() == limit {
                break;
            }
            next = engine.map_next_key(self.handle(), Some(&key))?;
        }
        Ok(entries)
    }

    /// One value for each CPU, without padding, of what a lookup gave.
    fn split(&self, value: Vec<u8>) -> Vec<Vec<u8>> {
        if !self.is_per_cpu() {
            return vec![value];
        }
        let size = usize::try_from(self.def().value_size).unwrap_or(usize::MAX).max(1);
        let stride = size.next_multiple_of(8);
        value.chunks(stride).map(|one| one.get(..size).unwrap_or(one).to_vec()).collect()
    }

    /// Hands the records that wait in a ring buffer or perf event array to `sink`, and returns how
    /// many there were.
    ///
    /// # Errors
    ///
    /// If the map is no ring.
    pub fn consume(&self, sink: &mut EventSink<'_>) -> Result<usize> {
        Ok(self.owned.engine.map_consume(self.handle(), sink)?)
    }

    /// A key, read by its type.
    ///
    /// # Errors
    ///
    /// If it has not the size of its type.
    pub fn typed_key(&self, key: &[u8]) -> Result<Typed<'_>> {
        match (self.def().key_type, <[u8; 4]>::try_from(key)) {
            (None, Ok(index)) if self.is_indexed() => {
                Ok(Typed::Value(Value::Unsigned(u32::from_ne_bytes(index).into())))
            }
            (key_type, _) => self.typed(key_type, key),
        }
    }

    /// Whether its keys are numbers from 0 upwards, whatever the object says of their type.
    pub fn is_indexed(&self) -> bool {
        matches!(
            self.def().map_type,
            MapType::Array
                | MapType::PercpuArray
                | MapType::ProgArray
                | MapType::PerfEventArray
                | MapType::CgroupArray
                | MapType::ArrayOfMaps
                | MapType::Devmap
                | MapType::Cpumap
                | MapType::Xskmap
                | MapType::Sockmap
                | MapType::ReuseportSockarray
        )
    }

    /// One CPU's value, read by its type.
    ///
    /// # Errors
    ///
    /// If it has not the size of its type.
    pub fn typed_value(&self, value: &[u8]) -> Result<Typed<'_>> {
        self.typed(self.def().value_type, value)
    }

    fn typed(&self, type_id: Option<TypeId>, bytes: &[u8]) -> Result<Typed<'_>> {
        let (Some(btf), Some(type_id)) = (self.object.btf(), type_id) else {
            return Ok(Typed::Bytes(bytes.to_vec()));
        };
        skep_btf::decode_value(btf, type_id, bytes)
            .map(Typed::Value)
            .map_err(|source| Error::Value { map: self.name().to_owned(), source })
    }
}
