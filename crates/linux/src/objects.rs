//! The handles that are open, and what is behind each.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skep_command::{Errno, Handle};
use skep_spec::abi::MapType;

use crate::cpus;
use crate::sys::Result;
use crate::sys::map::Map;
use crate::sys::perf::PerfRing;
use crate::sys::ring::Ring;

/// Where a map's events are read.
#[derive(Debug)]
pub(crate) enum Events {
    /// Not looked at yet, or no map with events.
    None,
    /// A ring buffer's memory.
    Ring(Ring),
    /// The rings of a perf event array.
    Perf(Vec<PerfRing>),
}

/// A map with the reader of its events.
#[derive(Debug)]
pub(crate) struct OpenMap {
    /// The map.
    pub(crate) map: Map,
    /// Its type.
    pub(crate) map_type: MapType,
    /// The number of its elements.
    pub(crate) max_entries: u32,
    events: Mutex<Events>,
}

impl OpenMap {
    /// Takes a map.
    pub(crate) fn new(fd: OwnedFd, possible_cpus: u32) -> Result<OpenMap> {
        let (map, info) = Map::new(fd, possible_cpus)?;
        let map_type = MapType::from_u32(info.map_type).ok_or(Errno::EINVAL)?;
        let events = Mutex::new(Events::None);
        Ok(OpenMap { map, map_type, max_entries: info.max_entries, events })
    }

    /// Where its events are read; a poisoned lock only means that a reader's callback panicked.
    pub(crate) fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a perf event for each CPU that runs and puts it into the map, so that programs can
    /// write events.
    pub(crate) fn open_perf_rings(&self) -> Result<()> {
        let online = cpus::online().ok_or(Errno::ENOENT)?;
        let mut rings = Vec::new();
        for cpu in online.into_iter().filter(|cpu| *cpu < self.max_entries) {
            let ring = PerfRing::open(cpu)?;
            let event = ring.event().as_raw_fd().to_ne_bytes();
            self.map.update(&ring.cpu().to_ne_bytes(), &event, 0)?;
            rings.push(ring);
        }
        *self.events() = Events::Perf(rings);
        Ok(())
    }
}

/// What is behind a handle.
#[derive(Debug)]
pub(crate) enum Object {
    /// A map.
    Map(OpenMap),
    /// A program.
    Prog(OwnedFd),
    /// A BTF.
    Btf(OwnedFd),
    /// A link.
    Link(OwnedFd),
}

impl Object {
    /// The word for its kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Object::Map(_) => "map",
            Object::Prog(_) => "program",
            Object::Btf(_) => "BTF",
            Object::Link(_) => "link",
        }
    }
}

impl AsFd for Object {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Object::Map(open) => open.map.fd().as_fd(),
            Object::Prog(fd) | Object::Btf(fd) | Object::Link(fd) => fd.as_fd(),
        }
    }
}

/// The open handles. A handle is the number of its object's descriptor.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    open: Mutex<HashMap<i32, Arc<Object>>>,
}

impl Objects {
    /// Gives an object a handle.
    pub(crate) fn add(&self, object: Object) -> Handle {
        let number = object.as_fd().as_raw_fd();
        self.lock().insert(number, Arc::new(object));
        Handle(number)
    }

    /// The object behind a handle, which stays open while this is held.
    pub(crate) fn get(&self, handle: Handle) -> Option<Arc<Object>> {
        self.lock().get(&handle.0).cloned()
    }

    /// Gives a handle back.
    pub(crate) fn remove(&self, handle: Handle) {
        // The object is dropped after the lock is released.
        let object = self.lock().remove(&handle.0);
        drop(object);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i32, Arc<Object>>> {
        // The map is consistent between any two of its operations.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
