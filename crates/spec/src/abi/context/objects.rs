//! Structs that programs reach through pointers in their context, or get from helpers.
//!
//! As contexts, they exist in the UAPI alone; loads are converted.
use super::layout::{FieldSet, Layout, Widths, exact, exact64, narrow};
use super::{Access, Denied, Hit};

/// `struct bpf_sock`.
pub const BPF_SOCK: Layout = Layout {
    name: "bpf_sock",
    bytes: 80,
    fields: &[
        exact(0, "bound_dev_if"),
        narrow(4, "family").widths(Widths::Head),
        narrow(8, "type").widths(Widths::Head),
        narrow(12, "protocol").widths(Widths::Head),
        exact(16, "mark"),
        exact(20, "priority"),
        narrow(24, "src_ip4"),
        narrow(28, "src_ip6").array(4),
        narrow(44, "src_port").widths(Widths::Head),
        narrow(48, "dst_port").bytes(2).widths(Widths::NarrowOrPadded),
        narrow(52, "dst_ip4"),
        narrow(56, "dst_ip6").array(4),
        narrow(72, "state").widths(Widths::Head),
        narrow(76, "rx_queue_mapping").widths(Widths::Head),
    ],
};

/// What of `struct bpf_sock` a socket that need not be full lacks: `type` to `priority`.
const FULL_ONLY: FieldSet = BPF_SOCK.only(&["type", "protocol", "mark", "priority"]);

/// `struct bpf_tcp_sock`.
pub const BPF_TCP_SOCK: Layout = Layout {
    name: "bpf_tcp_sock",
    bytes: 112,
    fields: &[
        exact(0, "snd_cwnd"),
        exact(4, "srtt_us"),
        exact(8, "rtt_min"),
        exact(12, "snd_ssthresh"),
        exact(16, "rcv_nxt"),
        exact(20, "snd_nxt"),
        exact(24, "snd_una"),
        exact(28, "mss_cache"),
        exact(32, "ecn_flags"),
        exact(36, "rate_delivered"),
        exact(40, "rate_interval_us"),
        exact(44, "packets_out"),
        exact(48, "retrans_out"),
        exact(52, "total_retrans"),
        exact(56, "segs_in"),
        exact(60, "data_segs_in"),
        exact(64, "segs_out"),
        exact(68, "data_segs_out"),
        exact(72, "lost_out"),
        exact(76, "sacked_out"),
        exact64(80, "bytes_received"),
        exact64(88, "bytes_acked"),
        exact(96, "dsack_dups"),
        exact(100, "delivered"),
        exact(104, "delivered_ce"),
        exact(108, "icsk_retransmits"),
    ],
};

/// `struct bpf_xdp_sock`.
pub const BPF_XDP_SOCK: Layout =
    Layout { name: "bpf_xdp_sock", bytes: 4, fields: &[exact(0, "queue_id")] };

/// `struct bpf_flow_keys`, any bytes of which can be loaded and stored to.
pub const BPF_FLOW_KEYS: Layout = Layout {
    name: "bpf_flow_keys",
    bytes: 56,
    fields: &[
        narrow(0, "nhoff").bytes(2),
        narrow(2, "thoff").bytes(2),
        narrow(4, "addr_proto").bytes(2),
        narrow(6, "is_frag").bytes(1),
        narrow(7, "is_first_frag").bytes(1),
        narrow(8, "is_encap").bytes(1),
        narrow(9, "ip_proto").bytes(1),
        narrow(10, "n_proto").bytes(2),
        narrow(12, "sport").bytes(2),
        narrow(14, "dport").bytes(2),
        // A union with `ipv4_src` and `ipv4_dst`, which are the first two words.
        narrow(16, "ipv6_src").array(4),
        narrow(32, "ipv6_dst").array(4),
        narrow(48, "flags"),
        narrow(52, "flow_label"),
    ],
};

/// A structure that a program points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Object {
    /// A full socket.
    Socket,
    /// A socket that need not be full, and lacks some fields.
    SockCommon,
    /// What TCP knows of a socket.
    TcpSock,
    /// An `AF_XDP` socket.
    XdpSock,
    /// The keys that a flow dissector fills in.
    FlowKeys,
}

impl Object {
    /// The struct.
    #[must_use]
    pub const fn layout(self) -> &'static Layout {
        match self {
            Self::Socket | Self::SockCommon => &BPF_SOCK,
            Self::TcpSock => &BPF_TCP_SOCK,
            Self::XdpSock => &BPF_XDP_SOCK,
            Self::FlowKeys => &BPF_FLOW_KEYS,
        }
    }

    /// What `access` touches. Flow keys, which are plain memory, are not asked about here.
    ///
    /// # Errors
    ///
    /// Why the access is not allowed.
    pub fn access(self, access: Access) -> Result<Hit, Denied> {
        let (index, hit) = self.layout().hit(access)?;
        let field = hit.field.name;
        if access.store && self != Self::FlowKeys {
            return Err(Denied::NotWritable { field });
        }
        if self == Self::SockCommon && FULL_ONLY.contains(index) {
            return Err(Denied::NotReadable { field });
        }
        Ok(hit)
    }
}
