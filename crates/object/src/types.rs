//! The types in an ELF file as they are written there, with nothing that a loader fills in.
//!
//! Unlike objects, these files need not be for BPF: the kernel and its modules have such a section
//! too.

use std::sync::Arc;

use skep_btf::Btf;

use crate::elf;
use crate::error::{Place, Problem, Result};

/// The types in the section `.BTF` of an ELF file for any machine; `None` if it has none. Those of
/// a kernel module continue the kernel's, which are its `base`.
///
/// An [`Object`](crate::Object) has them with sizes and offsets of sections filled in.
///
/// # Errors
///
/// If the bytes are no ELF file of 64 bits in little-endian order, or the section is no BTF.
pub fn types(bytes: &[u8], base: Option<Arc<Btf>>) -> Result<Option<Btf>> {
    let Some(section) = elf::section_of_any(bytes, ".BTF")?.filter(|bytes| !bytes.is_empty())
    else {
        return Ok(None);
    };
    let parsed = match base {
        Some(base) => Btf::parse_split(base, section),
        None => Btf::parse(section),
    };
    parsed.map(Some).map_err(|error| Place::section(".BTF").error(Problem::Btf(error)))
}
