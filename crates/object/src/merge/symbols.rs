//! Symbols of one name, and what relocations make of that.

use std::collections::HashMap;

use super::File;
use super::sections::{Placed, Relocation, Section};
use crate::elf::{self, Binding, Home, SymbolKind};
use crate::error::{Place, Problem, Result};
use crate::reloc::RelocKind;

/// A symbol of the file that is made.
pub(super) struct Symbol<'a> {
    pub(super) name: &'a str,
    /// Section and value; `None` if nobody defines it.
    pub(super) home: Option<(usize, u64)>,
    pub(super) size: u64,
    pub(super) kind: SymbolKind,
    pub(super) binding: Binding,
    pub(super) hidden: bool,
    /// Number of the object that defines it or, if none does, of the first that declares it.
    pub(super) file: usize,
}

impl Symbol<'_> {
    /// Whether it is seen by other objects.
    pub(super) fn is_global(&self) -> bool {
        self.binding != Binding::Local
    }
}

/// Finds what each symbol of each object is in the file that is made.
pub(super) fn resolve<'a>(files: &mut [File<'a>], sections: usize) -> Result<Vec<Symbol<'a>>> {
    let mut table = Table {
        symbols: Vec::new(),
        sections: vec![None; sections],
        global: HashMap::new(),
        files: files.iter().map(|file| file.name).collect(),
    };
    for (number, file) in files.iter_mut().enumerate() {
        let mut now = Vec::with_capacity(file.elf.symbols.len());
        for symbol in &file.elf.symbols {
            now.push(table.add(number, file, symbol)?);
        }
        file.symbols = now;
    }
    Ok(table.symbols)
}

/// The symbols met so far.
struct Table<'a> {
    symbols: Vec<Symbol<'a>>,
    /// The symbol that stands for a section, by the section's number.
    sections: Vec<Option<usize>>,
    global: HashMap<&'a str, usize>,
    /// What the objects are called.
    files: Vec<&'a str>,
}

impl<'a> Table<'a> {
    /// The number of a symbol of an object; `None` if it is not kept.
    fn add(
        &mut self,
        number: usize,
        file: &File<'a>,
        symbol: &elf::Symbol<'a>,
    ) -> Result<Option<usize>> {
        let home = match symbol.home {
            Home::Section(section) => match file.placed(section) {
                Some(Placed { section, offset }) => {
                    Some((section, offset.saturating_add(symbol.value)))
                }
                None => return Ok(None),
            },
            Home::Undefined => None,
            Home::Special(_) if symbol.binding == Binding::Local => return Ok(None),
            Home::Special(_) => {
                return Err(file.symbol_place(symbol.name).error(Problem::Unlinkable {
                    reason: "is in no section; give the variable an initial value",
                }));
            }
        };
        if let (SymbolKind::Section, Some((section, _))) = (symbol.kind, home) {
            return Ok(Some(self.section(number, section)));
        }
        if symbol.name.is_empty() {
            return Ok(None);
        }
        let found = Symbol {
            name: symbol.name,
            home,
            size: symbol.size,
            kind: symbol.kind,
            binding: symbol.binding,
            hidden: symbol.hidden,
            file: number,
        };
        if symbol.binding == Binding::Local {
            return Ok(home.map(|_| self.push(found)));
        }
        match self.global.get(symbol.name) {
            Some(&known) => self.meet(known, found).map(|()| Some(known)),
            None => {
                let index = self.push(found);
                self.global.insert(symbol.name, index);
                Ok(Some(index))
            }
        }
    }

    fn push(&mut self, symbol: Symbol<'a>) -> usize {
        self.symbols.push(symbol);
        self.symbols.len() - 1
    }

    /// The symbol that stands for a section.
    fn section(&mut self, file: usize, section: usize) -> usize {
        if let Some(known) = self.sections.get(section).copied().flatten() {
            return known;
        }
        let index = self.push(Symbol {
            name: "",
            home: Some((section, 0)),
            size: 0,
            kind: SymbolKind::Section,
            binding: Binding::Local,
            hidden: false,
            file,
        });
        if let Some(known) = self.sections.get_mut(section) {
            *known = Some(index);
        }
        index
    }

    /// A symbol of a name that is known.
    fn meet(&mut self, known: usize, other: Symbol<'a>) -> Result<()> {
        let Some(symbol) = self.symbols.get_mut(known) else { return Ok(()) };
        let name_of = |file: usize| self.files.get(file).copied().unwrap_or_default();
        let both_defined = symbol.home.is_some() && other.home.is_some();
        let is_weak = |symbol: &Symbol<'_>| symbol.binding == Binding::Weak;
        if both_defined && !is_weak(symbol) && !is_weak(&other) {
            let place = Place::symbol(other.name).of(name_of(other.file));
            let first = name_of(symbol.file).to_owned();
            return Err(place.error(Problem::DefinedTwice { first }));
        }
        symbol.hidden |= other.hidden;
        let takes_place = match (symbol.home, other.home) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(_), Some(_)) => is_weak(symbol) && !is_weak(&other),
        };
        // A declaration says how much it is missed, but nothing about a definition.
        let counts = symbol.home.is_some() == other.home.is_some() || takes_place;
        if takes_place {
            let (hidden, was_weak) = (symbol.hidden, is_weak(symbol) && symbol.home.is_some());
            let binding = if was_weak { Binding::Global } else { other.binding };
            *symbol = Symbol { hidden, binding, ..other };
        } else if counts && !is_weak(&other) {
            symbol.binding = Binding::Global;
        }
        Ok(())
    }
}

/// Moves the relocations of all objects to where their sections are.
pub(super) fn relocate(files: &[File<'_>], sections: &mut [Section<'_>]) -> Result<()> {
    for file in files {
        for (number, section) in file.elf.sections.iter().enumerate() {
            let Some(Placed { section: target, offset }) = file.placed(number) else { continue };
            let Some(target) = sections.get_mut(target) else { continue };
            for relocation in &section.relocations {
                if relocation.kind == RelocKind::None {
                    continue;
                }
                let place = || Place::section_at(section.name, relocation.offset).of(file.name);
                let now = file.symbols.get(relocation.symbol as usize).copied().flatten();
                let Some(symbol) = now else {
                    let symbol = file.elf.symbol(relocation);
                    let symbol = symbol.map_or("", |symbol| file.elf.symbol_name(symbol));
                    return Err(place().error(Problem::RelocationTarget {
                        symbol: symbol.to_owned(),
                        section: section.name.to_owned(),
                        reason: "which is in no section that is kept",
                    }));
                };
                let offset = offset.saturating_add(relocation.offset);
                if let Some(moved) = moved(file, relocation) {
                    target.shift(offset, moved).map_err(|problem| place().error(problem))?;
                }
                let kind = relocation.kind.number();
                target.relocations.push(Relocation { offset, symbol, kind });
            }
        }
    }
    Ok(())
}

/// How far the symbol of a relocation was moved, if it stands for a section: what it means is a
/// distance from there, which is in the instruction.
fn moved(file: &File<'_>, relocation: &elf::Relocation) -> Option<u64> {
    let symbol = file.elf.symbol(relocation).filter(|found| found.kind == SymbolKind::Section)?;
    let Home::Section(section) = symbol.home else { return None };
    file.placed(section).map(|placed| placed.offset)
}

/// The opcode of a call, which counts in slots.
const CALL: u8 = 0x85;

impl Section<'_> {
    /// Adds to the immediate of the instruction at an offset.
    fn shift(&mut self, offset: u64, bytes: u64) -> std::result::Result<(), Problem> {
        if !self.executable {
            let reason = "refers to a section from data; name the variable instead";
            return Err(Problem::Unlinkable { reason });
        }
        let outside = Problem::Unlinkable { reason: "is at no instruction" };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let insn = self.bytes.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<8>);
        let Some([opcode, _, _, _, imm @ ..]) = insn else { return Err(outside) };
        let distance = if *opcode == CALL { bytes / 8 } else { bytes };
        let sum =
            i32::try_from(distance).ok().and_then(|it| i32::from_le_bytes(*imm).checked_add(it));
        let Some(sum) = sum else {
            return Err(Problem::Unlinkable { reason: "leads further than 32 bits can say" });
        };
        *imm = sum.to_le_bytes();
        Ok(())
    }
}
