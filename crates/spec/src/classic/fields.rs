//! Which field of `struct __sk_buff`, and which helper, answers which ancillary load.

use super::ancillary::Ancillary;

/// A field, and how it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SkbField {
    pub(super) name: &'static str,
    pub(super) answers: Ancillary,
    /// Whether the field is 16 bits in network byte order, which the ancillary load turns.
    pub(super) swapped: bool,
}

/// The fields that hold exactly what an ancillary load gives.
pub(super) const FIELDS: [SkbField; 8] = [
    plain("pkt_type", Ancillary::PktType),
    plain("mark", Ancillary::Mark),
    plain("queue_mapping", Ancillary::Queue),
    plain("hash", Ancillary::RxHash),
    plain("vlan_tci", Ancillary::VlanTag),
    plain("vlan_present", Ancillary::VlanTagPresent),
    SkbField { name: "protocol", answers: Ancillary::Protocol, swapped: true },
    SkbField { name: "vlan_proto", answers: Ancillary::VlanTpid, swapped: true },
];

const fn plain(name: &'static str, answers: Ancillary) -> SkbField {
    SkbField { name, answers, swapped: false }
}

/// The helpers that compute what an ancillary load gives: `bpf_get_prandom_u32` and
/// `bpf_get_smp_processor_id`.
pub(super) const HELPERS: [(i32, Ancillary); 2] = [(7, Ancillary::Random), (8, Ancillary::Cpu)];
