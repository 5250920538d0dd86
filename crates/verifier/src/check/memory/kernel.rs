//! Objects of the kernel, by its types.

use super::{Access, Transfer};
use crate::explore::Walk;
use crate::rejection::{Check, unsupported};
use crate::state::Register;

impl Walk<'_> {
    /// An access to an object of the kernel.
    pub(super) fn access_kernel(
        &mut self,
        _access: &Access,
        _transfer: Transfer,
    ) -> Check<Register> {
        unsupported("accesses to kernel objects")
    }

    /// A load from the kernel's struct of a map.
    pub(super) fn access_map_struct(
        &mut self,
        _name: &'static str,
        _off: u32,
        _access: &Access,
    ) -> Check<Register> {
        unsupported("reading the kernel's struct of a map")
    }

    /// An access to a context that the kernel's types describe.
    pub(super) fn access_typed_context(
        &mut self,
        _offset: u32,
        _access: &Access,
        _transfer: Transfer,
    ) -> Check<Register> {
        unsupported("contexts that the kernel's types describe")
    }
}
