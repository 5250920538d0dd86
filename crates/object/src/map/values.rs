//! The entries that maps of maps and program arrays have from the beginning: addresses that the
//! compiler leaves to relocations of the section `.maps`.

use std::collections::BTreeMap;

use skep_spec::abi::MapType;

use super::definition::MAPS_SECTION;
use super::{Initial, Map, MapIdx, Slot, SlotTarget};
use crate::elf::{Elf, Home, Relocation, Section, Symbol};
use crate::error::{Place, Problem, Result};
use crate::function::FunctionIdx;
use crate::reloc::RelocKind;

/// The size of an address in the object.
const ADDRESS: u64 = 8;
/// The size of a key, where the order of addresses gives the keys.
const KEY: u32 = 4;

/// Fills in the initial entries of all maps.
pub(crate) fn initial_slots(
    elf: &Elf<'_>,
    functions: &BTreeMap<(usize, u64), FunctionIdx>,
    maps: &mut [Map],
) -> Result<()> {
    let mut sections = elf.sections.iter().enumerate();
    let Some((number, section)) = sections.find(|(_, section)| section.name == MAPS_SECTION) else {
        return Ok(());
    };
    let places: BTreeMap<(usize, u64), usize> = maps
        .iter()
        .enumerate()
        .filter(|(_, map)| map.section_index == number)
        .map(|(index, map)| ((map.section_index, map.offset), index))
        .collect();
    for relocation in &section.relocations {
        if relocation.kind == RelocKind::None {
            continue;
        }
        let site = Site { elf, section, relocation, maps: &places, functions };
        let before = places.range(..=(number, relocation.offset)).next_back();
        let Some(map) = before.and_then(|(_, &index)| maps.get_mut(index)) else {
            return Err(site.refused("but its place belongs to no map"));
        };
        let slot = Slot { key: site.key(map)?, target: site.target(map)? };
        match &mut map.initial {
            Initial::Slots(slots) => slots.push(slot),
            initial => *initial = Initial::Slots(vec![slot]),
        }
    }
    Ok(())
}

/// One address in the section of map definitions.
struct Site<'a> {
    elf: &'a Elf<'a>,
    section: &'a Section<'a>,
    relocation: &'a Relocation,
    /// Maps by section and offset.
    maps: &'a BTreeMap<(usize, u64), usize>,
    /// Functions by section and offset.
    functions: &'a BTreeMap<(usize, u64), FunctionIdx>,
}

impl<'a> Site<'a> {
    fn symbol(&self) -> Option<&'a Symbol<'a>> {
        self.elf.symbol(self.relocation)
    }

    fn symbol_name(&self) -> &'a str {
        self.symbol().map_or("", |symbol| self.elf.symbol_name(symbol))
    }

    fn refused(&self, reason: &'static str) -> crate::Error {
        Place::section_at(self.section.name, self.relocation.offset).error(
            Problem::RelocationTarget {
                symbol: self.symbol_name().to_owned(),
                section: self.section.name.to_owned(),
                reason,
            },
        )
    }

    /// The key of the map that the address belongs to.
    fn key(&self, map: &Map) -> Result<u32> {
        let offset = self.relocation.offset;
        // Compilers of before LLVM 13 had one kind for addresses in code and in data.
        if !matches!(self.relocation.kind, RelocKind::Abs64 | RelocKind::Insn64) {
            return Err(Place::section_at(self.section.name, offset).error(
                Problem::RelocationKind {
                    found: self.relocation.kind,
                    symbol: self.symbol_name().to_owned(),
                    required: "R_BPF_64_ABS64 or R_BPF_64_64",
                },
            ));
        }
        if map.def.key_size != KEY {
            return Err(self.refused("but the keys of the map do not have 4 bytes"));
        }
        let inside = offset.checked_sub(map.values.start);
        let inside = inside.filter(|_| offset.saturating_add(ADDRESS) <= map.values.end);
        let Some(inside) = inside else {
            return Err(self.refused("but its place is not in the field `values` of a map"));
        };
        match u32::try_from(inside / ADDRESS) {
            Ok(key) if inside.is_multiple_of(ADDRESS) => Ok(key),
            _ => Err(self.refused("but its place is between two entries of the map")),
        }
    }

    /// The map or program whose address it is.
    fn target(&self, map: &Map) -> Result<SlotTarget> {
        let symbol = self.symbol();
        let (section, value) = match symbol.map(|symbol| (symbol.home, symbol.value)) {
            Some((Home::Section(section), value)) => (section, value),
            _ => return Err(self.refused("which the object does not define")),
        };
        let place = (section, value);
        if map.def.map_type == MapType::ProgArray {
            let found = self.functions.get(&place);
            return found
                .map(|&function| SlotTarget::Program(function))
                .ok_or_else(|| self.refused("which is no program"));
        }
        // Else it is a map of maps: no other definition can have the field `values`.
        let found = self.maps.get(&place).and_then(|&index| u32::try_from(index).ok());
        found
            .map(|index| SlotTarget::Map(MapIdx(index)))
            .ok_or_else(|| self.refused("which is no map"))
    }
}
