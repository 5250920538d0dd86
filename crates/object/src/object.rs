//! An object file, read and checked.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use skep_btf::{Btf, Ext};
use skep_spec::Code;
use skep_spec::decode::decode;

use crate::core::{self, CoreRelocation, CoreTarget};
use crate::elf::{Elf, Home, SectionKind, SymbolNames};
use crate::error::{Place, Problem, Result};
use crate::externs::{self, Extern, ExternIdx};
use crate::function::{self, Function, FunctionIdx};
use crate::link;
use crate::map::{self, KCONFIG_SECTION, MAPS_SECTION, Map, MapIdx};
use crate::program::Program;
use crate::records::Records;
use crate::reloc::RelocKind;
use crate::section::ProgramKind;
use crate::variables;

/// A BPF object: functions, maps, externs and types.
#[derive(Clone, Debug)]
pub struct Object {
    name: String,
    license: Option<String>,
    version: Option<u32>,
    sections: Vec<Section>,
    functions: Vec<Function>,
    pub(crate) function_index: BTreeMap<(usize, u64), FunctionIdx>,
    maps: Vec<Map>,
    map_index: HashMap<(usize, u64), MapIdx>,
    externs: Vec<Extern>,
    btf: Option<Btf>,
    records: Records,
}

/// A section of the file.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it holds instructions.
    pub executable: bool,
    /// How many relocations it has that are looked at.
    pub relocation_count: usize,
    /// Its instructions; empty if it holds none.
    pub(crate) code: Vec<u8>,
    /// The relocations of its instructions, by ascending offset.
    pub(crate) sites: Vec<Site>,
}

/// A place in code that a relocation speaks of.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) offset: u64,
    pub(crate) kind: RelocKind,
    pub(crate) symbol: Arc<str>,
    pub(crate) target: SiteTarget,
}

/// What a relocation in code leads to.
#[derive(Clone, Debug)]
pub(crate) enum SiteTarget {
    /// A byte of the section of map definitions.
    Map { section: usize, offset: u64 },
    /// A byte of global data.
    Data { map: MapIdx, offset: u64 },
    /// A byte of a section of instructions.
    Code { section: usize, offset: u64 },
    /// Something that the object does not define.
    Extern(ExternIdx),
    /// Something that cannot be referred to, for a reason.
    Refused { section: Arc<str>, reason: &'static str },
}

impl Object {
    /// Reads an object. `name` is what it is called in the kernel's names of its data maps:
    /// the file's name up to its first dot.
    ///
    /// # Errors
    ///
    /// The file is no BPF object for this byte order, is damaged, or defines something that cannot
    /// be understood. Time and memory are bounded by a small multiple of the file's size.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Object> {
        let elf = Elf::parse(bytes)?;
        let btf = btf(&elf)?;
        let ext = ext(&elf, btf.as_ref())?;
        let mut functions = function::functions(&elf)?;
        function::note_calls(&elf, &mut functions);
        let mut externs = externs::externs(&elf, btf.as_ref());
        let mut maps = map::maps(name, &elf, btf.as_ref(), &mut externs)?;
        let btf = btf.map(|btf| variables::place(&btf, &elf, &maps, &externs)).transpose()?;
        let function_index = function::index(&functions);
        map::initial_slots(&elf, &function_index, &mut maps)?;
        Ok(Object {
            name: name.to_owned(),
            license: license(&elf)?,
            version: version(&elf)?,
            sections: sections(&elf, &maps, &externs),
            function_index,
            functions,
            map_index: map_index(&maps),
            maps,
            externs,
            btf,
            records: Records::new(ext),
        })
    }

    /// The name that [`Object::parse`] was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The licence that the object declares; without one, many helpers refuse it.
    pub fn license(&self) -> Option<&str> {
        self.license.as_deref()
    }

    /// The kernel version that the object declares, which no kernel asks for since 5.0.
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// All sections, by their number in the file.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// All functions, by section and place.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The functions that are programs, and what their section says they are.
    ///
    /// These are the functions outside of `.text` that are global, or static and called by nothing;
    /// if there are none, the global functions of `.text`. The others are there to be called.
    pub fn programs(&self) -> impl Iterator<Item = (FunctionIdx, &Function, ProgramKind)> {
        let only_text = !self.functions.iter().any(Function::is_program);
        self.functions
            .iter()
            .enumerate()
            .filter(move |(_, function)| function.is_program() || (only_text && function.global))
            .map(|(index, function)| {
                (FunctionIdx(index), function, ProgramKind::of_section(&function.section))
            })
    }

    /// Finds a program by name; any function, if no program is called so.
    ///
    /// # Errors
    ///
    /// [`Problem::NoSuchProgram`], which names those that exist.
    pub fn find_program(&self, name: &str) -> Result<FunctionIdx> {
        let program = self.programs().find(|(_, function, _)| function.name == name);
        let any = || self.functions.iter().position(|function| function.name == name);
        program.map(|(index, _, _)| index).or_else(|| any().map(FunctionIdx)).ok_or_else(|| {
            let known: Vec<_> = self.programs().map(|(_, function, _)| &*function.name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Place::program(name).error(Problem::NoSuchProgram { known })
        })
    }

    /// Joins the program whose main function this is, and relocates it.
    ///
    /// `target` is what CO-RE relocations are answered from; a program that has none needs none.
    ///
    /// # Errors
    ///
    /// Something in the program, or in a function that it calls, that cannot be understood.
    pub fn program<'a>(
        &'a self,
        main: FunctionIdx,
        target: Option<&CoreTarget<'a>>,
    ) -> Result<Program> {
        link::program(self, main, target)
    }

    /// All maps: those that the source defines first, then those of global data.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// The map with this number.
    pub fn map(&self, index: MapIdx) -> Option<&Map> {
        self.maps.get(index.index())
    }

    /// The map with this name.
    pub fn find_map(&self, name: &str) -> Option<(MapIdx, &Map)> {
        let index = self.maps.iter().position(|map| map.name == name)?;
        Some((MapIdx(u32::try_from(index).ok()?), self.maps.get(index)?))
    }

    /// Everything that the object uses and does not define.
    pub fn externs(&self) -> &[Extern] {
        &self.externs
    }

    /// The object's types, in which the variables of data sections have their places.
    pub fn btf(&self) -> Option<&Btf> {
        self.btf.as_ref()
    }

    /// The object's types as the kernel takes them. Ids are the same.
    ///
    /// # Errors
    ///
    /// [`Problem::NotForKernel`] for what the kernel would refuse.
    pub fn btf_for_kernel(&self) -> Result<Option<Btf>> {
        self.btf.as_ref().map(|btf| variables::for_kernel(btf, &self.functions)).transpose()
    }

    /// The CO-RE relocations of a function, not of those that it calls.
    pub fn core_relocations(&self, function: FunctionIdx) -> Vec<CoreRelocation> {
        let function = self.functions.get(function.0);
        function.map_or_else(Vec::new, |function| core::describe(self, function))
    }

    /// Source lines, function types and CO-RE relocations.
    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    /// Whether it asks for settings of the kernel (`.kconfig`).
    pub fn has_settings(&self) -> bool {
        self.kconfig_map().is_some()
    }

    /// The map of kernel settings, which is the last, if there is one.
    pub(crate) fn kconfig_map(&self) -> Option<MapIdx> {
        let last = self.maps.len().checked_sub(1)?;
        let map = self.maps.get(last).filter(|map| map.section == KCONFIG_SECTION);
        map.and_then(|_| u32::try_from(last).ok()).map(MapIdx)
    }

    /// The map that begins at a byte of the section of map definitions.
    pub(crate) fn map_at(&self, section: usize, offset: u64) -> Option<MapIdx> {
        self.map_index.get(&(section, offset)).copied()
    }

    /// The instructions of a function, as they stand in the file.
    pub(crate) fn code(&self, function: &Function) -> Result<Code> {
        let bytes = self.sections.get(function.section_index).and_then(|section| {
            let start = usize::try_from(function.offset).ok()?;
            let size = usize::try_from(function.size).ok()?;
            section.code.get(start..start.checked_add(size)?)
        });
        decode(bytes.unwrap_or_default())
            .map_err(|error| link::place(function, error.at.0).error(Problem::Decode(error.kind)))
    }

    /// The relocations of a function's instructions.
    pub(crate) fn sites(&self, function: &Function) -> &[Site] {
        let Some(section) = self.sections.get(function.section_index) else { return &[] };
        let end = function.offset.saturating_add(function.size);
        let first = section.sites.partition_point(|site| site.offset < function.offset);
        let last = section.sites.partition_point(|site| site.offset < end);
        section.sites.get(first..last).unwrap_or_default()
    }
}

pub(crate) fn btf(elf: &Elf<'_>) -> Result<Option<Btf>> {
    let Some(section) = elf.section(".BTF").filter(|section| !section.bytes.is_empty()) else {
        return Ok(None);
    };
    let parsed = Btf::parse(section.bytes);
    parsed.map(Some).map_err(|error| Place::section(".BTF").error(Problem::Btf(error)))
}

pub(crate) fn ext(elf: &Elf<'_>, btf: Option<&Btf>) -> Result<Ext> {
    let (Some(section), Some(btf)) = (elf.section(".BTF.ext"), btf) else {
        return Ok(Ext::default());
    };
    Ext::parse(btf, section.bytes)
        .map_err(|error| Place::section(".BTF.ext").error(Problem::Btf(error)))
}

/// The text of the section `license`, up to its first zero.
fn license(elf: &Elf<'_>) -> Result<Option<String>> {
    let Some(section) = elf.section("license") else { return Ok(None) };
    let text = section.bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    let text = std::str::from_utf8(text)
        .map_err(|_| Place::section("license").error(Problem::NotUtf8 { what: "the licence" }))?;
    Ok(Some(text.to_owned()))
}

/// The number in the section `version`.
fn version(elf: &Elf<'_>) -> Result<Option<u32>> {
    let Some(section) = elf.section("version") else { return Ok(None) };
    let bytes: [u8; 4] = section.bytes.try_into().map_err(|_| {
        Place::section("version").error(Problem::Truncated {
            what: "the version",
            found: section.bytes.len() as u64,
            required: 4,
        })
    })?;
    Ok(Some(u32::from_le_bytes(bytes)))
}

fn sections(elf: &Elf<'_>, maps: &[Map], externs: &[Extern]) -> Vec<Section> {
    let targets = Targets::new(elf, maps, externs);
    let mut names = SymbolNames::new(elf);
    elf.sections
        .iter()
        .map(|section| {
            let is_code = section.executable && section.kind == SectionKind::Bits;
            Section {
                name: section.name.to_owned(),
                size: section.size,
                executable: is_code,
                relocation_count: section.relocations.len(),
                code: if is_code { section.bytes.to_vec() } else { Vec::new() },
                sites: if is_code { targets.sites(section, &mut names) } else { Vec::new() },
            }
        })
        .collect()
}

/// Finds what relocations in code lead to.
struct Targets<'a> {
    elf: &'a Elf<'a>,
    /// Maps of global data, by section.
    data: HashMap<usize, MapIdx>,
    /// Externs, by symbol.
    externs: HashMap<u32, ExternIdx>,
}

impl<'a> Targets<'a> {
    fn new(elf: &'a Elf<'a>, maps: &[Map], externs: &[Extern]) -> Targets<'a> {
        let mut targets = Targets { elf, data: HashMap::new(), externs: HashMap::new() };
        for (map, index) in maps.iter().zip((0..).map(MapIdx)) {
            if map.is_global_data() {
                targets.data.insert(map.section_index, index);
            }
        }
        for (index, symbol) in externs.iter().enumerate() {
            targets.externs.insert(symbol.symbol, ExternIdx(index));
        }
        targets
    }

    fn sites(&self, section: &crate::elf::Section<'_>, names: &mut SymbolNames<'_>) -> Vec<Site> {
        let relocations = section.relocations.iter();
        relocations
            .filter(|relocation| relocation.kind != RelocKind::None)
            .map(|relocation| Site {
                offset: relocation.offset,
                kind: relocation.kind,
                symbol: names.of(relocation),
                target: self.target(relocation.symbol),
            })
            .collect()
    }

    fn target(&self, number: u32) -> SiteTarget {
        let refused =
            |section: &str, reason| SiteTarget::Refused { section: section.into(), reason };
        let Some(symbol) = self.elf.symbols.get(number as usize) else {
            return refused("", "which does not exist");
        };
        let index = match symbol.home {
            Home::Section(index) => index,
            Home::Undefined => {
                return match self.externs.get(&number) {
                    Some(&index) => SiteTarget::Extern(index),
                    None => refused("undefined symbols", "a symbol without a name"),
                };
            }
            Home::Special(_) => {
                return refused(
                    "common symbols",
                    "which has no place in the object; give the global variable an initial value",
                );
            }
        };
        let Some(section) = self.elf.sections.get(index) else {
            return refused("", "which does not exist");
        };
        let offset = symbol.value;
        if section.executable && section.kind == SectionKind::Bits {
            return SiteTarget::Code { section: index, offset };
        }
        if let Some(&map) = self.data.get(&index) {
            return SiteTarget::Data { map, offset };
        }
        if section.name == MAPS_SECTION || map::is_legacy(section.name) {
            return SiteTarget::Map { section: index, offset };
        }
        refused(
            section.name,
            "which is neither code, nor a map, nor global data (.data, .rodata, .bss)",
        )
    }
}

/// Finds maps that are defined by where they are.
fn map_index(maps: &[Map]) -> HashMap<(usize, u64), MapIdx> {
    let maps = maps.iter().zip((0..).map(MapIdx));
    maps.filter(|(map, _)| !map.is_global_data())
        .map(|(map, index)| ((map.section_index, map.offset), index))
        .collect()
}
