//! The records of `.BTF.ext`, arranged so that those of one function are found at once.

use std::collections::HashMap;

use skep_btf::Ext;
use skep_btf::ext::{FuncInfo, LineInfo, Relocation, Section};

use crate::function::Function;

/// Records by the name of their code section, each list in order of instructions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    func_info: HashMap<String, Vec<FuncInfo>>,
    line_info: HashMap<String, Vec<LineInfo>>,
    relocations: HashMap<String, Vec<Relocation>>,
}

impl Records {
    /// Arranges what the section says.
    pub(crate) fn new(ext: Ext) -> Records {
        Records {
            func_info: by_section(ext.func_info),
            line_info: by_section(ext.line_info),
            relocations: by_section(ext.relocations),
        }
    }

    /// Functions that begin within a function; that is itself.
    pub(crate) fn func_info(&self, function: &Function) -> &[FuncInfo] {
        within(&self.func_info, function)
    }

    /// Source lines of a function.
    pub(crate) fn line_info(&self, function: &Function) -> &[LineInfo] {
        within(&self.line_info, function)
    }

    /// CO-RE relocations of a function.
    pub(crate) fn relocations(&self, function: &Function) -> &[Relocation] {
        within(&self.relocations, function)
    }
}

/// A record about an instruction.
trait Record {
    /// The instruction's byte offset in its section.
    fn insn_off(&self) -> u32;
}

impl Record for FuncInfo {
    fn insn_off(&self) -> u32 {
        self.insn_off
    }
}

impl Record for LineInfo {
    fn insn_off(&self) -> u32 {
        self.insn_off
    }
}

impl Record for Relocation {
    fn insn_off(&self) -> u32 {
        self.insn_off
    }
}

fn by_section<T: Record>(sections: Vec<Section<T>>) -> HashMap<String, Vec<T>> {
    let mut lists: HashMap<String, Vec<T>> = HashMap::new();
    for section in sections {
        lists.entry(section.name).or_default().extend(section.records);
    }
    for list in lists.values_mut() {
        list.sort_by_key(Record::insn_off);
    }
    lists
}

fn within<'a, T: Record>(lists: &'a HashMap<String, Vec<T>>, function: &Function) -> &'a [T] {
    let Some(list) = lists.get(&function.section) else { return &[] };
    let end = function.offset.saturating_add(function.size);
    let first = list.partition_point(|record| u64::from(record.insn_off()) < function.offset);
    let last = list.partition_point(|record| u64::from(record.insn_off()) < end);
    list.get(first..last).unwrap_or_default()
}
