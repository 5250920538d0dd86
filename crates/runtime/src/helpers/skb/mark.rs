//! Marks that packets carry through the network: congestion, and times.

use skep_command::Errno;

use crate::context::{Checksum, SkbContext};
use crate::helpers::checksum::{self, PartialSum};
use crate::helpers::{Outcome, fail, low32, skb_mut};
use crate::run::Run;

const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;

/// The two bits of the traffic class that speak of congestion (RFC 3168); both set: it happened.
const ECN_MASK: u8 = 0b11;

/// `bpf_skb_ecn_set_ce(skb)`: marks an IP packet as having met congestion, if its sender understands
/// that.
///
/// Returns 1 if the packet carries the mark now, 0 if it cannot.
pub(in crate::helpers) fn ecn_set_ce(run: &mut Run<'_>, [ctx, ..]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    let marked = match skb.protocol {
        ETH_P_IP => mark_ipv4(skb),
        ETH_P_IPV6 => mark_ipv6(skb),
        _ => None,
    };
    Ok(u64::from(marked.unwrap_or(false)))
}

fn mark_ipv4(skb: &SkbContext) -> Option<bool> {
    let header = skb.packet.range_mut(skb.network_off, 20)?;
    let class = header.range(1, 1)?;
    let before = class.bytes().u8_at(0)?;
    match before & ECN_MASK {
        0 => return Some(false),
        ECN_MASK => return Some(true),
        _ => {}
    }
    // The header's sum grows by what the class does; Linux adds the complement to the checksum, which
    // for a sum that comes out as zero is the other zero than that of RFC 1624.
    let growth = u16::from((before | ECN_MASK) - before);
    let field = header.range(10, 2)?;
    let sum = u16::from_ne_bytes(field.bytes().array(0)?);
    field.copy_from(&checksum::add16(sum, (!growth).to_be()).to_ne_bytes());
    class.copy_from(&[before | ECN_MASK]);
    Some(true)
}

fn mark_ipv6(skb: &mut SkbContext) -> Option<bool> {
    let word = skb.packet.range_mut(skb.network_off, 40)?.range(0, 4)?;
    let before = u32::from_be_bytes(word.bytes().array(0)?);
    let mask = u32::from(ECN_MASK) << 20;
    if before & mask == 0 {
        return Some(false);
    }
    let (before, after) = (before.to_be(), (before | mask).to_be());
    word.copy_from(&after.to_ne_bytes());
    if let Checksum::Complete(total) = skb.checksum {
        let total = PartialSum(total).minus(PartialSum(before)).plus(PartialSum(after));
        skb.checksum = Checksum::Complete(total.0);
    }
    Some(true)
}

/// `bpf_skb_set_tstamp(skb, tstamp, tstamp_type)`: sets the packet's time, of the real-time clock
/// (0), the monotonic clock (1) or in atomic time (2).
///
/// Returns 0; `-EINVAL` for another clock, and for the time 0 of the latter two; `-EOPNOTSUPP` for
/// what is neither IPv4 nor IPv6.
pub(in crate::helpers) fn set_tstamp(
    run: &mut Run<'_>,
    [ctx, tstamp, clock, ..]: [u64; 5],
) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    if !matches!(skb.protocol, ETH_P_IP | ETH_P_IPV6) {
        return fail(Errno::EOPNOTSUPP);
    }
    let clock = match low32(clock) {
        0 => 0,
        1 if tstamp != 0 => 1,
        2 if tstamp != 0 => 2,
        _ => return fail(Errno::EINVAL),
    };
    skb.tstamp = tstamp;
    skb.tstamp_type = clock;
    Ok(0)
}
