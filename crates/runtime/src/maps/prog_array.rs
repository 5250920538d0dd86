//! Program arrays: `BPF_MAP_TYPE_PROG_ARRAY`.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use skep_command::Errno;
use skep_spec::abi::ProgType;

use super::{Kind, Map};
use crate::program::Program;

/// A program array.
pub(crate) struct ProgArray {
    slots: RwLock<Vec<Option<Arc<Program>>>>,
    /// The type of all its programs: that of the first which is put in or uses it.
    prog_type: OnceLock<ProgType>,
}

impl ProgArray {
    pub(crate) fn new(slots: u32) -> Result<ProgArray, Errno> {
        let count = usize::try_from(slots).map_err(|_| Errno::ENOMEM)?;
        let mut empty = Vec::new();
        empty.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        empty.resize(count, None);
        Ok(ProgArray { slots: RwLock::new(empty), prog_type: OnceLock::new() })
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.len() * size_of::<Option<Arc<Program>>>()
    }

    /// The program at an index.
    pub(crate) fn program(&self, index: u32) -> Option<Arc<Program>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.get(index as usize)?.clone()
    }

    /// Puts a program in, or takes one out: what was there before. `E2BIG` beyond the end.
    pub(crate) fn put(
        &self,
        index: u32,
        program: Option<Arc<Program>>,
    ) -> Result<Option<Arc<Program>>, Errno> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get_mut(index as usize).ok_or(Errno::E2BIG)?;
        Ok(std::mem::replace(slot, program))
    }

    /// Checks that programs of a type can be together with those that are there.
    pub(crate) fn admit(&self, prog_type: ProgType) -> Result<(), Errno> {
        let owner = *self.prog_type.get_or_init(|| prog_type);
        if owner == prog_type { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// Takes all programs out.
    pub(crate) fn clear(&self) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let programs: Vec<_> = slots.iter_mut().map(Option::take).collect();
        drop(slots);
        drop(programs);
    }
}

impl Map {
    fn prog_array(&self) -> Option<&ProgArray> {
        match &self.kind {
            Kind::ProgArray(array) => Some(array),
            Kind::Array(_)
            | Kind::Hash(_)
            | Kind::LpmTrie(_)
            | Kind::Ringbuf(_)
            | Kind::PerfEventArray(_)
            | Kind::Devmap(_)
            | Kind::DevmapHash(_) => None,
        }
    }

    /// The program at an index of a program array: where a tail call goes.
    pub fn program(&self, index: u32) -> Option<Arc<Program>> {
        self.prog_array()?.program(index)
    }

    /// Notes that a program uses the map: a program array takes programs of one type, `EINVAL` for
    /// another.
    pub fn admit(&self, prog_type: ProgType) -> Result<(), Errno> {
        self.prog_array().map_or(Ok(()), |array| array.admit(prog_type))
    }

    /// Takes all programs out of a program array, as happens when its last user reference goes:
    /// programs that hold each other by their arrays would live for ever otherwise.
    pub fn clear_programs(&self) {
        if let Some(array) = self.prog_array() {
            array.clear();
        }
    }
}
