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

impl XdpContext {
    /// A frame that an interface received on its first queue.
    pub fn new(packet: Packet, ingress_ifindex: u32) -> XdpContext {
        XdpContext { packet, ingress_ifindex, rx_queue_index: 0, egress_ifindex: 0 }
    }

    /// The number in a field of `xdp_md`.
    pub(super) fn field(&self, name: &str) -> Option<u64> {
        let number = match name {
            "ingress_ifindex" => self.ingress_ifindex,
            "rx_queue_index" => self.rx_queue_index,
            "egress_ifindex" => self.egress_ifindex,
            _ => return None,
        };
        Some(number.into())
    }
}
