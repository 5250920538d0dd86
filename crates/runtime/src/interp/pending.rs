//! What the interpreter needs of maps that they do not have yet: program arrays and ring buffers.

use std::sync::Arc;

use crate::maps::Map;
use crate::program::Program;

/// Map types to come; the methods of [`Map`] take their place by having the same names.
pub(crate) trait Pending {
    /// The program in a slot of a program array.
    fn program(&self, _index: u32) -> Option<Arc<Program>> {
        None
    }

    /// Discards a reserved record, if it is in this map.
    fn discard_record(&self, _addr: u64) -> bool {
        false
    }
}

impl Pending for Map {}
