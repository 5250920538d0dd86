//! Joining: one program out of a main function and all that it calls.
//!
//! Each function is taken from its section once, in the order in which the first call to it is met
//! when the calls inside a function are followed at once; libbpf joins in the same order, so that
//! programs can be compared slot by slot. Calls and function addresses become distances within the
//! program. Everything else that a relocation names becomes a [`Reference`].

mod site;

use std::collections::HashMap;
use std::sync::Arc;

use skep_spec::insn::{Callee, Imm64};
use skep_spec::{Code, Insn, InsnIdx};

use crate::core::{Adapter, CoreTarget};
use crate::error::{Place, Problem, Result};
use crate::externs::{Extern, ExternIdx};
use crate::function::{Function, FunctionIdx, SLOT};
use crate::map::MapIdx;
use crate::object::{Object, Site};
use crate::program::{FuncInfo, LineInfo, Program, Reference, Subprogram, Target};
use crate::section::ProgramKind;
use site::{Here, Inside, Meaning, Outside};

/// Slots in one program: the most that the kernel takes (`BPF_COMPLEXITY_LIMIT_INSNS`).
const MAX_SLOTS: u64 = 1_000_000;

/// Joins and relocates a program; see [`Object::program`].
pub(crate) fn program<'a>(
    object: &'a Object,
    main: FunctionIdx,
    target: Option<&CoreTarget<'a>>,
) -> Result<Program> {
    let Some(function) = object.functions().get(main.0) else {
        let known = "no function of that number".to_owned();
        return Err(Place::FILE.error(Problem::NoSuchProgram { known }));
    };
    let program = Program {
        name: function.name.clone(),
        section: function.section.clone(),
        kind: ProgramKind::of_section(&function.section),
        code: Code::new(),
        references: Vec::new(),
        subprograms: Vec::new(),
        func_info: Vec::new(),
        line_info: Vec::new(),
        unresolved_core: Vec::new(),
    };
    let adapter = Adapter::new(object, target.copied());
    let mut linker =
        Linker { object, adapter, program, placed: HashMap::new(), externs: HashMap::new() };
    linker.join(main)?;
    for callback in exception_callbacks(object, function)? {
        if !linker.placed.contains_key(&callback) {
            linker.join(callback)?;
        }
    }
    let mut program = linker.program;
    program.references.sort_by_key(|reference| reference.at);
    program.unresolved_core.sort_by_key(|relocation| relocation.at);
    drop_partial_info(&mut program);
    Ok(program)
}

/// The functions that the kernel calls if the program throws: tags on the main function name them,
/// no instruction does.
fn exception_callbacks(object: &Object, main: &Function) -> Result<Vec<FunctionIdx>> {
    let (Some(btf), [info, ..]) = (object.btf(), object.records().func_info(main)) else {
        return Ok(Vec::new());
    };
    let tags = btf.decl_tags(info.func).filter(|(_, tag)| tag.component.is_none());
    let names = tags.filter_map(|(_, tag)| tag.name.strip_prefix("exception_callback:"));
    names
        .map(|name| {
            let found = object.functions().iter().position(|function| function.name == name);
            found.map(FunctionIdx).ok_or_else(|| {
                let name = name.to_owned();
                Place::program(&main.name).error(Problem::NoExceptionCallback { name })
            })
        })
        .collect()
}

/// A function whose instructions are being gone through.
struct Visit<'a> {
    function: &'a Function,
    /// Where it stands in the program.
    start: InsnIdx,
    /// The instruction to look at next, counted from the function's beginning.
    next: u32,
    /// The relocations that are still ahead.
    sites: &'a [Site],
}

struct Linker<'a> {
    object: &'a Object,
    adapter: Adapter<'a>,
    program: Program,
    placed: HashMap<FunctionIdx, InsnIdx>,
    /// The externs that the program refers to.
    externs: HashMap<ExternIdx, Arc<Extern>>,
}

impl<'a> Linker<'a> {
    fn join(&mut self, main: FunctionIdx) -> Result<()> {
        let (_, visit) = self.place(main)?;
        let mut open = vec![visit];
        while let Some(visit) = open.last_mut() {
            match self.step(visit)? {
                Step::Next => {}
                Step::Into(callee) => open.push(callee),
                Step::Done => {
                    open.pop();
                }
            }
        }
        Ok(())
    }

    /// Appends a function to the program.
    fn place(&mut self, index: FunctionIdx) -> Result<(InsnIdx, Visit<'a>)> {
        let object = self.object;
        let (Some(function), start) =
            (object.functions().get(index.0), InsnIdx(self.program.code.len()))
        else {
            let known = "no function of that number".to_owned();
            return Err(Place::FILE.error(Problem::NoSuchProgram { known }));
        };
        let found = u64::from(start.0) + function.size / SLOT;
        if found > MAX_SLOTS {
            let limit = MAX_SLOTS;
            return Err(Place::program(&self.program.name).error(Problem::TooMany {
                what: "instruction slots",
                found,
                limit,
            }));
        }
        let code = object.code(function)?;
        let (code, mut unresolved) = self.adapter.adapt(function, code)?;
        let sites = object.sites(function);
        check_sites(function, &code, sites)?;
        self.program.code.append(&code);
        for relocation in &mut unresolved {
            relocation.at.0 += start.0;
        }
        self.program.unresolved_core.append(&mut unresolved);
        self.program.subprograms.push(Subprogram {
            name: function.name.clone(),
            start,
            slots: code.len(),
            global: function.global && !function.hidden,
        });
        self.append_info(function, start);
        self.placed.insert(index, start);
        Ok((start, Visit { function, start, next: 0, sites }))
    }

    /// Appends the function's type and its source lines.
    fn append_info(&mut self, function: &Function, start: InsnIdx) {
        let records = self.object.records();
        let at = |insn_off: u32| {
            let slot = (u64::from(insn_off) - function.offset) / SLOT;
            InsnIdx(start.0 + slot_number(slot))
        };
        let types = records.func_info(function).iter();
        self.program
            .func_info
            .extend(types.map(|record| FuncInfo { at: at(record.insn_off), type_id: record.func }));
        let lines = records.line_info(function).iter();
        self.program.line_info.extend(lines.map(|record| LineInfo {
            at: at(record.insn_off),
            file_name_off: record.file_name_off,
            line_off: record.line_off,
            line_col: record.line_col(),
        }));
    }

    /// Looks at one instruction.
    fn step(&mut self, visit: &mut Visit<'a>) -> Result<Step<'a>> {
        let end = visit.function.size / SLOT;
        if u64::from(visit.next) >= end {
            return Ok(Step::Done);
        }
        let at = InsnIdx(visit.start.0 + visit.next);
        let offset = visit.function.offset + u64::from(visit.next) * SLOT;
        let Some(&insn) = self.program.code.get(at) else {
            visit.next += 1;
            return Ok(Step::Next);
        };
        let site = match visit.sites.split_first() {
            Some((site, rest)) if site.offset == offset => {
                visit.sites = rest;
                Some(site)
            }
            _ => None,
        };
        let here = Here { function: visit.function, slot: visit.next, at, insn, site };
        visit.next += insn.slots();
        match here.meaning()? {
            Meaning::Plain => Ok(Step::Next),
            Meaning::Call(inside) => {
                let (distance, step) = self.distance(&here, "a call", inside)?;
                self.replace(&here, Insn::Call(Callee::Local(distance)))?;
                Ok(step)
            }
            Meaning::Address(dst, inside) => {
                let (distance, step) = self.distance(&here, "an address", inside)?;
                self.replace(&here, Insn::LoadImm64 { dst, imm: Imm64::Func(distance) })?;
                Ok(step)
            }
            Meaning::Kfunc(index) => {
                let target = Target::Kfunc(self.symbol(&here, index)?);
                self.refer(&here, target, Insn::Call(Callee::Kfunc { btf_id: 0, module: 0 }))
            }
            Meaning::Load(dst, outside) => {
                let (target, imm) = self.outside(&here, outside)?;
                self.refer(&here, target, Insn::LoadImm64 { dst, imm })
            }
        }
    }

    /// How far an instruction is from a function of the object, which is appended if it is not part
    /// of the program yet.
    fn distance(
        &mut self,
        here: &Here<'a>,
        what: &'static str,
        inside: Inside,
    ) -> Result<(i32, Step<'a>)> {
        let Inside { section, offset } = inside;
        let found = u64::try_from(offset).ok();
        let found = found.and_then(|offset| self.object.function_index.get(&(section, offset)));
        let Some(&index) = found else {
            let section = self.object.sections().get(section);
            let section = section.map_or_else(String::new, |section| section.name.clone());
            return Err(here.error(Problem::NoFunction { what, section, offset }));
        };
        let (start, step) = match self.placed.get(&index) {
            Some(&start) => (start, Step::Next),
            None => {
                let (start, visit) = self.place(index)?;
                (start, Step::Into(visit))
            }
        };
        let distance = i64::from(start.0) - i64::from(here.at.0) - 1;
        let distance = i32::try_from(distance).expect("link: programs are below MAX_SLOTS");
        Ok((distance, step))
    }

    /// What a load refers to, and what stands for that until the program is bound.
    fn outside(&mut self, here: &Here<'a>, outside: Outside) -> Result<(Target, Imm64)> {
        match outside {
            Outside::Map(section, offset) => match self.object.map_at(section, offset) {
                Some(map) => Ok((Target::Map(map), Imm64::MapIdx(map_number(map)))),
                None => Err(here.refused(".maps", "where no map begins")),
            },
            Outside::Data(map, off) => {
                let checked = self
                    .object
                    .map(map)
                    .map_or(Ok(()), |found| found.check_reference(self.object.btf(), off));
                checked.map_err(|problem| here.error(problem))?;
                Ok(map_value(map, off))
            }
            Outside::Extern(index) => {
                let symbol = self.symbol(here, index)?;
                match (symbol.kconfig_off, self.object.kconfig_map()) {
                    (Some(off), Some(map)) if symbol.weak => Ok(map_value(map, off)),
                    (Some(_) | None, _) => Ok((Target::Extern(symbol), Imm64::Value(0))),
                }
            }
        }
    }

    /// What the program keeps of an extern.
    fn symbol(&mut self, here: &Here<'_>, index: ExternIdx) -> Result<Arc<Extern>> {
        if let Some(symbol) = self.externs.get(&index) {
            return Ok(Arc::clone(symbol));
        }
        let Some(symbol) = self.object.externs().get(index.0) else {
            return Err(here.refused("undefined symbols", "which does not exist"));
        };
        let symbol = Arc::new(symbol.clone());
        self.externs.insert(index, Arc::clone(&symbol));
        Ok(symbol)
    }

    /// Notes what an instruction refers to, and puts a placeholder in its place.
    fn refer(&mut self, here: &Here<'_>, target: Target, insn: Insn) -> Result<Step<'a>> {
        self.program.references.push(Reference { at: here.at, target });
        self.replace(here, insn)?;
        Ok(Step::Next)
    }

    fn replace(&mut self, here: &Here<'_>, insn: Insn) -> Result<()> {
        let replaced = self.program.code.replace(here.at, insn);
        replaced.map_err(|insn| here.error(Problem::Unrelocated { insn: insn.to_string() }))
    }
}

/// What to do after an instruction.
enum Step<'a> {
    /// Go on with the next.
    Next,
    /// Go through the function that was just appended, then go on.
    Into(Visit<'a>),
    /// The function is finished.
    Done,
}

/// The place of an instruction of a function.
pub(crate) fn place(function: &Function, slot: u32) -> Place {
    Place::Function {
        name: function.name.clone(),
        section: function.section.clone(),
        at: InsnIdx(slot),
    }
}

/// Every relocation is at an instruction, and no instruction has two.
fn check_sites(function: &Function, code: &Code, sites: &[Site]) -> Result<()> {
    let mut last = None;
    for site in sites {
        let inside = site.offset - function.offset;
        let slot = slot_number(inside / SLOT);
        let at_insn = inside.is_multiple_of(SLOT) && code.get(InsnIdx(slot)).is_some();
        if !at_insn || last == Some(site.offset) {
            let symbol = site.symbol.to_string();
            return Err(place(function, slot).error(Problem::RelocationOffset { symbol }));
        }
        last = Some(site.offset);
    }
    Ok(())
}

/// The kernel takes types and lines of all functions, or of none.
fn drop_partial_info(program: &mut Program) {
    let starts = || program.subprograms.iter().map(|subprogram| subprogram.start);
    let types = program.func_info.iter().map(|info| info.at);
    if !starts().eq(types) {
        program.func_info.clear();
    }
    let begins_at = |start| program.line_info.binary_search_by_key(&start, |info| info.at).is_ok();
    if program.func_info.is_empty() || !starts().all(begins_at) {
        program.line_info.clear();
    }
}

/// A slot within a function of at most [`MAX_SLOTS`].
fn slot_number(slot: u64) -> u32 {
    u32::try_from(slot).expect("link: functions are below MAX_SLOTS")
}

/// A byte of a map's first value, and what stands for it until the program is bound.
fn map_value(map: MapIdx, off: u32) -> (Target, Imm64) {
    (Target::MapValue { map, off }, Imm64::MapIdxValue { idx: map_number(map), off })
}

fn map_number(map: MapIdx) -> i32 {
    i32::try_from(map.0).unwrap_or(i32::MAX)
}
