//! The maps of an object, created with what they hold at first, or found where they are pinned.

use std::sync::Arc;

use skep_command::map::{MapBtf, MapCreate, MapInfo};
use skep_command::{Engine, Errno, Handle};
use skep_object::map::{Initial, Pinning, kernel_name};
use skep_object::{MapDef, Object};
use skep_spec::abi::MapType;

use crate::error::{Error, Result};
use crate::handle::Owned;
use crate::map::Map;

/// The smallest page that Linux has, of which ring buffers are a power of two.
const PAGE: u32 = 4096;
/// Programs may only read the map (UAPI `BPF_F_RDONLY_PROG`).
const RDONLY_PROG: u32 = 1 << 7;

/// Where maps are created, and for whom.
pub(super) struct Place<'a> {
    pub(super) engine: &'a Arc<dyn Engine>,
    pub(super) object: &'a Arc<Object>,
    /// The object's types on the engine.
    pub(super) btf: Option<Handle>,
    /// The folder of maps that are shared by name.
    pub(super) pin_root: Option<&'a str>,
    /// What the map of kernel settings holds.
    pub(super) settings: Option<&'a [u8]>,
}

/// Creates all maps of the object.
pub(super) fn create(place: &Place<'_>) -> Result<Vec<Map>> {
    place.object.maps().iter().map(|definition| map(place, definition)).collect()
}

fn map(place: &Place<'_>, definition: &skep_object::Map) -> Result<Map> {
    let path = match (definition.pinning, place.pin_root) {
        (Pinning::ByName, Some(root)) => Some(format!("{root}/{}", definition.name)),
        (Pinning::None | Pinning::Other(_) | Pinning::ByName, _) => None,
    };
    if let Some(path) = &path
        && let Some(pinned) = pinned(place.engine, definition, path)?
    {
        return Ok(Map::new(pinned, place.object, definition));
    }
    let owned = new_map(place, definition)?;
    if let Some(path) = &path {
        place.engine.obj_pin(owned.handle, path)?;
    }
    Ok(Map::new(owned, place.object, definition))
}

/// The map that is pinned at a path, if there is one and it is like the definition.
fn pinned(
    engine: &Arc<dyn Engine>,
    definition: &skep_object::Map,
    path: &str,
) -> Result<Option<Owned>> {
    let owned = match engine.obj_get(path) {
        Ok(handle) => Owned::new(engine, handle),
        Err(error) if error.errno == Errno::ENOENT => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let found = engine.map_info(owned.handle)?;
    let required = filled_in(&definition.def, engine.possible_cpus());
    if is_like(&required, &found) {
        return Ok(Some(owned));
    }
    let map = definition.name.clone();
    Err(Error::Pinned { map, path: path.to_owned() })
}

fn is_like(required: &MapDef, found: &MapInfo) -> bool {
    required.map_type == found.map_type
        && required.key_size == found.key_size
        && required.value_size == found.value_size
        && required.max_entries == found.max_entries
        && required.flags == found.flags
}

/// Creates a map and writes what it holds at first.
fn new_map(place: &Place<'_>, definition: &skep_object::Map) -> Result<Owned> {
    let Place { engine, btf, .. } = *place;
    let inner = match &definition.inner {
        Some(inner) => {
            let name = format!("{}.inner", definition.name);
            Some(create_map(engine, &kernel_name(&name), inner, None, btf)?)
        }
        None => None,
    };
    let inner = inner.as_ref().map(|inner| inner.handle);
    let owned = create_map(engine, &definition.kernel_name, &definition.def, inner, btf)?;
    let bytes = match &definition.initial {
        Initial::Bytes(bytes) => Some(bytes.as_slice()),
        Initial::Zeroes if definition.is_kernel_settings() => place.settings,
        Initial::Zeroes | Initial::Empty | Initial::Slots(_) => None,
    };
    if let Some(bytes) = bytes {
        engine.map_update(owned.handle, &0u32.to_ne_bytes(), bytes, 0)?;
    }
    if definition.is_global_data() && definition.def.flags & RDONLY_PROG != 0 {
        engine.map_freeze(owned.handle)?;
    }
    Ok(owned)
}

fn create_map(
    engine: &Arc<dyn Engine>,
    name: &str,
    def: &MapDef,
    inner: Option<Handle>,
    btf: Option<Handle>,
) -> Result<Owned> {
    let def = &filled_in(def, engine.possible_cpus());
    let types = match (btf, def.value_type) {
        (Some(btf), Some(value)) if takes_types(def.map_type) => Some(MapBtf {
            btf,
            key_type_id: def.key_type.map_or(0, |key| key.0),
            value_type_id: value.0,
        }),
        _ => None,
    };
    let handle = engine.map_create(&MapCreate {
        name,
        map_type: def.map_type,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: def.max_entries,
        flags: def.flags,
        extra: def.extra,
        inner,
        numa_node: def.numa_node,
        btf: types,
    })?;
    Ok(Owned::new(engine, handle))
}

/// A definition with the sizes that only one value will do for. Objects leave them out, or give a
/// ring the type of its records, for other tools to read.
fn filled_in(def: &MapDef, possible_cpus: u32) -> MapDef {
    let mut def = def.clone();
    match def.map_type {
        MapType::PerfEventArray => {
            (def.key_size, def.value_size) = (4, 4);
            if def.max_entries == 0 {
                def.max_entries = possible_cpus;
            }
        }
        MapType::Ringbuf | MapType::UserRingbuf => {
            (def.key_size, def.value_size) = (0, 0);
            (def.key_type, def.value_type) = (None, None);
            def.max_entries = ring_size(def.max_entries);
        }
        _ => {}
    }
    def
}

/// The size of a ring buffer, in bytes: a power of two pages, and none if the object says none, so
/// that the engine can say that it is missing.
fn ring_size(bytes: u32) -> u32 {
    match bytes {
        0 => 0,
        bytes => bytes.checked_next_power_of_two().map_or(bytes, |size| size.max(PAGE)),
    }
}

/// Whether Linux lets maps of a type say what their keys and values are.
fn takes_types(map_type: MapType) -> bool {
    !matches!(
        map_type,
        MapType::PerfEventArray
            | MapType::CgroupArray
            | MapType::StackTrace
            | MapType::ArrayOfMaps
            | MapType::HashOfMaps
            | MapType::Devmap
            | MapType::DevmapHash
            | MapType::Cpumap
            | MapType::Xskmap
            | MapType::Sockmap
            | MapType::Sockhash
            | MapType::ProgArray
            | MapType::Queue
            | MapType::Stack
    )
}
