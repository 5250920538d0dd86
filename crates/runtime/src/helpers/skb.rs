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

use skep_command::Errno;

use super::checksum::PartialSum;
use crate::context::{Checksum, SkbContext};
use crate::memory::Bytes;
use crate::packet::Packet;

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

/// The longest piece of memory that Linux can allocate for a packet (`KMALLOC_MAX_SIZE`).
const HEAD_MAX: usize = 4 << 20;

/// Opens a gap of `len` zero bytes at `off`; what stands before it moves towards the head. `ENOMEM`
/// if the packet would be too long.
fn open_gap(skb: &mut SkbContext, off: usize, len: usize) -> Result<(), Errno> {
    let packet = &mut skb.packet;
    if packet.len() + len > HEAD_MAX {
        return Err(Errno::ENOMEM);
    }
    let before = packet.range(0, off.min(packet.len())).map(Bytes::to_vec).unwrap_or_default();
    packet.reserve(len, 0);
    let delta = i64::try_from(len).map_err(|_| Errno::ENOMEM)?;
    packet.move_data_and_meta(-delta).ok_or(Errno::ENOMEM)?;
    if let Some(head) = packet.range_mut(0, before.len()) {
        head.copy_from(&before);
    }
    let gap = len.min(packet.len() - before.len());
    if let Some(gap) = packet.range_mut(before.len(), gap) {
        gap.fill(0);
    }
    Ok(())
}

/// Closes the `len` bytes at `off`; what stands before them moves away from the head. `ENOMEM` if
/// the packet is not that long.
fn close_gap(skb: &mut SkbContext, off: usize, len: usize) -> Result<(), Errno> {
    let gone = close(&mut skb.packet, off, len).ok_or(Errno::ENOMEM)?;
    forget(skb, off, &gone);
    Ok(())
}

/// The bytes that are gone.
fn close(packet: &mut Packet, off: usize, len: usize) -> Option<Vec<u8>> {
    packet.pull(off + len)?;
    let gone = packet.range(off, len)?.to_vec();
    let before = packet.range(0, off)?.to_vec();
    packet.move_data_and_meta(i64::try_from(len).ok()?)?;
    packet.range_mut(0, off)?.copy_from(&before);
    Some(gone)
}
