//! What the tests against the running kernel share.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod hooks;

use skep_command::map::MapCreate;
use skep_command::prog::ProgLoad;
use skep_command::{Engine, Errno, Result};
use skep_linux::LinuxEngine;
use skep_spec::Code;
use skep_spec::abi::{AttachType, MapType, ProgType};
use skep_spec::asm::assemble;

/// The running kernel, or `None`, counted as a skip of `test`, where it lets us do nothing.
pub(crate) fn kernel(test: &str) -> Option<LinuxEngine> {
    let engine = LinuxEngine::new().expect("sysfs is mounted");
    match engine.map_create(&map(MapType::Array, 4, 4, 1)) {
        Ok(map) => {
            engine.close(map);
            Some(engine)
        }
        Err(error) if [Errno::EPERM, Errno::ENOSYS].contains(&error.errno) => {
            testkit::skip(&format!("{test}: {error}"));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A map without a name.
pub(crate) fn map(
    map_type: MapType,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
) -> MapCreate<'static> {
    MapCreate {
        name: "",
        map_type,
        key_size,
        value_size,
        max_entries,
        flags: 0,
        extra: 0,
        inner: None,
        numa_node: None,
        btf: None,
    }
}

/// A program without a name.
pub(crate) fn prog(code: &Code, prog_type: ProgType, attach: Option<AttachType>) -> ProgLoad<'_> {
    ProgLoad { expected_attach_type: attach, ..ProgLoad::new("", prog_type, code) }
}

/// The log of loading a program, and whether it was accepted.
pub(crate) fn verdict(engine: &LinuxEngine, load: &ProgLoad<'_>) -> Result<(bool, String)> {
    match engine.prog_load(load) {
        Ok(loaded) => {
            engine.close(loaded.handle);
            Ok((true, loaded.log))
        }
        Err(error) => match error.log {
            Some(log) => Ok((false, log)),
            None => Err(error),
        },
    }
}

/// Instructions from text.
pub(crate) fn code(source: &str) -> Code {
    assemble(source).unwrap_or_else(|error| panic!("{error}\n{source}"))
}
