//! The running kernel, asked for its verifier's log.

use skep_command::map::MapCreate;
use skep_command::prog::ProgLoad;
use skep_command::{Engine, Handle};
use skep_linux::LinuxEngine;
use skep_spec::Code;
use skep_spec::abi::{MapType, ProgType};

/// The log that has the state after each instruction (`BPF_LOG_LEVEL2`).
const DETAILED: u32 = 2;

/// The kernel, and a map whose value programs may point to.
pub(crate) struct Kernel {
    engine: LinuxEngine,
    map: Handle,
}

impl Kernel {
    /// The kernel, or why it cannot be asked.
    pub(crate) fn new() -> Result<Kernel, String> {
        let engine = LinuxEngine::new().map_err(|error| error.to_string())?;
        let map = engine.map_create(&MapCreate {
            name: "scalars",
            map_type: MapType::Array,
            key_size: 4,
            value_size: 64,
            max_entries: 1,
            flags: 0,
            extra: 0,
            inner: None,
            numa_node: None,
            btf: None,
        });
        let map = map.map_err(|error| error.to_string())?;
        Ok(Kernel { engine, map })
    }

    /// The map, as instructions name it.
    pub(crate) fn map(&self) -> i32 {
        self.map.0
    }

    /// The log of a program, and whether it was accepted.
    pub(crate) fn log(&self, code: &Code) -> (String, bool) {
        match self.load(code) {
            Ok(log) => (log, true),
            Err(error) => (error.log.clone().unwrap_or_else(|| panic!("no log: {error}")), false),
        }
    }

    fn load(&self, code: &Code) -> skep_command::Result<String> {
        let loaded = self.engine.prog_load(&ProgLoad {
            log_level: DETAILED,
            ..ProgLoad::new("scalars", ProgType::SocketFilter, code)
        })?;
        self.engine.close(loaded.handle);
        Ok(loaded.log)
    }
}
