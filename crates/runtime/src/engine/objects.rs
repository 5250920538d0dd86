//! The table of open handles.

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_btf::Btf;
use skep_command::{Errno, Handle, Result};

use super::error;
use crate::maps::Map;
use crate::program::Program;

/// The first handle: below it are the standard streams, so that no handle is mistaken for one of
/// them, or for "none" where 0 says that.
const FIRST: i32 = 3;

/// How many handles can be open (the kernel's `fs.nr_open`).
const HANDLES_MAX: usize = 1 << 20;

/// What a handle refers to.
#[derive(Clone, Debug)]
pub(super) enum Object {
    Map(Arc<Map>),
    Prog(Arc<Program>),
    Btf(Arc<Btf>),
}

impl Object {
    fn noun(&self) -> &'static str {
        match self {
            Object::Map(_) => "a map",
            Object::Prog(_) => "a program",
            Object::Btf(_) => "a BTF",
        }
    }
}

/// The table of open handles. Numbers are reused, lowest first, as descriptors are.
#[derive(Default)]
pub(super) struct Objects {
    open: BTreeMap<i32, Object>,
}

impl Objects {
    /// A new handle on an object.
    pub(super) fn open(&mut self, object: Object) -> Result<Handle> {
        if self.open.len() >= HANDLES_MAX {
            return Err(error(Errno::EMFILE, format!("{HANDLES_MAX} handles are open")));
        }
        let taken = self.open.keys().zip(FIRST..).find(|(key, free)| *key != free);
        let free = match (taken, self.open.last_key_value()) {
            (Some((_, free)), _) => free,
            (None, Some((last, _))) => last + 1,
            (None, None) => FIRST,
        };
        self.open.insert(free, object);
        Ok(Handle(free))
    }

    /// Gives a handle back; what it referred to, if it was open.
    pub(super) fn close(&mut self, handle: Handle) -> Option<Object> {
        self.open.remove(&handle.0)
    }

    /// What a handle refers to.
    pub(super) fn get(&self, handle: Handle) -> Result<&Object> {
        let closed = || error(Errno::EBADF, format!("handle {} is not open", handle.0));
        self.open.get(&handle.0).ok_or_else(closed)
    }

    /// The map that a handle refers to.
    pub(super) fn map(&self, handle: Handle) -> Result<Arc<Map>> {
        match self.get(handle)? {
            Object::Map(map) => Ok(Arc::clone(map)),
            other @ (Object::Prog(_) | Object::Btf(_)) => Err(mistaken(handle, other, "a map")),
        }
    }

    /// The program that a handle refers to.
    pub(super) fn program(&self, handle: Handle) -> Result<Arc<Program>> {
        match self.get(handle)? {
            Object::Prog(program) => Ok(Arc::clone(program)),
            other @ (Object::Map(_) | Object::Btf(_)) => Err(mistaken(handle, other, "a program")),
        }
    }

    /// The BTF that a handle refers to.
    pub(super) fn btf(&self, handle: Handle) -> Result<Arc<Btf>> {
        match self.get(handle)? {
            Object::Btf(btf) => Ok(Arc::clone(btf)),
            other @ (Object::Map(_) | Object::Prog(_)) => Err(mistaken(handle, other, "a BTF")),
        }
    }

    /// All objects, once for each handle.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Object> {
        self.open.values()
    }
}

/// A handle on something else. bpf(2) says `EINVAL` there.
fn mistaken(handle: Handle, found: &Object, needed: &str) -> skep_command::Error {
    let what = format!("handle {} is {}, {needed} is needed", handle.0, found.noun());
    error(Errno::EINVAL, what)
}
