//! The user engine against the Linux kernel: the same objects, the same packets, and what comes
//! out has to be the same.
//!
//! Without the right to call bpf(2) these tests are a counted skip.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod disassembly;
mod frames;
mod loading;
mod packets;

use std::path::Path;
use std::sync::Arc;

use skep::command::Engine;
use skep::command::map::MapCreate;
use skep::object::Object;
use skep::spec::abi::MapType;

/// The kernel, if it lets us; else a skip is noted.
fn kernel() -> Option<Arc<dyn Engine>> {
    let engine = skep::linux().unwrap();
    let probe = MapCreate {
        name: "probe",
        map_type: MapType::Array,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        flags: 0,
        extra: 0,
        inner: None,
        numa_node: None,
        btf: None,
    };
    match engine.map_create(&probe) {
        Ok(handle) => {
            engine.close(handle);
            Some(engine)
        }
        Err(error) => {
            testkit::skip(&format!("comparing with the kernel needs bpf(2): {error}"));
            None
        }
    }
}

/// One of the objects in `bpf/obj`.
fn object(name: &str) -> Arc<Object> {
    let path = testkit::root().join(format!("bpf/obj/{name}.bpf.o"));
    Arc::new(Object::parse(name, &read(&path)).unwrap())
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
