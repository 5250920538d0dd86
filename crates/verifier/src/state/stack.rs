//! What is known of the stack of a function.

use super::register::Register;
use crate::limits::SLOT_BYTES;

/// What a byte of the stack holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Byte {
    /// Nothing was written yet.
    #[default]
    Invalid,
    /// Part of a register that was spilled.
    Spill,
    /// Some number.
    Misc,
    /// Zero.
    Zero,
}

/// Eight bytes of stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Each byte, by ascending address.
    pub bytes: [Byte; SLOT_BYTES],
    /// The register that was spilled here, while the first byte says so.
    pub spilled: Register,
}

impl Slot {
    /// Nothing was written yet.
    pub const INVALID: Slot =
        Slot { bytes: [Byte::Invalid; SLOT_BYTES], spilled: Register::UNINIT };

    /// Whether a register is spilled here, all of it or its lower bytes.
    #[inline]
    #[must_use]
    pub fn is_spilled(&self) -> bool {
        self.bytes[0] == Byte::Spill
    }

    /// Whether all eight bytes of a register are spilled here.
    #[inline]
    #[must_use]
    pub fn is_spilled_whole(&self) -> bool {
        self.bytes[SLOT_BYTES - 1] == Byte::Spill
    }

    /// Whether a number is spilled here, all of it or its lower bytes.
    #[inline]
    #[must_use]
    pub fn is_spilled_scalar(&self) -> bool {
        self.is_spilled() && self.spilled.is_scalar()
    }

    /// The register that is spilled here.
    #[inline]
    #[must_use]
    pub fn register(&self) -> Option<&Register> {
        self.is_spilled().then_some(&self.spilled)
    }
}

/// The stack of a function: as many slots as were accessed so far. Slot 0 is the highest, at
/// -8 to -1 from the frame pointer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stack {
    /// The slots, downwards.
    pub slots: Vec<Slot>,
}

impl Stack {
    /// The slot, if it was accessed before.
    #[inline]
    #[must_use]
    pub fn slot(&self, number: usize) -> Option<&Slot> {
        self.slots.get(number)
    }

    /// How many bytes were accessed so far, from the frame pointer down.
    #[inline]
    #[must_use]
    pub fn depth(&self) -> usize {
        self.slots.len() * SLOT_BYTES
    }

    /// Makes the slot at least accessible.
    pub(crate) fn grow(&mut self, number: usize) {
        if self.slots.len() <= number {
            self.slots.resize(number + 1, Slot::INVALID);
        }
    }

    /// The byte at a negative offset from the frame pointer.
    #[must_use]
    pub fn byte(&self, off: i32) -> Byte {
        let Some(position) = Position::of(off) else { return Byte::Invalid };
        self.slot(position.slot).map_or(Byte::Invalid, |slot| slot.bytes[position.byte])
    }
}

/// A byte of a stack, as the number of its slot and of the byte within it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// The slot, from the frame pointer down.
    pub slot: usize,
    /// The byte, by ascending address.
    pub byte: usize,
}

impl Position {
    /// The position of a negative offset from the frame pointer.
    #[inline]
    #[must_use]
    pub fn of(off: i32) -> Option<Position> {
        let below = usize::try_from(off.checked_neg()?.checked_sub(1)?).ok()?;
        Some(Position { slot: below / SLOT_BYTES, byte: SLOT_BYTES - 1 - below % SLOT_BYTES })
    }
}
