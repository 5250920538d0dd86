//! The running kernel, asked for its verdict on a case.

use skep_command::map::{MapBtf, MapCreate};
use skep_command::prog::ProgLoad;
use skep_command::{Engine, Handle};
use skep_linux::LinuxEngine;
use skep_spec::Code;

use crate::setting::{Map, Setting, lock_types};

/// What the log ends with, after what it says of the program.
pub(crate) const SUMMARY: &str = "processed ";

/// The flags of a load command (UAPI).
const FLAGS: [(&str, u32); 5] = [
    ("strict-alignment", 1 << 0),
    ("any-alignment", 1 << 1),
    ("test-state-freq", 1 << 3),
    ("sleepable", 1 << 4),
    ("xdp-has-frags", 1 << 5),
];

/// The kernel, with the maps of a case.
pub(crate) struct Kernel {
    engine: LinuxEngine,
    maps: Vec<Handle>,
    types: Vec<Handle>,
}

impl Kernel {
    /// The kernel, or why it cannot be asked.
    pub(crate) fn new(setting: &Setting) -> Result<Kernel, String> {
        let engine = LinuxEngine::new().map_err(|error| error.to_string())?;
        let mut kernel = Kernel { engine, maps: Vec::new(), types: Vec::new() };
        for map in &setting.maps {
            let handle = kernel.create(map).map_err(|error| error.to_string())?;
            kernel.maps.push(handle);
        }
        Ok(kernel)
    }

    fn create(&mut self, map: &Map) -> skep_command::Result<Handle> {
        let btf = if map.lock {
            let (btf, types) = lock_types(map.value_size);
            let handle = self.engine.btf_load(&btf.to_bytes())?;
            self.types.push(handle);
            Some(MapBtf { btf: handle, key_type_id: types.key.0, value_type_id: types.value.0 })
        } else {
            None
        };
        self.engine.map_create(&MapCreate {
            name: &map.name,
            map_type: map.map_type,
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: map.max_entries,
            flags: map.flags,
            extra: 0,
            inner: map.inner.map(|number| self.maps[number]),
            numa_node: None,
            btf,
        })
    }

    /// What stands in the instructions for each map.
    pub(crate) fn handles(&self) -> Vec<i32> {
        self.maps.iter().map(|map| map.0).collect()
    }

    /// The log of all paths.
    pub(crate) fn log(&self, code: &Code, setting: &Setting) -> String {
        match self.load(code, setting, 2) {
            Ok(log) => log,
            Err(error) => error.log.unwrap_or_default(),
        }
    }

    /// The error number and the final line of a refusal.
    pub(crate) fn judge(&self, code: &Code, setting: &Setting) -> (Option<i32>, String) {
        match self.load(code, setting, 1) {
            Ok(_) => (None, String::new()),
            Err(error) => {
                let log = error.log.unwrap_or_default();
                let lines = log.lines().take_while(|line| !line.starts_with(SUMMARY));
                (Some(error.errno.0), lines.last().unwrap_or_default().into())
            }
        }
    }

    fn load(&self, code: &Code, setting: &Setting, log_level: u32) -> skep_command::Result<String> {
        let flags = FLAGS.iter().filter(|(name, _)| setting.has(name)).map(|(_, flag)| flag).sum();
        let loaded = self.engine.prog_load(&ProgLoad {
            expected_attach_type: setting.attach_type,
            license: if setting.gpl { "GPL" } else { "none" },
            flags,
            log_level,
            ..ProgLoad::new("verify", setting.prog_type, code)
        })?;
        self.engine.close(loaded.handle);
        Ok(loaded.log)
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        for handle in self.maps.iter().chain(&self.types) {
            self.engine.close(*handle);
        }
    }
}
