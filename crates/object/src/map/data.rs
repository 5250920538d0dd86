//! Global variables: each data section is an array map with one value, the section.

use skep_btf::{Btf, Type, TypeId, VarLinkage};
use skep_spec::abi::MapType;

use super::{Address, Initial, KERNEL_NAME_LEN, Map, MapDef, Pinning, kernel_name};
use crate::elf::{Elf, Section, SectionKind, SymbolNames};
use crate::error::{Place, Problem, Result};
use crate::reloc::RelocKind;

/// Programs may only read the map (UAPI `BPF_F_RDONLY_PROG`).
pub(super) const RDONLY_PROG: u32 = 1 << 7;
/// User space may map the map into its memory (UAPI `BPF_F_MMAPABLE`).
const MMAPABLE: u32 = 1 << 10;

/// The largest data section. The kernel makes no array value of 2 GiB or more.
const MAX_DATA: u64 = i32::MAX as u64;

/// The maps of all data sections that are not empty, in the order of the sections.
pub(crate) fn data_maps(object_name: &str, elf: &Elf<'_>, btf: Option<&Btf>) -> Result<Vec<Map>> {
    let mut maps = Vec::new();
    let mut names = SymbolNames::new(elf);
    for (index, section) in elf.sections.iter().enumerate() {
        let Some(kind) = DataKind::of(section) else { continue };
        let value_size = match u32::try_from(section.size) {
            Ok(size) if section.size <= MAX_DATA => size,
            _ => {
                return Err(Place::section(section.name).error(Problem::TooMany {
                    what: "bytes of global data",
                    found: section.size,
                    limit: MAX_DATA,
                }));
            }
        };
        let types = btf.and_then(|btf| variables(btf, section.name));
        let mut flags = 0;
        if kind == DataKind::ReadOnly {
            flags |= RDONLY_PROG;
        }
        if types.is_some_and(|(_, shared)| shared) {
            flags |= MMAPABLE;
        }
        let initial = match kind {
            DataKind::Zero => Initial::Zeroes,
            DataKind::Writable | DataKind::ReadOnly => Initial::Bytes(section.bytes.to_vec()),
        };
        maps.push(Map {
            name: section.name.to_owned(),
            kernel_name: data_map_name(object_name, section.name),
            def: MapDef {
                map_type: MapType::Array,
                key_size: 4,
                value_size,
                max_entries: 1,
                flags,
                extra: 0,
                numa_node: None,
                key_type: None,
                value_type: types.map(|(id, _)| id),
            },
            inner: None,
            pinning: Pinning::None,
            initial,
            section: section.name.to_owned(),
            section_index: index,
            offset: 0,
            values: 0..0,
            addresses: addresses(&mut names, section),
        });
    }
    Ok(maps)
}

/// What kind of data a section holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DataKind {
    Writable,
    ReadOnly,
    Zero,
}

impl DataKind {
    /// By the section's name, `.data`, `.rodata` or `.bss`, which a dot and a name may follow.
    fn of(section: &Section<'_>) -> Option<DataKind> {
        let is = |name: &str| {
            section
                .name
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if section.executable || section.size == 0 {
            return None;
        }
        match section.kind {
            SectionKind::Bits if is(".data") => Some(DataKind::Writable),
            SectionKind::Bits if is(".rodata") => Some(DataKind::ReadOnly),
            SectionKind::Zeroes if is(".bss") => Some(DataKind::Zero),
            SectionKind::Bits | SectionKind::Zeroes | SectionKind::Other => None,
        }
    }
}

/// The type that describes a data section, and whether user space may see any of its variables.
fn variables(btf: &Btf, section: &str) -> Option<(TypeId, bool)> {
    let (id, datasec) = btf.find_datasec(section)?;
    let shared = datasec.vars.iter().any(
        |entry| matches!(btf.ty(entry.ty), Ok(Type::Var(var)) if var.linkage != VarLinkage::Static),
    );
    Some((id, shared))
}

/// The kernel's name for a data map, as libbpf makes it up: the object's name, cut so that the
/// section's name fits (which counts for at least 7 characters), then the section's name; sections
/// with a second dot keep their name alone.
pub(super) fn data_map_name(object_name: &str, section: &str) -> String {
    let custom = section.get(1..).is_some_and(|rest| rest.contains('.'));
    if custom {
        return kernel_name(section);
    }
    let prefix = KERNEL_NAME_LEN.saturating_sub(section.len().max(7));
    let mut name: String = kernel_name(object_name).chars().take(prefix).collect();
    name.push_str(section);
    kernel_name(&name)
}

/// The addresses that a data section holds.
fn addresses(names: &mut SymbolNames<'_>, section: &Section<'_>) -> Vec<Address> {
    let relocations = section.relocations.iter();
    relocations
        .filter(|relocation| relocation.kind != RelocKind::None)
        .map(|relocation| Address {
            offset: relocation.offset,
            symbol: names.of(relocation),
            kind: relocation.kind,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_names_of_data_maps() {
        let check = |object: &str, section: &str, expected: &str| {
            assert_eq!(data_map_name(object, section), expected, "{object} {section}");
        };
        check("my_object_name", ".rodata", "my_objec.rodata");
        check("my_object_name", ".bss", "my_objec.bss");
        check("my_object_name", ".kconfig", "my_obje.kconfig");
        check("a-b", ".data", "a_b.data");
        check("my_object_name", ".rodata.abracadabra", ".rodata.abracad");
        check("x", ".data.y", ".data.y");
    }
}
