//! The user engine: maps, helpers, contexts and the interpreter, in this process.
//!
//! An engine verifies what it loads, unless its host says otherwise. Addresses in a run are real
//! addresses. What a program may touch is looked up at every access ([`memory`]), so that programs
//! which nobody verified can run here; what they do wrong becomes a [`Fault`].
//!
//! A host that only wants to run instructions needs no engine:
//!
//! ```
//! use std::sync::Arc;
//!
//! use skep_runtime::context::Context;
//! use skep_runtime::memory::{Access, Block, Span};
//! use skep_runtime::program::{Helpers, NewProgram};
//! use skep_runtime::{Cpu, FixedWorld, Program, Run};
//! use skep_spec::{abi::ProgType, asm::assemble};
//!
//! let code = assemble("r0 = *(u16 *)(r1 +0)\nr0 += r2\nexit")?;
//! let program = Program::load(
//!     &NewProgram {
//!         id: 1,
//!         name: "sum",
//!         prog_type: ProgType::Syscall,
//!         expected_attach_type: None,
//!         license: "GPL",
//!         code: &code,
//!         helpers: Helpers::Linux,
//!     },
//!     &|_| None,
//! )?;
//!
//! let memory = Arc::new(Block::zeroed(64));
//! memory.range(0, 2).unwrap().copy_from(&[5, 1]);
//! let world = FixedWorld::new(0, 1);
//! let context = Context::Plain([memory.addr(), 64]);
//! let mut run = Run::new(&world, Cpu(0), program, context);
//! run.lend(Span::of_block(&memory, Access::Read));
//! assert_eq!(run.start()?, 0x105 + 64);
//! assert_eq!(run.executed(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`engine`]: bpf(2)'s commands, answered here
//! - [`program`]: a loaded program; [`run`]: one run of it, which is what helpers see;
//!   [`watch`]: looking on while it runs
//! - [`memory`], [`packet`], [`context`]: what it touches
//! - [`maps`], `helpers`: what it calls
//! - [`world`]: clock, chance, task, traces

mod helpers;
mod interp;
mod kernel_types;
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
pub mod watch;
pub mod world;

pub use engine::{Options, UserEngine};
pub use fault::{Fault, FaultKind};
pub use kernel_types::KernelTypes;
pub use program::Program;
pub use run::Run;
pub use world::{Cpu, FixedWorld, RealWorld, World};
