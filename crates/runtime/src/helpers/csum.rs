//! Checksums of packets: `bpf_csum_*`, `bpf_l3_csum_replace`, `bpf_l4_csum_replace`.

use skep_command::Errno;

use super::checksum::{self, PartialSum};
use super::{Outcome, fail, low16, low32, skb_mut};
use crate::context::Checksum;
use crate::packet::Packet;
use crate::run::Run;

/// The low bits of the flags: the size of the field that changed (`BPF_F_HDR_FIELD_MASK`).
const FIELD_MASK: u64 = 0xf;
/// The change is in the pseudo header too.
const PSEUDO_HDR: u64 = 1 << 4;
/// The checksum is UDP's, where zero means that there is none.
const MARK_MANGLED_0: u64 = 1 << 5;
/// With `MARK_MANGLED_0`: update even if there is none.
const MARK_ENFORCE: u64 = 1 << 6;
/// The packet is IPv6, whose addresses are in no header checksum.
const IPV6: u64 = 1 << 7;

/// What stands for a UDP checksum that came out as zero.
const MANGLED_0: u16 = 0xffff;

/// Checksums further into the packet cannot be replaced.
const OFFSET_MAX: u32 = 0xffff;

/// `bpf_csum_diff(from, from_size, to, to_size, seed)`: the checksum difference between two pieces
/// of memory, to be fed to the other helpers.
///
/// Either piece may be empty, and both may have any length. Returns 16 bits and never fails.
pub(super) fn diff(run: &mut Run<'_>, [from, from_size, to, to_size, seed]: [u64; 5]) -> Outcome {
    let (from_size, to_size) = (low32(from_size), low32(to_size));
    let piece = |addr, size| {
        if size == 0 { Ok(Vec::new()) } else { Ok(run.readable(addr, size as usize)?.to_vec()) }
    };
    let (from, to) = (piece(from, from_size)?, piece(to, to_size)?);
    Ok(u64::from(checksum::diff(&from, &to, PartialSum(low32(seed)))))
}

/// `bpf_l3_csum_replace(skb, offset, from, to, size)`: updates a header checksum at `offset`.
///
/// With size 2 or 4, a field of that size changed from `from` to `to`, both in network byte order;
/// with size 0, the data changed by the difference `to`, and `from` must be 0. Returns 0; `-EINVAL`
/// for any other size or flag; `-EFAULT` if the offset is odd, above 65,535 or not in the packet.
pub(super) fn l3_replace(run: &mut Run<'_>, [ctx, offset, from, to, flags]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    if flags & !FIELD_MASK != 0 {
        return fail(Errno::EINVAL);
    }
    let Some(field) = Field::find(&mut skb.packet, low32(offset)) else {
        return fail(Errno::EFAULT);
    };
    let sum = field.sum();
    let new = match flags & FIELD_MASK {
        0 if from != 0 => return fail(Errno::EINVAL),
        0 => checksum::replace_by_diff(sum, PartialSum(low32(to))),
        2 => checksum::replace2(sum, low16(from), low16(to)),
        4 => checksum::replace4(sum, low32(from), low32(to)),
        _ => return fail(Errno::EINVAL),
    };
    field.set(new);
    Ok(0)
}

/// `bpf_l4_csum_replace(skb, offset, from, to, flags)`: updates a TCP or UDP checksum at `offset`.
///
/// As [`l3_replace`], with flags beside the size. `BPF_F_MARK_MANGLED_0`: a checksum of 0 stays,
/// unless `BPF_F_MARK_ENFORCE`, and one that becomes 0 turns into 0xffff. `BPF_F_PSEUDO_HDR`: the
/// field is part of the pseudo header; this matters when the packet's sum is known, or when its
/// checksum is still to be completed, in which case nothing else changes it.
pub(super) fn l4_replace(run: &mut Run<'_>, [ctx, offset, from, to, flags]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    if flags & !(FIELD_MASK | PSEUDO_HDR | MARK_MANGLED_0 | MARK_ENFORCE | IPV6) != 0 {
        return fail(Errno::EINVAL);
    }
    let Some(field) = Field::find(&mut skb.packet, low32(offset)) else {
        return fail(Errno::EFAULT);
    };
    let sum = field.sum();
    if flags & MARK_MANGLED_0 != 0 && flags & MARK_ENFORCE == 0 && sum == 0 {
        return Ok(0);
    }
    let change = match flags & FIELD_MASK {
        0 if from != 0 => return fail(Errno::EINVAL),
        0 => Change::Diff(PartialSum(low32(to))),
        2 => Change::Field(u32::from(low16(from)), u32::from(low16(to))),
        4 => Change::Field(low32(from), low32(to)),
        _ => return fail(Errno::EINVAL),
    };
    let pseudo = flags & PSEUDO_HDR != 0;
    let new = match skb.checksum {
        Checksum::Partial if !pseudo => sum,
        Checksum::Partial => change.apply_partial(sum),
        Checksum::None | Checksum::Unnecessary { .. } | Checksum::Complete(_) => change.apply(sum),
    };
    let mangled = flags & MARK_MANGLED_0 != 0 && new == 0;
    field.set(if mangled { MANGLED_0 } else { new });
    if let Checksum::Complete(total) = skb.checksum
        && pseudo
    {
        skb.checksum =
            Checksum::Complete(change.apply_total(PartialSum(total), flags & IPV6 != 0).0);
    }
    Ok(0)
}

/// `bpf_csum_update(skb, csum)`: adds to the sum over the packet, if it is known.
///
/// Returns the new sum; `-ENOTSUPP` if none is known.
pub(super) fn update(run: &mut Run<'_>, [ctx, csum, ..]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    match skb.checksum {
        Checksum::Complete(total) => {
            let total = PartialSum(total).plus(PartialSum(low32(csum))).0;
            skb.checksum = Checksum::Complete(total);
            Ok(u64::from(total))
        }
        Checksum::None | Checksum::Unnecessary { .. } | Checksum::Partial => fail(Errno::ENOTSUPP),
    }
}

/// How many checksums inside each other can be known to be right, less one (`SKB_MAX_CSUM_LEVEL`).
const LEVEL_MAX: u8 = 3;

/// `bpf_csum_level(skb, level)`: says that a program added (1) or removed (2) a header with a
/// checksum that is right, or that none is known to be right any more (3); or asks (0).
///
/// Returns 0; asked, the level, or `-EACCES` if no checksum is known to be right; `-EINVAL` for
/// other numbers.
pub(super) fn level(run: &mut Run<'_>, [ctx, level, ..]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    let known = skb.checksum;
    skb.checksum = match (level, known) {
        (0, Checksum::Unnecessary { level }) => return Ok(u64::from(level)),
        (0, Checksum::None | Checksum::Complete(_) | Checksum::Partial) => {
            return fail(Errno::EACCES);
        }
        (1, Checksum::Unnecessary { level }) => {
            Checksum::Unnecessary { level: (level + 1).min(LEVEL_MAX) }
        }
        (1, Checksum::None) => Checksum::Unnecessary { level: 0 },
        (2, Checksum::Unnecessary { level }) => match level.checked_sub(1) {
            Some(level) => Checksum::Unnecessary { level },
            None => Checksum::None,
        },
        (3, Checksum::Unnecessary { .. }) => Checksum::None,
        (1..=3, _) => known,
        _ => return fail(Errno::EINVAL),
    };
    Ok(0)
}

/// A checksum field in a packet.
struct Field<'p>(crate::memory::BytesMut<'p>);

impl<'p> Field<'p> {
    fn find(packet: &'p mut Packet, offset: u32) -> Option<Field<'p>> {
        if offset > OFFSET_MAX || !offset.is_multiple_of(2) {
            return None;
        }
        packet.pull(offset as usize + 2)?;
        packet.range_mut(offset as usize, 2).map(Field)
    }

    fn sum(&self) -> u16 {
        self.0.bytes().array(0).map(u16::from_ne_bytes).unwrap_or_default()
    }

    fn set(&self, sum: u16) {
        self.0.copy_from(&sum.to_ne_bytes());
    }
}

/// How the data under a checksum changed.
#[derive(Clone, Copy)]
enum Change {
    /// A field, from one value to another.
    Field(u32, u32),
    /// By this difference.
    Diff(PartialSum),
}

impl Change {
    /// The checksum field afterwards.
    fn apply(self, sum: u16) -> u16 {
        match self {
            Change::Field(from, to) => checksum::replace4(sum, from, to),
            Change::Diff(diff) => checksum::replace_by_diff(sum, diff),
        }
    }

    /// The checksum field afterwards, when it holds the pseudo header's sum alone.
    fn apply_partial(self, sum: u16) -> u16 {
        match self {
            Change::Field(from, to) => checksum::replace4_partial(sum, from, to),
            Change::Diff(diff) => checksum::replace_by_diff_partial(sum, diff),
        }
    }

    /// The sum over the packet afterwards. A change of IPv6 addresses by difference cancels out
    /// with the transport checksum's and leaves it.
    fn apply_total(self, total: PartialSum, ipv6: bool) -> PartialSum {
        match self {
            Change::Field(from, to) => {
                total.complement().minus(PartialSum(from)).plus(PartialSum(to)).complement()
            }
            Change::Diff(_) if ipv6 => total,
            Change::Diff(diff) => diff.minus(total).complement(),
        }
    }
}
