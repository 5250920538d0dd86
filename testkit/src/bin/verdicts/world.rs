//! The maps that records refer to, and the kernel's types.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use skep_btf::{Btf, BtfBuilder, IntEncoding, Kind, Member, TypeId};
use skep_spec::abi::MapType;
use skep_spec::insn::Imm64;
use skep_verifier::Environment;
use skep_verifier::environment::{FieldKind, MapBtf, MapFacts, NoMap, Privileges, SpecialField};

use crate::record::{Map, Record};

/// The first handle that is given to a map of a kind.
const FIRST_HANDLE: i32 = 1000;

/// `BPF_F_RDONLY_PROG`.
const RDONLY_PROG: u32 = 1 << 7;
/// `BPF_F_WRONLY_PROG`.
const WRONLY_PROG: u32 = 1 << 8;
/// `BPF_F_NO_PREALLOC`.
const NO_PREALLOC: u32 = 1;

/// The kernel's types, read when they are first asked for.
pub(crate) struct KernelTypes {
    path: String,
    btf: OnceCell<Option<Btf>>,
}

impl KernelTypes {
    /// Those in a file.
    pub(crate) fn new(path: &str) -> KernelTypes {
        KernelTypes { path: path.into(), btf: OnceCell::new() }
    }

    /// The types, if the file can be read.
    pub(crate) fn get(&self) -> Option<&Btf> {
        let read = || Btf::parse(&std::fs::read(&self.path).ok()?).ok();
        self.btf.get_or_init(read).as_ref()
    }

    /// The id of a function.
    pub(crate) fn function(&self, name: &str) -> Option<TypeId> {
        self.get()?.find_by_name(name, Kind::Func)
    }
}

/// What a record's program is loaded into.
pub(crate) struct World<'a> {
    types: &'a KernelTypes,
    maps: HashMap<i32, MapFacts>,
    handles: HashMap<String, i32>,
    perfmon: bool,
}

impl<'a> World<'a> {
    /// The world of a record.
    pub(crate) fn new(
        record: &Record,
        types: &'a KernelTypes,
        perfmon: bool,
    ) -> Result<World<'a>, String> {
        let mut world = World { types, maps: HashMap::new(), handles: HashMap::new(), perfmon };
        for map in &record.maps {
            world.maps.insert(map.fd, given(map)?);
        }
        for (fixup, handle) in record.fixups.iter().zip(FIRST_HANDLE..) {
            if !world.handles.contains_key(&fixup.map) {
                let kind = fixup.map.strip_prefix("map_").unwrap_or(&fixup.map);
                let facts = of_kind(kind, id(handle))
                    .ok_or_else(|| format!("unknown kind of map {}", fixup.map))?;
                world.handles.insert(fixup.map.clone(), handle);
                world.maps.insert(handle, facts);
            }
        }
        Ok(world)
    }

    /// The handle of the map of a kind.
    pub(crate) fn handle(&self, kind: &str) -> Option<i32> {
        self.handles.get(kind).copied()
    }
}

impl Environment for World<'_> {
    fn map(&self, reference: Imm64) -> Result<MapFacts, NoMap> {
        match reference {
            Imm64::MapFd(fd) | Imm64::MapValue { fd, .. } => {
                self.maps.get(&fd).cloned().ok_or(NoMap::NotAMap)
            }
            Imm64::MapIdx(_) | Imm64::MapIdxValue { .. } => Err(NoMap::NoArray),
            Imm64::Value(_) | Imm64::BtfVar { .. } | Imm64::Func(_) => Err(NoMap::NotAMap),
        }
    }

    fn kernel_btf(&self) -> Option<&Btf> {
        self.types.get()
    }

    fn privileges(&self) -> Privileges {
        Privileges { perfmon: self.perfmon, ..Privileges::default() }
    }
}

fn id(handle: i32) -> u64 {
    u64::from(handle.cast_unsigned())
}

fn given(map: &Map) -> Result<MapFacts, String> {
    let map_type = MapType::from_u32(map.map_type)
        .ok_or_else(|| format!("unknown map type {}", map.map_type))?;
    Ok(plain(id(map.fd), map_type, [map.key, map.value, map.max], map.flags))
}

fn plain(id: u64, map_type: MapType, sizes: [u32; 3], flags: u32) -> MapFacts {
    let [key_size, value_size, max_entries] = sizes;
    MapFacts {
        id,
        name: String::new(),
        map_type,
        key_size,
        value_size,
        max_entries,
        flags,
        frozen: None,
        inner: None,
        fields: Vec::new(),
        btf: None,
    }
}

/// The map of a kind, without the prefix `map_`.
fn of_kind(kind: &str, id: u64) -> Option<MapFacts> {
    use MapType::*;
    let (map_type, sizes, flags) = match kind {
        "hash_8b" => (Hash, [8, 8, 1], 0),
        "hash_48b" => (Hash, [8, 48, 1], 0),
        "hash_16b" => (Hash, [8, 16, 1], 0),
        "array_48b" => (Array, [4, 48, 1], 0),
        "sockmap" => (Sockmap, [4, 4, 1], 0),
        "sockhash" => (Sockhash, [4, 4, 1], 0),
        "xskmap" => (Xskmap, [4, 4, 1], 0),
        "stacktrace" => (StackTrace, [4, 8, 1], 0),
        "prog1" => (ProgArray, [4, 4, 4], 0),
        "prog2" => (ProgArray, [4, 4, 8], 0),
        "in_map" => (ArrayOfMaps, [4, 4, 1], 0),
        "cgroup_storage" => (CgroupStorage, [16, 64, 0], 0),
        "percpu_cgroup_storage" => (PercpuCgroupStorage, [16, 64, 0], 0),
        "spin_lock" => (Array, [4, 8, 1], 0),
        "array_ro" => (Array, [4, 48, 1], RDONLY_PROG),
        "array_wo" => (Array, [4, 48, 1], WRONLY_PROG),
        "array_small" => (Array, [4, 1, 1], 0),
        "sk_storage" | "sk_storage_map" => (SkStorage, [4, 8, 0], NO_PREALLOC),
        "event_output" => (PerfEventArray, [4, 4, 1], 0),
        "reuseport_array" => (ReuseportSockarray, [4, 8, 1], 0),
        "ringbuf" => (Ringbuf, [0, 0, 4096], 0),
        "timer" => (Array, [4, 16, 1], 0),
        "kptr" => (Array, [4, 24, 1], 0),
        _ => return None,
    };
    let mut map = plain(id, map_type, sizes, flags);
    match kind {
        "in_map" => map.inner = Some(Box::new(plain(0, Array, [4, 4, 1], 0))),
        "spin_lock" | "sk_storage" | "sk_storage_map" => {
            let fields = &[("cnt", None), ("l", Some(FieldKind::SpinLock))];
            (map.btf, map.fields) = described(8, fields)?;
        }
        "timer" => (map.btf, map.fields) = described(16, &[("t", Some(FieldKind::Timer))])?,
        "kptr" => {
            let fields = &[
                ("unreferenced", Some(FieldKind::KptrUntrusted)),
                ("referenced", Some(FieldKind::Kptr)),
                ("member", Some(FieldKind::Kptr)),
            ];
            (map.btf, map.fields) = described(24, fields)?;
        }
        _ => {}
    }
    Some(map)
}

/// The type of a value, and its fields one after the other; those without a kind are `int`s.
fn described(
    size: u32,
    fields: &[(&str, Option<FieldKind>)],
) -> Option<(Option<MapBtf>, Vec<SpecialField>)> {
    let mut builder = BtfBuilder::new();
    let int = builder.int("int", 4, IntEncoding::Signed);
    let long = builder.int("unsigned long", 8, IntEncoding::Unsigned);
    let (mut offset, mut members, mut special) = (0, Vec::new(), Vec::new());
    for &(name, kind) in fields {
        let (ty, bytes) = match kind {
            None => (int, 4),
            Some(kind @ FieldKind::SpinLock) => {
                let member = Member { name: "val", ty: int, bit_offset: 0, bitfield_size: None };
                (builder.structure(kind.name(), 4, &[member]), 4)
            }
            Some(kind @ FieldKind::Timer) => {
                let member =
                    |name, bit_offset| Member { name, ty: long, bit_offset, bitfield_size: None };
                let members = [member("__opaque1", 0), member("__opaque2", 64)];
                (builder.structure(kind.name(), 16, &members), 16)
            }
            Some(kind) => {
                let target =
                    if name == "member" { "prog_test_member" } else { "prog_test_ref_kfunc" };
                let target = builder.fwd(target, skep_btf::FwdKind::Struct);
                let tag = if kind == FieldKind::Kptr { "kptr" } else { "kptr_untrusted" };
                let target = builder.type_tag(tag, target);
                (builder.ptr(target), 8)
            }
        };
        members.push(Member { name, ty, bit_offset: offset * 8, bitfield_size: None });
        special.extend(kind.map(|kind| SpecialField { kind, offset, bytes }));
        offset += bytes;
    }
    let value = builder.structure("val", size, &members);
    Some((Some(MapBtf { btf: Arc::new(builder.build().ok()?), value }), special))
}
