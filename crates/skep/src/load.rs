//! An object on an engine: its maps created, its programs bound to them and loaded.
//!
//! The order is that of libbpf: types, then maps with what they hold at first, then programs, then
//! the entries of program arrays, which need the programs.

use std::sync::Arc;

use skep_btf::Kind;
use skep_command::map::{MapBtf, MapCreate};
use skep_command::prog::{FuncInfo, LineInfo, ProgBtf, ProgLoad};
use skep_command::{Engine, Handle};
use skep_object::core::CoreTarget;
use skep_object::map::{Initial, SlotTarget};
use skep_object::{Binding, FunctionIdx, MapDef, MapIdx, Object, ProgramKind, Target};
use skep_spec::abi::{MapType, ProgType};
use skep_spec::insn::{Callee, Imm64};

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
    /// The kernel's types: what CO-RE relocations are answered from, and where functions and
    /// variables of the kernel and the targets of tracing programs are found.
    pub target: Option<&'a CoreTarget<'a>>,
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
        kind.prog_type = options.prog_type.or(kind.prog_type);
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

/// Creates all maps, with what they hold at first.
fn create_maps(
    engine: &Arc<dyn Engine>,
    object: &Arc<Object>,
    btf: Option<Handle>,
) -> Result<Vec<Map>> {
    let mut maps = Vec::with_capacity(object.maps().len());
    for definition in object.maps() {
        let inner = match &definition.inner {
            Some(inner) => {
                let name = format!("{}.inner", definition.name);
                Some(create_map(engine, short_name(&name), inner, None, btf)?)
            }
            None => None,
        };
        let inner_handle = inner.as_ref().map(|inner| inner.handle);
        let owned =
            create_map(engine, &definition.kernel_name, &definition.def, inner_handle, btf)?;
        if let Initial::Bytes(bytes) = &definition.initial {
            engine.map_update(owned.handle, &0u32.to_ne_bytes(), bytes, 0)?;
        }
        let map = Map::new(owned, object, definition);
        if map.is_global_data() && map.is_read_only() {
            engine.map_freeze(map.handle())?;
        }
        maps.push(map);
    }
    Ok(maps)
}

/// As much of a name as the kernel keeps.
fn short_name(name: &str) -> &str {
    name.get(..15).unwrap_or(name)
}

fn create_map(
    engine: &Arc<dyn Engine>,
    name: &str,
    def: &MapDef,
    inner: Option<Handle>,
    btf: Option<Handle>,
) -> Result<Owned> {
    let def = &filled_in(def, engine.possible_cpus());
    let types = match (btf, def.value_type) {
        (Some(btf), Some(value)) if takes_types(def.map_type) => Some(MapBtf {
            btf,
            key_type_id: def.key_type.map_or(0, |key| key.0),
            value_type_id: value.0,
        }),
        _ => None,
    };
    let handle = engine.map_create(&MapCreate {
        name,
        map_type: def.map_type,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: def.max_entries,
        flags: def.flags,
        extra: def.extra,
        inner,
        numa_node: def.numa_node,
        btf: types,
    })?;
    Ok(Owned::new(engine, handle))
}

/// A definition with the sizes that only one value will do for. Objects leave them out, or give a
/// ring the type of its records, for other tools to read.
fn filled_in(def: &MapDef, possible_cpus: u32) -> MapDef {
    let mut def = def.clone();
    match def.map_type {
        MapType::PerfEventArray => {
            (def.key_size, def.value_size) = (4, 4);
            if def.max_entries == 0 {
                def.max_entries = possible_cpus;
            }
        }
        MapType::Ringbuf | MapType::UserRingbuf => {
            (def.key_size, def.value_size) = (0, 0);
            (def.key_type, def.value_type) = (None, None);
        }
        _ => {}
    }
    def
}

/// Whether Linux lets maps of a type say what their keys and values are.
fn takes_types(map_type: MapType) -> bool {
    !matches!(
        map_type,
        MapType::PerfEventArray
            | MapType::CgroupArray
            | MapType::StackTrace
            | MapType::ArrayOfMaps
            | MapType::HashOfMaps
            | MapType::Devmap
            | MapType::DevmapHash
            | MapType::Cpumap
            | MapType::Xskmap
            | MapType::Sockmap
            | MapType::Sockhash
            | MapType::ProgArray
            | MapType::Queue
            | MapType::Stack
    )
}

/// What the programs of an object share while they are loaded.
struct Loader<'a> {
    engine: &'a Arc<dyn Engine>,
    object: &'a Object,
    options: &'a Options<'a>,
    btf: Option<Owned>,
    maps: Vec<Map>,
}

impl<'a> Loader<'a> {
    /// Hands over the types, and creates the maps.
    fn new(
        engine: &'a Arc<dyn Engine>,
        object: &'a Arc<Object>,
        options: &'a Options<'a>,
    ) -> Result<Loader<'a>> {
        let btf = load_btf(engine, object);
        let maps = create_maps(engine, object, btf.as_ref().map(|btf| btf.handle))?;
        Ok(Loader { engine, object, options, btf, maps })
    }

    /// Loads one program.
    fn program(&self, index: FunctionIdx, kind: &ProgramKind) -> Result<Program> {
        let Loader { engine, object, options, btf, maps } = self;
        let btf = btf.as_ref().map(|btf| btf.handle);
        load_program(engine, object, maps, btf, index, kind, options)
    }
}

fn load_program(
    engine: &Arc<dyn Engine>,
    object: &Object,
    maps: &[Map],
    btf: Option<Handle>,
    index: FunctionIdx,
    kind: &ProgramKind,
    options: &Options<'_>,
) -> Result<Program> {
    let program = object.program(index, options.target)?;
    let prog_type = kind.prog_type.ok_or_else(|| Error::NoType {
        program: program.name.clone(),
        section: program.section.clone(),
    })?;
    let handle_of = |index: &MapIdx| Some(maps.get(index.index())?.handle().0);
    let id_of =
        |name: &str, kind| i32::try_from(options.target?.btf().find_by_name(name, kind)?.0).ok();
    let code = program.bind(|reference| match &reference.target {
        Target::Map(map) => Some(Binding::Imm64(Imm64::MapFd(handle_of(map)?))),
        Target::MapValue { map, off } => {
            Some(Binding::Imm64(Imm64::MapValue { fd: handle_of(map)?, off: *off }))
        }
        Target::Kfunc(kfunc) => {
            let btf_id = id_of(&kfunc.name, Kind::Func)?;
            Some(Binding::Callee(Callee::Kfunc { btf_id, module: 0 }))
        }
        Target::Extern(variable) => {
            let btf_id = id_of(&variable.name, Kind::Var)?;
            Some(Binding::Imm64(Imm64::BtfVar { btf_id, module_fd: 0 }))
        }
    })?;
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
        name: short_name(&program.name),
        prog_type,
        expected_attach_type: kind.attach_type,
        code: &code,
        license: object.license().unwrap_or_default(),
        flags,
        kern_version: object.version().unwrap_or_default(),
        ifindex: 0,
        btf: btf.map(|btf| ProgBtf { btf, funcs: &funcs, lines: &lines }),
        attach_btf_id: attached_to.map_or(0, |id| id.0),
        attach_to: None,
        log_level: options.log_level,
    })?;
    Ok(Program::new(Owned::new(engine, loaded.handle), &program, prog_type, loaded.log))
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
