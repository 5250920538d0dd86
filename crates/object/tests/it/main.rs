//! Whole objects, from file to program.

mod cases;
mod hostile;
mod libbpf;
mod linking;
mod minimal;
mod objects;
mod support;
