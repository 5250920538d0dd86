//! The section `.BTF.ext`: what single instructions of an object mean.
//!
//! It names functions and source lines by instruction, and the places where a program depends on
//! the layout of types of the machine that it runs on (CO-RE). Parts that later compilers add
//! behind these three are ignored.

use crate::Btf;
use crate::bytes::{index, u32_at};
use crate::error::{Error, ExtError};
use crate::names::MAX_NAME;
use crate::parse::{Span, header};
use crate::types::{Type, TypeId};

mod relocation;

pub use relocation::{Relocation, RelocationKind};

/// Bytes of the header without CO-RE relocations, as old compilers write it.
const HEADER_LEN: u32 = 24;
/// Bytes of the header with them.
const HEADER_WITH_RELOCATIONS: usize = 32;

/// The records of `.BTF.ext`, by code section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ext {
    /// Which function starts where.
    pub func_info: Vec<Section<FuncInfo>>,
    /// Which source line made which instruction.
    pub line_info: Vec<Section<LineInfo>>,
    /// What depends on the layout of types.
    pub relocations: Vec<Section<Relocation>>,
}

/// The records for one code section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<T> {
    /// Name of the code section.
    pub name: String,
    /// Its records, as written: compilers sort them by instruction.
    pub records: Vec<T>,
}

/// The start of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncInfo {
    /// Offset of the first instruction in the code section, in bytes.
    pub insn_off: u32,
    /// The function, a [`Type::Func`].
    pub func: TypeId,
}

/// The source line of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineInfo {
    /// Offset of the instruction in the code section, in bytes.
    pub insn_off: u32,
    /// Name of the file: see [`Btf::string`].
    pub file_name_off: u32,
    /// Text of the line: see [`Btf::string`].
    pub line_off: u32,
    /// Number of the line, counted from 1.
    pub line: u32,
    /// Number of the column, counted from 1; 0 if not known.
    pub column: u32,
}

impl LineInfo {
    /// Line and column in the form that the kernel reads, `line_col`.
    pub fn line_col(&self) -> u32 {
        self.line << 10 | (self.column & 0x3ff)
    }
}

impl Ext {
    /// Reads the section `.BTF.ext` that belongs to `btf`.
    ///
    /// # Errors
    ///
    /// An [`Error`] with the place and the reason, if a record ends outside its part, or names
    /// a string or a type that is not there.
    pub fn parse(btf: &Btf, bytes: &[u8]) -> Result<Self, Error> {
        let header = header(".BTF.ext", bytes, HEADER_LEN)?;
        let data = bytes.get(header..).unwrap_or_default();
        let part = |section, at| {
            let word = |at| u32_at(bytes, at).unwrap_or_default();
            let span = Span { section, offset: word(at), len: word(at + 4) }.aligned()?;
            Ok(Part { btf, name: section, start: index(span.offset), bytes: span.within(data)? })
        };
        let relocations = if header >= HEADER_WITH_RELOCATIONS {
            part("core_relo", 24)?.sections(16, relocation::read)?
        } else {
            Vec::new()
        };
        Ok(Self {
            func_info: part("func_info", 8)?.sections(8, func_info)?,
            line_info: part("line_info", 16)?.sections(16, line_info)?,
            relocations,
        })
    }
}

/// One of the three parts: a record size, then sections of records.
struct Part<'a> {
    btf: &'a Btf,
    name: &'static str,
    /// Offset in the data behind the header.
    start: usize,
    bytes: &'a [u8],
}

impl Part<'_> {
    fn sections<T>(
        &self,
        required: u32,
        read: fn(&Btf, &[u8]) -> Result<T, ExtError>,
    ) -> Result<Vec<Section<T>>, Error> {
        let mut sections = Vec::new();
        if self.bytes.is_empty() {
            return Ok(sections);
        }
        let found = self.word(0)?;
        if found < required || !found.is_multiple_of(4) {
            return Err(self.wrong(0, ExtError::RecordSize { found, required }));
        }
        let size = index(found);
        let mut at = 4;
        while at < self.bytes.len() {
            let name = self.word(at)?;
            let count = self.word(at + 4)?;
            let name = name_at(self.btf, name).map_err(|reason| self.wrong(at, reason))?.to_owned();
            if count == 0 {
                return Err(self.wrong(at + 4, ExtError::Empty));
            }
            at += 8;
            let rest = self.bytes.get(at..).unwrap_or_default();
            let required = size.saturating_mul(index(count));
            let records = rest.get(..required).ok_or_else(|| {
                self.wrong(at, ExtError::Truncated { available: rest.len(), required })
            })?;
            let records = records
                .chunks_exact(size)
                .enumerate()
                .map(|(number, record)| {
                    read(self.btf, record).map_err(|reason| self.wrong(at + number * size, reason))
                })
                .collect::<Result<_, _>>()?;
            sections.push(Section { name, records });
            at += required;
        }
        Ok(sections)
    }

    fn word(&self, at: usize) -> Result<u32, Error> {
        u32_at(self.bytes, at).ok_or_else(|| {
            let available = self.bytes.len().saturating_sub(at);
            self.wrong(at, ExtError::Truncated { available, required: 4 })
        })
    }

    fn wrong(&self, at: usize, reason: ExtError) -> Error {
        Error::Ext { part: self.name, offset: self.start + at, reason }
    }
}

/// A name that the BTF itself may not refer to, so that nothing is known about it yet.
fn name_at(btf: &Btf, offset: u32) -> Result<&str, ExtError> {
    check_string(btf, offset)?;
    match btf.names_with(offset) {
        Some((names, inside)) if names.check_at(inside).is_ok() => Ok(btf.name_at(offset)),
        Some(_) | None => Err(ExtError::Name { offset, limit: MAX_NAME }),
    }
}

/// Whether there is a string at `offset`. It is not looked at: lines of source may be long.
fn check_string(btf: &Btf, offset: u32) -> Result<u32, ExtError> {
    if offset >= btf.names_end() {
        return Err(ExtError::String { offset });
    }
    Ok(offset)
}

/// The field at `at` of a record that is long enough.
fn field(record: &[u8], at: usize) -> u32 {
    u32_at(record, at).expect("btf: the record size was checked")
}

/// The field at 0: every record starts with its instruction.
fn insn_off(record: &[u8]) -> Result<u32, ExtError> {
    let found = field(record, 0);
    if !found.is_multiple_of(8) {
        return Err(ExtError::InsnOffset { found });
    }
    Ok(found)
}

fn func_info(btf: &Btf, record: &[u8]) -> Result<FuncInfo, ExtError> {
    let func = TypeId(field(record, 4));
    match btf.ty(func) {
        Ok(Type::Func(_)) => Ok(FuncInfo { insn_off: insn_off(record)?, func }),
        _ => Err(ExtError::TypeId { found: func, required: "a function" }),
    }
}

fn line_info(btf: &Btf, record: &[u8]) -> Result<LineInfo, ExtError> {
    let string = |at| check_string(btf, field(record, at));
    let line_col = field(record, 12);
    Ok(LineInfo {
        insn_off: insn_off(record)?,
        file_name_off: string(4)?,
        line_off: string(8)?,
        line: line_col >> 10,
        column: line_col & 0x3ff,
    })
}
