//! How far a packet is known to go on: what comparisons with its end tell.
//!
//! Programs compare a pointer into the packet with the packet's end. Where the pointer turns out to
//! be at most the end, all bytes before it are there, for it and for every other pointer with the
//! same variable offset, which is what their common name says. The metadata in front of a packet
//! ends where the packet begins, and is compared with that.

use skep_spec::insn::{Condition, Reg};

use super::jump::Comparison;
use crate::limits::PACKET_OFFSET;
use crate::state::register::PacketRange;
use crate::state::{Kind, Register, State};

/// Tells packet pointers what a comparison of them says: on the path that goes on, where the
/// condition does not hold, and on the one that jumps, where it does.
pub(super) fn learn(going_on: &mut State, jumping: &mut State, comparison: &Comparison, src: Reg) {
    let dst = comparison.dst;
    let (left, right) = (*going_on.register(dst), *going_on.register(src));
    let pointer_first = is_pointer_and_end(&left, &right);
    if !pointer_first && !is_pointer_and_end(&right, &left) {
        return;
    }
    let (reg, pointer) = if pointer_first { (dst, left) } else { (src, right) };
    // Where the pointer is at most the end (or below it), and where it is above (or at it).
    let (inside, outside, below) = match (comparison.cond, pointer_first) {
        (Condition::Gt, true) | (Condition::Lt, false) => (going_on, jumping, false),
        (Condition::Ge, true) | (Condition::Le, false) => (going_on, jumping, true),
        (Condition::Lt, true) | (Condition::Gt, false) => (jumping, going_on, true),
        (Condition::Le, true) | (Condition::Ge, false) => (jumping, going_on, false),
        (
            Condition::Eq
            | Condition::Ne
            | Condition::Set
            | Condition::SGt
            | Condition::SGe
            | Condition::SLt
            | Condition::SLe,
            _,
        ) => return,
    };
    extend(inside, &pointer, below);
    // Where it is not below the end it is at it or beyond; where it is not at most the end, it is
    // beyond.
    if let Kind::Packet { range } = &mut outside.register_mut(reg).kind {
        *range = if below { PacketRange::AtEnd } else { PacketRange::BeyondEnd };
    }
}

/// Whether the first is a pointer into what the second is the end of.
fn is_pointer_and_end(pointer: &Register, end: &Register) -> bool {
    match (pointer.kind, end.kind) {
        (Kind::Packet { .. }, Kind::PacketEnd) => true,
        // The packet's first byte, as it was loaded from the context.
        (Kind::PacketMeta { .. }, Kind::Packet { .. }) => {
            end.id.is_none() && end.off == 0 && !end.has_variable_offset()
        }
        _ => false,
    }
}

/// Extends what is known to lie ahead of all pointers that have the variable offset of this one,
/// which is at most the end, or `below` it.
///
/// Sound: the bytes from the common variable offset on, up to this pointer's fixed offset, are all
/// there; and one more, if it is below the end. Offsets are small enough not to wrap, so that "at
/// most the end" cannot be because of that.
fn extend(state: &mut State, pointer: &Register, below: bool) {
    let Ok(off) = u64::try_from(pointer.off) else { return };
    if off == 0 && below {
        return;
    }
    let farthest = pointer.value.u64.max;
    if farthest > PACKET_OFFSET || farthest + off > PACKET_OFFSET {
        return;
    }
    let known = u16::try_from(off + u64::from(below)).unwrap_or(u16::MAX);
    state.for_each_register(|register| {
        if register.id != pointer.id || !register.kind.is_alike(pointer.kind) {
            return;
        }
        if let Kind::Packet { range } | Kind::PacketMeta { range } = &mut register.kind {
            *range = PacketRange::Bytes(range.bytes().max(known));
        }
    });
}
