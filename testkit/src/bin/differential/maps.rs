//! The maps that programs use: the same ones in both engines and before the verifier.
//!
//! In a program a map is known by its number in [`SHAPES`]; before it is loaded somewhere, that is
//! exchanged for the handle there.

use std::rc::Rc;

use skep_btf::Btf;
use skep_command::map::MapCreate;
use skep_command::{Engine, Handle};
use skep_spec::abi::MapType;
use skep_spec::abi::flags::map as flag;
use skep_spec::insn::{Imm64, Insn};
use skep_verifier::Environment;
use skep_verifier::environment::{MapFacts, NoMap};

/// The shape of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The type.
    pub(crate) map_type: MapType,
    /// Bytes of a key.
    pub(crate) key: u32,
    /// Bytes of a value.
    pub(crate) value: u32,
    /// The number of elements.
    pub(crate) entries: u32,
    /// `BPF_F_*`.
    pub(crate) flags: u32,
}

const fn shape(map_type: MapType, key: u32, value: u32, entries: u32, flags: u32) -> Shape {
    Shape { map_type, key, value, entries, flags }
}

/// The number of an array of one element, whose value has an address.
pub(crate) const SINGLE: usize = 1;
/// The number of an array that is frozen, and that programs may only read.
pub(crate) const FROZEN: usize = 2;
/// The number of the array that maps of maps hold.
const INNER: usize = 0;

/// The maps, by number.
pub(crate) const SHAPES: &[Shape] = &[
    shape(MapType::Array, 4, 48, 4, 0),
    shape(MapType::Array, 4, 64, 1, 0),
    shape(MapType::Array, 4, 32, 1, flag::RDONLY_PROG),
    shape(MapType::Array, 4, 24, 2, flag::WRONLY_PROG),
    shape(MapType::Hash, 8, 40, 8, 0),
    shape(MapType::Hash, 4, 3, 8, flag::NO_PREALLOC),
    shape(MapType::LruHash, 4, 24, 16, 0),
    shape(MapType::PercpuArray, 4, 16, 2, 0),
    shape(MapType::PercpuHash, 8, 16, 8, 0),
    shape(MapType::LruPercpuHash, 4, 8, 16, 0),
    shape(MapType::LpmTrie, 8, 12, 8, flag::NO_PREALLOC),
    shape(MapType::Ringbuf, 0, 0, 4096, 0),
    shape(MapType::ProgArray, 4, 4, 4, 0),
    shape(MapType::Queue, 0, 8, 4, 0),
    shape(MapType::Stack, 0, 16, 4, 0),
    shape(MapType::BloomFilter, 0, 8, 16, 0),
    shape(MapType::PerfEventArray, 4, 4, 2, 0),
    shape(MapType::StackTrace, 4, 64, 4, 0),
    shape(MapType::CgroupArray, 4, 4, 2, 0),
    shape(MapType::Devmap, 4, 4, 4, 0),
    shape(MapType::DevmapHash, 4, 8, 4, 0),
    shape(MapType::Cpumap, 4, 4, 4, 0),
    shape(MapType::Xskmap, 4, 4, 4, 0),
    shape(MapType::Sockmap, 4, 4, 4, 0),
    shape(MapType::Sockhash, 4, 8, 4, 0),
    shape(MapType::ReuseportSockarray, 4, 8, 4, 0),
    shape(MapType::ArrayOfMaps, 4, 4, 2, 0),
    shape(MapType::HashOfMaps, 4, 4, 2, 0),
    shape(MapType::CgroupStorage, 16, 32, 0, 0),
];

/// Where the frozen array holds a text that ends in a zero.
pub(crate) const FROZEN_TEXT: u32 = 24;

/// What the frozen array holds.
pub(crate) fn frozen_bytes() -> Vec<u8> {
    let numbers = (0..24).map(|byte: u8| byte.wrapping_mul(37) ^ 0x5a);
    numbers.chain(*b"bpf: ok\0").collect()
}

/// The maps in one engine.
pub(crate) struct Handles {
    by_number: Vec<Option<Handle>>,
}

impl Handles {
    /// Makes the maps; what the engine does not make is left out.
    pub(crate) fn new(engine: &dyn Engine) -> Handles {
        let mut by_number: Vec<Option<Handle>> = Vec::new();
        for (number, shape) in SHAPES.iter().enumerate() {
            let nested = matches!(shape.map_type, MapType::ArrayOfMaps | MapType::HashOfMaps);
            let inner = if nested { by_number[INNER] } else { None };
            let handle = create(engine, shape, inner);
            if let (FROZEN, Some(map)) = (number, handle) {
                let filled = engine.map_update(map, &0u32.to_ne_bytes(), &frozen_bytes(), 0);
                filled.and_then(|()| engine.map_freeze(map)).expect("an array is filled");
            }
            by_number.push(handle);
        }
        Handles { by_number }
    }

    /// The map of a number.
    pub(crate) fn of(&self, number: usize) -> Option<Handle> {
        self.by_number.get(number).copied().flatten()
    }

    /// The same maps, but for a program array of one's own: such an array belongs to one kind of
    /// program.
    pub(crate) fn with_own_programs(&self, engine: &dyn Engine) -> Handles {
        let own = |(shape, handle): (&Shape, &Option<Handle>)| match shape.map_type {
            MapType::ProgArray => create(engine, shape, None),
            _ => *handle,
        };
        Handles { by_number: SHAPES.iter().zip(&self.by_number).map(own).collect() }
    }

    /// Gives such an array back.
    pub(crate) fn close_own_programs(&self, engine: &dyn Engine) {
        for (shape, handle) in SHAPES.iter().zip(&self.by_number) {
            if let (MapType::ProgArray, Some(handle)) = (shape.map_type, handle) {
                engine.close(*handle);
            }
        }
    }

    /// The instructions with handles in place of numbers.
    pub(crate) fn put_into(&self, insns: &[Insn]) -> Vec<Insn> {
        let handle = |number: i32| {
            let found = usize::try_from(number).ok().and_then(|number| self.of(number));
            // A number that no map has is no handle either.
            found.map_or(-1, |handle| handle.0)
        };
        let put = |insn: &Insn| match *insn {
            Insn::LoadImm64 { dst, imm: Imm64::MapFd(number) } => {
                Insn::LoadImm64 { dst, imm: Imm64::MapFd(handle(number)) }
            }
            Insn::LoadImm64 { dst, imm: Imm64::MapValue { fd, off } } => {
                Insn::LoadImm64 { dst, imm: Imm64::MapValue { fd: handle(fd), off } }
            }
            other => other,
        };
        insns.iter().map(put).collect()
    }
}

fn create(engine: &dyn Engine, shape: &Shape, inner: Option<Handle>) -> Option<Handle> {
    let map = MapCreate {
        name: "",
        map_type: shape.map_type,
        key_size: shape.key,
        value_size: shape.value,
        max_entries: shape.entries,
        flags: shape.flags,
        extra: 0,
        inner,
        numa_node: None,
        btf: None,
    };
    engine.map_create(&map).ok()
}

/// What the verifier is told of the maps, and the kernel's types.
pub(crate) struct World {
    facts: Vec<Option<MapFacts>>,
    cpus: u32,
    btf: Option<Btf>,
    types: Btf,
}

impl World {
    /// The maps that the kernel has made, by number; the kernel's types, and the programs'.
    pub(crate) fn new(kernel: &Handles, cpus: u32, btf: Option<Btf>, types: Btf) -> World {
        let known = |number| kernel.of(number).map(|_| facts(number));
        World { facts: (0..SHAPES.len()).map(known).collect(), cpus, btf, types }
    }

    /// The types of programs.
    pub(crate) fn program_types(&self) -> &Btf {
        &self.types
    }

    /// The maps that there are, by number.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> {
        (0..self.facts.len()).filter(|number| self.facts[*number].is_some())
    }
}

fn facts(number: usize) -> MapFacts {
    let Shape { map_type, key, value, entries, flags } = SHAPES[number];
    let nested = matches!(map_type, MapType::ArrayOfMaps | MapType::HashOfMaps);
    MapFacts {
        id: number as u64,
        name: String::new(),
        map_type,
        key_size: key,
        value_size: value,
        max_entries: entries,
        flags,
        frozen: (number == FROZEN).then(|| Rc::from(frozen_bytes())),
        inner: nested.then(|| Box::new(facts(INNER))),
        fields: Vec::new(),
        btf: None,
    }
}

impl Environment for World {
    fn map(&self, reference: Imm64) -> Result<MapFacts, NoMap> {
        match reference {
            Imm64::MapFd(fd) | Imm64::MapValue { fd, .. } => {
                let number = usize::try_from(fd).map_err(|_| NoMap::NotAMap)?;
                self.facts.get(number).cloned().flatten().ok_or(NoMap::NotAMap)
            }
            Imm64::MapIdx(_) | Imm64::MapIdxValue { .. } => Err(NoMap::NoArray),
            Imm64::Value(_) | Imm64::BtfVar { .. } | Imm64::Func(_) => Err(NoMap::NotAMap),
        }
    }

    fn kernel_btf(&self) -> Option<&Btf> {
        self.btf.as_ref()
    }

    fn cpus(&self) -> u32 {
        self.cpus
    }
}
