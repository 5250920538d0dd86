//! Load, run and observe eBPF programs: in this process, or in the Linux kernel.
//!
//! An object file goes through [`object`] to [`load`], which creates its maps and loads its
//! programs on an engine: [`user`], which needs neither root nor kernel eBPF, or [`linux`]. What
//! comes back are [`map::Map`]s and [`program::Program`]s, the same for both.
//!
//! - [`check`]: whether the Linux kernel would take them, and why not
//! - [`capture`]: packets from files and to files; [`replay`]: programs run on them; [`filter`]:
//!   classic filters
//! - [`compile`]: C source to an object, with clang
#![forbid(unsafe_code)]

pub mod attach;
pub mod capture;
pub mod check;
pub mod compile;
mod error;
pub mod filter;
mod handle;
pub mod load;
pub mod map;
pub mod program;
pub mod replay;
pub mod verdict;

use std::sync::Arc;

use skep_command::Engine;

pub use error::{Error, Result};
pub use {
    skep_btf as btf, skep_command as command, skep_object as object, skep_runtime as runtime,
    skep_spec as spec, skep_verifier as verifier,
};

/// The user engine, seeing this machine's clock and CPUs.
pub fn user() -> Arc<dyn Engine> {
    Arc::new(skep_runtime::UserEngine::new(Arc::new(skep_runtime::RealWorld::new())))
}

/// The linux engine.
///
/// # Errors
///
/// If this machine does not say how many CPUs it has.
pub fn linux() -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(skep_linux::LinuxEngine::new()?))
}
