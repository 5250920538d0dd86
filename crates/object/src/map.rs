//! The maps of an object: those that it defines, and those that hold its global variables.

mod data;
mod definition;
mod kconfig;
mod legacy;
mod settings;
mod values;

use std::ops::Range;
use std::sync::Arc;

use skep_btf::{Btf, TypeId};
use skep_spec::abi::MapType;

use crate::elf::Elf;
use crate::error::{Problem, Result};
use crate::externs::Extern;
use crate::function::FunctionIdx;
use crate::reloc::RelocKind;
use data::data_maps;
use definition::defined_maps;
use kconfig::kconfig_map;
use legacy::legacy_maps;

pub(crate) use definition::{MAPS_SECTION, definition_of};
pub(crate) use kconfig::KCONFIG_SECTION;
pub(crate) use legacy::is_legacy;
pub use settings::Settings;
pub(crate) use values::initial_slots;

/// Number of a map in [`Object::maps`](crate::Object::maps).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MapIdx(pub u32);

impl MapIdx {
    /// The same as an index into a slice of maps.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Maps that one section can define. A program can use 64 (`MAX_USED_MAPS` of the kernel).
const MAX_MAPS: u64 = 4096;

/// Bytes of a name that the kernel keeps (`BPF_OBJ_NAME_LEN`, less the final zero).
const KERNEL_NAME_LEN: usize = 15;

/// A map, as the object wants it made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Map {
    /// What the object calls it: the variable's name, or the section's for global data.
    pub name: String,
    /// What the kernel calls it: at most 15 characters.
    pub kernel_name: String,
    /// Type, sizes and flags.
    pub def: MapDef,
    /// The definition of the maps inside it, for a map of maps.
    pub inner: Option<MapDef>,
    /// Whether it is shared by name among objects.
    pub pinning: Pinning,
    /// What is in it at first.
    pub initial: Initial,
    /// The section it came from.
    pub section: String,
    /// Number of that section in the file.
    pub(crate) section_index: usize,
    /// Where in the section it is; 0 for global data, which is the whole section.
    pub(crate) offset: u64,
    /// Where in the section its initial entries are: the field `values`.
    pub(crate) values: Range<u64>,
    /// Addresses in its global data that nobody fills in, by ascending offset.
    pub addresses: Vec<Address>,
}

/// An address in global data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// Where it is stored, in bytes.
    pub offset: u64,
    /// What it is the address of.
    pub symbol: Arc<str>,
    /// The relocation that says so.
    pub kind: RelocKind,
}

impl Map {
    /// Whether it holds global variables.
    pub fn is_global_data(&self) -> bool {
        matches!(self.initial, Initial::Zeroes | Initial::Bytes(_))
    }

    /// Whether it holds settings of the kernel.
    pub fn is_kernel_settings(&self) -> bool {
        self.section == KCONFIG_SECTION
    }

    /// Whether a program may refer to a byte of its global data.
    ///
    /// It may not if the variable there holds an address; where no type says which bytes belong to
    /// a variable, if any byte of the data does.
    pub(crate) fn check_reference(
        &self,
        btf: Option<&Btf>,
        byte: u32,
    ) -> std::result::Result<(), Problem> {
        if self.addresses.is_empty() {
            return Ok(());
        }
        let range = variable_range(btf, &self.name, byte);
        let first = self.addresses.partition_point(|address| address.offset < range.start);
        match self.addresses.get(first) {
            Some(address) if address.offset < range.end => Err(Problem::DataRelocation {
                section: self.section.clone(),
                symbol: address.symbol.to_string(),
                kind: address.kind,
                offset: address.offset,
            }),
            _ => Ok(()),
        }
    }
}

/// The bytes of the variable that has a byte of a section; all, if none is known to. The
/// variables are sorted, since they were given their places.
fn variable_range(btf: Option<&Btf>, section: &str, byte: u32) -> Range<u64> {
    let everything = 0..u64::MAX;
    let Some((_, datasec)) = btf.and_then(|btf| btf.find_datasec(section)) else {
        return everything;
    };
    let (mut low, mut high) = (0, datasec.vars.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match datasec.vars.get(middle) {
            Some(entry) if entry.offset <= byte => low = middle + 1,
            _ => high = middle,
        }
    }
    match low.checked_sub(1).and_then(|last| datasec.vars.get(last)) {
        Some(entry) if byte - entry.offset < entry.size => {
            entry.offset.into()..u64::from(entry.offset) + u64::from(entry.size)
        }
        _ => everything,
    }
}

/// What a map of some kind is like (`BPF_MAP_CREATE`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapDef {
    /// The map type.
    pub map_type: MapType,
    /// Size of a key in bytes.
    pub key_size: u32,
    /// Size of a value in bytes.
    pub value_size: u32,
    /// How many entries it can hold; 0 if that is for the loader to choose.
    pub max_entries: u32,
    /// `BPF_F_*` flags of map creation.
    pub flags: u32,
    /// What some map types need besides.
    pub extra: u64,
    /// The memory node to put it on.
    pub numa_node: Option<u32>,
    /// Type of a key in the object's BTF, if declared.
    pub key_type: Option<TypeId>,
    /// Type of a value in the object's BTF, if declared.
    pub value_type: Option<TypeId>,
}

/// Whether a map is looked for, and left behind, under its name (`LIBBPF_PIN_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Pinning {
    /// It is the object's own.
    #[default]
    None,
    /// It is shared with every object that names it.
    ByName,
    /// It is shared in a way that another loader knows: 1 (by object) and 2 (by name) of
    /// iproute2's `struct bpf_elf_map`, and numbers that its configuration gives a meaning.
    Other(u32),
}

/// What a map holds before any program runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Initial {
    /// No entries, or whatever its type makes of that.
    Empty,
    /// Global variables that are all zero.
    Zeroes,
    /// Global variables.
    Bytes(Vec<u8>),
    /// Maps or programs at some of its keys.
    Slots(Vec<Slot>),
}

/// An entry that a map of maps, or a program array, has from the beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Its key.
    pub key: u32,
    /// What stands there.
    pub target: SlotTarget,
}

/// What stands in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotTarget {
    /// A map.
    Map(MapIdx),
    /// A program, by its main function.
    Program(FunctionIdx),
}

/// A name of a map or program as the kernel takes it: letters, digits, `_` and `.`, at most 15
/// bytes.
pub fn kernel_name(name: &str) -> String {
    name.bytes()
        .take(KERNEL_NAME_LEN)
        .map(|byte| match byte {
            b'_' | b'.' => char::from(byte),
            byte if byte.is_ascii_alphanumeric() => char::from(byte),
            _ => '_',
        })
        .collect()
}

/// All maps of an object. Settings among the externs are given their place.
pub(crate) fn maps(
    object_name: &str,
    elf: &Elf<'_>,
    btf: Option<&Btf>,
    externs: &mut [Extern],
) -> Result<Vec<Map>> {
    let mut maps = defined_maps(elf, btf)?;
    let first = maps.len();
    maps.extend(legacy_maps(elf, btf, first)?);
    maps.extend(data_maps(object_name, elf, btf)?);
    maps.extend(kconfig_map(object_name, btf, externs)?);
    Ok(maps)
}
