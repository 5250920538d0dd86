//! An object on an engine: its maps created, its programs bound to them and loaded.
//!
//! The order is that of libbpf: types, then maps with what they hold at first, then programs, then
//! the entries of program arrays, which need the programs.

mod config;
mod externs;
mod maps;

use std::sync::Arc;

use skep_command::Engine;
use skep_command::prog::{FuncInfo, LineInfo, ProgBtf, ProgLoad};
use skep_object::core::CoreTarget;
use skep_object::map::{Initial, SlotTarget, kernel_name};
use skep_object::{FunctionIdx, Object, ProgramKind, Settings};
use skep_spec::abi::ProgType;

pub use self::config::KernelConfig;

use self::externs::Externs;
use crate::attach;
use crate::error::{Error, Result};
use crate::handle::Owned;
use crate::map::Map;
use crate::program::Program;

/// The program may sleep (UAPI).
const BPF_F_SLEEPABLE: u32 = 1 << 4;
/// The XDP program copes with packets in several pieces (UAPI).
const BPF_F_XDP_HAS_FRAGS: u32 = 1 << 5;

/// What is loaded of an object, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The programs to load, by name; if empty, all that are not marked optional with a `?`.
    pub programs: &'a [String],
    /// The type of all programs, whatever their section names say.
    pub prog_type: Option<ProgType>,
    /// The type of programs whose section names say none.
    pub fallback_type: Option<ProgType>,
    /// The kernel's types: what CO-RE relocations are answered from, and where functions and
    /// variables of the kernel and the targets of tracing programs are found.
    pub target: Option<&'a CoreTarget<'a>>,
    /// The kernel's settings, for variables of the section `.kconfig`; without them, the settings
    /// that the object can do without are 0, and programs that need others fail.
    pub config: Option<&'a KernelConfig>,
    /// The folder of maps that are shared by name: they are taken from there or left there. Without
    /// one, the object has such maps to itself.
    pub pin_root: Option<&'a str>,
    /// `BPF_LOG_LEVEL*` bits: how much the verifier is to tell.
    pub log_level: u32,
}

/// A loaded object. Dropping it closes everything that nothing else refers to.
#[derive(Debug)]
pub struct Loaded {
    /// Its maps, in the order of the object.
    pub maps: Vec<Map>,
    /// Its programs, in the order of the object.
    pub programs: Vec<Program>,
}

impl Loaded {
    /// The map of this name.
    pub fn map(&self, name: &str) -> Option<&Map> {
        self.maps.iter().find(|map| map.name() == name)
    }

    /// The program of this name.
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.name() == name)
    }
}

/// Loads an object on an engine.
///
/// # Errors
///
/// The first thing that the object lacks or the engine refuses; nothing stays loaded then.
pub fn load(
    engine: &Arc<dyn Engine>,
    object: &Arc<Object>,
    options: &Options<'_>,
) -> Result<Loaded> {
    let chosen = choose(object, options)?;
    let loader = Loader::new(engine, object, options)?;
    let mut programs = Vec::with_capacity(chosen.len());
    for (index, kind) in &chosen {
        programs.push((*index, loader.program(*index, kind)?));
    }
    fill_slots(engine, object, &loader.maps, &programs)?;
    let programs = programs.into_iter().map(|(_, program)| program).collect();
    Ok(Loaded { maps: loader.maps, programs })
}

/// Loads each program of an object by itself, so that one that is refused does not hide what
/// becomes of the others. Program arrays and maps of maps stay empty.
///
/// # Errors
///
/// If the object has not the chosen programs, or its maps cannot be made.
pub fn load_each(
    engine: &Arc<dyn Engine>,
    object: &Arc<Object>,
    options: &Options<'_>,
) -> Result<Vec<(FunctionIdx, Result<Program>)>> {
    let chosen = choose(object, options)?;
    let loader = Loader::new(engine, object, options)?;
    Ok(chosen.iter().map(|(index, kind)| (*index, loader.program(*index, kind))).collect())
}

/// The programs to load, with what they are.
fn choose(object: &Object, options: &Options<'_>) -> Result<Vec<(FunctionIdx, ProgramKind)>> {
    let mut wanted: Vec<FunctionIdx> = if options.programs.is_empty() {
        let programs = object.programs().filter(|(_, _, kind)| !kind.optional);
        programs.map(|(index, _, _)| index).collect()
    } else {
        let found: skep_object::Result<_> =
            options.programs.iter().map(|name| object.find_program(name)).collect();
        found?
    };
    // What a program array holds is called, by whoever has the array.
    for map in object.maps() {
        let Initial::Slots(slots) = &map.initial else { continue };
        for slot in slots {
            if let SlotTarget::Program(index) = slot.target {
                wanted.push(index);
            }
        }
    }
    wanted.sort();
    wanted.dedup();
    let functions = object.functions();
    let kind_of = |index: FunctionIdx| {
        let function = functions.get(index.0)?;
        let mut kind = ProgramKind::of_section(&function.section);
        kind.prog_type = options.prog_type.or(kind.prog_type).or(options.fallback_type);
        Some((index, kind))
    };
    Ok(wanted.into_iter().filter_map(kind_of).collect())
}

/// Hands the object's types to the engine. An engine that does not take them goes without, as
/// libbpf does: they are no part of what a program computes.
fn load_btf(engine: &Arc<dyn Engine>, object: &Object) -> Option<Owned> {
    let btf = object.btf_for_kernel().ok()??;
    engine.btf_load(&btf.to_bytes()).ok().map(|handle| Owned::new(engine, handle))
}

/// What the programs of an object share while they are loaded.
struct Loader<'a> {
    engine: &'a Arc<dyn Engine>,
    object: &'a Object,
    options: &'a Options<'a>,
    btf: Option<Owned>,
    maps: Vec<Map>,
    externs: Externs<'a>,
}

impl<'a> Loader<'a> {
    /// Hands over the types, and creates the maps.
    fn new(
        engine: &'a Arc<dyn Engine>,
        object: &'a Arc<Object>,
        options: &'a Options<'a>,
    ) -> Result<Loader<'a>> {
        let btf = load_btf(engine, object);
        let config = options.config;
        let settings = object.settings(|name| config?.value(engine.as_ref(), name))?;
        let place = maps::Place {
            engine,
            object,
            btf: btf.as_ref().map(|btf| btf.handle),
            pin_root: options.pin_root,
            settings: settings.as_ref().map(Settings::bytes),
        };
        let maps = maps::create(&place)?;
        let externs = Externs::new(object, options.target.map(CoreTarget::btf), settings);
        Ok(Loader { engine, object, options, btf, maps, externs })
    }

    /// Loads one program.
    fn program(&self, index: FunctionIdx, kind: &ProgramKind) -> Result<Program> {
        let Loader { engine, object, options, btf, maps, externs } = self;
        let program = object.program(index, options.target)?;
        let prog_type = kind.prog_type.ok_or_else(|| Error::NoType {
            program: program.name.clone(),
            section: program.section.clone(),
        })?;
        if prog_type == ProgType::StructOps {
            return Err(Error::StructOps { program: program.name });
        }
        let code = program.bind(|reference| externs.binding(maps, &reference.target))?;
        let funcs: Vec<FuncInfo> = program
            .func_info
            .iter()
            .map(|info| FuncInfo { at: info.at, type_id: info.type_id })
            .collect();
        let lines: Vec<LineInfo> = program
            .line_info
            .iter()
            .map(|info| LineInfo {
                at: info.at,
                file_name_off: info.file_name_off,
                line_off: info.line_off,
                line_col: info.line_col,
            })
            .collect();
        let attached_to = match options.target {
            Some(target) => attach::target_type(kind, target.btf())?,
            None => None,
        };
        let mut flags = 0;
        if kind.sleepable {
            flags |= BPF_F_SLEEPABLE;
        }
        if kind.frags {
            flags |= BPF_F_XDP_HAS_FRAGS;
        }
        let loaded = engine.prog_load(&ProgLoad {
            name: &kernel_name(&program.name),
            prog_type,
            expected_attach_type: kind.attach_type,
            code: &code,
            license: object.license().unwrap_or_default(),
            flags,
            kern_version: object.version().unwrap_or_default(),
            ifindex: 0,
            btf: btf.as_ref().map(|btf| ProgBtf { btf: btf.handle, funcs: &funcs, lines: &lines }),
            attach_btf_id: attached_to.map_or(0, |id| id.0),
            attach_to: None,
            log_level: options.log_level,
        })?;
        Ok(Program::new(Owned::new(engine, loaded.handle), &program, prog_type, loaded.log))
    }
}

/// Puts maps and programs where maps of maps and program arrays want them from the beginning.
fn fill_slots(
    engine: &Arc<dyn Engine>,
    object: &Object,
    maps: &[Map],
    programs: &[(FunctionIdx, Program)],
) -> Result<()> {
    for (definition, map) in object.maps().iter().zip(maps) {
        let Initial::Slots(slots) = &definition.initial else { continue };
        for slot in slots {
            let handle = match slot.target {
                SlotTarget::Map(inner) => maps.get(inner.index()).map(Map::handle),
                SlotTarget::Program(index) => programs
                    .iter()
                    .find(|(loaded, _)| *loaded == index)
                    .map(|(_, program)| program.handle()),
            };
            let handle = handle.expect("load: the object's own numbers, all of them loaded");
            engine.map_update(map.handle(), &slot.key.to_ne_bytes(), &handle.0.to_ne_bytes(), 0)?;
        }
    }
    Ok(())
}
