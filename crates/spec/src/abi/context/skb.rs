//! `struct __sk_buff`, the context of all program types that see a packet as a socket buffer.
use super::layout::{
    Field, FieldKind, FieldSet, Layout, Widths, exact, exact64, narrow, pointer, pointer32,
};
use super::{PacketAccess, StructContext};

/// Scratch space that lives as long as the packet is on one layer; loads and stores of any width.
const CONTROL_BLOCK: Field = narrow(48, "cb").array(5).widths(Widths::Free);

/// `struct __sk_buff`.
const SK_BUFF: Layout = Layout {
    name: "__sk_buff",
    bytes: 192,
    fields: &[
        narrow(0, "len"),
        narrow(4, "pkt_type"),
        narrow(8, "mark"),
        narrow(12, "queue_mapping"),
        narrow(16, "protocol"),
        narrow(20, "vlan_present"),
        narrow(24, "vlan_tci"),
        narrow(28, "vlan_proto"),
        narrow(32, "priority"),
        narrow(36, "ingress_ifindex"),
        narrow(40, "ifindex"),
        narrow(44, "tc_index"),
        CONTROL_BLOCK,
        narrow(68, "hash"),
        narrow(72, "tc_classid"),
        pointer32(76, "data", FieldKind::PacketData),
        pointer32(80, "data_end", FieldKind::PacketEnd),
        narrow(84, "napi_id"),
        narrow(88, "family"),
        exact(92, "remote_ip4"),
        exact(96, "local_ip4"),
        exact(100, "remote_ip6").array(4),
        exact(116, "local_ip6").array(4),
        narrow(132, "remote_port"),
        narrow(136, "local_port"),
        pointer32(140, "data_meta", FieldKind::PacketMeta),
        pointer(144, "flow_keys", FieldKind::FlowKeys),
        exact64(152, "tstamp"),
        narrow(160, "wire_len"),
        narrow(164, "gso_segs"),
        pointer(168, "sk", FieldKind::SockCommonOrNull),
        narrow(176, "gso_size"),
        exact(180, "tstamp_type").bytes(1),
        exact64(184, "hwtstamp"),
    ],
};

/// Socket filters: metadata, but no packet pointers and no addresses.
pub(super) static SOCKET_FILTER: StructContext = StructContext {
    layout: &SK_BUFF,
    readable: SK_BUFF.except(&[
        "tc_classid",
        "data",
        "data_meta",
        "data_end",
        "family",
        "remote_ip4",
        "local_ip4",
        "remote_ip6",
        "local_ip6",
        "remote_port",
        "local_port",
        "flow_keys",
        "tstamp",
        "tstamp_type",
        "wire_len",
        "hwtstamp",
    ]),
    writable: SK_BUFF.only(&["cb"]),
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::None,
};

/// Traffic control: everything but the socket's addresses.
pub(super) static TC: StructContext = StructContext {
    layout: &SK_BUFF,
    readable: SK_BUFF.except(&[
        "family",
        "remote_ip4",
        "local_ip4",
        "remote_ip6",
        "local_ip6",
        "remote_port",
        "local_port",
        "flow_keys",
    ]),
    writable: SK_BUFF.only(&[
        "mark",
        "tc_index",
        "priority",
        "tc_classid",
        "cb",
        "tstamp",
        "queue_mapping",
    ]),
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::Full,
};

/// Cgroup ingress and egress.
pub(super) static CGROUP_SKB: StructContext = StructContext {
    layout: &SK_BUFF,
    readable: SK_BUFF.except(&["tc_classid", "data_meta", "flow_keys", "wire_len", "tstamp_type"]),
    writable: SK_BUFF.only(&["mark", "priority", "cb", "tstamp"]),
    narrowed: &[],
    needs_bpf: SK_BUFF.only(&["data", "data_end", "tstamp"]),
    packet: PacketAccess::ReadAndPass,
};

/// Lightweight tunnels that only look, or change packets by helper alone.
pub(super) static LWT: StructContext = lwt(PacketAccess::ReadAndPass);

/// Lightweight tunnels on transmission, which may write to the packet.
pub(super) static LWT_XMIT: StructContext = lwt(PacketAccess::Full);

const fn lwt(packet: PacketAccess) -> StructContext {
    StructContext {
        layout: &SK_BUFF,
        readable: SK_BUFF.except(&[
            "tc_classid",
            "family",
            "remote_ip4",
            "local_ip4",
            "remote_ip6",
            "local_ip6",
            "remote_port",
            "local_port",
            "data_meta",
            "flow_keys",
            "tstamp",
            "tstamp_type",
            "wire_len",
            "hwtstamp",
        ]),
        writable: SK_BUFF.only(&["mark", "priority", "cb"]),
        narrowed: &[],
        needs_bpf: FieldSet::NONE,
        packet,
    }
}

/// Parsers and verdicts on sockets: the packet, and the socket's addresses.
pub(super) static SK_SKB: StructContext = StructContext {
    layout: &SK_BUFF,
    readable: SK_BUFF.except(&[
        "tc_classid",
        "data_meta",
        "flow_keys",
        "tstamp",
        "tstamp_type",
        "wire_len",
        "hwtstamp",
        "mark",
    ]),
    writable: SK_BUFF.only(&["tc_index", "priority"]),
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::Full,
};

/// Flow dissectors: the packet, and the keys to fill in.
pub(super) static FLOW_DISSECTOR: StructContext = StructContext {
    layout: &SK_BUFF,
    readable: SK_BUFF.only(&["data", "data_end", "flow_keys"]),
    writable: FieldSet::NONE,
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::ReadAndPass,
};
