//! The types of all objects, each once, and what `.BTF.ext` says by them.
//!
//! A declaration's type gives way to the definition's. Sections of variables are made anew, as the
//! variables of one section come from several objects.

use std::collections::HashMap;

use skep_btf::compare::Comparison;
use skep_btf::dedup::Dedup;
use skep_btf::{Btf, BtfBuilder, DatasecVar, FuncLinkage, IdMap, Type, TypeId, VarLinkage};

use super::File;
use super::sections::Section;
use super::symbols::Symbol;
use crate::error::{Place, Problem, Result};
use crate::map::{self, MAPS_SECTION};

/// The sections `.BTF` and `.BTF.ext`.
pub(super) struct Types {
    pub(super) btf: Vec<u8>,
    pub(super) ext: Vec<u8>,
}

/// Merges the types of all objects; `None` if there are none.
pub(super) fn merge(
    files: &[File<'_>],
    sections: &[Section<'_>],
    symbols: &[Symbol<'_>],
) -> Result<Option<Types>> {
    if files.iter().all(|file| file.btf.is_none()) {
        return Ok(None);
    }
    let global = symbols.iter().filter(|symbol| symbol.is_global());
    let owners: HashMap<&str, &Symbol<'_>> = global.map(|symbol| (symbol.name, symbol)).collect();
    let mut builder = BtfBuilder::new();
    let mut ids = Vec::with_capacity(files.len());
    for file in files {
        let appended = match &file.btf {
            Some(btf) => builder.append(btf).map_err(wrong)?,
            None => IdMap::default(),
        };
        ids.push(appended);
    }
    let merger = Merger { files, sections, owners, ids };
    merger.add_datasecs(&mut builder);
    let ext = ext(&merger, &mut builder);
    let all = builder.build().map_err(wrong)?;
    let mut dedup = Dedup::new(&all);
    dedup.keep_strings();
    merger.replace(&mut dedup)?;
    let merged = dedup.run().map_err(wrong)?;
    let ids: Vec<IdMap> = merger.ids.iter().map(|ids| ids.then(&merged.ids)).collect();
    Ok(Some(Types { btf: merged.btf.to_bytes(), ext: ext.to_bytes(&ids) }))
}

fn wrong(error: skep_btf::Error) -> crate::Error {
    Place::section(".BTF").error(Problem::Btf(error))
}

struct Merger<'a> {
    files: &'a [File<'a>],
    sections: &'a [Section<'a>],
    /// The symbols that objects see of each other, by name.
    owners: HashMap<&'a str, &'a Symbol<'a>>,
    /// Where the types of each object are among all types.
    ids: Vec<IdMap>,
}

impl Merger<'_> {
    /// Adds the sections of variables, with the variables of all objects in each.
    fn add_datasecs(&self, builder: &mut BtfBuilder) {
        let mut names: Vec<&str> = Vec::new();
        let mut vars: HashMap<&str, Vec<DatasecVar>> = HashMap::new();
        for (number, (file, ids)) in self.files.iter().zip(&self.ids).enumerate() {
            let Some(btf) = &file.btf else { continue };
            for (_, datasec) in btf.datasecs() {
                let entries = vars.entry(datasec.name).or_insert_with(|| {
                    names.push(datasec.name);
                    Vec::new()
                });
                let kept = datasec.vars.into_iter().filter_map(|entry| {
                    let offset = self.offset(number, datasec.name, &entry)?;
                    Some(DatasecVar { ty: ids.get(entry.ty)?, offset, size: entry.size })
                });
                entries.extend(kept);
            }
        }
        for name in names {
            let mut vars = vars.remove(name).unwrap_or_default();
            vars.sort_by_key(|entry| entry.offset);
            let section = self.sections.iter().find(|section| section.name == name);
            let size = section.and_then(|section| u32::try_from(section.size).ok()).unwrap_or(0);
            if !vars.is_empty() {
                builder.datasec(name, size, &vars);
            }
        }
    }

    /// Where a variable of an object is in its section now; `None` if another object's stands for
    /// it.
    fn offset(&self, number: usize, section: &str, entry: &DatasecVar) -> Option<u32> {
        let file = self.files.get(number)?;
        let (name, is_static) = match file.btf.as_ref()?.ty(entry.ty).ok()? {
            Type::Var(var) => (var.name, var.linkage == VarLinkage::Static),
            Type::Func(func) => (func.name, func.linkage == FuncLinkage::Static),
            _ => return None,
        };
        let index = file.elf.sections.iter().position(|found| found.name == section);
        // Without a section, the variables are all declared elsewhere; one that was not kept says
        // what another object has said.
        let start = match index {
            Some(index) => u32::try_from(file.placed(index)?.offset).ok()?,
            None => 0,
        };
        if is_static {
            return start.checked_add(entry.offset);
        }
        let Some(owner) = self.owners.get(name) else { return Some(entry.offset) };
        match owner.home {
            _ if owner.file != number => None,
            Some((_, value)) => u32::try_from(value).ok(),
            None => Some(entry.offset),
        }
    }

    /// Has definitions stand for what others declare, and the new sections for the old.
    fn replace(&self, dedup: &mut Dedup<'_>) -> Result<()> {
        for (number, (file, ids)) in self.files.iter().zip(&self.ids).enumerate() {
            let Some(btf) = &file.btf else { continue };
            for (id, ty) in btf.types() {
                let Some(now) = ids.get(id) else { continue };
                let name = match ty {
                    Type::Datasec(_) => {
                        dedup.without(now);
                        continue;
                    }
                    Type::Var(var) if var.linkage != VarLinkage::Static => var.name,
                    Type::Func(func) if func.linkage != FuncLinkage::Static => func.name,
                    _ => continue,
                };
                let owner = self.owners.get(name).map(|owner| owner.file);
                let Some(owner) = owner.filter(|&owner| owner != number) else { continue };
                let Some((other, winner)) = self.find(owner, name) else { continue };
                self.check_types(name, (number, btf, id), (owner, other, winner))?;
                if let Some(winner) = self.ids.get(owner).and_then(|ids| ids.get(winner)) {
                    dedup.instead(now, winner);
                }
            }
        }
        Ok(())
    }

    /// The function or variable of this name that an object shows to others.
    fn find(&self, file: usize, name: &str) -> Option<(&Btf, TypeId)> {
        let btf = self.files.get(file)?.btf.as_ref()?;
        let is_shown = |ty: &Type<'_>| match ty {
            Type::Var(var) => var.linkage != VarLinkage::Static,
            Type::Func(func) => func.linkage != FuncLinkage::Static,
            _ => false,
        };
        let mut named = btf.named(name).filter_map(|id| Some((id, btf.ty(id).ok()?)));
        named.find(|(_, ty)| is_shown(ty)).map(|(id, _)| (btf, id))
    }

    /// Both must be of the same type, as far as programs can tell; maps must be defined alike.
    fn check_types(
        &self,
        name: &str,
        (file, btf, id): (usize, &Btf, TypeId),
        (first, other, winner): (usize, &Btf, TypeId),
    ) -> Result<()> {
        let alike = match (btf.ty(id), other.ty(winner)) {
            (Ok(Type::Var(mine)), Ok(Type::Var(theirs))) if is_map(btf, id) => {
                let mine = map::definition_of(btf, name, mine.ty)?;
                let theirs = map::definition_of(other, name, theirs.ty)?;
                mine == theirs
            }
            (Ok(Type::Var(mine)), Ok(Type::Var(theirs))) => {
                Comparison::new(btf, other).compatible(mine.ty, theirs.ty).map_err(wrong)?
            }
            (Ok(Type::Func(mine)), Ok(Type::Func(theirs))) => {
                Comparison::new(btf, other).compatible(mine.proto, theirs.proto).map_err(wrong)?
            }
            _ => false,
        };
        if alike {
            return Ok(());
        }
        let name_of = |number: usize| self.files.get(number).map_or("", |file| file.name);
        let first = name_of(first).to_owned();
        Err(Place::symbol(name).of(name_of(file)).error(Problem::OtherType { first }))
    }
}

/// Whether a variable is the definition or declaration of a map.
fn is_map(btf: &Btf, id: TypeId) -> bool {
    let maps = btf.find_datasec(MAPS_SECTION);
    maps.is_some_and(|(_, datasec)| datasec.vars.iter().any(|entry| entry.ty == id))
}

/// What `.BTF.ext` is to say, but for the numbers of types.
#[derive(Default)]
struct Ext {
    func_info: Vec<Records>,
    line_info: Vec<Records>,
    relocations: Vec<Records>,
}

/// The records of one section.
struct Records {
    /// Where its name is among the strings.
    name_off: u32,
    records: Vec<Record>,
}

/// A record: words, of which one can be a type of an object.
struct Record {
    words: [u32; 4],
    ty: Option<(usize, TypeId)>,
}

/// Which word of a record is a type, if any is.
const TYPE_WORD: usize = 1;

/// Collects the records of all objects, by section.
fn ext(merger: &Merger<'_>, builder: &mut BtfBuilder) -> Ext {
    let mut ext = Ext::default();
    for (number, section) in merger.sections.iter().enumerate() {
        if !section.executable {
            continue;
        }
        let name_off = builder.text(section.name);
        let records = || Records { name_off, records: Vec::new() };
        let (mut funcs, mut lines, mut relocations) = (records(), records(), records());
        for (index, file) in merger.files.iter().enumerate() {
            let mut sections = file.elf.sections.iter().zip(&file.placed);
            let placed = sections.find_map(|(found, placed)| {
                (*placed).filter(|placed| found.name == section.name && placed.section == number)
            });
            let start = placed.and_then(|placed| u32::try_from(placed.offset).ok());
            let Some(start) = start else { continue };
            let from = From { index, file, start, section: section.name };
            from.append(builder, &mut funcs, &mut lines, &mut relocations);
        }
        for (part, records) in [
            (&mut ext.func_info, funcs),
            (&mut ext.line_info, lines),
            (&mut ext.relocations, relocations),
        ] {
            if !records.records.is_empty() {
                part.push(records);
            }
        }
    }
    ext
}

/// The records of one object for one section.
struct From<'a> {
    index: usize,
    file: &'a File<'a>,
    /// Where the object's section begins now.
    start: u32,
    section: &'a str,
}

impl From<'_> {
    fn append(
        &self,
        builder: &mut BtfBuilder,
        funcs: &mut Records,
        lines: &mut Records,
        relocations: &mut Records,
    ) {
        let (ext, at) = (&self.file.ext, |insn_off: u32| self.start.saturating_add(insn_off));
        let ty = |id| Some((self.index, id));
        for part in ext.func_info.iter().filter(|part| part.name == self.section) {
            funcs.records.extend(part.records.iter().map(|record| Record {
                words: [at(record.insn_off), 0, 0, 0],
                ty: ty(record.func),
            }));
        }
        let btf = self.file.btf.as_ref();
        let mut text = |offset| {
            let text = btf.and_then(|btf| btf.string(offset));
            builder.text(&text.unwrap_or_default())
        };
        for part in ext.line_info.iter().filter(|part| part.name == self.section) {
            lines.records.extend(part.records.iter().map(|record| {
                let (file, line) = (text(record.file_name_off), text(record.line_off));
                Record { words: [at(record.insn_off), file, line, record.line_col()], ty: None }
            }));
        }
        for part in ext.relocations.iter().filter(|part| part.name == self.section) {
            relocations.records.extend(part.records.iter().map(|record| {
                let access = builder.text(&record.access_string());
                let words = [at(record.insn_off), 0, access, record.kind.number()];
                Record { words, ty: ty(record.ty) }
            }));
        }
    }
}

/// Bytes of the header of `.BTF.ext`.
const HEADER: u32 = 32;

impl Ext {
    /// The section, with types numbered as they are now.
    fn to_bytes(&self, ids: &[IdMap]) -> Vec<u8> {
        let parts = [(&self.func_info, 2), (&self.line_info, 4), (&self.relocations, 4)];
        let parts = parts.map(|(part, words)| part_bytes(part, words, ids));
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        bytes.extend_from_slice(&HEADER.to_le_bytes());
        let mut offset = 0u32;
        for part in &parts {
            let size = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&offset.to_le_bytes());
            bytes.extend_from_slice(&size.to_le_bytes());
            offset = offset.saturating_add(size);
        }
        bytes.extend(parts.into_iter().flatten());
        bytes
    }
}

/// One of the three parts: the size of a record, then sections of records.
fn part_bytes(part: &[Records], words: usize, ids: &[IdMap]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if part.is_empty() {
        return bytes;
    }
    let mut word = |word: u32| bytes.extend_from_slice(&word.to_le_bytes());
    word(u32::try_from(words * 4).unwrap_or(0));
    for section in part {
        word(section.name_off);
        word(u32::try_from(section.records.len()).unwrap_or(u32::MAX));
        for record in &section.records {
            let ty = record.ty.map(|(file, id)| ids.get(file).and_then(|ids| ids.get(id)));
            for (number, &value) in record.words.iter().take(words).enumerate() {
                match ty {
                    Some(ty) if number == TYPE_WORD => word(ty.map_or(0, |id| id.0)),
                    _ => word(value),
                }
            }
        }
    }
    bytes
}
