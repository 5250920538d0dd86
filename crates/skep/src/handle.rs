//! A handle that is closed when it is dropped.

use std::fmt;
use std::sync::Arc;

use skep_command::{Engine, Handle};

/// An open handle together with its engine.
pub(crate) struct Owned {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) handle: Handle,
}

impl Owned {
    pub(crate) fn new(engine: &Arc<dyn Engine>, handle: Handle) -> Owned {
        Owned { engine: Arc::clone(engine), handle }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.engine.close(self.handle);
    }
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of the {} engine", self.handle, self.engine.kind())
    }
}
