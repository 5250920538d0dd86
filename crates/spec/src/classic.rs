//! Classic BPF: the filters of 1992 that tcpdump writes, sockets take and seccomp judges by.
//!
//! A filter is a sequence of instructions on two 32-bit registers, the accumulator `A` and the index
//! `X`, and sixteen words of memory, `M[]`. It reads a packet (or, under seccomp, the description of
//! a system call), jumps forward only, and returns a number: how many bytes of the packet to keep,
//! or what seccomp is to do.
//!
//! ```
//! use skep_spec::classic::{self, Rules, Skb};
//!
//! let insns = classic::assemble(
//!     "
//!             ldh [12]
//!             jne #0x800, drop    ; IPv4
//!             ldb [23]
//!             jeq #1, keep        ; ICMP
//!     drop:   ret #0
//!     keep:   ret #65535
//!     ",
//! )?;
//! let filter = classic::check(&classic::encode(&insns), Rules::Socket)?;
//!
//! let mut packet = [0; 60];
//! packet[12..14].copy_from_slice(&[8, 0]);
//! assert_eq!(filter.run(&Skb::new(&packet), &mut || 0), 0);
//! packet[23] = 1;
//! assert_eq!(filter.run(&Skb::new(&packet), &mut || 0), 65535);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`insn`]: one instruction, decoded; [`raw`]: a `struct sock_filter` as it stands in memory
//! - [`decode()`] and [`encode()`]: one to the other
//! - [`assemble`] and [`Listing`]: text in the syntax of the kernel's `bpf_asm`
//! - [`dump`]: the forms in which tcpdump prints filters
//! - [`check()`]: the kernel's rules, of sockets and of seccomp; what they accept is a [`Filter`]
//! - [`interp`]: running a filter
//! - [`translate`]: a filter as an eBPF program; [`compile`]: the way back

mod asm;
mod check;
mod decode;
mod disasm;
mod encode;
mod fields;

pub mod ancillary;
pub mod compile;
pub mod dump;
pub mod insn;
pub mod interp;
pub mod raw;
pub mod seccomp;
pub mod translate;

#[cfg(test)]
mod tests;

pub use asm::assemble;
pub use check::{CheckError, CheckErrorKind, Filter, MAX_INSNS, Rules, check};
pub use decode::{DecodeError, DecodeErrorKind, decode, decode_all};
pub use disasm::Listing;
pub use encode::encode;
pub use insn::Insn;
pub use interp::Skb;
pub use raw::Raw;
