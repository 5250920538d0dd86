//! Maps of the forms that were usual before type information: variables that are a few numbers, in
//! the section `maps` or in sections `maps/NAME`.
//!
//! All begin with type, key size, value size, number of entries and, but for the first of them,
//! flags. What follows depends on who was to load the object:
//!
//! | bytes | whose | what follows |
//! |---|---|---|
//! | 16, 20 | everybody's | nothing |
//! | 28 | the kernel's samples | number of the inner map, memory node |
//! | 24 to 36 | iproute2 (`struct bpf_elf_map`) | id, pinning, id of the inner map, key in the outer map |
//!
//! In 28 bytes the two disagree. There, a map of maps is one of the samples (iproute2's needs a
//! longer definition), and so is one whose flags ask for a memory node. More bytes must be zero.
//! libbpf 1.0 dropped all of them; objects that people have lying around have not.

use skep_btf::{Btf, Kind, Type, TypeId};
use skep_spec::abi::MapType;

use super::{Initial, Map, MapDef, MapIdx, Pinning, Slot, SlotTarget, kernel_name};
use crate::elf::{Elf, Home, Section, SymbolKind};
use crate::error::{Error, Place, Problem, Result};
use crate::reloc::RelocKind;

/// Bytes of the shortest definition: type, key size, value size, number of entries.
const SHORTEST: usize = 16;
/// Words of `struct bpf_elf_map`, the longest definition that says something.
const LONGEST_WORDS: usize = 9;
/// Words of the definitions of the kernel's samples.
const SAMPLES_WORDS: usize = 7;
/// The map is to be on the memory node that its definition names (UAPI `BPF_F_NUMA_NODE`).
const NUMA_NODE: u32 = 1 << 2;
/// The key of an inner map that is in no outer map.
const NO_KEY: u32 = u32::MAX;

/// Whether a section of this name holds such maps.
pub(crate) fn is_legacy(section: &str) -> bool {
    section == "maps" || section.starts_with("maps/")
}

/// All such maps, by section and offset. The first of them is to be map number `first`.
pub(crate) fn legacy_maps(elf: &Elf<'_>, btf: Option<&Btf>, first: usize) -> Result<Vec<Map>> {
    let mut maps = Vec::new();
    let mut more = Vec::new();
    for (index, section) in elf.sections.iter().enumerate() {
        if is_legacy(section.name) {
            refuse_relocations(elf, section)?;
            section_maps(elf, btf, index, section, &mut maps, &mut more)?;
        }
    }
    for (number, own) in more.iter().enumerate() {
        let inner = match own.inner {
            Inner::None => continue,
            Inner::Number(inner) => usize::try_from(inner).ok(),
            Inner::Id(id) => more.iter().position(|other| other.id == id),
        };
        let inner = inner.filter(|&inner| inner != number).and_then(|inner| maps.get(inner));
        let inner = inner.map(|inner: &Map| inner.def.clone());
        let Some(map) = maps.get_mut(number) else { continue };
        let Some(inner) = inner else {
            let reason = "names no map of the object".to_owned();
            return Err(field(&map.name, "inner map", reason));
        };
        map.inner = Some(MapDef { key_type: None, value_type: None, ..inner });
        if let Inner::Id(id) = own.inner {
            map.initial = entries(&more, id, first);
        }
    }
    Ok(maps)
}

/// What a map of maps holds at first: the maps that have its inner map's id, at their keys.
fn entries(maps: &[More], id: u32, first: usize) -> Initial {
    let slots = maps.iter().enumerate().filter_map(|(number, map)| {
        let key = map.key.filter(|_| map.id == id)?;
        let number = u32::try_from(first + number).ok()?;
        Some(Slot { key, target: SlotTarget::Map(MapIdx(number)) })
    });
    let slots: Vec<Slot> = slots.collect();
    if slots.is_empty() { Initial::Empty } else { Initial::Slots(slots) }
}

/// What a definition says about other maps.
#[derive(Clone, Copy)]
struct More {
    /// What other maps call it; 0 if they do not.
    id: u32,
    inner: Inner,
    /// Its key in the maps that hold it.
    key: Option<u32>,
}

/// How a definition names the map that those inside it are like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inner {
    None,
    /// By its number among the object's maps.
    Number(u32),
    /// By its id.
    Id(u32),
}

/// The maps of one section.
fn section_maps(
    elf: &Elf<'_>,
    btf: Option<&Btf>,
    index: usize,
    section: &Section<'_>,
    maps: &mut Vec<Map>,
    more: &mut Vec<More>,
) -> Result<()> {
    let mut symbols: Vec<(u64, &str)> = elf
        .symbols
        .iter()
        .filter(|symbol| symbol.home == Home::Section(index) && !symbol.name.is_empty())
        .filter(|symbol| matches!(symbol.kind, SymbolKind::Object | SymbolKind::Other))
        .map(|symbol| (symbol.value, symbol.name))
        .collect();
    symbols.sort_unstable();
    let found = (maps.len() + symbols.len()) as u64;
    if found > super::MAX_MAPS {
        let limit = super::MAX_MAPS;
        let place = Place::section(section.name);
        return Err(place.error(Problem::TooMany { what: "maps", found, limit }));
    }
    let ends = symbols.iter().skip(1).map(|&(offset, _)| offset).chain([section.size]);
    for (&(offset, name), end) in symbols.iter().zip(ends) {
        let definition = Definition { name, words: &words(section, name, offset, end)? };
        let mut def = definition.def()?;
        let (own, pinning, numa_node) = definition.more(def.map_type)?;
        def.numa_node = numa_node;
        if let Some((key, value)) = btf.and_then(|btf| types(btf, name, &def)) {
            (def.key_type, def.value_type) = (Some(key), Some(value));
        }
        maps.push(Map {
            name: name.to_owned(),
            kernel_name: kernel_name(name),
            def,
            inner: None,
            pinning,
            initial: Initial::Empty,
            section: section.name.to_owned(),
            section_index: index,
            offset,
            values: 0..0,
            addresses: Vec::new(),
        });
        more.push(own);
    }
    Ok(())
}

/// Definitions hold numbers alone.
fn refuse_relocations(elf: &Elf<'_>, section: &Section<'_>) -> Result<()> {
    let mut relocations = section.relocations.iter();
    let Some(found) = relocations.find(|relocation| relocation.kind != RelocKind::None) else {
        return Ok(());
    };
    let symbol = elf.symbol(found).map_or("", |symbol| elf.symbol_name(symbol)).to_owned();
    let place = Place::section_at(section.name, found.offset);
    Err(place.error(Problem::RelocationKind { found: found.kind, symbol, required: "none" }))
}

/// The numbers of a definition, with zeroes for those that it leaves out.
fn words(section: &Section<'_>, name: &str, start: u64, end: u64) -> Result<[u32; LONGEST_WORDS]> {
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let bytes = range.and_then(|(start, end)| section.bytes.get(start..end)).unwrap_or_default();
    if bytes.len() < SHORTEST {
        return Err(Place::map(name).error(Problem::Truncated {
            what: "struct bpf_map_def",
            found: bytes.len() as u64,
            required: SHORTEST as u64,
        }));
    }
    let mut words = [0; LONGEST_WORDS];
    let (found, rest) = bytes.as_chunks::<4>();
    let unknown = found.iter().skip(LONGEST_WORDS).flatten().chain(rest);
    if let Some(&byte) = unknown.into_iter().find(|&&byte| byte != 0) {
        return Err(Place::map(name).error(Problem::Field {
            what: "a byte after the 36 of struct bpf_elf_map",
            found: byte.into(),
            required: "0 (define the map in the section `.maps`)",
        }));
    }
    for (word, &bytes) in words.iter_mut().zip(found) {
        *word = u32::from_le_bytes(bytes);
    }
    Ok(words)
}

/// A definition's numbers.
struct Definition<'a> {
    name: &'a str,
    words: &'a [u32; LONGEST_WORDS],
}

impl Definition<'_> {
    /// Type, sizes and flags, which all forms agree on.
    fn def(&self) -> Result<MapDef> {
        let &[map_type, key_size, value_size, max_entries, flags, ..] = self.words;
        let map_type = MapType::from_u32(map_type).ok_or_else(|| {
            let reason = format!("is {map_type}, which is no map type that is known");
            field(self.name, "type", reason)
        })?;
        Ok(MapDef {
            map_type,
            key_size,
            value_size: if is_map_of_maps(map_type) { 4 } else { value_size },
            max_entries,
            flags,
            extra: 0,
            numa_node: None,
            key_type: None,
            value_type: None,
        })
    }

    /// What follows, where its owners are told apart.
    fn more(&self, map_type: MapType) -> Result<(More, Pinning, Option<u32>)> {
        let &[_, _, _, _, flags, id, pinning, inner, key] = self.words;
        let outer = is_map_of_maps(map_type);
        let node = (flags & NUMA_NODE != 0).then_some(pinning);
        let is_samples = self.words.iter().skip(SAMPLES_WORDS).all(|&word| word == 0);
        if is_samples && (outer || node.is_some()) {
            let inner = if outer { Inner::Number(id) } else { Inner::None };
            return Ok((More { id: 0, inner, key: None }, Pinning::None, node));
        }
        if node.is_some() {
            let reason = "has BPF_F_NUMA_NODE, but the definition names no memory node".to_owned();
            return Err(field(self.name, "flags", reason));
        }
        let inner = if outer { Inner::Id(inner) } else { Inner::None };
        let key = Some(key).filter(|&key| key != NO_KEY && id != 0 && !outer);
        let pinning = match pinning {
            0 => Pinning::None,
            scheme => Pinning::Other(scheme),
        };
        Ok((More { id, inner, key }, pinning, None))
    }
}

fn is_map_of_maps(map_type: MapType) -> bool {
    matches!(map_type, MapType::ArrayOfMaps | MapType::HashOfMaps)
}

/// The types of key and value, if the source gave them (`BPF_ANNOTATE_KV_PAIR`), as the members of
/// a struct with a name made of the map's.
fn types(btf: &Btf, name: &str, def: &MapDef) -> Option<(TypeId, TypeId)> {
    let id = btf.find_by_name(&format!("____btf_map_{name}"), Kind::Struct)?;
    let Type::Struct(composite) = btf.ty(id).ok()? else { return None };
    let member = |number: usize, name: &str, size: u32| {
        let member = composite.members.get(number).filter(|member| member.name == name)?;
        (btf.size_of(member.ty) == Ok(size)).then_some(member.ty)
    };
    Some((member(0, "key", def.key_size)?, member(1, "value", def.value_size)?))
}

fn field(map: &str, field: &str, reason: String) -> Error {
    Place::map(map).error(Problem::MapField { field: field.to_owned(), reason })
}
