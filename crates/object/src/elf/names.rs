//! Names in string tables, and the limits that keep a small file from having large names.
//!
//! Any number of sections, symbols and relocations can share one string of the file, so the file's
//! size bounds neither the time to read their names nor the memory to keep them.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Elf, Relocation};
use crate::error::{Place, Problem, Result};

/// Bytes of one name. Paths in section names of uprobes are the longest that anybody needs.
const MAX_NAME: u64 = 4096;
/// Bytes of all names of a table.
const MAX_NAMES: u64 = 1 << 26;

/// Reads the names of a string table.
pub(super) struct Names<'data> {
    strings: &'data [u8],
    bytes_left: u64,
}

impl<'data> Names<'data> {
    /// The names of the table with these bytes.
    pub(super) fn new(strings: &'data [u8]) -> Names<'data> {
        Names { strings, bytes_left: MAX_NAMES }
    }

    /// The name at an offset.
    pub(super) fn at(
        &mut self,
        offset: u32,
        place: Place,
        what: &'static str,
    ) -> Result<&'data str> {
        let outside = Problem::Field {
            what,
            found: offset.into(),
            required: "the offset of a string that ends in the string table",
        };
        let Some(rest) = self.strings.get(offset as usize..) else {
            return Err(place.error(outside));
        };
        let limit = MAX_NAME.min(self.bytes_left);
        let end = rest.iter().zip(0..=limit).find(|&(&byte, _)| byte == 0);
        let Some((_, length)) = end else {
            let too_long = Problem::TooMany { what: "bytes of names", found: limit + 1, limit };
            let cut = rest.len() as u64 <= limit;
            return Err(place.error(if cut { outside } else { too_long }));
        };
        self.bytes_left -= length;
        let name = rest.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default();
        std::str::from_utf8(name).map_err(|_| place.error(Problem::NotUtf8 { what }))
    }
}

/// What relocations call their symbols, each name kept once.
pub(crate) struct SymbolNames<'a> {
    elf: &'a Elf<'a>,
    known: HashMap<u32, Arc<str>>,
}

impl<'a> SymbolNames<'a> {
    /// No names yet.
    pub(crate) fn new(elf: &'a Elf<'a>) -> SymbolNames<'a> {
        SymbolNames { elf, known: HashMap::new() }
    }

    /// The name of a relocation's symbol; of a section, if that is its symbol.
    pub(crate) fn of(&mut self, relocation: &Relocation) -> Arc<str> {
        let name = self.known.entry(relocation.symbol).or_insert_with(|| {
            self.elf.symbol(relocation).map_or("", |symbol| self.elf.symbol_name(symbol)).into()
        });
        Arc::clone(name)
    }
}
