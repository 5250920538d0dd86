//! The file that linking makes.

use object::write::{Object, Relocation, SectionId, Symbol as Entry, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionFlags, SymbolFlags,
    SymbolScope, elf,
};

use super::sections::Section;
use super::symbols::Symbol;
use super::types::Types;
use crate::elf::{Binding, SectionKind, SymbolKind};
use crate::error::{Place, Problem, Result};

/// Writes the file.
pub(super) fn file(
    sections: &[Section<'_>],
    symbols: &[Symbol<'_>],
    types: Option<&Types>,
) -> Result<Vec<u8>> {
    let mut out = Object::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
    let numbers: Vec<SectionId> =
        sections.iter().map(|section| add_section(&mut out, section)).collect();
    let symbols: Vec<SymbolId> =
        symbols.iter().map(|symbol| add_symbol(&mut out, symbol, &numbers)).collect();
    let unwritable = |error: object::write::Error| {
        let (what, reason) = ("the linked object", error.to_string());
        Place::FILE.error(Problem::Unwritable { what, reason })
    };
    for (section, &number) in sections.iter().zip(&numbers) {
        for relocation in &section.relocations {
            let Some(&symbol) = symbols.get(relocation.symbol) else { continue };
            let r_type = elf::RelocationType(relocation.kind);
            let flags = RelocationFlags::Elf { r_type };
            let entry = Relocation { offset: relocation.offset, symbol, addend: 0, flags };
            out.add_relocation(number, entry).map_err(unwritable)?;
        }
    }
    if let Some(types) = types {
        for (name, bytes) in [(".BTF", &types.btf), (".BTF.ext", &types.ext)] {
            let number = out.add_section(Vec::new(), name.into(), object::SectionKind::Metadata);
            let sh_flags = elf::SectionFlags(0);
            out.section_mut(number).flags =
                SectionFlags::Elf { sh_type: elf::SHT_PROGBITS, sh_flags };
            out.append_section_data(number, bytes, 4);
        }
    }
    out.write().map_err(unwritable)
}

fn add_section(out: &mut Object<'_>, section: &Section<'_>) -> SectionId {
    let (kind, sh_type) = match section.kind {
        SectionKind::Zeroes => (object::SectionKind::UninitializedData, elf::SHT_NOBITS),
        SectionKind::Bits | SectionKind::Other if section.executable => {
            (object::SectionKind::Text, elf::SHT_PROGBITS)
        }
        SectionKind::Bits | SectionKind::Other => (object::SectionKind::Data, elf::SHT_PROGBITS),
    };
    let number = out.add_section(Vec::new(), section.name.into(), kind);
    let sh_flags = elf::SectionFlags(section.flags);
    out.section_mut(number).flags = SectionFlags::Elf { sh_type, sh_flags };
    match section.kind {
        SectionKind::Zeroes => out.append_section_bss(number, section.size, section.align),
        SectionKind::Bits | SectionKind::Other => {
            out.append_section_data(number, &section.bytes, section.align)
        }
    };
    number
}

fn add_symbol(out: &mut Object<'_>, symbol: &Symbol<'_>, sections: &[SectionId]) -> SymbolId {
    let home = symbol.home.and_then(|(section, value)| Some((*sections.get(section)?, value)));
    if let (SymbolKind::Section, Some((section, _))) = (symbol.kind, home) {
        return out.section_symbol(section);
    }
    let (kind, st_type) = match symbol.kind {
        SymbolKind::Function => (object::SymbolKind::Text, elf::STT_FUNC),
        SymbolKind::Object => (object::SymbolKind::Data, elf::STT_OBJECT),
        SymbolKind::Section | SymbolKind::Other => (object::SymbolKind::Unknown, elf::STT_NOTYPE),
    };
    let (scope, st_bind) = match symbol.binding {
        Binding::Local => (SymbolScope::Compilation, elf::STB_LOCAL),
        Binding::Global => (SymbolScope::Dynamic, elf::STB_GLOBAL),
        Binding::Weak => (SymbolScope::Dynamic, elf::STB_WEAK),
    };
    let visibility = if symbol.hidden { elf::STV_HIDDEN } else { elf::STV_DEFAULT };
    out.add_symbol(Entry {
        name: symbol.name.into(),
        value: home.map_or(0, |(_, value)| value),
        size: symbol.size,
        kind,
        scope,
        weak: symbol.binding == Binding::Weak,
        section: home.map_or(SymbolSection::Undefined, |(id, _)| SymbolSection::Section(id)),
        flags: SymbolFlags::Elf {
            st_info: elf::SymbolInfo::new(st_bind, st_type),
            st_other: elf::SymbolOther(visibility.0),
        },
    })
}
