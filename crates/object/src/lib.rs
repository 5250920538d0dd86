//! BPF object files: bytes in, programs out.
//!
//! [`Object::parse`] reads what a compiler made of a source file: programs, the maps and global
//! variables that they use, types, source lines, a licence. [`Object::program`] then joins one
//! program from the functions that it calls, adapts it to the types of the machine that it is to
//! run on (CO-RE), and returns it with its references to maps and kernel functions *symbolic*:
//! whoever runs the program says what they are with [`Program::bind`].
//!
//! Nothing here executes a program or makes a system call. What is not understood is an [`Error`]
//! that says where it is and names it; the other programs of the object are not affected.
//!
//! | step | module |
//! |---|---|
//! | file → sections, symbols, relocations | `elf` |
//! | section name → program type | [`section`] |
//! | definitions and data → maps | [`map`] |
//! | functions → one program | `link` |
//! | types of here → types of there | [`core`] |
//! | several objects → one | [`merge`] |
//!
//! ```
//! use skep_object::{Object, Target};
//!
//! let bytes = include_bytes!("../../../bpf/obj/counters.bpf.o");
//! let object = Object::parse("counters", bytes)?;
//! let program = object.program(object.find_program("counters")?, None)?;
//!
//! let maps = program.references.iter().filter_map(|reference| match reference.target {
//!     Target::Map(map) => Some(object.map(map)?.name.as_str()),
//!     Target::MapValue { .. } | Target::Kfunc(_) | Target::Extern(_) => None,
//! });
//! assert!(maps.collect::<Vec<_>>().contains(&"protocols"));
//!
//! let error = Object::parse("cut", &bytes[..100]).unwrap_err();
//! assert!(error.to_string().contains("section header table"));
//! # Ok::<(), skep_object::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod core;
mod elf;
mod error;
mod externs;
mod function;
#[doc(hidden)]
pub mod fuzz;
mod link;
pub mod map;
pub mod merge;
mod object;
mod program;
mod records;
mod reloc;
pub mod section;
mod types;
mod variables;

pub use crate::error::{Error, Place, Problem, Result};
pub use crate::externs::{Extern, ExternIdx, ExternSource};
pub use crate::function::{Function, FunctionIdx};
pub use crate::map::{Map, MapDef, MapIdx, Settings};
pub use crate::object::{Object, Section};
pub use crate::program::{
    Binding, FuncInfo, LineInfo, POISON_CORE, POISON_KFUNC, Program, Reference, Subprogram, Target,
    UnresolvedCore,
};
pub use crate::reloc::RelocKind;
pub use crate::section::ProgramKind;
pub use crate::types::types;
