//! The user engine: bpf(2)'s commands, answered in this process.

mod objects;
mod verify;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skep_btf::{Btf, TypeId};
use skep_command::map::{self, EventSink, MapCreate, MapInfo};
use skep_command::prog::{ProgInfo, ProgLoad, ProgLoaded, TestRun, TestRunReply};
use skep_command::{Engine, EngineKind, Errno, Error, Handle, Result};
use skep_spec::abi::{MapType, flags};
use skep_verifier::environment::MapBtf;

use self::objects::{Object, Objects};
use self::verify::Surroundings;
use crate::kernel_types::KernelTypes;
use crate::maps::Map;
use crate::program::{Helpers, LoadError, LoadErrorKind, NewProgram, Program};
use crate::run::INSTRUCTION_LIMIT;
use crate::test_run::Bench;
use crate::world::World;

/// The longest name of an object (`BPF_OBJ_NAME_LEN`, less the terminator).
const NAME_MAX: usize = 15;

/// What a host can choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many instructions a run may execute.
    pub instruction_limit: u64,
    /// The number of possible CPUs, which sizes per-CPU maps.
    pub possible_cpus: u32,
    /// Whether programs are taken that the verifier does not accept, or was not asked about. The
    /// interpreter checks every access.
    pub unverified: bool,
    /// The types of the kernel that programs are verified for.
    pub kernel_types: Arc<KernelTypes>,
}

impl Default for Options {
    fn default() -> Options {
        let possible_cpus = crate::sys::possible_cpus();
        Options {
            instruction_limit: INSTRUCTION_LIMIT,
            possible_cpus,
            unverified: false,
            kernel_types: Arc::new(KernelTypes::running()),
        }
    }
}

/// The user engine.
///
/// It verifies what it loads as Linux does. Pins are paths in a namespace of this engine's own, and
/// go with it.
pub struct UserEngine {
    world: Arc<dyn World>,
    options: Options,
    state: Mutex<State>,
    executed: AtomicU64,
}

/// What changes under commands.
#[derive(Default)]
struct State {
    objects: Objects,
    pins: HashMap<String, Object>,
    last_map_id: u32,
    last_prog_id: u32,
}

impl UserEngine {
    /// An engine in this world.
    pub fn new(world: Arc<dyn World>) -> UserEngine {
        UserEngine::with_options(world, Options::default())
    }

    /// An engine with options.
    pub fn with_options(world: Arc<dyn World>, options: Options) -> UserEngine {
        let possible_cpus = options.possible_cpus.max(1);
        UserEngine {
            world,
            options: Options { possible_cpus, ..options },
            state: Mutex::default(),
            executed: AtomicU64::new(0),
        }
    }

    /// The world that programs run in.
    pub fn world(&self) -> &Arc<dyn World> {
        &self.world
    }

    /// How many instructions were executed in all runs.
    pub fn executed(&self) -> u64 {
        self.executed.load(Ordering::Relaxed)
    }

    /// The map behind a handle.
    pub fn map(&self, handle: Handle) -> Result<Arc<Map>> {
        self.state().objects.map(handle)
    }

    /// The program behind a handle.
    pub fn program(&self, handle: Handle) -> Result<Arc<Program>> {
        self.state().objects.program(handle)
    }

    /// Verifies a program; gives the log that was asked for.
    fn verify(&self, prog: &ProgLoad<'_>) -> Result<String> {
        let Options { possible_cpus, kernel_types, .. } = &self.options;
        let around = Surroundings::of(prog, &self.state().objects, kernel_types, *possible_cpus)?;
        verify::check(prog, &around)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UserEngine {
    fn drop(&mut self) {
        // As if every handle were closed: see there.
        let state = self.state();
        for object in state.objects.iter().chain(state.pins.values()) {
            if let Object::Map(map) = object {
                map.clear_programs();
            }
        }
    }
}

impl fmt::Debug for UserEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserEngine").field("options", &self.options).finish_non_exhaustive()
    }
}

/// An error of this engine.
fn error(errno: Errno, what: impl Into<String>) -> Error {
    Error::new(EngineKind::User, errno, what)
}

impl Engine for UserEngine {
    fn kind(&self) -> EngineKind {
        EngineKind::User
    }

    fn possible_cpus(&self) -> u32 {
        self.options.possible_cpus
    }

    fn map_create(&self, map: &MapCreate<'_>) -> Result<Handle> {
        let failed =
            |errno, what: String| error(errno, format!("create map {:?}: {what}", map.name));
        check_name(map.name).map_err(|what| failed(Errno::EINVAL, what))?;
        let mut state = self.state();
        let types = map.btf.map(|types| state.map_types(&types)).transpose()?;
        let id = state.last_map_id + 1;
        let map = Map::create_typed(id, map, types, self.options.possible_cpus)
            .map_err(|cause| failed(cause.errno, cause.to_string()))?;
        state.last_map_id = id;
        state.objects.open(Object::Map(map))
    }

    fn map_lookup(&self, map: Handle, key: &[u8], flags: u64) -> Result<Vec<u8>> {
        let map = self.map(map)?;
        map.command_lookup(key, flags).map_err(|errno| on_map("look up in", &map, errno))
    }

    fn map_update(&self, map: Handle, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
        let map = self.map(map)?;
        let programs = |handle| self.program(handle).map_err(|error| error.errno);
        let updated = map.command_update_with(key, value, flags, &programs);
        updated.map_err(|errno| on_map("update", &map, errno))
    }

    fn map_delete(&self, map: Handle, key: &[u8]) -> Result<()> {
        let map = self.map(map)?;
        map.command_delete(key).map_err(|errno| on_map("delete from", &map, errno))
    }

    fn map_next_key(&self, map: Handle, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let map = self.map(map)?;
        map.next_key(key).map_err(|errno| on_map("walk", &map, errno))
    }

    fn map_freeze(&self, map: Handle) -> Result<()> {
        let map = self.map(map)?;
        map.freeze().map_err(|errno| on_map("freeze", &map, errno))
    }

    fn map_info(&self, map: Handle) -> Result<MapInfo> {
        Ok(self.map(map)?.info())
    }

    fn map_consume(&self, map: Handle, sink: &mut EventSink<'_>) -> Result<usize> {
        let map = self.map(map)?;
        map.consume(sink).map_err(|errno| on_map("consume", &map, errno))
    }

    fn btf_load(&self, btf: &[u8]) -> Result<Handle> {
        let failed = |cause| error(Errno::EINVAL, format!("load BTF: {cause}"));
        let btf = Btf::parse(btf).map_err(failed)?;
        self.state().objects.open(Object::Btf(Arc::new(btf)))
    }

    fn prog_load(&self, prog: &ProgLoad<'_>) -> Result<ProgLoaded> {
        let failed =
            |errno, what: String| error(errno, format!("load program {:?}: {what}", prog.name));
        check_name(prog.name).map_err(|what| failed(Errno::EINVAL, what))?;
        let known = flags::prog_load::NAMES.iter().fold(0, |known, (flag, _)| known | flag);
        let unknown = prog.flags & !known;
        if unknown != 0 {
            return Err(failed(Errno::EINVAL, format!("flags {unknown:#x} do not exist")));
        }
        let log = if self.options.unverified { String::new() } else { self.verify(prog)? };
        let mut state = self.state();
        let id = state.last_prog_id + 1;
        let new = NewProgram {
            id,
            name: prog.name,
            prog_type: prog.prog_type,
            expected_attach_type: prog.expected_attach_type,
            license: prog.license,
            code: prog.code,
            helpers: Helpers::Linux,
        };
        let program = Program::load(&new, &|fd| state.objects.map(Handle(fd)).ok())
            .map_err(|cause| failed(load_errno(&cause), cause.to_string()))?;
        for map in program.maps() {
            map.admit(program.prog_type()).map_err(|errno| {
                let (map, prog_type) = (map.name(), program.prog_type());
                let what = format!("program array {map:?} is not for programs of type {prog_type}");
                failed(errno, what).with_help("programs that call each other are of one type")
            })?;
        }
        state.last_prog_id = id;
        let handle = state.objects.open(Object::Prog(program))?;
        Ok(ProgLoaded { handle, log })
    }

    fn prog_info(&self, prog: Handle) -> Result<ProgInfo> {
        let program = self.program(prog)?;
        Ok(ProgInfo {
            id: program.id(),
            name: program.name().to_owned(),
            prog_type: program.prog_type(),
            map_ids: program.maps().iter().map(|map| map.id()).collect(),
        })
    }

    fn prog_test_run(&self, prog: Handle, run: &TestRun<'_>) -> Result<TestRunReply> {
        let program = self.program(prog)?;
        let bench = Bench {
            world: &*self.world,
            cpu: self.world.cpu(self.options.possible_cpus),
            instruction_limit: self.options.instruction_limit,
        };
        let outcome = bench.run(&program, run)?;
        self.executed.fetch_add(outcome.executed, Ordering::Relaxed);
        Ok(outcome.reply)
    }

    fn obj_pin(&self, object: Handle, path: &str) -> Result<()> {
        let mut state = self.state();
        let object = state.objects.get(object)?.clone();
        if path.is_empty() {
            return Err(error(Errno::ENOENT, "pin: the path is empty"));
        }
        if state.pins.contains_key(path) {
            return Err(error(Errno::EEXIST, format!("pin at {path}: something is pinned there")));
        }
        state.pins.insert(path.to_owned(), object);
        Ok(())
    }

    fn obj_get(&self, path: &str) -> Result<Handle> {
        let mut state = self.state();
        let nothing = || error(Errno::ENOENT, format!("open pin {path}: nothing is pinned there"));
        let object = state.pins.get(path).cloned().ok_or_else(nothing)?;
        state.objects.open(object)
    }

    fn close(&self, handle: Handle) {
        let mut state = self.state();
        let Some(Object::Map(map)) = state.objects.close(handle) else { return };
        if map.map_type() == MapType::ProgArray && !state.users_of(&map) {
            // Programs that use an array do not keep its programs: that would be a cycle.
            map.clear_programs();
        }
    }
}

impl State {
    /// The types of a new map's values.
    fn map_types(&self, types: &map::MapBtf) -> Result<MapBtf> {
        let btf = self.objects.btf(types.btf)?;
        Ok(MapBtf { btf, value: TypeId(types.value_type_id) })
    }

    /// Whether a handle or a pin refers to a map.
    fn users_of(&self, map: &Arc<Map>) -> bool {
        let is_it =
            |object: &Object| matches!(object, Object::Map(other) if Arc::ptr_eq(other, map));
        self.objects.iter().any(is_it) || self.pins.values().any(is_it)
    }
}

/// A failed command on a map.
fn on_map(verb: &str, map: &Map, errno: Errno) -> Error {
    error(errno, format!("{verb} {} map {:?}", map.map_type(), map.name()))
}

/// Refuses names that the kernel refuses.
fn check_name(name: &str) -> std::result::Result<(), String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    if name.len() > NAME_MAX {
        return Err(format!("the name has {} bytes, more than {NAME_MAX}", name.len()));
    }
    match name.bytes().find(|byte| !is_allowed(*byte)) {
        Some(byte) => Err(format!("the name has a {:?}", char::from(byte))),
        None => Ok(()),
    }
}

/// What the kernel returns for a program that cannot be loaded.
fn load_errno(error: &LoadError) -> Errno {
    match error.kind {
        LoadErrorKind::Empty | LoadErrorKind::TooLong { .. } => Errno::E2BIG,
        LoadErrorKind::NoMap { .. } => Errno::EBADF,
        LoadErrorKind::Unsupported(_) => Errno::EOPNOTSUPP,
        LoadErrorKind::FramePointerWritten => Errno::EACCES,
        LoadErrorKind::JumpOut { .. }
        | LoadErrorKind::JumpIntoSecondSlot { .. }
        | LoadErrorKind::RunsOff
        | LoadErrorKind::UnknownHelper { .. }
        | LoadErrorKind::UnknownKfunc { .. }
        | LoadErrorKind::NoMapValue { .. } => Errno::EINVAL,
    }
}
