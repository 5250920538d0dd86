//! Prototypes that hold for some program types only, under a number that others share.
use super::Proto;
use super::arg::Ret::*;
use super::row::*;
use crate::abi::AttachType;
use crate::abi::HelperId::*;
use crate::abi::ProgType::*;

/// Another form of a helper.
pub(super) struct Variant {
    /// The form; its types are those that see it.
    pub(super) proto: Proto,
    /// The attach types at which it is seen, where these matter.
    pub(super) attach: Option<&'static [AttachType]>,
}

const fn variant(proto: Proto) -> Variant {
    Variant { proto, attach: None }
}

/// All variants.
pub(super) const VARIANTS: &[Variant] = &[
    // Hooks without a packet ask for the class of the current task, packets have their own.
    variant(row(GetCgroupClassid, &[CTX], Integer, TC_LWT)),
    // Where the context is no socket or packet, the socket is an argument.
    variant(row(
        GetSocketCookie,
        &[SOCK_OR_NULL],
        Integer,
        BTF_TRACERS.with(types(&[SkReuseport])),
    )),
    variant(row(
        Setsockopt,
        &[SOCK, ANY, ANY, IN, SIZE],
        Integer,
        types(&[CgroupSockopt, Lsm, StructOps]),
    )),
    variant(row(
        Getsockopt,
        &[SOCK, ANY, ANY, OUT, SIZE],
        Integer,
        types(&[CgroupSockopt, Lsm, StructOps]),
    )),
    variant(row(SkAssign, &[CTX, SOCKET_OR_NULL, ANY], Integer, types(&[SkLookup]))),
    // The context of a cgroup_sock program is itself the socket.
    variant(row(
        SkStorageGet,
        &[MAP, CTX, VALUE_OR_NULL, ANY],
        MapValueOrNull,
        types(&[CgroupSock]),
    )),
    variant(row(
        SkStorageGet,
        &[MAP, kernel_or_null("sock_common"), VALUE_OR_NULL, ANY],
        MapValueOrNull,
        types(&[Tracing, Syscall]),
    )),
    variant(row(
        SkStorageDelete,
        &[MAP, kernel_or_null("sock_common")],
        Integer,
        types(&[Tracing, Syscall]),
    )),
    variant(row(XdpGetBuffLen, &[kernel("xdp_buff")], Integer, BTF_TRACERS)),
    // Perf events and multi-probes look at what the caller owns, so that no licence is asked for.
    variant(row(GetStackid, &[CTX, MAP, ANY], Integer, types(&[PerfEvent]))),
    Variant {
        proto: row(GetFuncIp, &[CTX], Integer, types(&[Kprobe])),
        attach: Some(&[
            AttachType::TraceKprobeMulti,
            AttachType::TraceKprobeSession,
            AttachType::TraceUprobeMulti,
            AttachType::TraceUprobeSession,
        ]),
    },
];
