//! Arrays: `BPF_MAP_TYPE_ARRAY` and `BPF_MAP_TYPE_PERCPU_ARRAY`.
//!
//! The values exist from the beginning and never go: an array has no control. Elements are written
//! in place, so a reader may see a value half old and half new, as in the kernel.

use skep_command::Errno;
use skep_spec::abi::flags::update;

use super::elements::{Elements, Shape};
use crate::world::Cpu;

/// An array.
pub(crate) struct Array {
    elements: Elements,
}

impl Array {
    pub(crate) fn new(shape: Shape) -> Result<Array, Errno> {
        Ok(Array { elements: Elements::new(shape)? })
    }

    pub(crate) fn elements(&self) -> &Elements {
        &self.elements
    }

    /// The element that a key names, if there is one.
    #[inline]
    pub(crate) fn index(&self, key: &[u8]) -> Option<u32> {
        index(key).filter(|index| *index < self.elements.count())
    }

    /// The address of a value.
    #[inline]
    pub(crate) fn lookup(&self, cpu: Cpu, key: &[u8]) -> Option<u64> {
        self.elements.value_address(self.index(key)?, cpu)
    }

    /// Changes the value on one CPU.
    pub(crate) fn update(
        &self,
        cpu: Cpu,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        let index = self.place(key, flags)?;
        self.elements.set_value(index, cpu, value);
        Ok(())
    }

    /// Changes the value on all CPUs.
    pub(crate) fn command_update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let index = self.place(key, flags)?;
        self.elements.set_command_value(index, value);
        Ok(())
    }

    /// The element to change.
    fn place(&self, key: &[u8], flags: u64) -> Result<u32, Errno> {
        if flags & !update::LOCK > update::EXIST {
            return Err(Errno::EINVAL);
        }
        let index = self.index(key).ok_or(Errno::E2BIG)?;
        // Elements always exist.
        if flags & update::NOEXIST != 0 {
            return Err(Errno::EEXIST);
        }
        // No map of the user engine has a spin lock in its values yet.
        if flags & update::LOCK != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(index)
    }
}

/// Hands each index and the address of its value to `visit`, until that says to stop, and returns how
/// many there were.
pub(crate) fn walk(
    elements: &Elements,
    cpu: Cpu,
    visit: &mut dyn FnMut(&[u8], u64) -> bool,
) -> u32 {
    let mut visited = 0;
    for index in 0..elements.count() {
        let Some(value) = elements.value_address(index, cpu) else { break };
        visited += 1;
        if !visit(&index.to_ne_bytes(), value) {
            break;
        }
    }
    visited
}

/// The index that a key of four bytes states.
#[inline]
pub(crate) fn index(key: &[u8]) -> Option<u32> {
    key.try_into().ok().map(u32::from_ne_bytes)
}

/// The index after the one that `key` states: the first if there is no key or it is out of range,
/// `None` after the last.
pub(crate) fn next_index(key: Option<&[u8]>, count: u32) -> Option<u32> {
    match key.and_then(index) {
        Some(index) if index < count => (index + 1 < count).then_some(index + 1),
        Some(_) | None => (count > 0).then_some(0),
    }
}
