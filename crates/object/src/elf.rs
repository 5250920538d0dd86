//! The ELF file under an object: sections, symbols and relocations, checked once.
//!
//! The `object` crate finds the tables. What is checked here is what later code relies on: the file
//! is a little-endian 64-bit relocatable BPF object, every section lies within it, no two sections
//! share bytes (so the sum of all sections is bounded by the file's size), every name is text, and
//! every relocation belongs to a section and names a symbol.

mod names;

use object::LittleEndian as Le;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, Rel, Rela, SectionHeader, SectionTable, Sym, SymbolTable};
use object::{SectionIndex, SymbolIndex};

use crate::error::{Place, Problem, Result};
use crate::reloc::RelocKind;
use names::Names;
pub(crate) use names::SymbolNames;

/// Sections in one object. Compilers make a handful for each section the source names; anything
/// larger is no BPF object, and bounds the work that is quadratic in nothing but linear in this.
const MAX_SECTIONS: u64 = 65_536;
/// Symbols in one object. The largest known selftest objects have a few thousand.
const MAX_SYMBOLS: u64 = 1 << 20;

/// A checked view of an ELF file.
#[derive(Debug)]
pub(crate) struct Elf<'data> {
    /// All sections, by their index in the file; the first is the null section.
    pub(crate) sections: Vec<Section<'data>>,
    /// All symbols, by their index in the file; the first is the null symbol.
    pub(crate) symbols: Vec<Symbol<'data>>,
}

/// A section.
#[derive(Debug)]
pub(crate) struct Section<'data> {
    pub(crate) name: &'data str,
    pub(crate) kind: SectionKind,
    pub(crate) executable: bool,
    /// `sh_flags`.
    pub(crate) flags: u64,
    /// `sh_addralign`.
    pub(crate) align: u64,
    /// Its bytes; empty where the file holds none for it.
    pub(crate) bytes: &'data [u8],
    /// Its size in memory.
    pub(crate) size: u64,
    /// What is to be changed in it, by ascending offset.
    pub(crate) relocations: Vec<Relocation>,
}

impl Section<'_> {
    /// Whether its bytes are part of the program, and not about it.
    pub(crate) fn is_loaded(&self) -> bool {
        elf::SectionFlags(self.flags).contains(elf::SHF_ALLOC)
    }
}

/// What a section is for, as far as objects care.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SectionKind {
    /// Bytes of the program: code, data, type information.
    Bits,
    /// Memory that begins as zeroes.
    Zeroes,
    /// Symbols, strings, relocations and whatever else.
    Other,
}

/// A symbol.
#[derive(Debug)]
pub(crate) struct Symbol<'data> {
    pub(crate) name: &'data str,
    pub(crate) home: Home,
    pub(crate) value: u64,
    pub(crate) size: u64,
    pub(crate) kind: SymbolKind,
    pub(crate) binding: Binding,
    /// Whether the symbol is hidden: seen by other objects in the static linker's eyes alone.
    pub(crate) hidden: bool,
}

/// Where a symbol is defined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Home {
    /// Elsewhere: an extern.
    Undefined,
    /// In the section with this index, which exists.
    Section(usize),
    /// Nowhere in particular: absolute and common symbols, with ELF's number for that.
    Special(u16),
}

/// What a symbol stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SymbolKind {
    Function,
    Object,
    Section,
    Other,
}

/// Who sees a symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Binding {
    Local,
    Global,
    Weak,
}

/// One relocation: at a byte of its section, something about a symbol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relocation {
    pub(crate) offset: u64,
    pub(crate) symbol: u32,
    pub(crate) kind: RelocKind,
}

impl<'data> Elf<'data> {
    /// Reads and checks a file.
    pub(crate) fn parse(data: &'data [u8]) -> Result<Elf<'data>> {
        let header = bpf_header(data)?;
        let table = section_table(header, data)?;
        let mut sections = sections(header, &table, data)?;
        refuse_overlap(&table, &sections)?;
        let symbols = symbol_table(&table, data)?;
        let strings = strings(&table, data, symbols.string_section().0)?;
        let symbols = self::symbols(&symbols, strings, sections.len())?;
        relocations(&table, data, &mut sections, symbols.len())?;
        Ok(Elf { sections, symbols })
    }

    /// The section with this name, if there is one; the first, if there are several.
    pub(crate) fn section(&self, name: &str) -> Option<&Section<'data>> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The symbol that a relocation names, which [`Elf::parse`] saw to exist.
    pub(crate) fn symbol(&self, relocation: &Relocation) -> Option<&Symbol<'data>> {
        self.symbols.get(relocation.symbol as usize)
    }

    /// What to call a symbol in messages: its name, or its section's.
    pub(crate) fn symbol_name(&self, symbol: &Symbol<'data>) -> &'data str {
        if let (SymbolKind::Section, Home::Section(section)) = (symbol.kind, symbol.home) {
            return self.sections.get(section).map_or("", |section| section.name);
        }
        symbol.name
    }
}

/// The bytes of a section of a file for any machine.
pub(crate) fn section_of_any<'data>(data: &'data [u8], name: &str) -> Result<Option<&'data [u8]>> {
    let header = header(data)?;
    let table = section_table(header, data)?;
    let sections = sections(header, &table, data)?;
    Ok(sections.iter().find(|section| section.name == name).map(|section| section.bytes))
}

/// The header of a little-endian 64-bit file.
fn header(data: &[u8]) -> Result<&FileHeader64<Le>> {
    let at = |offset| Place::File { offset: Some(offset) };
    if !data.starts_with(&elf::ELFMAG) {
        let found = data.iter().take(4).copied().collect();
        return Err(at(0).error(Problem::NotElf { found }));
    }
    let required = size_of::<FileHeader64<Le>>() as u64;
    let (header, _) = object::pod::from_bytes::<FileHeader64<Le>>(data).map_err(|()| {
        let found = data.len() as u64;
        at(0).error(Problem::Truncated { what: "the ELF header", found, required })
    })?;
    if header.e_ident.class != elf::ELFCLASS64 {
        return Err(at(4).error(Problem::Class { found: header.e_ident.class.0 }));
    }
    if header.e_ident.data != elf::ELFDATA2LSB {
        return Err(at(5).error(Problem::ByteOrder { found: header.e_ident.data.0 }));
    }
    Ok(header)
}

/// The header of an object file for BPF.
fn bpf_header(data: &[u8]) -> Result<&FileHeader64<Le>> {
    let at = |offset| Place::File { offset: Some(offset) };
    let header = header(data)?;
    let machine = header.e_machine(Le);
    // Compilers of before BPF had a number left it at none.
    if machine != elf::EM_BPF && machine != elf::EM_NONE {
        return Err(at(18).error(Problem::Machine { found: machine.0 }));
    }
    let file_type = header.e_type(Le);
    if file_type != elf::ET_REL {
        return Err(at(16).error(Problem::FileType { found: file_type.0 }));
    }
    Ok(header)
}

fn unreadable(
    place: Place,
    what: &'static str,
) -> impl FnOnce(object::read::Error) -> crate::Error {
    move |error| place.error(Problem::Unreadable { what, reason: error.to_string() })
}

type Table<'data> = SectionTable<'data, FileHeader64<Le>>;

fn section_table<'data>(header: &FileHeader64<Le>, data: &'data [u8]) -> Result<Table<'data>> {
    let place = Place::File { offset: Some(header.e_shoff(Le)) };
    let table =
        header.sections(Le, data).map_err(unreadable(place.clone(), "the section header table"))?;
    let found = table.len() as u64;
    if found > MAX_SECTIONS {
        let limit = MAX_SECTIONS;
        return Err(place.error(Problem::TooMany { what: "sections", found, limit }));
    }
    Ok(table)
}

/// The bytes of a string table, by its section's number.
fn strings<'data>(table: &Table<'data>, data: &'data [u8], section: usize) -> Result<&'data [u8]> {
    let place = || Place::FILE;
    let header = table
        .section(SectionIndex(section))
        .map_err(unreadable(place(), "the section of a string table"))?;
    header.data(Le, data).map_err(unreadable(place(), "a string table"))
}

fn sections<'data>(
    file: &FileHeader64<Le>,
    table: &Table<'data>,
    data: &'data [u8],
) -> Result<Vec<Section<'data>>> {
    let place = Place::File { offset: Some(file.e_shoff(Le)) };
    let number = file
        .shstrndx(Le, data)
        .map_err(unreadable(place, "the number of the section names' section"))?;
    let mut names = Names::new(strings(table, data, number as usize)?);
    let mut sections = Vec::with_capacity(table.len());
    for (index, header) in table.enumerate() {
        let place = || Place::File { offset: Some(header.sh_offset(Le)) };
        let name = names.at(header.sh_name(Le), place(), "a section's name")?;
        let kind = match header.sh_type(Le) {
            elf::SHT_PROGBITS => SectionKind::Bits,
            elf::SHT_NOBITS => SectionKind::Zeroes,
            _ => SectionKind::Other,
        };
        let bytes = if index == SectionIndex(0) {
            &[][..]
        } else {
            header.data(Le, data).map_err(|_| {
                let required = header.sh_offset(Le).saturating_add(header.sh_size(Le));
                let found = data.len() as u64;
                let what = "the section's end in the file";
                Place::section(name).error(Problem::Truncated { what, found, required })
            })?
        };
        sections.push(Section {
            name,
            kind,
            executable: header.sh_flags(Le).contains(elf::SHF_EXECINSTR),
            flags: header.sh_flags(Le).0,
            align: header.sh_addralign(Le),
            bytes,
            size: header.sh_size(Le),
            relocations: Vec::new(),
        });
    }
    Ok(sections)
}

/// Sections that share bytes are the work of an attacker or a broken tool, and would let a small
/// file claim a lot of data.
fn refuse_overlap(table: &Table<'_>, sections: &[Section<'_>]) -> Result<()> {
    let mut ranges: Vec<(u64, u64, &str)> = table
        .iter()
        .zip(sections)
        .filter(|(_, section)| !section.bytes.is_empty())
        .map(|(header, section)| (header.sh_offset(Le), section.bytes.len() as u64, section.name))
        .collect();
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        let &[(offset, size, name), (next, _, next_name)] = pair else { continue };
        if offset.saturating_add(size) > next {
            let other = name.to_owned();
            return Err(Place::section(next_name).error(Problem::Overlap { other }));
        }
    }
    Ok(())
}

fn symbol_table<'data>(
    table: &Table<'data>,
    data: &'data [u8],
) -> Result<SymbolTable<'data, FileHeader64<Le>>> {
    let found = table.iter().filter(|header| header.sh_type(Le) == elf::SHT_SYMTAB).count() as u64;
    if found > 1 {
        return Err(Place::FILE.error(Problem::TooMany { what: "symbol tables", found, limit: 1 }));
    }
    let symbols = table
        .symbols(Le, data, elf::SHT_SYMTAB)
        .map_err(unreadable(Place::FILE, "the symbol table"))?;
    if symbols.is_empty() {
        return Err(Place::FILE.error(Problem::Missing {
            what: "symbol table",
            remedy: "the object was stripped; strip debug sections alone (llvm-strip -g)",
        }));
    }
    let found = symbols.len() as u64;
    if found > MAX_SYMBOLS {
        let limit = MAX_SYMBOLS;
        return Err(Place::FILE.error(Problem::TooMany { what: "symbols", found, limit }));
    }
    Ok(symbols)
}

fn symbols<'data>(
    table: &SymbolTable<'data, FileHeader64<Le>>,
    strings: &'data [u8],
    sections: usize,
) -> Result<Vec<Symbol<'data>>> {
    let mut names = Names::new(strings);
    let mut symbols = Vec::with_capacity(table.len());
    for index in 0..table.len() {
        // The null symbol has no index that the table would answer to.
        let Ok(symbol) = table.symbol(SymbolIndex(index)) else {
            symbols.push(NULL_SYMBOL);
            continue;
        };
        let name = names.at(symbol.st_name(Le), Place::section(".symtab"), "a symbol's name")?;
        let home = table
            .symbol_section(Le, symbol, SymbolIndex(index))
            .map_err(unreadable(Place::section(".symtab"), "a symbol's section"))?;
        let home = match home {
            Some(section) if section.0 >= sections => {
                return Err(Place::section(".symtab").error(Problem::Field {
                    what: "a symbol's section number",
                    found: section.0 as u64,
                    required: "the number of a section",
                }));
            }
            Some(section) => Home::Section(section.0),
            None if symbol.st_shndx(Le) == elf::SHN_UNDEF => Home::Undefined,
            None => Home::Special(symbol.st_shndx(Le).0),
        };
        symbols.push(Symbol {
            name,
            home,
            value: symbol.st_value(Le),
            size: symbol.st_size(Le),
            kind: match symbol.st_type() {
                elf::STT_FUNC => SymbolKind::Function,
                elf::STT_OBJECT => SymbolKind::Object,
                elf::STT_SECTION => SymbolKind::Section,
                _ => SymbolKind::Other,
            },
            binding: match symbol.st_bind() {
                elf::STB_LOCAL => Binding::Local,
                elf::STB_WEAK => Binding::Weak,
                _ => Binding::Global,
            },
            hidden: matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL),
        });
    }
    Ok(symbols)
}

const NULL_SYMBOL: Symbol<'static> = Symbol {
    name: "",
    home: Home::Undefined,
    value: 0,
    size: 0,
    kind: SymbolKind::Other,
    binding: Binding::Local,
    hidden: false,
};

/// Reads every relocation section into the section that it speaks of.
fn relocations(
    table: &Table<'_>,
    data: &[u8],
    sections: &mut [Section<'_>],
    symbols: usize,
) -> Result<()> {
    for (index, header) in table.enumerate() {
        let name = sections.get(index.0).map_or("", |section| section.name);
        let place = || Place::section(name);
        let explicit_addends = header.sh_type(Le) == elf::SHT_RELA;
        if header.sh_type(Le) != elf::SHT_REL && !explicit_addends {
            continue;
        }
        let Some(target) = sections.get_mut(header.sh_info(Le) as usize) else {
            return Err(place().error(Problem::Field {
                what: "the number of the relocated section",
                found: header.sh_info(Le).into(),
                required: "the number of a section",
            }));
        };
        if !wanted(target) {
            continue;
        }
        let entries = if explicit_addends {
            without_addends(header.rela(Le, data).map_err(unreadable(place(), TABLE))?, &place)?
        } else {
            let entries = header.rel(Le, data).map_err(unreadable(place(), TABLE))?;
            let (entries, _) = entries.unwrap_or((&[], SectionIndex(0)));
            let entry =
                |entry: &elf::Rel64<Le>| (entry.r_offset(Le), entry.r_sym(Le), entry.r_type(Le).0);
            entries.iter().map(entry).collect()
        };
        for (offset, symbol, kind) in entries {
            if symbol as usize >= symbols {
                let count = symbols;
                let place = Place::section_at(target.name, offset);
                return Err(place.error(Problem::NoSuchSymbol { found: symbol, count }));
            }
            let kind = RelocKind::new(kind);
            target.relocations.push(Relocation { offset, symbol, kind });
        }
    }
    for section in sections {
        section.relocations.sort_by_key(|relocation| relocation.offset);
    }
    Ok(())
}

const TABLE: &str = "a relocation table";

/// Offset, symbol and kind of relocations of the form that carries addends. BPF's are in the
/// instructions; compilers of before BPF had a number chose this form and left the addends at 0.
fn without_addends(
    entries: Option<(&[elf::Rela64<Le>], SectionIndex)>,
    place: &dyn Fn() -> Place,
) -> Result<Vec<(u64, u32, u32)>> {
    let (entries, _) = entries.unwrap_or((&[], SectionIndex(0)));
    if let Some(entry) = entries.iter().find(|entry| entry.r_addend(Le) != 0) {
        return Err(place().error(Problem::Field {
            what: "the addend of a relocation",
            found: entry.r_addend(Le).cast_unsigned(),
            required: "0 (BPF has addends in instructions)",
        }));
    }
    let entry = |entry: &elf::Rela64<Le>| {
        (entry.r_offset(Le), entry.r_sym(Le, false), entry.r_type(Le, false).0)
    };
    Ok(entries.iter().map(entry).collect())
}

/// Whether anybody will look at a section's relocations: those of debug and type information are
/// a linker's business, and there are many.
fn wanted(section: &Section<'_>) -> bool {
    let name = section.name;
    section.kind == SectionKind::Bits
        && !(name.starts_with(".debug") || name.starts_with(".BTF") || name == ".eh_frame")
}
