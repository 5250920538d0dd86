//! The functions of an object: the pieces that programs are joined from.

use std::collections::{BTreeMap, HashMap};

use crate::elf::{Binding, Elf, Home, SectionKind, SymbolKind};
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
    /// Its name.
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
}

impl Function {
    /// Whether the function is in the section whose functions are called by others.
    pub(crate) fn in_text(&self) -> bool {
        self.section == ".text"
    }
}

/// Finds all functions, in order of section and offset.
///
/// Functions may not overlap, but several names may stand for the same instructions (aliases).
pub(crate) fn functions(elf: &Elf<'_>) -> Result<Vec<Function>> {
    let mut functions = Vec::new();
    let mut name_bytes = 0;
    for symbol in elf.symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Function) {
        let Home::Section(section_index) = symbol.home else { continue };
        let Some(section) = elf.sections.get(section_index) else { continue };
        if !section.executable || section.kind != SectionKind::Bits {
            continue;
        }
        let section_size = section.bytes.len() as u64;
        let (offset, size) = (symbol.value, symbol.size);
        let inside = offset.checked_add(size).is_some_and(|end| end <= section_size);
        if !inside || size == 0 || !offset.is_multiple_of(SLOT) || !size.is_multiple_of(SLOT) {
            let name = symbol.name.to_owned();
            return Err(Place::section_at(section.name, offset).error(Problem::FunctionRange {
                name,
                size,
                section_size,
            }));
        }
        name_bytes += section.name.len() as u64;
        require_few("functions", functions.len() as u64 + 1, MAX_FUNCTIONS)?;
        require_few("bytes of functions' section names", name_bytes, MAX_SECTION_NAMES)?;
        functions.push(Function {
            name: symbol.name.to_owned(),
            section: section.name.to_owned(),
            section_index,
            offset,
            size,
            global: symbol.binding != Binding::Local,
            hidden: symbol.hidden,
        });
    }
    functions.sort_by_key(|function| (function.section_index, function.offset, function.size));
    refuse_same_names(&functions)?;
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
    Ok(functions)
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
