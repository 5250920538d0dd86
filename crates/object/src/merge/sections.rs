//! Sections of one name, behind each other.

use std::collections::HashMap;

use super::File;
use crate::elf::{self, SectionKind};
use crate::error::{Place, Problem, Result};

/// The largest alignment that a section can ask for: a page.
const MAX_ALIGN: u64 = 4096;
/// Sections that say something about the whole object, and have to say the same in all.
const COMMON: [&str; 2] = ["license", "version"];

/// A section of the file that is made.
pub(super) struct Section<'a> {
    pub(super) name: &'a str,
    pub(super) kind: SectionKind,
    /// `sh_flags`.
    pub(super) flags: u64,
    pub(super) executable: bool,
    pub(super) align: u64,
    /// Its bytes; none if it begins as zeroes.
    pub(super) bytes: Vec<u8>,
    pub(super) size: u64,
    pub(super) relocations: Vec<Relocation>,
}

/// A relocation of the file that is made.
pub(super) struct Relocation {
    pub(super) offset: u64,
    /// Number of the symbol there.
    pub(super) symbol: usize,
    /// Its kind's number.
    pub(super) kind: u32,
}

/// Where a section of an object went.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    /// Number of the section that it is in now.
    pub(super) section: usize,
    /// Where it begins there.
    pub(super) offset: u64,
}

/// Puts the sections of all objects behind each other, and notes where each went.
pub(super) fn place<'a>(files: &mut [File<'a>]) -> Result<Vec<Section<'a>>> {
    let mut sections: Vec<Section<'a>> = Vec::new();
    let mut by_name: HashMap<&'a str, usize> = HashMap::new();
    for file in files {
        for (section, placed) in file.elf.sections.iter().zip(&mut file.placed) {
            if !is_kept(section) {
                continue;
            }
            let fail = |problem| Place::section(section.name).of(file.name).error(problem);
            let number = *by_name.entry(section.name).or_insert_with(|| {
                sections.push(Section {
                    name: section.name,
                    kind: section.kind,
                    flags: section.flags,
                    executable: section.executable,
                    align: 1,
                    bytes: Vec::new(),
                    size: 0,
                    relocations: Vec::new(),
                });
                sections.len() - 1
            });
            let Some(target) = sections.get_mut(number) else { continue };
            if target.is_again(section).map_err(fail)? {
                continue;
            }
            let offset = target.append(section).map_err(fail)?;
            *placed = Some(Placed { section: number, offset });
        }
    }
    Ok(sections)
}

/// Whether a section is part of the program: debug information is not, and types are made anew.
fn is_kept(section: &elf::Section<'_>) -> bool {
    matches!(section.kind, SectionKind::Bits | SectionKind::Zeroes)
        && section.is_loaded()
        && section.size > 0
        && section.name != ".eh_frame"
}

impl Section<'_> {
    /// Whether a section says what is said already, and must not be said twice.
    fn is_again(&self, section: &elf::Section<'_>) -> std::result::Result<bool, Problem> {
        if !COMMON.contains(&section.name) || self.size == 0 {
            return Ok(false);
        }
        if self.bytes == section.bytes {
            return Ok(true);
        }
        Err(Problem::Unlike { what: "section", remedy: "have all objects say the same" })
    }

    /// Appends a section of the same name; returns where it begins.
    fn append(&mut self, section: &elf::Section<'_>) -> std::result::Result<u64, Problem> {
        if (self.kind, self.flags) != (section.kind, section.flags) {
            return Err(Problem::Unlike { what: "section", remedy: "give it another name" });
        }
        let align = section.align.max(1);
        if !align.is_power_of_two() || align > MAX_ALIGN {
            return Err(Problem::Field {
                what: "the section's alignment",
                found: align,
                required: "a power of two up to 4096",
            });
        }
        let too_large = || Problem::TooMany {
            what: "bytes of a section",
            found: self.size.saturating_add(section.size),
            limit: u32::MAX.into(),
        };
        let offset = self.size.checked_next_multiple_of(align).ok_or_else(too_large)?;
        let size = offset.checked_add(section.size).filter(|&size| size <= u32::MAX.into());
        let size = size.ok_or_else(too_large)?;
        if section.kind == SectionKind::Bits {
            let start = usize::try_from(offset).map_err(|_| too_large())?;
            self.bytes.resize(start, 0);
            self.bytes.extend_from_slice(section.bytes);
        }
        self.align = self.align.max(align);
        self.size = size;
        Ok(offset)
    }
}
