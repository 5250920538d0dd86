//! Packets in a `struct sk_buff`: content, headers, checksums, tunnels, metadata.
use super::Proto;
use super::arg::Ret::*;
use super::row::*;
use crate::abi::HelperId::*;
use crate::abi::ProgType::*;

/// The rows of this family.
pub(super) const HELPERS: &[Proto] = &[
    row(
        SkbLoadBytes,
        &[CTX, ANY, OUT, SIZE],
        Integer,
        TC_LWT.with(types(&[SocketFilter, CgroupSkb, SkSkb, SkReuseport, FlowDissector])),
    ),
    row(
        SkbLoadBytesRelative,
        &[CTX, ANY, OUT, SIZE, ANY],
        Integer,
        TC.with(types(&[SocketFilter, CgroupSkb, SkReuseport])),
    ),
    row(SkbStoreBytes, &[CTX, ANY, IN, SIZE, ANY], Integer, REWRITERS.with(types(&[SkSkb])))
        .moves_packet(),
    row(SkbPullData, &[CTX, ANY], Integer, TC_LWT.with(types(&[SkSkb]))).moves_packet(),
    row(L3CsumReplace, &[CTX, ANY, ANY, ANY, ANY], Integer, REWRITERS).moves_packet(),
    row(L4CsumReplace, &[CTX, ANY, ANY, ANY, ANY], Integer, REWRITERS).moves_packet(),
    row(CsumUpdate, &[CTX, ANY], Integer, REWRITERS),
    row(CsumLevel, &[CTX, ANY], Integer, REWRITERS),
    row(SkbVlanPush, &[CTX, ANY, ANY], Integer, TC).moves_packet(),
    row(SkbVlanPop, &[CTX], Integer, TC).moves_packet(),
    row(SkbChangeProto, &[CTX, ANY, ANY], Integer, TC).moves_packet(),
    row(SkbChangeType, &[CTX, ANY], Integer, TC),
    row(SkbChangeTail, &[CTX, ANY, ANY], Integer, REWRITERS.with(types(&[SkSkb]))).moves_packet(),
    row(SkbChangeHead, &[CTX, ANY, ANY], Integer, REWRITERS.with(types(&[SkSkb]))).moves_packet(),
    row(SkbAdjustRoom, &[CTX, ANY, ANY, ANY], Integer, TC.with(types(&[SkSkb]))).moves_packet(),
    row(SkbGetTunnelKey, &[CTX, OUT, SIZE, ANY], Integer, REWRITERS),
    row(SkbSetTunnelKey, &[CTX, IN, SIZE, ANY], Integer, REWRITERS),
    row(SkbGetTunnelOpt, &[CTX, OUT, SIZE], Integer, REWRITERS),
    row(SkbSetTunnelOpt, &[CTX, IN, SIZE], Integer, REWRITERS),
    row(SkbGetXfrmState, &[CTX, ANY, OUT, SIZE, ANY], Integer, TC),
    row(GetHashRecalc, &[CTX], Integer, TC_LWT),
    row(SetHash, &[CTX, ANY], Integer, TC),
    row(SetHashInvalid, &[CTX], Integer, REWRITERS),
    row(GetRouteRealm, &[CTX], Integer, TC_LWT),
    row(SkbUnderCgroup, &[CTX, MAP, ANY], Integer, TC_LWT),
    row(SkbCgroupId, &[CTX], Integer, TC.with(types(&[CgroupSkb]))),
    row(SkbAncestorCgroupId, &[CTX, ANY], Integer, TC.with(types(&[CgroupSkb]))),
    row(SkbCgroupClassid, &[CTX], Integer, TC),
    row(SkbEcnSetCe, &[CTX], Integer, TC.with(types(&[CgroupSkb]))),
    row(SkbSetTstamp, &[CTX, ANY, ANY], Integer, TC),
    row(LwtPushEncap, &[CTX, ANY, IN, SIZE], Integer, types(&[LwtIn, LwtXmit])).moves_packet(),
    row(LwtSeg6StoreBytes, &[CTX, ANY, IN, SIZE], Integer, types(&[LwtSeg6local])).moves_packet(),
    row(LwtSeg6AdjustSrh, &[CTX, ANY, ANY], Integer, types(&[LwtSeg6local])).moves_packet(),
    row(LwtSeg6Action, &[CTX, ANY, IN, SIZE], Integer, types(&[LwtSeg6local])).moves_packet(),
];
