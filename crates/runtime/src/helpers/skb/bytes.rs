//! Bytes of a packet, copied in and out.

use skep_command::Errno;

use super::{forget, learn};
use crate::helpers::{Outcome, fail, low32, skb, skb_mut};
use crate::run::Run;

/// Keep the packet's known sum right (`BPF_F_RECOMPUTE_CSUM`).
const RECOMPUTE_CSUM: u64 = 1;
/// Forget the flow hash (`BPF_F_INVALIDATE_HASH`).
const INVALIDATE_HASH: u64 = 2;

/// Offsets from a header are at most this.
const RELATIVE_OFFSET_MAX: u32 = 0xffff;

/// `bpf_skb_load_bytes(skb, offset, to, len)`: copies from the packet.
///
/// Returns 0, or `-EFAULT` if the packet has no such bytes; `to` is zeroed then.
pub(in crate::helpers) fn load(run: &mut Run<'_>, [ctx, offset, to, len, _]: [u64; 5]) -> Outcome {
    let skb = skb(run, ctx)?;
    let to = run.writable(to, low32(len) as usize)?;
    match skb.packet.range(low32(offset) as usize, to.len()) {
        Some(bytes) => {
            to.copy_from_bytes(bytes);
            Ok(0)
        }
        None => {
            to.fill(0);
            fail(Errno::EFAULT)
        }
    }
}

/// `bpf_skb_load_bytes_relative(skb, offset, to, len, start_header)`: copies from the packet, the
/// offset counted from the MAC header (0) or the network header (1).
///
/// Returns 0, or `-EFAULT` if the packet has no such bytes, the offset is above 65,535 or the header
/// is another; `to` is zeroed then.
pub(in crate::helpers) fn load_relative(
    run: &mut Run<'_>,
    [ctx, offset, to, len, start_header]: [u64; 5],
) -> Outcome {
    let skb = skb(run, ctx)?;
    let to = run.writable(to, low32(len) as usize)?;
    let offset = low32(offset);
    let start = match low32(start_header) {
        0 => signed(skb.mac_len).checked_neg(),
        1 => Some(signed(skb.network_off)),
        _ => None,
    };
    let reach = signed(skb.packet.linear_len());
    let bytes = start
        .filter(|_| offset <= RELATIVE_OFFSET_MAX)
        .map(|start| start + i64::from(offset))
        .filter(|start| start + signed(to.len()) <= reach)
        .and_then(|start| skb.packet.range_around(start, to.len()));
    match bytes {
        Some(bytes) => {
            to.copy_from_bytes(bytes);
            Ok(0)
        }
        None => {
            to.fill(0);
            fail(Errno::EFAULT)
        }
    }
}

/// `bpf_skb_store_bytes(skb, offset, from, len, flags)`: copies into the packet.
///
/// Returns 0; `-EINVAL` for flags other than `BPF_F_RECOMPUTE_CSUM` and `BPF_F_INVALIDATE_HASH`;
/// `-EFAULT` if the packet has no such bytes.
pub(in crate::helpers) fn store(
    run: &mut Run<'_>,
    [ctx, offset, from, len, flags]: [u64; 5],
) -> Outcome {
    let from = run.readable(from, low32(len) as usize)?.to_scratch();
    let skb = skb_mut(run, ctx)?;
    if flags & !(RECOMPUTE_CSUM | INVALIDATE_HASH) != 0 {
        return fail(Errno::EINVAL);
    }
    let offset = low32(offset) as usize;
    if skb.packet.pull(offset + from.len()).is_none() {
        return fail(Errno::EFAULT);
    }
    let Some(bytes) = skb.packet.range_mut(offset, from.len()) else {
        return fail(Errno::EFAULT);
    };
    let before = bytes.bytes().to_scratch();
    bytes.copy_from(&from);
    if flags & RECOMPUTE_CSUM != 0 {
        forget(skb, offset, &before);
        learn(skb, offset, &from);
    }
    if flags & INVALIDATE_HASH != 0 {
        skb.hash = 0;
        skb.hash_valid = false;
    }
    Ok(0)
}

/// `bpf_skb_pull_data(skb, len)`: makes the first `len` bytes accessible through `data`; 0 stands
/// for those that are. Returns 0, or `-ENOMEM` if the packet is shorter.
pub(in crate::helpers) fn pull(run: &mut Run<'_>, [ctx, len, ..]: [u64; 5]) -> Outcome {
    match skb_mut(run, ctx)?.packet.pull(low32(len) as usize) {
        Some(()) => Ok(0),
        None => fail(Errno::ENOMEM),
    }
}

/// A length as a number to compute with; packets are far shorter than 2^63.
fn signed(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}
