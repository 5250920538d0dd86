//! Maps of the form that was usual before type information: each variable of the section `maps`
//! is five numbers, `struct bpf_map_def`.
//!
//! libbpf 1.0 dropped them; objects that people have lying around have not.

use skep_spec::abi::MapType;

use super::{Initial, Map, MapDef, Pinning, kernel_name};
use crate::elf::{Elf, Home, Section, SymbolKind};
use crate::error::{Place, Problem, Result};
use crate::reloc::RelocKind;

/// The section of such maps.
pub(crate) const LEGACY_SECTION: &str = "maps";

/// Bytes of a definition: type, key size, value size, number of entries, flags.
const DEFINITION: usize = 20;

/// All maps of the section `maps`, in the order of their offsets.
pub(crate) fn legacy_maps(elf: &Elf<'_>) -> Result<Vec<Map>> {
    let mut sections = elf.sections.iter().enumerate();
    let Some((index, section)) = sections.find(|(_, section)| section.name == LEGACY_SECTION)
    else {
        return Ok(Vec::new());
    };
    refuse_relocations(elf, section)?;
    let mut symbols: Vec<(u64, &str)> = elf
        .symbols
        .iter()
        .filter(|symbol| symbol.home == Home::Section(index) && !symbol.name.is_empty())
        .filter(|symbol| matches!(symbol.kind, SymbolKind::Object | SymbolKind::Other))
        .map(|symbol| (symbol.value, symbol.name))
        .collect();
    symbols.sort_unstable();
    let found = symbols.len() as u64;
    if found > super::MAX_MAPS {
        let limit = super::MAX_MAPS;
        let place = Place::section(LEGACY_SECTION);
        return Err(place.error(Problem::TooMany { what: "maps", found, limit }));
    }
    let ends = symbols.iter().skip(1).map(|&(offset, _)| offset).chain([section.size]);
    symbols
        .iter()
        .zip(ends)
        .map(|(&(offset, name), end)| {
            Ok(Map {
                name: name.to_owned(),
                kernel_name: kernel_name(name),
                def: definition(section, name, offset, end)?,
                inner: None,
                pinning: Pinning::None,
                initial: Initial::Empty,
                section: LEGACY_SECTION.to_owned(),
                section_index: index,
                offset,
                values: 0..0,
                addresses: Vec::new(),
            })
        })
        .collect()
}

/// Definitions hold numbers alone.
fn refuse_relocations(elf: &Elf<'_>, section: &Section<'_>) -> Result<()> {
    let mut relocations = section.relocations.iter();
    let Some(found) = relocations.find(|relocation| relocation.kind != RelocKind::None) else {
        return Ok(());
    };
    let symbol = elf.symbol(found).map_or("", |symbol| elf.symbol_name(symbol)).to_owned();
    let place = Place::section_at(LEGACY_SECTION, found.offset);
    Err(place.error(Problem::RelocationKind { found: found.kind, symbol, required: "none" }))
}

/// The five numbers, and whatever follows, which must be zero: loaders disagree on what it means.
fn definition(section: &Section<'_>, name: &str, offset: u64, end: u64) -> Result<MapDef> {
    let slice = |start: u64, end: u64| {
        section.bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    };
    let bytes = slice(offset, end).unwrap_or_default();
    let Some((numbers, rest)) = bytes.split_first_chunk::<DEFINITION>() else {
        return Err(Place::map(name).error(Problem::Truncated {
            what: "struct bpf_map_def",
            found: bytes.len() as u64,
            required: DEFINITION as u64,
        }));
    };
    if let Some(&byte) = rest.iter().find(|&&byte| byte != 0) {
        return Err(Place::map(name).error(Problem::Field {
            what: "a byte after the five numbers of struct bpf_map_def",
            found: byte.into(),
            required: "0 (define the map in the section `.maps`)",
        }));
    }
    let (words, _) = numbers.as_chunks::<4>();
    let mut words = words.iter().map(|&word| u32::from_le_bytes(word));
    let mut number = || words.next().unwrap_or_default();
    let map_type = number();
    let map_type = MapType::from_u32(map_type).ok_or_else(|| {
        Place::map(name).error(Problem::MapField {
            field: "type".to_owned(),
            reason: format!("is {map_type}, which is no map type that is known"),
        })
    })?;
    Ok(MapDef {
        map_type,
        key_size: number(),
        value_size: number(),
        max_entries: number(),
        flags: number(),
        extra: 0,
        numa_node: None,
        key_type: None,
        value_type: None,
    })
}
