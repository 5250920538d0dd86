//! Contexts: what a program is called with.
//!
//! A program sees a structure of the UAPI (`xdp_md`, `__sk_buff`) at the address in `r1`. That
//! structure does not exist in memory: its fields are computed from the context when the program
//! loads them, and stores go back the same way. `data`, `data_end` and `data_meta` are real 64-bit
//! addresses although the UAPI declares them as `u32`.

mod skb;
mod xdp;

pub use skb::{Checksum, SkbContext, VlanTag};
pub use xdp::XdpContext;

use crate::packet::Packet;

/// What a program is called with.
#[derive(Debug)]
pub enum Context {
    /// `struct xdp_md`.
    Xdp(XdpContext),
    /// `struct __sk_buff`.
    Skb(Box<SkbContext>),
    /// No structure: plain values in `r1` and `r2`, such as an address and a length.
    Plain([u64; 2]),
}

impl Context {
    /// The packet, if there is one.
    pub fn packet(&self) -> Option<&Packet> {
        match self {
            Context::Xdp(xdp) => Some(&xdp.packet),
            Context::Skb(skb) => Some(&skb.packet),
            Context::Plain(_) => None,
        }
    }

    /// The packet, to change it.
    pub fn packet_mut(&mut self) -> Option<&mut Packet> {
        match self {
            Context::Xdp(xdp) => Some(&mut xdp.packet),
            Context::Skb(skb) => Some(&mut skb.packet),
            Context::Plain(_) => None,
        }
    }
}
