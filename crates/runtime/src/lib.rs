//! The user engine: maps, helpers, contexts and the interpreter, in this process.
//!
//! Addresses in a run are real addresses. What a program may touch is looked up at every access
//! ([`memory`]), so that programs which nobody verified can run here; what they do wrong becomes a
//! [`Fault`].
//!
//! - [`engine`]: bpf(2)'s commands, answered here
//! - [`program`]: a loaded program; [`run`]: one run of it, which is what helpers see
//! - [`memory`], [`packet`], [`context`]: what it touches
//! - [`maps`], `helpers`: what it calls
//! - [`world`]: clock, chance, task, traces

mod helpers;
mod interp;
mod sys;
mod test_run;

pub mod context;
pub mod engine;
pub mod fault;
pub mod maps;
pub mod memory;
pub mod packet;
pub mod program;
pub mod run;
pub mod world;

pub use engine::{Options, UserEngine};
pub use fault::{Fault, FaultKind};
pub use program::Program;
pub use run::Run;
pub use world::{Cpu, FixedWorld, RealWorld, World};
