//! What eBPF is.
#![forbid(unsafe_code)]
