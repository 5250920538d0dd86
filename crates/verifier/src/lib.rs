//! The verifier: whether the Linux kernel would take an eBPF program, and if not, why.
//!
//! It walks every path of a program with abstract values in place of concrete ones, and gives the
//! verdict of Linux 6.18. It knows no machine code and makes no system call.
//!
//! - [`domain`]: what is known of a number
#![forbid(unsafe_code)]

pub mod domain;
