//! The verifier: whether the Linux kernel would take an eBPF program, and if not, why.
//!
//! It walks every path of a program with abstract values in place of concrete ones, and gives the
//! verdict of Linux 6.18. It knows no machine code and makes no system call.
//!
//! [`verify`] takes a program ([`Input`]) and asks an [`Environment`] about all that stands outside
//! of it: maps, the kernel's types, privileges. There are three answers ([`Outcome`]): accepted,
//! rejected with a structured reason, or *unsupported*, which says that the verifier does not know
//! a construct. What it does not know it never accepts.
//!
//! From the bottom up:
//!
//! - [`domain`]: what is known of a number
//! - [`state`]: what is known of a machine: registers, stack, frames, references
//! - [`mod@cfg`]: the shape of a program: functions, jumps, what is live where
//! - `check`: what one instruction may do, and makes of the state; one file a subject
//! - `explore`: the walk over all paths, and what lets it end: pruning, precision, limits
//! - [`rejection`], [`log`], [`kernel_words`]: what is reported
#![forbid(unsafe_code)]

pub mod cfg;
mod check;
pub mod domain;
pub mod environment;
pub mod explain;
mod explore;
pub mod facts;
pub mod fields;
pub mod fuzz;
pub mod input;
pub mod kernel_words;
pub mod limits;
pub mod log;
mod maps;
pub mod outcome;
pub mod rejection;
pub mod state;

pub use environment::Environment;
pub use explore::{Observer, verify, verify_observed};
pub use input::{Flags, Input, Options};
pub use maps::{MapIdx, Maps};
pub use outcome::{Outcome, Report, Statistics, Unsupported, Verified};
pub use rejection::{Reason, Rejection};
