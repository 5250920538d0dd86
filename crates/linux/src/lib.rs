//! The linux engine: the command set on bpf(2).
//!
//! [`LinuxEngine`] encodes each command, makes the system call and says what came of it. It knows
//! nothing of object files and does not interpret programs: what it is asked, it asks the kernel.
//! Most commands take root, or `CAP_BPF` and what the program type takes besides.
//!
//! All unsafe code of the crate is in [`sys`](self), one operation a block.
#![deny(unsafe_code)]

mod cpus;
mod engine;
mod objects;
#[allow(unsafe_code, reason = "system calls, and memory shared with the kernel")]
mod sys;

pub use engine::LinuxEngine;
pub use sys::classic::{SeccompReferee, attach_filter};
pub use sys::thread::pin_thread;
