//! The door: the typed command set of eBPF, with the shape of bpf(2).
//!
//! Everything in skep that makes, changes or runs a map or a program asks an [`Engine`] to do it.
//! Two stand behind the door: the *user* engine (in this process) and the *linux* engine (in the
//! kernel). Loader, library and command line know the door and not who answers.
//!
//! A [`Handle`] is what a file descriptor is to bpf(2): a small number that keeps its object alive
//! until [`Engine::close`]. Errors carry the errno that Linux would return ([`Error`]).
#![forbid(unsafe_code)]

pub mod attr;
pub mod engine;
pub mod errno;
mod error;
pub mod map;
pub mod prog;

pub use engine::{Engine, EngineKind, Handle};
pub use errno::Errno;
pub use error::{Error, Result};
