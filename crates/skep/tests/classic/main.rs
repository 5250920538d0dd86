//! Classic filters against the Linux kernel: what it takes, and what filters return.
//!
//! Sockets and seccomp take filters without privileges; a machine that lacks one of them is a counted
//! skip. All that is random is seeded.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compiled;
mod engine;
mod generate;
mod random;
mod results;
mod tcpdump;
mod verdicts;
