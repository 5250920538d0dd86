//! Load, run and observe eBPF programs, in a process or in the Linux kernel.
#![forbid(unsafe_code)]

pub mod capture;
