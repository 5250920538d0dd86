//! Whole objects, from file to program.

mod cases;
mod hostile;
mod libbpf;
mod linking;
mod objects;
mod support;
