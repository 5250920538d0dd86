//! XDP: the packet in its buffer.
use super::Proto;
use super::arg::Ret::*;
use super::row::*;
use crate::abi::HelperId::*;
use crate::abi::ProgType::*;

/// The rows of this family.
pub(super) const HELPERS: &[Proto] = &[
    row(XdpAdjustHead, &[CTX, ANY], Integer, types(&[Xdp])).moves_packet(),
    row(XdpAdjustMeta, &[CTX, ANY], Integer, types(&[Xdp])).moves_packet(),
    row(XdpAdjustTail, &[CTX, ANY], Integer, types(&[Xdp])).moves_packet(),
    row(XdpLoadBytes, &[CTX, ANY, OUT, SIZE], Integer, types(&[Xdp])),
    row(XdpStoreBytes, &[CTX, ANY, IN, SIZE], Integer, types(&[Xdp])),
    row(XdpGetBuffLen, &[CTX], Integer, types(&[Xdp])),
];
