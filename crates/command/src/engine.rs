//! The command set as a trait, and what identifies objects in it.

use std::fmt;

use crate::Result;
use crate::map::{EventSink, MapCreate, MapInfo};
use crate::prog::{ProgInfo, ProgLoad, ProgLoaded, TestRun, TestRunReply};

/// Who carries out a command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EngineKind {
    /// skep's own runtime, in a process.
    User,
    /// The Linux kernel, through bpf(2).
    Linux,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EngineKind::User => "user",
            EngineKind::Linux => "linux",
        })
    }
}

/// A reference to an object of an engine, as a file descriptor is to bpf(2).
///
/// It is meaningful to the engine that gave it and keeps the object alive until it is closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Handle(pub i32);

/// The command set. All methods may be called from several threads at once.
///
/// Sizes follow bpf(2): the values of per-CPU maps hold one value for each possible CPU, each padded
/// to 8 bytes.
pub trait Engine: Send + Sync {
    /// Which engine this is.
    fn kind(&self) -> EngineKind;

    /// The number of possible CPUs, which sizes the values of per-CPU maps.
    fn possible_cpus(&self) -> u32;

    /// `BPF_MAP_CREATE`.
    fn map_create(&self, map: &MapCreate<'_>) -> Result<Handle>;

    /// `BPF_MAP_LOOKUP_ELEM`: the value under a key, `ENOENT` if there is none.
    fn map_lookup(&self, map: Handle, key: &[u8], flags: u64) -> Result<Vec<u8>>;

    /// `BPF_MAP_UPDATE_ELEM`. `flags` are the UAPI's `BPF_ANY`, `BPF_NOEXIST`, `BPF_EXIST`, `BPF_F_LOCK`.
    fn map_update(&self, map: Handle, key: &[u8], value: &[u8], flags: u64) -> Result<()>;

    /// `BPF_MAP_DELETE_ELEM`.
    fn map_delete(&self, map: Handle, key: &[u8]) -> Result<()>;

    /// `BPF_MAP_GET_NEXT_KEY`: the key after `key`, or the first; `None` at the end.
    fn map_next_key(&self, map: Handle, key: Option<&[u8]>) -> Result<Option<Vec<u8>>>;

    /// `BPF_MAP_FREEZE`: no more changes by commands.
    fn map_freeze(&self, map: Handle) -> Result<()>;

    /// `BPF_OBJ_GET_INFO_BY_FD` on a map.
    fn map_info(&self, map: Handle) -> Result<MapInfo>;

    /// Hands the records that wait in a ring buffer or perf event array to `sink`, oldest first for
    /// each ring, and returns how many there were.
    fn map_consume(&self, map: Handle, sink: &mut EventSink<'_>) -> Result<usize>;

    /// `BPF_BTF_LOAD`.
    fn btf_load(&self, btf: &[u8]) -> Result<Handle>;

    /// `BPF_PROG_LOAD`.
    fn prog_load(&self, prog: &ProgLoad<'_>) -> Result<ProgLoaded>;

    /// `BPF_OBJ_GET_INFO_BY_FD` on a program.
    fn prog_info(&self, prog: Handle) -> Result<ProgInfo>;

    /// `BPF_PROG_TEST_RUN`.
    fn prog_test_run(&self, prog: Handle, run: &TestRun<'_>) -> Result<TestRunReply>;

    /// `BPF_OBJ_PIN`: the object lives until the path is removed.
    fn obj_pin(&self, object: Handle, path: &str) -> Result<()>;

    /// `BPF_OBJ_GET`: a new handle on a pinned object.
    fn obj_get(&self, path: &str) -> Result<Handle>;

    /// Gives a handle back. Closing what is not open does nothing.
    fn close(&self, handle: Handle);
}
