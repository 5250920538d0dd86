//! `struct __sk_buff`: a packet as the network stack carries it.

use crate::packet::Packet;

/// A VLAN tag that stands beside the packet, not in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VlanTag {
    /// The tag protocol, `ETH_P_8021Q` or `ETH_P_8021AD`.
    pub proto: u16,
    /// Priority, drop eligibility and VLAN id.
    pub tci: u16,
}

/// What is known of a packet's transport checksum (`ip_summed`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Checksum {
    /// Nothing (`CHECKSUM_NONE`).
    #[default]
    None,
    /// It was verified (`CHECKSUM_UNNECESSARY`).
    Unnecessary {
        /// How many further checksums inside were verified too (`csum_level`), at most 3.
        level: u8,
    },
    /// The sum over the packet (`CHECKSUM_COMPLETE`).
    Complete(u32),
    /// It is still to be filled in (`CHECKSUM_PARTIAL`).
    Partial,
}

/// A packet as the network stack carries it.
#[derive(Debug)]
pub struct SkbContext {
    /// The packet from `skb->data` on.
    pub packet: Packet,
    /// How far before `skb->data` the MAC header begins: 0 in tc, 14 in a socket filter.
    pub mac_len: usize,
    /// The offset of the network header from `skb->data`.
    pub network_off: usize,
    /// The EtherType, in host byte order.
    pub protocol: u16,
    /// `PACKET_HOST` and so on.
    pub pkt_type: u8,
    /// The packet mark.
    pub mark: u32,
    /// The priority.
    pub priority: u32,
    /// The queue that it goes to or came from, plus one, or 0.
    pub queue_mapping: u32,
    /// The tag beside the packet.
    pub vlan: Option<VlanTag>,
    /// The interface that received it first.
    pub ingress_ifindex: u32,
    /// The interface that it is on.
    pub ifindex: u32,
    /// The traffic control index.
    pub tc_index: u32,
    /// Scratch space of the program.
    pub cb: [u32; 5],
    /// The flow hash; 0 if it is not computed.
    pub hash: u32,
    /// Whether `hash` was computed or set.
    pub hash_valid: bool,
    /// The traffic control class.
    pub tc_classid: u32,
    /// The NAPI context that received it.
    pub napi_id: u32,
    /// The address family of the socket.
    pub family: u32,
    /// The socket's remote IPv4 address, in network byte order.
    pub remote_ip4: u32,
    /// The socket's local IPv4 address, in network byte order.
    pub local_ip4: u32,
    /// The socket's remote IPv6 address, in network byte order.
    pub remote_ip6: [u32; 4],
    /// The socket's local IPv6 address, in network byte order.
    pub local_ip6: [u32; 4],
    /// The socket's remote port, in network byte order.
    pub remote_port: u32,
    /// The socket's local port, in host byte order.
    pub local_port: u32,
    /// The time of arrival or departure.
    pub tstamp: u64,
    /// Which clock `tstamp` is of.
    pub tstamp_type: u8,
    /// The hardware's time stamp.
    pub hwtstamp: u64,
    /// The length on the wire, with the headers of all segments.
    pub wire_len: u32,
    /// The number of segments.
    pub gso_segs: u32,
    /// The size of a segment.
    pub gso_size: u32,
    /// What is known of the checksum.
    pub checksum: Checksum,
    /// Whether a program wrapped the packet in another (`bpf_skb_adjust_room`).
    pub encapsulation: bool,
}
