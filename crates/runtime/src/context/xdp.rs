//! `struct xdp_md`: a frame as a driver hands it over.

use crate::packet::Packet;

/// A frame as a driver hands it over.
#[derive(Debug)]
pub struct XdpContext {
    /// The frame, from its Ethernet header on.
    pub packet: Packet,
    /// The interface that received it.
    pub ingress_ifindex: u32,
    /// The receive queue.
    pub rx_queue_index: u32,
    /// The interface that sends it, for programs in a device map.
    pub egress_ifindex: u32,
}
