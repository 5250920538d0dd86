//! Packets that go elsewhere: `bpf_redirect*`.
//!
//! These helpers only note where to; the host of the run moves the packet when the program returns
//! the verdict that they gave.

use std::sync::Arc;

use skep_spec::abi::MapType;

use super::{Outcome, low32};
use crate::context::Context;
use crate::fault::Fault;
use crate::run::{Redirect, Run};

const XDP_ABORTED: u64 = 0;
const XDP_REDIRECT: u64 = 4;
const TC_ACT_SHOT: u64 = 2;
const TC_ACT_REDIRECT: u64 = 7;

/// Redirect to the receive side of the interface (`BPF_F_INGRESS`).
const INGRESS: u64 = 1;
/// To all members of the map (`BPF_F_BROADCAST`).
const BROADCAST: u64 = 1 << 3;
/// But not to the interface that the frame came from (`BPF_F_EXCLUDE_INGRESS`).
const EXCLUDE_INGRESS: u64 = 1 << 4;
/// The verdict to return if the map holds nothing: a code below `XDP_REDIRECT`.
const ACTION_MASK: u64 = 3;

/// Linux's own flags: by neighbour, to the peer, with a next hop.
const NEIGH: u64 = 1 << 16;
const PEER: u64 = 1 << 17;
const NEXTHOP: u64 = 1 << 18;

/// `struct bpf_redir_neigh`.
const NEIGH_PARAMS_LEN: u32 = 20;

/// `bpf_redirect(ifindex, flags)`: to an interface.
///
/// In XDP returns `XDP_REDIRECT`, or `XDP_ABORTED` for any flag. Elsewhere returns
/// `TC_ACT_REDIRECT`, or `TC_ACT_SHOT` for flags other than `BPF_F_INGRESS`. Whether the interface
/// exists shows later.
pub(super) fn redirect(run: &mut Run<'_>, [ifindex, flags, ..]: [u64; 5]) -> Outcome {
    let (allowed, refused, verdict) = match run.context() {
        Context::Xdp(_) => (0, XDP_ABORTED, XDP_REDIRECT),
        Context::Skb(_) | Context::Plain(_) => (INGRESS, TC_ACT_SHOT, TC_ACT_REDIRECT),
    };
    if flags & !allowed != 0 {
        return Ok(refused);
    }
    run.set_redirect(Some(Redirect::Interface { ifindex: low32(ifindex), flags }));
    Ok(verdict)
}

/// `bpf_redirect_peer(ifindex, flags)`: to the receive side of an interface's other end.
///
/// Returns `TC_ACT_REDIRECT`, or `TC_ACT_SHOT` for any flag.
pub(super) fn redirect_peer(run: &mut Run<'_>, [ifindex, flags, ..]: [u64; 5]) -> Outcome {
    if flags != 0 {
        return Ok(TC_ACT_SHOT);
    }
    run.set_redirect(Some(Redirect::Interface { ifindex: low32(ifindex), flags: PEER }));
    Ok(TC_ACT_REDIRECT)
}

/// `bpf_redirect_neigh(ifindex, params, plen, flags)`: to an interface, with the link-layer
/// addresses that its neighbour table has for the packet's or the given next hop.
///
/// Returns `TC_ACT_REDIRECT`, or `TC_ACT_SHOT` for any flag and for parameters shorter than
/// `struct bpf_redir_neigh`.
pub(super) fn redirect_neigh(
    run: &mut Run<'_>,
    [ifindex, params, plen, flags, _]: [u64; 5],
) -> Outcome {
    let plen = low32(plen);
    if plen > 0 {
        run.readable(params, plen as usize)?;
    }
    if flags != 0 || (plen > 0 && plen < NEIGH_PARAMS_LEN) {
        return Ok(TC_ACT_SHOT);
    }
    let flags = if plen > 0 { NEIGH | NEXTHOP } else { NEIGH };
    run.set_redirect(Some(Redirect::Interface { ifindex: low32(ifindex), flags }));
    Ok(TC_ACT_REDIRECT)
}

/// `bpf_redirect_map(map, key, flags)`: to the device that a map holds.
///
/// Returns `XDP_REDIRECT`; the low two bits of the flags if the map holds nothing there, unless the
/// packet goes to all members; `XDP_ABORTED` for flags that device maps do not have.
pub(super) fn redirect_map(run: &mut Run<'_>, [map, key, flags, ..]: [u64; 5]) -> Outcome {
    let map = Arc::clone(run.map(map)?);
    let map_type = map.map_type();
    if !matches!(map_type, MapType::Devmap | MapType::DevmapHash) {
        return Err(Fault::helper(format!("bpf_redirect_map on a map of type {map_type}")));
    }
    if flags & !(ACTION_MASK | BROADCAST | EXCLUDE_INGRESS) != 0 {
        return Ok(XDP_ABORTED);
    }
    let index = low32(key);
    if map.device(index).is_none() && flags & BROADCAST == 0 {
        run.set_redirect(None);
        return Ok(flags & ACTION_MASK);
    }
    run.set_redirect(Some(Redirect::Map { map, index: u64::from(index), flags }));
    Ok(XDP_REDIRECT)
}
