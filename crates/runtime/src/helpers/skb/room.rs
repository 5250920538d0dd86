//! Packets that grow, shrink and change their protocol.

use skep_command::Errno;

use super::{close_gap, open_gap};
use crate::context::{Checksum, SkbContext};
use crate::helpers::{Outcome, fail, low16, low32, skb_mut};
use crate::run::Run;

const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;
const ETH_HLEN: u64 = 14;

/// The length of an IPv4 header without options.
const IPV4_LEN: usize = 20;
/// The length of an IPv6 header.
const IPV6_LEN: usize = 40;

/// The longest packet that a program can make: what fits four pages with Linux's bookkeeping
/// (`SKB_MAX_ALLOC`).
const LEN_MAX: usize = 4 * 4096 - 320;

/// The highest packet type that programs may give or take away (`PACKET_OTHERHOST`).
const PKT_TYPE_MAX: u32 = 3;

/// `bpf_skb_change_tail(skb, len, flags)`: cuts the packet to `len` or fills it up with zeros.
///
/// Returns 0; `-EINVAL` for any flag, a length above 16,064 or before the network header;
/// `-ENOTSUPP` if the packet was wrapped in another.
pub(in crate::helpers) fn change_tail(
    run: &mut Run<'_>,
    [ctx, len, flags, ..]: [u64; 5],
) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    let len = low32(len) as usize;
    if flags != 0 || len > LEN_MAX || len < skb.network_off {
        return fail(Errno::EINVAL);
    }
    if skb.encapsulation {
        return fail(Errno::ENOTSUPP);
    }
    skb.packet.linearize();
    let old = skb.packet.len();
    if len > old {
        skb.packet.reserve(0, len - old);
    }
    let delta = i64::try_from(len).and_then(|len| Ok(len - i64::try_from(old)?));
    if delta.ok().and_then(|delta| skb.packet.move_end(delta)).is_none() {
        return fail(Errno::ENOMEM);
    }
    (skb.gso_size, skb.gso_segs) = (0, 0);
    Ok(0)
}

/// `bpf_skb_change_head(skb, len, flags)`: puts `len` zero bytes before the packet; there begins
/// its MAC header then.
///
/// Returns 0; `-EINVAL` for any flag and if the packet would be longer than 16,064.
pub(in crate::helpers) fn change_head(
    run: &mut Run<'_>,
    [ctx, len, flags, ..]: [u64; 5],
) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    let len = low32(len) as usize;
    let grown = skb.packet.len() + len;
    if flags != 0 || u32::try_from(grown).is_err() || (grown > LEN_MAX && skb.gso_size == 0) {
        return fail(Errno::EINVAL);
    }
    if let Err(errno) = open_gap(skb, 0, len) {
        return fail(errno);
    }
    skb.network_off += len;
    skb.mac_len = 0;
    Ok(0)
}

/// `bpf_skb_change_type(skb, type)`: sets the packet type.
///
/// Returns 0; `-EINVAL` if it is or would be another than `PACKET_HOST`, `PACKET_BROADCAST`,
/// `PACKET_MULTICAST` or `PACKET_OTHERHOST`.
pub(in crate::helpers) fn change_type(run: &mut Run<'_>, [ctx, pkt_type, ..]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    let new = u8::try_from(low32(pkt_type)).unwrap_or(u8::MAX);
    if u32::from(skb.pkt_type) > PKT_TYPE_MAX || u32::from(new) > PKT_TYPE_MAX {
        return fail(Errno::EINVAL);
    }
    skb.pkt_type = new;
    Ok(0)
}

/// `bpf_skb_change_proto(skb, proto, flags)`: makes room for an IPv6 header where an IPv4 header
/// is, or the other way round. The program writes the header.
///
/// Returns 0; `-EINVAL` for any flag; `-ENOTSUPP` for another change of protocol; `-ENOMEM` if the
/// packet is too short.
pub(in crate::helpers) fn change_proto(
    run: &mut Run<'_>,
    [ctx, proto, flags, ..]: [u64; 5],
) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    if flags != 0 {
        return fail(Errno::EINVAL);
    }
    let to = u16::from_be_bytes(low16(proto).to_ne_bytes());
    let mac_header_len = skb.mac_len + skb.network_off;
    let changed = match (skb.protocol, to) {
        (ETH_P_IP, ETH_P_IPV6) => open_gap(skb, mac_header_len, IPV6_LEN - IPV4_LEN),
        (ETH_P_IPV6, ETH_P_IP) => close_gap(skb, mac_header_len, IPV6_LEN - IPV4_LEN),
        _ => Err(Errno::ENOTSUPP),
    };
    if let Err(errno) = changed {
        return fail(errno);
    }
    skb.protocol = to;
    skb.hash = 0;
    skb.hash_valid = false;
    Ok(0)
}

/// Flags of `bpf_skb_adjust_room` (`BPF_F_ADJ_ROOM_*`).
mod adjust {
    pub(super) const FIXED_GSO: u64 = 1;
    pub(super) const ENCAP_L3_IPV4: u64 = 1 << 1;
    pub(super) const ENCAP_L3_IPV6: u64 = 1 << 2;
    pub(super) const ENCAP_L4_GRE: u64 = 1 << 3;
    pub(super) const ENCAP_L4_UDP: u64 = 1 << 4;
    pub(super) const NO_CSUM_RESET: u64 = 1 << 5;
    pub(super) const ENCAP_L2_ETH: u64 = 1 << 6;
    pub(super) const DECAP_L3_IPV4: u64 = 1 << 7;
    pub(super) const DECAP_L3_IPV6: u64 = 1 << 8;
    /// The length of the inner MAC header, in the uppermost 8 bits.
    pub(super) const ENCAP_L2_SHIFT: u32 = 56;
    pub(super) const ALL: u64 = ((1 << 9) - 1) | (0xff << ENCAP_L2_SHIFT);
    pub(super) const ENCAP_L3: u64 = ENCAP_L3_IPV4 | ENCAP_L3_IPV6;
    pub(super) const DECAP_L3: u64 = DECAP_L3_IPV4 | DECAP_L3_IPV6;
}

/// The most that one call may add or remove.
const ADJUST_MAX: u32 = 0xfff;

/// `bpf_skb_adjust_room(skb, len_diff, mode, flags)`: adds or removes bytes behind the MAC header
/// (mode 1) or the network header without options (mode 0).
///
/// Returns 0. `-EINVAL`: flags that are unknown, contradict each other or do not fit the direction.
/// `-EFAULT`: more than 4,095 bytes. `-ENOTSUPP`: neither IPv4 nor IPv6, another mode, less than a
/// network header would be left or more than 16,064 bytes, segments that cannot be adjusted.
/// `-EALREADY`: the packet is wrapped in another. `-ENOMEM`: the packet is too short.
pub(in crate::helpers) fn adjust_room(
    run: &mut Run<'_>,
    [ctx, len_diff, mode, flags, _]: [u64; 5],
) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    let len_diff = low32(len_diff).cast_signed();
    match adjust(skb, len_diff, low32(mode), flags) {
        Ok(()) => {
            if flags & adjust::NO_CSUM_RESET == 0
                && let Checksum::Unnecessary { .. } = skb.checksum
            {
                skb.checksum = Checksum::None;
            }
            Ok(0)
        }
        Err(errno) => fail(errno),
    }
}

fn adjust(skb: &mut SkbContext, len_diff: i32, mode: u32, flags: u64) -> Result<(), Errno> {
    if flags & !adjust::ALL != 0 {
        return Err(Errno::EINVAL);
    }
    let len = len_diff.unsigned_abs();
    if len > ADJUST_MAX {
        return Err(Errno::EFAULT);
    }
    let header = match skb.protocol {
        ETH_P_IP => IPV4_LEN,
        ETH_P_IPV6 => IPV6_LEN,
        _ => return Err(Errno::ENOTSUPP),
    };
    let mac_header_len = skb.mac_len + skb.network_off;
    let off = match mode {
        0 => mac_header_len + header,
        1 => mac_header_len,
        _ => return Err(Errno::ENOTSUPP),
    };
    let shrink = len_diff < 0;
    let len_min = match flags & adjust::DECAP_L3 {
        0 => header,
        _ if !shrink => return Err(Errno::EINVAL),
        adjust::DECAP_L3_IPV4 => IPV4_LEN,
        adjust::DECAP_L3_IPV6 => IPV6_LEN,
        _ => return Err(Errno::EINVAL),
    };
    let len = len as usize;
    if shrink {
        let left = skb.packet.len().saturating_sub(skb.network_off).checked_sub(len);
        if left.is_none_or(|left| left == 0 || left < len_min) {
            return Err(Errno::ENOTSUPP);
        }
        adjust_shrink(skb, off, len, flags)
    } else {
        if skb.packet.len() + len > LEN_MAX && skb.gso_size == 0 {
            return Err(Errno::ENOTSUPP);
        }
        adjust_grow(skb, off, len, flags)
    }
}

fn adjust_shrink(skb: &mut SkbContext, off: usize, len: usize, flags: u64) -> Result<(), Errno> {
    if flags & !(adjust::FIXED_GSO | adjust::DECAP_L3 | adjust::NO_CSUM_RESET) != 0 {
        return Err(Errno::EINVAL);
    }
    check_segments(skb)?;
    close_gap(skb, off, len)?;
    if flags & adjust::DECAP_L3_IPV6 != 0 {
        skb.protocol = ETH_P_IPV6;
    } else if flags & adjust::DECAP_L3_IPV4 != 0 {
        skb.protocol = ETH_P_IP;
    }
    Ok(())
}

fn adjust_grow(skb: &mut SkbContext, off: usize, len: usize, flags: u64) -> Result<(), Errno> {
    check_segments(skb)?;
    let encap = flags & adjust::ENCAP_L3 != 0;
    if encap {
        let both = |a, b| flags & a != 0 && flags & b != 0;
        let inner_mac_len = flags >> adjust::ENCAP_L2_SHIFT;
        if both(adjust::ENCAP_L3_IPV4, adjust::ENCAP_L3_IPV6)
            || both(adjust::ENCAP_L4_GRE, adjust::ENCAP_L4_UDP)
            || (flags & adjust::ENCAP_L2_ETH != 0 && inner_mac_len < ETH_HLEN)
        {
            return Err(Errno::EINVAL);
        }
        if skb.encapsulation {
            return Err(Errno::EALREADY);
        }
        if inner_mac_len > len as u64 {
            return Err(Errno::EINVAL);
        }
    }
    open_gap(skb, off, len)?;
    if encap {
        skb.encapsulation = true;
        skb.protocol = if flags & adjust::ENCAP_L3_IPV6 != 0 { ETH_P_IPV6 } else { ETH_P_IP };
    }
    Ok(())
}

/// Segmented packets keep no segment type here, and those Linux does not adjust.
fn check_segments(skb: &SkbContext) -> Result<(), Errno> {
    if skb.gso_size == 0 { Ok(()) } else { Err(Errno::ENOTSUPP) }
}
