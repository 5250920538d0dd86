//! Sockets: looking up, assigning, storage, options, casts, socket maps and messages.
use super::Proto;
use super::arg::Ret::*;
use super::row::*;
use crate::abi::HelperId::*;
use crate::abi::ProgType::*;

/// The rows of this family.
pub(super) const HELPERS: &[Proto] = &[
    row(SkLookupTcp, &[CTX, IN, SIZE_OR_ZERO, ANY, ANY], SocketOrNull, SOCKET_LOOKERS)
        .pkt()
        .acquires(),
    row(SkLookupUdp, &[CTX, IN, SIZE_OR_ZERO, ANY, ANY], SocketOrNull, SOCKET_LOOKERS)
        .pkt()
        .acquires(),
    row(SkcLookupTcp, &[CTX, IN, SIZE_OR_ZERO, ANY, ANY], SockCommonOrNull, SOCKET_LOOKERS)
        .pkt()
        .acquires(),
    row(SkRelease, &[SOCK_RELEASED], Integer, SOCKET_LOOKERS.with(types(&[SkLookup]))),
    row(SkAssign, &[CTX, SOCK, ANY], Integer, TC),
    row(SkFullsock, &[SOCK_COMMON], SocketOrNull, TC.with(types(&[CgroupSkb]))),
    row(
        TcpSock,
        &[SOCK_COMMON],
        TcpSockOrNull,
        TC.with(types(&[CgroupSkb, SockOps, CgroupSockopt])),
    ),
    row(GetListenerSock, &[SOCK_COMMON], SocketOrNull, TC.with(types(&[CgroupSkb]))),
    row(SkcToTcp6Sock, &[SOCK], ret_kernel_or_null("tcp6_sock"), SOCKET_CASTERS).perfmon(),
    row(SkcToTcpSock, &[SOCK], ret_kernel_or_null("tcp_sock"), SOCKET_CASTERS).perfmon(),
    row(SkcToTcpTimewaitSock, &[SOCK], ret_kernel_or_null("tcp_timewait_sock"), SOCKET_CASTERS)
        .perfmon(),
    row(SkcToTcpRequestSock, &[SOCK], ret_kernel_or_null("tcp_request_sock"), SOCKET_CASTERS)
        .perfmon(),
    row(SkcToUdp6Sock, &[SOCK], ret_kernel_or_null("udp6_sock"), SOCKET_CASTERS).perfmon(),
    row(SkcToUnixSock, &[SOCK], ret_kernel_or_null("unix_sock"), SOCKET_CASTERS).perfmon(),
    row(SkcToMptcpSock, &[SOCK_COMMON], ret_kernel_or_null("mptcp_sock"), SOCKET_CASTERS).perfmon(),
    row(
        SkStorageGet,
        &[MAP, SOCK, VALUE_OR_NULL, ANY],
        MapValueOrNull,
        TC.with(types(&[CgroupSkb, SockOps, SkMsg, CgroupSockAddr, CgroupSockopt, StructOps, Lsm])),
    ),
    row(
        SkStorageDelete,
        &[MAP, SOCK],
        Integer,
        TC.with(types(&[CgroupSkb, SockOps, SkMsg, CgroupSockAddr, CgroupSockopt, StructOps, Lsm])),
    ),
    row(
        GetSocketCookie,
        &[CTX],
        Integer,
        TC.with(types(&[SocketFilter, CgroupSkb, CgroupSock, SockOps, SkSkb, CgroupSockAddr])),
    ),
    row(GetSocketUid, &[CTX], Integer, TC.with(types(&[SocketFilter, CgroupSkb, SkSkb]))),
    row(
        GetNetnsCookie,
        &[CTX_OR_NULL],
        Integer,
        TC.with(types(&[
            SocketFilter,
            CgroupSkb,
            CgroupSock,
            SockOps,
            SkMsg,
            CgroupSockAddr,
            CgroupSockopt,
        ])),
    ),
    row(SkCgroupId, &[SOCK], Integer, types(&[CgroupSkb])),
    row(SkAncestorCgroupId, &[SOCK, ANY], Integer, types(&[CgroupSkb])),
    row(Setsockopt, &[CTX, ANY, ANY, IN, SIZE], Integer, types(&[SockOps, CgroupSockAddr])),
    row(Getsockopt, &[CTX, ANY, ANY, OUT, SIZE], Integer, types(&[SockOps, CgroupSockAddr])),
    row(Bind, &[CTX, IN, SIZE], Integer, types(&[CgroupSockAddr])),
    row(SockOpsCbFlagsSet, &[CTX, ANY], Integer, types(&[SockOps])),
    row(LoadHdrOpt, &[CTX, INOUT, SIZE, ANY], Integer, types(&[SockOps])),
    row(StoreHdrOpt, &[CTX, IN, SIZE, ANY], Integer, types(&[SockOps])).moves_packet(),
    row(ReserveHdrOpt, &[CTX, ANY, ANY], Integer, types(&[SockOps])),
    row(TcpSendAck, &[kernel("tcp_sock"), ANY], Integer, types(&[StructOps])),
    row(SockMapUpdate, &[CTX, MAP, KEY, ANY], Integer, types(&[SockOps])).pkt(),
    row(SockHashUpdate, &[CTX, MAP, KEY, ANY], Integer, types(&[SockOps])).pkt(),
    row(SkRedirectMap, &[CTX, MAP, ANY, ANY], Integer, types(&[SkSkb])),
    row(SkRedirectHash, &[CTX, MAP, KEY, ANY], Integer, types(&[SkSkb])),
    row(MsgRedirectMap, &[CTX, MAP, ANY, ANY], Integer, types(&[SkMsg])),
    row(MsgRedirectHash, &[CTX, MAP, KEY, ANY], Integer, types(&[SkMsg])),
    row(MsgApplyBytes, &[CTX, ANY], Integer, types(&[SkMsg])),
    row(MsgCorkBytes, &[CTX, ANY], Integer, types(&[SkMsg])),
    row(MsgPullData, &[CTX, ANY, ANY, ANY], Integer, types(&[SkMsg])).moves_packet(),
    row(MsgPushData, &[CTX, ANY, ANY, ANY], Integer, types(&[SkMsg])).moves_packet(),
    row(MsgPopData, &[CTX, ANY, ANY, ANY], Integer, types(&[SkMsg])).moves_packet(),
    row(SkSelectReuseport, &[CTX, MAP, KEY, ANY], Integer, types(&[SkReuseport])),
];
