//! BPF objects.
#![forbid(unsafe_code)]
