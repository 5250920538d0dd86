//! A sequence of instructions, addressed by slot.
//!
//! The kernel, debuggers and `.BTF.ext` all count instructions in 8-byte slots, of which
//! [`Insn::LoadImm64`] takes two. [`Code`] keeps that count: an [`InsnIdx`] is a slot number.

use std::fmt;

use crate::insn::Insn;

/// A slot number in a [`Code`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct InsnIdx(pub u32);

impl InsnIdx {
    /// The same as an index into a slice of slots.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The slot that a relative distance leads to, counted from the slot after this one; `None`
    /// where that is no slot number.
    pub fn jump(self, distance: i32) -> Option<InsnIdx> {
        self.0.checked_add(1)?.checked_add_signed(distance).map(InsnIdx)
    }
}

impl fmt::Display for InsnIdx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What stands in one slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// An instruction begins here.
    Insn(Insn),
    /// The second half of the 64-bit immediate load before it.
    Second,
}

/// A decoded instruction sequence.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Code {
    slots: Vec<Slot>,
}

impl Code {
    /// An empty sequence.
    pub fn new() -> Code {
        Code::default()
    }

    /// Appends an instruction and returns its slot.
    ///
    /// # Panics
    ///
    /// Past `u32::MAX` slots, which is 32 GiB of code.
    pub fn push(&mut self, insn: Insn) -> InsnIdx {
        let at = InsnIdx(self.len());
        self.slots.push(Slot::Insn(insn));
        for _ in 1..insn.slots() {
            self.slots.push(Slot::Second);
        }
        at
    }

    /// Appends all of another sequence and returns the slot at which it begins.
    pub fn append(&mut self, other: &Code) -> InsnIdx {
        let at = InsnIdx(self.len());
        self.slots.extend_from_slice(&other.slots);
        at
    }

    /// The number of slots.
    ///
    /// # Panics
    ///
    /// Past `u32::MAX` slots.
    pub fn len(&self) -> u32 {
        u32::try_from(self.slots.len()).expect("code: at most u32::MAX slots")
    }

    /// Whether there is no instruction at all.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The instruction that begins at a slot.
    pub fn get(&self, at: InsnIdx) -> Option<&Insn> {
        match self.slots.get(at.index()) {
            Some(Slot::Insn(insn)) => Some(insn),
            Some(Slot::Second) | None => None,
        }
    }

    /// Replaces the instruction at a slot by one of the same length.
    ///
    /// # Errors
    ///
    /// Gives the instruction back if none begins there or its length differs.
    pub fn replace(&mut self, at: InsnIdx, insn: Insn) -> Result<(), Insn> {
        match self.slots.get_mut(at.index()) {
            Some(Slot::Insn(old)) if old.slots() == insn.slots() => {
                *old = insn;
                Ok(())
            }
            Some(Slot::Insn(_) | Slot::Second) | None => Err(insn),
        }
    }

    /// The slots as they stand.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Every instruction with its slot number.
    pub fn iter(&self) -> impl Iterator<Item = (InsnIdx, &Insn)> {
        self.slots.iter().zip(0u32..).filter_map(|(slot, at)| match slot {
            Slot::Insn(insn) => Some((InsnIdx(at), insn)),
            Slot::Second => None,
        })
    }
}

impl FromIterator<Insn> for Code {
    fn from_iter<I: IntoIterator<Item = Insn>>(insns: I) -> Code {
        let mut code = Code::new();
        for insn in insns {
            code.push(insn);
        }
        code
    }
}
