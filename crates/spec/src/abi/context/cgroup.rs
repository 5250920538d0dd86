//! Contexts of cgroup programs that are not about packets, and of infrared decoders.
use super::layout::{FieldKind, FieldSet, Layout, exact, narrow, pointer};
use super::{Narrowed, PacketAccess, StructContext};
use crate::abi::AttachType::*;

/// `struct bpf_cgroup_dev_ctx`.
const DEVICE_MD: Layout = Layout {
    name: "bpf_cgroup_dev_ctx",
    bytes: 12,
    fields: &[narrow(0, "access_type"), exact(4, "major"), exact(8, "minor")],
};

/// Access to a device.
pub(super) static DEVICE: StructContext = StructContext {
    layout: &DEVICE_MD,
    readable: DEVICE_MD.all(),
    writable: FieldSet::NONE,
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::None,
};

/// `struct bpf_sysctl`.
const SYSCTL_MD: Layout =
    Layout { name: "bpf_sysctl", bytes: 8, fields: &[narrow(0, "write"), narrow(4, "file_pos")] };

/// Access to a sysctl.
pub(super) static SYSCTL: StructContext = StructContext {
    layout: &SYSCTL_MD,
    readable: SYSCTL_MD.all(),
    writable: SYSCTL_MD.only(&["file_pos"]),
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::None,
};

/// `struct bpf_sockopt`.
const SOCKOPT_MD: Layout = Layout {
    name: "bpf_sockopt",
    bytes: 40,
    fields: &[
        pointer(0, "sk", FieldKind::Socket),
        pointer(8, "optval", FieldKind::PacketData),
        pointer(16, "optval_end", FieldKind::PacketEnd),
        exact(24, "level"),
        exact(28, "optname"),
        exact(32, "optlen"),
        exact(36, "retval"),
    ],
};

/// Socket options asked for and set. The option's value takes the place of the packet.
pub(super) static SOCKOPT: StructContext = StructContext {
    layout: &SOCKOPT_MD,
    readable: SOCKOPT_MD.all(),
    writable: SOCKOPT_MD.only(&["level", "optname", "optlen", "retval"]),
    narrowed: &[
        Narrowed {
            fields: SOCKOPT_MD.only(&["retval"]),
            stores_only: false,
            to: &[CgroupGetsockopt],
        },
        Narrowed {
            fields: SOCKOPT_MD.only(&["level", "optname"]),
            stores_only: true,
            to: &[CgroupSetsockopt],
        },
    ],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::Plain,
};

/// The sample that an infrared decoder gets: one word, of the pulse's kind and length.
const LIRC_SAMPLE: Layout =
    Layout { name: "unsigned int", bytes: 4, fields: &[exact(0, "sample")] };

/// Infrared decoders.
pub(super) static LIRC: StructContext = StructContext {
    layout: &LIRC_SAMPLE,
    readable: LIRC_SAMPLE.all(),
    writable: FieldSet::NONE,
    narrowed: &[],
    needs_bpf: FieldSet::NONE,
    packet: PacketAccess::None,
};
