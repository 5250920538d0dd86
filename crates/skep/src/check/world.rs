//! What a program is verified against: the maps of its object, and the kernel's types.

use std::rc::Rc;
use std::sync::Arc;

use skep_btf::Btf;
use skep_object::map::Initial;
use skep_object::{Map, MapDef, Object};
use skep_spec::abi::MapType;
use skep_spec::abi::flags::map as map_flags;
use skep_spec::insn::Imm64;
use skep_verifier::environment::{MapBtf, MapFacts, NoMap};
use skep_verifier::{Environment, fields};

use super::KernelTypes;

/// The world that a program is verified against. A map's descriptor is its number in the object.
pub(super) struct World<'a> {
    maps: Vec<MapFacts>,
    types: &'a KernelTypes,
}

impl<'a> World<'a> {
    /// A world without maps.
    pub(super) fn without_maps(types: &'a KernelTypes) -> World<'a> {
        World { maps: Vec::new(), types }
    }

    /// The maps of an object.
    pub(super) fn of(object: &Object, types: &'a KernelTypes) -> World<'a> {
        let btf = object.btf().map(|btf| Arc::new(btf.clone()));
        let maps = object.maps().iter().zip(0..);
        let maps = maps.map(|(map, number)| facts(map, number, btf.as_ref())).collect();
        World { maps, types }
    }

    fn find(&self, fd: i32) -> Result<MapFacts, NoMap> {
        let map = usize::try_from(fd).ok().and_then(|number| self.maps.get(number));
        map.cloned().ok_or(NoMap::NotAMap)
    }
}

impl Environment for World<'_> {
    fn map(&self, reference: Imm64) -> Result<MapFacts, NoMap> {
        match reference {
            Imm64::MapFd(fd) | Imm64::MapValue { fd, .. } => self.find(fd),
            Imm64::MapIdx(_) | Imm64::MapIdxValue { .. } => Err(NoMap::NoArray),
            Imm64::Value(_) | Imm64::BtfVar { .. } | Imm64::Func(_) => Err(NoMap::NotAMap),
        }
    }

    fn kernel_btf(&self) -> Option<&Btf> {
        self.types.get()
    }
}

/// What programs depend on of a map.
fn facts(map: &Map, number: u64, btf: Option<&Arc<Btf>>) -> MapFacts {
    let read_only = map.def.flags & map_flags::RDONLY_PROG != 0;
    let frozen = match &map.initial {
        Initial::Bytes(bytes) if read_only => Some(Rc::from(&bytes[..])),
        Initial::Zeroes if read_only => Some(Rc::from(vec![0; map.def.value_size as usize])),
        Initial::Bytes(_) | Initial::Zeroes | Initial::Empty | Initial::Slots(_) => None,
    };
    let inner = map.inner.as_ref().map(|inner| Box::new(shape(inner, String::new(), 0, btf)));
    MapFacts { frozen, inner, ..shape(&map.def, map.kernel_name.clone(), number, btf) }
}

fn shape(def: &MapDef, name: String, id: u64, btf: Option<&Arc<Btf>>) -> MapFacts {
    let types = btf.zip(def.value_type).map(|(btf, value)| MapBtf { btf: Arc::clone(btf), value });
    let (key_size, value_size) = match def.map_type {
        MapType::Ringbuf | MapType::UserRingbuf => (0, 0),
        _ => (def.key_size, def.value_size),
    };
    MapFacts {
        id,
        name,
        map_type: def.map_type,
        key_size,
        value_size,
        max_entries: def.max_entries,
        flags: def.flags,
        frozen: None,
        inner: None,
        fields: types.as_ref().map_or(Vec::new(), |types| fields::of(&types.btf, types.value)),
        btf: types,
    }
}
