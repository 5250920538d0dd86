//! Contexts that are about a socket: creation, addresses, operations, messages, selection.
use super::layout::{FieldKind, FieldSet, Layout, Widths, exact, exact64, narrow, pointer};
use super::objects::BPF_SOCK;
use super::{Narrowed, PacketAccess, StructContext};
use crate::abi::AttachType::*;

/// A socket being created, released or bound: the context is itself a `struct bpf_sock`.
pub(super) static CGROUP_SOCK: StructContext = StructContext {
    layout: &BPF_SOCK,
    readable: BPF_SOCK.all(),
    writable: BPF_SOCK.only(&["bound_dev_if", "mark", "priority"]),
    narrowed: &[
        Narrowed {
            fields: BPF_SOCK.only(&["bound_dev_if", "mark", "priority"]),
            stores_only: false,
            to: &[CgroupInetSockCreate, CgroupInetSockRelease],
        },
        Narrowed {
            fields: BPF_SOCK.only(&["src_ip4"]),
            stores_only: false,
            to: &[CgroupInet4PostBind],
        },
        Narrowed {
            fields: BPF_SOCK.only(&["src_ip6"]),
            stores_only: false,
            to: &[CgroupInet6PostBind],
        },
        Narrowed {
            fields: BPF_SOCK.only(&["src_port"]),
            stores_only: false,
            to: &[CgroupInet4PostBind, CgroupInet6PostBind],
        },
    ],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::None,
};

/// `struct bpf_sock_addr`.
const SOCK_ADDR_MD: Layout = Layout {
    name: "bpf_sock_addr",
    bytes: 72,
    fields: &[
        exact(0, "user_family"),
        narrow(4, "user_ip4"),
        narrow(8, "user_ip6").array(4).widths(Widths::NarrowOrWide),
        narrow(24, "user_port"),
        exact(28, "family"),
        exact(32, "type"),
        exact(36, "protocol"),
        narrow(40, "msg_src_ip4"),
        narrow(44, "msg_src_ip6").array(4).widths(Widths::NarrowOrWide),
        pointer(64, "sk", FieldKind::Socket),
    ],
};

/// Addresses given to and asked of sockets. Each hook sees the addresses of its own family.
pub(super) static SOCK_ADDR: StructContext = StructContext {
    layout: &SOCK_ADDR_MD,
    readable: SOCK_ADDR_MD.all(),
    writable: SOCK_ADDR_MD.only(&[
        "user_ip4",
        "user_ip6",
        "user_port",
        "msg_src_ip4",
        "msg_src_ip6",
    ]),
    narrowed: &[
        Narrowed {
            fields: SOCK_ADDR_MD.only(&["user_ip4"]),
            stores_only: false,
            to: &[
                CgroupInet4Bind,
                CgroupInet4Connect,
                CgroupInet4Getpeername,
                CgroupInet4Getsockname,
                CgroupUdp4Sendmsg,
                CgroupUdp4Recvmsg,
            ],
        },
        Narrowed {
            fields: SOCK_ADDR_MD.only(&["user_ip6"]),
            stores_only: false,
            to: &[
                CgroupInet6Bind,
                CgroupInet6Connect,
                CgroupInet6Getpeername,
                CgroupInet6Getsockname,
                CgroupUdp6Sendmsg,
                CgroupUdp6Recvmsg,
            ],
        },
        Narrowed {
            fields: SOCK_ADDR_MD.only(&["msg_src_ip4"]),
            stores_only: false,
            to: &[CgroupUdp4Sendmsg],
        },
        Narrowed {
            fields: SOCK_ADDR_MD.only(&["msg_src_ip6"]),
            stores_only: false,
            to: &[CgroupUdp6Sendmsg],
        },
    ],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::None,
};

/// `struct bpf_sock_ops`.
const SOCK_OPS_MD: Layout = Layout {
    name: "bpf_sock_ops",
    bytes: 224,
    fields: &[
        exact(0, "op"),
        // A union of `args`, `reply` and `replylong`, of which the first word can be written.
        exact(4, "reply"),
        exact(8, "args").array(3),
        exact(20, "family"),
        exact(24, "remote_ip4"),
        exact(28, "local_ip4"),
        exact(32, "remote_ip6").array(4),
        exact(48, "local_ip6").array(4),
        exact(64, "remote_port"),
        exact(68, "local_port"),
        exact(72, "is_fullsock"),
        exact(76, "snd_cwnd"),
        exact(80, "srtt_us"),
        exact(84, "bpf_sock_ops_cb_flags"),
        exact(88, "state"),
        exact(92, "rtt_min"),
        exact(96, "snd_ssthresh"),
        exact(100, "rcv_nxt"),
        exact(104, "snd_nxt"),
        exact(108, "snd_una"),
        exact(112, "mss_cache"),
        exact(116, "ecn_flags"),
        exact(120, "rate_delivered"),
        exact(124, "rate_interval_us"),
        exact(128, "packets_out"),
        exact(132, "retrans_out"),
        exact(136, "total_retrans"),
        exact(140, "segs_in"),
        exact(144, "data_segs_in"),
        exact(148, "segs_out"),
        exact(152, "data_segs_out"),
        exact(156, "lost_out"),
        exact(160, "sacked_out"),
        exact(164, "sk_txhash"),
        exact64(168, "bytes_received"),
        exact64(176, "bytes_acked"),
        pointer(184, "sk", FieldKind::SocketOrNull),
        pointer(192, "skb_data", FieldKind::PacketData),
        pointer(200, "skb_data_end", FieldKind::PacketEnd),
        exact(208, "skb_len"),
        narrow(212, "skb_tcp_flags").widths(Widths::Head),
        exact64(216, "skb_hwtstamp"),
    ],
};

/// Events of TCP connections.
pub(super) static SOCK_OPS: StructContext = StructContext {
    layout: &SOCK_OPS_MD,
    readable: SOCK_OPS_MD.all(),
    writable: SOCK_OPS_MD.only(&["reply", "sk_txhash"]),
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::Read,
};

/// `struct sk_msg_md`.
const SK_MSG_MD: Layout = Layout {
    name: "sk_msg_md",
    bytes: 80,
    fields: &[
        pointer(0, "data", FieldKind::PacketData),
        pointer(8, "data_end", FieldKind::PacketEnd),
        exact(16, "family"),
        exact(20, "remote_ip4"),
        exact(24, "local_ip4"),
        exact(28, "remote_ip6").array(4),
        exact(44, "local_ip6").array(4),
        exact(60, "remote_port"),
        exact(64, "local_port"),
        exact(68, "size"),
        pointer(72, "sk", FieldKind::Socket),
    ],
};

/// Messages sent through a socket map.
pub(super) static SK_MSG: StructContext = StructContext {
    layout: &SK_MSG_MD,
    readable: SK_MSG_MD.all(),
    writable: FieldSet::NONE,
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::Full,
};

/// `struct sk_reuseport_md`.
const SK_REUSEPORT_MD: Layout = Layout {
    name: "sk_reuseport_md",
    bytes: 56,
    fields: &[
        pointer(0, "data", FieldKind::PacketData),
        pointer(8, "data_end", FieldKind::PacketEnd),
        narrow(16, "len"),
        narrow(20, "eth_protocol").widths(Widths::NarrowTwo),
        narrow(24, "ip_protocol"),
        narrow(28, "bind_inany"),
        exact(32, "hash"),
        pointer(40, "sk", FieldKind::Socket),
        pointer(48, "migrating_sk", FieldKind::SockCommonOrNull),
    ],
};

/// The choice among sockets that share a port.
pub(super) static SK_REUSEPORT: StructContext = StructContext {
    layout: &SK_REUSEPORT_MD,
    readable: SK_REUSEPORT_MD.all(),
    writable: FieldSet::NONE,
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::ReadAndPass,
};

/// `struct bpf_sk_lookup`.
const SK_LOOKUP_MD: Layout = Layout {
    name: "bpf_sk_lookup",
    bytes: 72,
    fields: &[
        pointer(0, "sk", FieldKind::SocketOrNull),
        narrow(8, "family"),
        narrow(12, "protocol"),
        narrow(16, "remote_ip4"),
        narrow(20, "remote_ip6").array(4),
        narrow(36, "remote_port").bytes(2).widths(Widths::NarrowOrPadded),
        // Padding that was the upper half of the port, and may be loaded still.
        narrow(38, "remote_port_padding").bytes(2),
        narrow(40, "local_ip4"),
        narrow(44, "local_ip6").array(4),
        narrow(60, "local_port"),
        narrow(64, "ingress_ifindex"),
    ],
};

/// The search for a listening socket.
pub(super) static SK_LOOKUP: StructContext = StructContext {
    layout: &SK_LOOKUP_MD,
    readable: SK_LOOKUP_MD.all(),
    writable: FieldSet::NONE,
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::None,
};
