//! VLAN tags of packets.
//!
//! The outermost tag stands beside the packet ([`SkbContext::vlan`]), as network devices deliver
//! it; those inside are in the data behind the MAC addresses.

use skep_command::Errno;

use super::{close_gap, learn, open_gap};
use crate::context::{SkbContext, VlanTag};
use crate::helpers::{Outcome, fail, low16, skb_mut};
use crate::run::Run;

const ETH_P_8021Q: u16 = 0x8100;
const ETH_P_8021AD: u16 = 0x88a8;
/// What Linux calls a frame with a length instead of a protocol, by its payload.
const ETH_P_802_3: u16 = 0x0001;
const ETH_P_802_2: u16 = 0x0004;
/// The lowest number that is a protocol and not a length.
const ETH_P_802_3_MIN: u16 = 0x0600;

/// The length of a tag in the data.
const VLAN_HLEN: usize = 4;
/// The length of the two MAC addresses before it.
const ADDRESSES_LEN: usize = 12;
const ETH_HLEN: usize = 14;

/// `bpf_skb_vlan_push(skb, vlan_proto, vlan_tci)`: adds an outer tag; one that was there moves into
/// the data.
///
/// A protocol other than 802.1Q and 802.1ad counts as 802.1Q. Returns 0; `-ENOMEM` if the packet grows
/// too long.
pub(in crate::helpers) fn push(run: &mut Run<'_>, [ctx, proto, tci, ..]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    let proto = match u16::from_be_bytes(low16(proto).to_ne_bytes()) {
        ETH_P_8021AD => ETH_P_8021AD,
        _ => ETH_P_8021Q,
    };
    if let Some(tag) = skb.vlan
        && let Err(errno) = insert(skb, tag)
    {
        return fail(errno);
    }
    skb.vlan = Some(VlanTag { proto, tci: low16(tci) });
    Ok(0)
}

/// `bpf_skb_vlan_pop(skb)`: removes the outer tag; the next one, if there is one, takes its place
/// beside the packet.
///
/// Returns 0, also if there is no tag; `-ENOMEM` if the packet is too short for the tag that its
/// protocol promises.
pub(in crate::helpers) fn pop(run: &mut Run<'_>, [ctx, ..]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    if skb.vlan.take().is_none() && is_vlan(skb.protocol) && remove(skb).is_none() {
        return fail(Errno::ENOMEM);
    }
    if is_vlan(skb.protocol) {
        match remove(skb) {
            Some(tag) => skb.vlan = Some(tag),
            None => return fail(Errno::ENOMEM),
        }
    }
    Ok(0)
}

fn is_vlan(proto: u16) -> bool {
    matches!(proto, ETH_P_8021Q | ETH_P_8021AD)
}

/// Puts a tag into the data.
fn insert(skb: &mut SkbContext, tag: VlanTag) -> Result<(), Errno> {
    open_gap(skb, ADDRESSES_LEN, VLAN_HLEN)?;
    let [p0, p1] = tag.proto.to_be_bytes();
    let [t0, t1] = tag.tci.to_be_bytes();
    let bytes = [p0, p1, t0, t1];
    if let Some(gap) = skb.packet.range_mut(ADDRESSES_LEN, VLAN_HLEN) {
        gap.copy_from(&bytes);
    }
    learn(skb, ADDRESSES_LEN, &bytes);
    skb.protocol = tag.proto;
    Ok(())
}

/// Takes a tag out of the data. `None` if the packet is too short for one.
fn remove(skb: &mut SkbContext) -> Option<VlanTag> {
    let [.., t0, t1, n0, n1] = skb.packet.range(ADDRESSES_LEN, VLAN_HLEN + 2)?.array::<6>(0)?;
    let inner = u16::from_be_bytes([n0, n1]);
    let payload =
        skb.packet.range(ADDRESSES_LEN + VLAN_HLEN + 2, 2).and_then(|bytes| bytes.array(0));
    let tag = VlanTag { proto: skb.protocol, tci: u16::from_be_bytes([t0, t1]) };
    close_gap(skb, ADDRESSES_LEN, VLAN_HLEN).ok()?;
    skb.protocol = match payload {
        _ if inner >= ETH_P_802_3_MIN => inner,
        Some([0xff, 0xff]) => ETH_P_802_3,
        Some(_) | None => ETH_P_802_2,
    };
    skb.network_off = skb.network_off.saturating_sub(VLAN_HLEN).max(ETH_HLEN);
    Some(tag)
}
