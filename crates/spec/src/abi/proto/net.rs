//! Networking that is not of one packet form: redirects, checksums, routes, SYN cookies.
use super::Proto;
use super::arg::Ret::*;
use super::row::*;
use crate::abi::HelperId::*;
use crate::abi::ProgType::*;

/// The rows of this family.
pub(super) const HELPERS: &[Proto] = &[
    row(Redirect, &[ANY, ANY], Integer, REWRITERS.with(types(&[Xdp]))),
    row(RedirectMap, &[MAP, ANY, ANY], Integer, types(&[Xdp])),
    row(RedirectNeigh, &[ANY, IN_OR_NULL, SIZE_OR_ZERO, ANY], Integer, TC),
    row(RedirectPeer, &[ANY, ANY], Integer, TC),
    row(CloneRedirect, &[CTX, ANY, ANY], Integer, REWRITERS).moves_packet(),
    row(
        CsumDiff,
        &[IN_OR_NULL, SIZE_OR_ZERO, IN_OR_NULL, SIZE_OR_ZERO, ANY],
        Integer,
        TC_LWT.with(types(&[Xdp])),
    )
    .pkt(),
    row(FibLookup, &[CTX, INOUT, SIZE, ANY], Integer, TC.with(types(&[Xdp]))).gpl(),
    row(CheckMtu, &[CTX, ANY, number_inout(4), ANY, ANY], Integer, TC.with(types(&[Xdp]))).gpl(),
    row(TcpCheckSyncookie, &[SOCK, IN, SIZE, IN, SIZE], Integer, TC.with(types(&[Xdp])))
        .gpl()
        .pkt(),
    row(TcpGenSyncookie, &[SOCK, IN, SIZE, IN, SIZE], Integer, TC.with(types(&[Xdp]))).gpl().pkt(),
    row(TcpRawGenSyncookieIpv4, &[fixed_in(20), IN, SIZE_OR_ZERO], Integer, TC.with(types(&[Xdp])))
        .gpl()
        .pkt(),
    row(TcpRawGenSyncookieIpv6, &[fixed_in(40), IN, SIZE_OR_ZERO], Integer, TC.with(types(&[Xdp])))
        .gpl()
        .pkt(),
    row(TcpRawCheckSyncookieIpv4, &[fixed_in(20), fixed_in(20)], Integer, TC.with(types(&[Xdp])))
        .gpl()
        .pkt(),
    row(TcpRawCheckSyncookieIpv6, &[fixed_in(40), fixed_in(20)], Integer, TC.with(types(&[Xdp])))
        .gpl()
        .pkt(),
];
