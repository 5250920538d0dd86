//! Helpers that a program type has for some of its attach types only.
use crate::abi::AttachType::{self, *};
use crate::abi::HelperId::{self, *};
use crate::abi::ProgType::{self, *};

/// Attach types of the program type that come with a trampoline, and so with arguments.
const TRAMPOLINES: &[AttachType] = &[TraceFentry, TraceFexit, ModifyReturn];

/// The `cgroup_sock_addr` hooks whose verdict is final: all but those that only see addresses.
const DECIDING: &[AttachType] = &[
    CgroupInet4Bind,
    CgroupInet6Bind,
    CgroupInet4Connect,
    CgroupInet6Connect,
    CgroupUnixConnect,
    CgroupUdp4Sendmsg,
    CgroupUdp6Sendmsg,
    CgroupUnixSendmsg,
];

/// One line: within the program type, the helper is there at these attach types alone.
const NARROWED: &[(HelperId, ProgType, &[AttachType])] = &[
    (Bind, CgroupSockAddr, &[CgroupInet4Connect, CgroupInet6Connect]),
    (GetRetval, CgroupSockAddr, DECIDING),
    (SetRetval, CgroupSockAddr, DECIDING),
    (Setsockopt, CgroupSockopt, &[CgroupSetsockopt]),
    (Getsockopt, CgroupSockopt, &[CgroupSetsockopt]),
    // Further narrowed by the kernel to certain security hooks.
    (Setsockopt, ProgType::Lsm, &[LsmCgroup]),
    (Getsockopt, ProgType::Lsm, &[LsmCgroup]),
    (GetLocalStorage, ProgType::Lsm, &[LsmCgroup]),
    (GetRetval, ProgType::Lsm, &[LsmCgroup]),
    (SetRetval, ProgType::Lsm, &[LsmCgroup]),
    (GetAttachCookie, ProgType::Lsm, &[LsmMac]),
    (GetFuncArg, ProgType::Lsm, &[LsmMac]),
    (GetFuncRet, ProgType::Lsm, &[LsmMac]),
    (GetFuncArgCnt, ProgType::Lsm, &[LsmMac]),
    (GetAttachCookie, Tracing, &[TraceRawTp, TraceFentry, TraceFexit, ModifyReturn]),
    (GetFuncArg, Tracing, TRAMPOLINES),
    (GetFuncRet, Tracing, TRAMPOLINES),
    (GetFuncArgCnt, Tracing, TRAMPOLINES),
    (SeqPrintf, Tracing, &[TraceIter]),
    (SeqPrintfBtf, Tracing, &[TraceIter]),
    (SeqWrite, Tracing, &[TraceIter]),
];

/// The only attach types of `prog_type` at which `helper` is there, or `None` if the attach type
/// does not matter.
#[must_use]
pub fn narrowed_to(helper: HelperId, prog_type: ProgType) -> Option<&'static [AttachType]> {
    NARROWED.iter().find(|line| line.0 == helper && line.1 == prog_type).map(|line| line.2)
}
