//! Whole objects, from file to program.

mod libbpf;
mod objects;
mod support;
