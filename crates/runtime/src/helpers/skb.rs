//! Packets in the network stack: `bpf_skb_*`.
//!
//! What Linux keeps in fragments of a packet lies behind the rest here. A helper that would copy
//! bytes out of fragments to change them makes them reachable for the program in the same way.

pub(super) mod bytes;
pub(super) mod flow;
pub(super) mod hash;
pub(super) mod mark;
pub(super) mod room;
pub(super) mod vlan;

use super::checksum::PartialSum;
use crate::context::{Checksum, SkbContext};
use crate::memory::Bytes;

/// Where a packet's sum is known, takes the bytes at `off` out of it before they change.
fn forget(skb: &mut SkbContext, off: usize, bytes: &[u8]) {
    if let Checksum::Complete(total) = skb.checksum {
        skb.checksum = Checksum::Complete(PartialSum(total).minus(placed_sum(off, bytes)).0);
    }
}

/// The reverse: adds bytes that are now at `off`.
fn learn(skb: &mut SkbContext, off: usize, bytes: &[u8]) {
    if let Checksum::Complete(total) = skb.checksum {
        skb.checksum = Checksum::Complete(PartialSum(total).plus(placed_sum(off, bytes)).0);
    }
}

/// The sum of bytes by their place: at odd places the halves of words are swapped.
fn placed_sum(off: usize, bytes: &[u8]) -> PartialSum {
    let sum = PartialSum::over(bytes, PartialSum(0));
    if off.is_multiple_of(2) { sum } else { PartialSum(sum.0.rotate_right(8)) }
}

/// Opens a gap of `len` zero bytes at `off`; what stands before it moves towards the head.
fn open_gap(skb: &mut SkbContext, off: usize, len: usize) {
    let packet = &mut skb.packet;
    let before = packet.range(0, off.min(packet.len())).map(Bytes::to_vec).unwrap_or_default();
    packet.reserve(len, 0);
    let Ok(delta) = i64::try_from(len) else { return };
    if packet.move_data_and_meta(-delta).is_none() {
        return;
    }
    if let Some(head) = packet.range_mut(0, before.len()) {
        head.copy_from(&before);
    }
    let gap = len.min(packet.len() - before.len());
    if let Some(gap) = packet.range_mut(before.len(), gap) {
        gap.fill(0);
    }
}

/// Closes the `len` bytes at `off`; what stands before them moves away from the head. `None` if the
/// packet is not that long.
fn close_gap(skb: &mut SkbContext, off: usize, len: usize) -> Option<()> {
    skb.packet.pull(off + len)?;
    let gone = skb.packet.range(off, len)?.to_vec();
    let before = skb.packet.range(0, off)?.to_vec();
    skb.packet.move_data_and_meta(i64::try_from(len).ok()?)?;
    skb.packet.range_mut(0, off)?.copy_from(&before);
    forget(skb, off, &gone);
    Some(())
}
