//! `struct xdp_md`, the context of XDP programs.
use super::layout::{FieldKind, FieldSet, Layout, exact, pointer32};
use super::{Narrowed, PacketAccess, StructContext};
use crate::abi::AttachType;

/// `struct xdp_md`.
const XDP_MD: Layout = Layout {
    name: "xdp_md",
    bytes: 24,
    fields: &[
        pointer32(0, "data", FieldKind::PacketData),
        pointer32(4, "data_end", FieldKind::PacketEnd),
        pointer32(8, "data_meta", FieldKind::PacketMeta),
        exact(12, "ingress_ifindex"),
        exact(16, "rx_queue_index"),
        exact(20, "egress_ifindex"),
    ],
};

/// XDP. Only programs on a device map know where the packet leaves.
pub(super) static XDP: StructContext = StructContext {
    layout: &XDP_MD,
    readable: XDP_MD.all(),
    writable: FieldSet::NONE,
    narrowed: &[Narrowed {
        fields: XDP_MD.only(&["egress_ifindex"]),
        stores_only: false,
        to: &[AttachType::XdpDevmap],
    }],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::Full,
};
