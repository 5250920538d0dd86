//! The functions of an object: the pieces that programs are joined from.
//!
//! A function is a symbol of type function. Compilers of before LLVM 9 gave their symbols no type
//! and no size: where a section of instructions has no function, its global symbols are functions
//! that go on to the next one; where it has none of these, the whole section is one function.

use std::collections::{BTreeMap, HashMap};

use crate::elf::{Binding, Elf, Home, Section, SectionKind, Symbol, SymbolKind};
use crate::error::{Place, Problem, Result};

/// Number of a function in [`Object::functions`](crate::Object::functions).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FunctionIdx(pub usize);

/// The size of an instruction slot in bytes.
pub(crate) const SLOT: u64 = 8;

/// Functions of one object. The largest known programs have some hundred.
const MAX_FUNCTIONS: u64 = 1 << 16;
/// Bytes of the section names that functions repeat.
const MAX_SECTION_NAMES: u64 = 1 << 26;

/// A function: a symbol and the instructions that it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// Its name; that of the section, if it has none of its own.
    pub name: String,
    /// The section it is in.
    pub section: String,
    /// Number of that section in the file.
    pub(crate) section_index: usize,
    /// Where in the section it begins, in bytes; a multiple of 8.
    pub offset: u64,
    /// Its size in bytes; a multiple of 8, and not zero.
    pub size: u64,
    /// Whether other objects may see it. A static function is verified where it is called, a
    /// global one by itself.
    pub global: bool,
    /// Whether it is global to the static linker alone (`__hidden`): verified like a static one.
    pub hidden: bool,
    /// Whether an instruction of the object calls it or takes its address.
    pub called: bool,
}

impl Function {
    /// Whether the function is in the section whose functions are called by others.
    pub(crate) fn in_text(&self) -> bool {
        self.section == ".text"
    }

    /// Whether it is there to be loaded: by its section, and because others may see it or, if they
    /// may not, because nothing else could be the reason that the compiler kept it.
    pub(crate) fn is_program(&self) -> bool {
        !self.in_text() && (self.global || !self.called)
    }
}

/// Finds all functions, in order of section and offset.
///
/// Functions may not overlap, but several names may stand for the same instructions (aliases).
pub(crate) fn functions(elf: &Elf<'_>) -> Result<Vec<Function>> {
    let mut symbols: HashMap<usize, Vec<&Symbol<'_>>> = HashMap::new();
    for symbol in &elf.symbols {
        if let Home::Section(section) = symbol.home {
            symbols.entry(section).or_default().push(symbol);
        }
    }
    let mut functions = Vec::new();
    let mut name_bytes = 0;
    for (index, section) in elf.sections.iter().enumerate() {
        if !section.executable || section.kind != SectionKind::Bits || section.bytes.is_empty() {
            continue;
        }
        let symbols = symbols.get(&index).map(Vec::as_slice).unwrap_or_default();
        for function in of_section(index, section, symbols)? {
            name_bytes += section.name.len() as u64;
            require_few("functions", functions.len() as u64 + 1, MAX_FUNCTIONS)?;
            require_few("bytes of functions' section names", name_bytes, MAX_SECTION_NAMES)?;
            functions.push(function);
        }
    }
    functions.sort_by_key(|function| (function.section_index, function.offset, function.size));
    refuse_same_names(&functions)?;
    refuse_overlap(&functions)?;
    Ok(functions)
}

/// The functions of one section.
fn of_section(
    section_index: usize,
    section: &Section<'_>,
    symbols: &[&Symbol<'_>],
) -> Result<Vec<Function>> {
    let is_typed = |symbol: &&&Symbol<'_>| symbol.kind == SymbolKind::Function;
    let is_untyped = |symbol: &&&Symbol<'_>| {
        symbol.kind == SymbolKind::Other
            && symbol.binding != Binding::Local
            && !symbol.name.is_empty()
    };
    let mut found: Vec<&Symbol<'_>> = symbols.iter().filter(is_typed).copied().collect();
    if found.is_empty() {
        found = symbols.iter().filter(is_untyped).copied().collect();
    }
    let whole = Function {
        name: section.name.to_owned(),
        section: section.name.to_owned(),
        section_index,
        offset: 0,
        size: section.bytes.len() as u64,
        global: true,
        hidden: false,
        called: false,
    };
    if found.is_empty() {
        return checked(whole, section).map(|function| vec![function]);
    }
    let mut starts: Vec<u64> = found.iter().map(|symbol| symbol.value).collect();
    starts.sort_unstable();
    let size = |symbol: &Symbol<'_>| match symbol.size {
        0 => {
            let next = starts.get(starts.partition_point(|&start| start <= symbol.value));
            next.unwrap_or(&whole.size).saturating_sub(symbol.value)
        }
        size => size,
    };
    let function = |symbol: &&Symbol<'_>| Function {
        name: symbol.name.to_owned(),
        offset: symbol.value,
        size: size(symbol),
        global: symbol.binding != Binding::Local,
        hidden: symbol.hidden,
        ..whole.clone()
    };
    found.iter().map(|symbol| checked(function(symbol), section)).collect()
}

/// A function that is made of whole instructions of its section.
fn checked(function: Function, section: &Section<'_>) -> Result<Function> {
    let section_size = section.bytes.len() as u64;
    let Function { offset, size, .. } = function;
    let inside = offset.checked_add(size).is_some_and(|end| end <= section_size);
    if !inside || size == 0 || !offset.is_multiple_of(SLOT) || !size.is_multiple_of(SLOT) {
        let name = function.name;
        return Err(Place::section_at(section.name, offset).error(Problem::FunctionRange {
            name,
            size,
            section_size,
        }));
    }
    Ok(function)
}

fn refuse_overlap(functions: &[Function]) -> Result<()> {
    for pair in functions.windows(2) {
        let [first, second] = pair else { continue };
        let apart = first.section_index != second.section_index
            || first.offset + first.size <= second.offset
            || (first.offset, first.size) == (second.offset, second.size);
        if !apart {
            let (name, other) = (second.name.clone(), first.name.clone());
            return Err(Place::section_at(&second.section, second.offset)
                .error(Problem::FunctionOverlap { name, other }));
        }
    }
    Ok(())
}

fn require_few(what: &'static str, found: u64, limit: u64) -> Result<()> {
    if found > limit {
        return Err(Place::FILE.error(Problem::TooMany { what, found, limit }));
    }
    Ok(())
}

/// Types and lines go by the name of the section.
fn refuse_same_names(functions: &[Function]) -> Result<()> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for function in functions {
        let second = function.section_index;
        let first = *numbers.entry(&function.section).or_insert(second);
        if first != second {
            let place = Place::section(&function.section);
            return Err(place.error(Problem::SameName { first, second }));
        }
    }
    Ok(())
}

/// Finds functions by where they begin; of aliases, the first.
pub(crate) fn index(functions: &[Function]) -> BTreeMap<(usize, u64), FunctionIdx> {
    let mut index = BTreeMap::new();
    for (number, function) in functions.iter().enumerate() {
        index.entry((function.section_index, function.offset)).or_insert(FunctionIdx(number));
    }
    index
}

/// Opcode of a call.
const CALL: u8 = 0x85;
/// Opcode of a 64-bit immediate load, which takes two slots.
const LOAD_IMM64: u8 = 0x18;
/// The source register of a call of a function of the object (`BPF_PSEUDO_CALL`).
const LOCAL_CALL: u8 = 1;

/// Notes which functions are called, or have their address taken, by whatever is there of
/// instructions; those that mean nothing refer to nothing.
pub(crate) fn note_calls(elf: &Elf<'_>, functions: &mut [Function]) {
    let index = index(functions);
    let mut targets = Vec::new();
    for (number, section) in elf.sections.iter().enumerate() {
        if section.executable && section.kind == SectionKind::Bits {
            targets.extend(targets_of(elf, number, section));
        }
    }
    for (section, offset) in targets {
        let place = u64::try_from(offset).map(|offset| (section, offset));
        let Ok(place) = place else { continue };
        let first = index.get(&place).map_or(functions.len(), |first| first.0);
        let aliases = functions.iter_mut().skip(first).take_while(|function| {
            (function.section_index, function.offset) == place && !function.called
        });
        aliases.for_each(|function| function.called = true);
    }
}

/// The places in code that the instructions of a section lead to.
fn targets_of(elf: &Elf<'_>, number: usize, section: &Section<'_>) -> Vec<(usize, i64)> {
    let mut relocations = section.relocations.iter().peekable();
    let mut targets = Vec::new();
    let mut at = 0u64;
    let (slots, _) = section.bytes.as_chunks::<8>();
    let mut slots = slots.iter();
    while let Some(&[opcode, registers, _, _, imm @ ..]) = slots.next() {
        let imm = i64::from(i32::from_le_bytes(imm));
        while relocations.next_if(|relocation| relocation.offset < at).is_some() {}
        let relocation = relocations.next_if(|relocation| relocation.offset == at);
        let symbol = relocation.and_then(|relocation| elf.symbol(relocation));
        let base = match (symbol.map(|symbol| (symbol.home, symbol.value)), opcode) {
            (Some((Home::Section(section), value)), _) => {
                i64::try_from(value).ok().map(|value| (section, value))
            }
            (None, CALL) if registers >> 4 == LOCAL_CALL => {
                i64::try_from(at).ok().map(|at| (number, at))
            }
            _ => None,
        };
        let distance = if opcode == CALL { (imm + 1) * SLOT.cast_signed() } else { imm };
        if let Some((section, base)) = base {
            targets.push((section, base.saturating_add(distance)));
        }
        at += SLOT;
        if opcode == LOAD_IMM64 {
            slots.next();
            at += SLOT;
        }
    }
    targets
}
