//! What eBPF is: its instructions and their meaning, the assembler and the disassembler, and the
//! tables of the Linux ABI.
//!
//! This crate describes. It reads no files, makes no system call and runs nothing; everything else
//! in skep is built on what is written here once.
//!
//! - [`insn`]: one instruction, decoded; [`code`]: a sequence of them, addressed by slot
//! - [`raw`]: a slot as it stands in memory; [`opcode`]: the numbers in it
//! - [`decode`] and [`encode`]: bytes ⇄ instructions
//! - [`semantics`]: what instructions compute
//! - [`disasm`] and [`asm`]: instructions ⇄ text
//! - [`classic`]: the filters from before, and the way from them to eBPF and back
#![forbid(unsafe_code)]

pub mod abi;
pub mod asm;
pub mod classic;
pub mod code;
pub mod decode;
pub mod disasm;
pub mod encode;
#[doc(hidden)]
pub mod fuzz;
pub mod insn;
pub mod opcode;
pub mod raw;
pub mod semantics;

#[cfg(test)]
mod strategy;
mod syntax;

pub use code::{Code, InsnIdx, Slot};
pub use insn::Insn;
pub use raw::Raw;
