//! Verdicts: what a program's return value means, and which values the verifier lets through.
//!
//! ```
//! use skep_spec::abi::{ProgType, verdict};
//!
//! assert_eq!(verdict::name(ProgType::Xdp, None, 1), Some("XDP_DROP"));
//! assert_eq!(verdict::name(ProgType::SchedCls, None, -1), Some("TC_ACT_UNSPEC"));
//! assert_eq!(verdict::name(ProgType::SocketFilter, None, 96), Some("accept"));
//! ```
use super::{AttachType, ProgType};

/// Return codes of XDP programs (`enum xdp_action`).
pub mod xdp {
    /// The program failed: dropped, and traced.
    pub const ABORTED: i32 = 0;
    /// Dropped.
    pub const DROP: i32 = 1;
    /// Passed on to the stack.
    pub const PASS: i32 = 2;
    /// Sent back out of the device it came from.
    pub const TX: i32 = 3;
    /// Sent to where `bpf_redirect` or `bpf_redirect_map` said.
    pub const REDIRECT: i32 = 4;
}

/// Return codes of traffic control programs (`TC_ACT_*`).
pub mod tc {
    /// What the filter's configuration says; the next program, where there is one.
    pub const UNSPEC: i32 = -1;
    /// Passed on.
    pub const OK: i32 = 0;
    /// Classified anew.
    pub const RECLASSIFY: i32 = 1;
    /// Dropped.
    pub const SHOT: i32 = 2;
    /// Handed to the next action.
    pub const PIPE: i32 = 3;
    /// Consumed.
    pub const STOLEN: i32 = 4;
    /// Consumed, and queued.
    pub const QUEUED: i32 = 5;
    /// Started over.
    pub const REPEAT: i32 = 6;
    /// Sent to where `bpf_redirect` said.
    pub const REDIRECT: i32 = 7;
    /// Handed to the processor; in software, consumed.
    pub const TRAP: i32 = 8;
}

/// Return codes of socket programs (`enum sk_action`).
pub mod sk {
    /// Dropped.
    pub const DROP: i32 = 0;
    /// Passed on.
    pub const PASS: i32 = 1;
}

/// Names of return values.
type Names = &'static [(i32, &'static str)];

const XDP_NAMES: Names = &[
    (xdp::ABORTED, "XDP_ABORTED"),
    (xdp::DROP, "XDP_DROP"),
    (xdp::PASS, "XDP_PASS"),
    (xdp::TX, "XDP_TX"),
    (xdp::REDIRECT, "XDP_REDIRECT"),
];

const TC_NAMES: Names = &[
    (tc::UNSPEC, "TC_ACT_UNSPEC"),
    (tc::OK, "TC_ACT_OK"),
    (tc::RECLASSIFY, "TC_ACT_RECLASSIFY"),
    (tc::SHOT, "TC_ACT_SHOT"),
    (tc::PIPE, "TC_ACT_PIPE"),
    (tc::STOLEN, "TC_ACT_STOLEN"),
    (tc::QUEUED, "TC_ACT_QUEUED"),
    (tc::REPEAT, "TC_ACT_REPEAT"),
    (tc::REDIRECT, "TC_ACT_REDIRECT"),
    (tc::TRAP, "TC_ACT_TRAP"),
];

/// Where traffic control programs attach by link, some codes have names of their own
/// (`enum tcx_action_base`).
const TCX_NAMES: Names = &[
    (tc::UNSPEC, "TCX_NEXT"),
    (tc::OK, "TCX_PASS"),
    (tc::SHOT, "TCX_DROP"),
    (tc::REDIRECT, "TCX_REDIRECT"),
];

const TCX: &[AttachType] = &[
    AttachType::TcxIngress,
    AttachType::TcxEgress,
    AttachType::NetkitPrimary,
    AttachType::NetkitPeer,
];

const SK_NAMES: Names = &[(sk::DROP, "SK_DROP"), (sk::PASS, "SK_PASS")];

const LWT_NAMES: Names =
    &[(0, "BPF_OK"), (2, "BPF_DROP"), (7, "BPF_REDIRECT"), (128, "BPF_LWT_REROUTE")];

const DISSECTOR_NAMES: Names =
    &[(0, "BPF_OK"), (2, "BPF_DROP"), (129, "BPF_FLOW_DISSECTOR_CONTINUE")];

/// Cgroup programs have no constants; these are the words of their documentation.
const CGROUP_NAMES: Names = &[(0, "deny"), (1, "allow")];

/// Names by program type and attach type (none listed: any). The first line that has a name for
/// the value holds.
const NAMES: &[(ProgType, &[AttachType], Names)] = &[
    (ProgType::Xdp, &[], XDP_NAMES),
    (ProgType::SchedCls, TCX, TCX_NAMES),
    (ProgType::SchedCls, &[], TC_NAMES),
    (ProgType::SchedAct, &[], TC_NAMES),
    (ProgType::SkMsg, &[], SK_NAMES),
    (ProgType::SkReuseport, &[], SK_NAMES),
    (ProgType::SkLookup, &[], SK_NAMES),
    (ProgType::SkSkb, &[AttachType::SkSkbVerdict, AttachType::SkSkbStreamVerdict], SK_NAMES),
    (ProgType::LwtIn, &[], LWT_NAMES),
    (ProgType::LwtOut, &[], LWT_NAMES),
    (ProgType::LwtXmit, &[], LWT_NAMES),
    (ProgType::LwtSeg6local, &[], LWT_NAMES),
    (ProgType::FlowDissector, &[], DISSECTOR_NAMES),
    (ProgType::Netfilter, &[], &[(0, "NF_DROP"), (1, "NF_ACCEPT")]),
    (ProgType::CgroupSkb, &[], CGROUP_NAMES),
    (ProgType::CgroupSock, &[], CGROUP_NAMES),
    (ProgType::CgroupSockAddr, &[], CGROUP_NAMES),
    (ProgType::CgroupSockopt, &[], CGROUP_NAMES),
    (ProgType::CgroupDevice, &[], CGROUP_NAMES),
    (ProgType::CgroupSysctl, &[], CGROUP_NAMES),
];

/// The name of return value `value`, or `None` where it is a number and nothing more.
///
/// A socket filter returns how many bytes to keep, and is said to `drop` or `accept`; a stream
/// parser returns a length; tracing programs, mostly, a number that nobody reads.
#[must_use]
pub fn name(prog_type: ProgType, attach: Option<AttachType>, value: i32) -> Option<&'static str> {
    if prog_type == ProgType::SocketFilter {
        return Some(if value == 0 { "drop" } else { "accept" });
    }
    NAMES
        .iter()
        .filter(|(of, at, _)| {
            *of == prog_type && (at.is_empty() || attach.is_some_and(|attach| at.contains(&attach)))
        })
        .find_map(|(_, _, names)| named(names, value))
}

fn named(names: &[(i32, &'static str)], value: i32) -> Option<&'static str> {
    names.iter().find(|(number, _)| *number == value).map(|(_, name)| *name)
}

/// The return values that the verifier lets programs of a type and attach type have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Any number.
    Any,
    /// A number in this range, both ends included.
    Range(i32, i32),
    /// What the function that the program attaches to may return, by its BTF.
    ByTarget,
}

/// Return value of an asynchronous callback, such as a timer's: zero.
pub const ASYNC_CALLBACK: Allowed = Allowed::Range(0, 0);

/// The hooks that only rewrite addresses: they cannot refuse.
const REWRITING: &[AttachType] = &[
    AttachType::CgroupUdp4Recvmsg,
    AttachType::CgroupUdp6Recvmsg,
    AttachType::CgroupUnixRecvmsg,
    AttachType::CgroupInet4Getpeername,
    AttachType::CgroupInet6Getpeername,
    AttachType::CgroupUnixGetpeername,
    AttachType::CgroupInet4Getsockname,
    AttachType::CgroupInet6Getsockname,
    AttachType::CgroupUnixGetsockname,
];

/// Return values by program type and attach type (none listed: any). The first line that fits
/// holds; program types without one may return any number.
const ALLOWED: &[(ProgType, &[AttachType], Allowed)] = &[
    (ProgType::CgroupSockAddr, REWRITING, Allowed::Range(1, 1)),
    // Bit 1 asks to bypass the check of the capability for low ports.
    (
        ProgType::CgroupSockAddr,
        &[AttachType::CgroupInet4Bind, AttachType::CgroupInet6Bind],
        Allowed::Range(0, 3),
    ),
    (ProgType::CgroupSockAddr, &[], Allowed::Range(0, 1)),
    // Bit 1 marks congestion.
    (ProgType::CgroupSkb, &[AttachType::CgroupInetEgress], Allowed::Range(0, 3)),
    (ProgType::CgroupSkb, &[], Allowed::Range(0, 1)),
    (ProgType::CgroupSock, &[], Allowed::Range(0, 1)),
    (ProgType::CgroupDevice, &[], Allowed::Range(0, 1)),
    (ProgType::CgroupSysctl, &[], Allowed::Range(0, 1)),
    (ProgType::CgroupSockopt, &[], Allowed::Range(0, 1)),
    (ProgType::SockOps, &[], Allowed::Range(0, 1)),
    (ProgType::SkLookup, &[], Allowed::Range(0, 1)),
    (ProgType::Netfilter, &[], Allowed::Range(0, 1)),
    (ProgType::Tracing, &[AttachType::TraceFentry, AttachType::TraceFexit], Allowed::Range(0, 0)),
    (ProgType::Tracing, &[AttachType::TraceIter], Allowed::Range(0, 1)),
    (
        ProgType::Kprobe,
        &[AttachType::TraceKprobeSession, AttachType::TraceUprobeSession],
        Allowed::Range(0, 1),
    ),
    (ProgType::Lsm, &[], Allowed::ByTarget),
    (ProgType::StructOps, &[], Allowed::ByTarget),
];

/// The return values that programs of `prog_type`, attached at `attach`, may have.
#[must_use]
pub fn allowed(prog_type: ProgType, attach: Option<AttachType>) -> Allowed {
    ALLOWED
        .iter()
        .find(|(of, at, _)| {
            *of == prog_type && (at.is_empty() || attach.is_some_and(|attach| at.contains(&attach)))
        })
        .map_or(Allowed::Any, |(_, _, allowed)| *allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prog_type: ProgType, attach: Option<AttachType>, value: i32, expected: Option<&str>) {
        assert_eq!(name(prog_type, attach, value), expected);
    }

    #[test]
    fn names() {
        check(ProgType::Xdp, None, 4, Some("XDP_REDIRECT"));
        check(ProgType::Xdp, None, 5, None);
        check(ProgType::SchedAct, None, 3, Some("TC_ACT_PIPE"));
        check(ProgType::SchedCls, Some(AttachType::TcxEgress), 2, Some("TCX_DROP"));
        check(ProgType::SchedCls, Some(AttachType::TcxEgress), 3, Some("TC_ACT_PIPE"));
        check(ProgType::SocketFilter, None, 0, Some("drop"));
        check(ProgType::SkSkb, Some(AttachType::SkSkbVerdict), 1, Some("SK_PASS"));
        check(ProgType::SkSkb, Some(AttachType::SkSkbStreamParser), 1, None);
        check(ProgType::Tracepoint, None, 0, None);
    }

    #[test]
    fn ranges() {
        use Allowed::{Any, Range};
        assert_eq!(allowed(ProgType::Xdp, None), Any);
        let egress = Some(AttachType::CgroupInetEgress);
        assert_eq!(allowed(ProgType::CgroupSkb, egress), Range(0, 3));
        let recvmsg = Some(AttachType::CgroupUdp4Recvmsg);
        assert_eq!(allowed(ProgType::CgroupSockAddr, recvmsg), Range(1, 1));
    }
}
