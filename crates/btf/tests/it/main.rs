//! Tests of the crate from outside, in one program: linking is what takes time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bpftool;
mod cases;
mod compare;
mod dedup;
mod fuzz;
mod header;
mod headers;
mod limits;
mod listing;
mod object;
mod support;
mod vmlinux;
mod vmlinux_h;
