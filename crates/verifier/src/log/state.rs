//! States as the kernel prints them: ` R0=0 R10=fp0 fp-8=mmmmmmmm refs=2`.

use std::fmt;

use skep_spec::insn::Reg;

use super::register::{Names, RegisterText};
use crate::limits::{SLOT_BYTES, STACK_SLOTS};
use crate::state::{Byte, Slot, State};

/// Registers and stack slots of a frame, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Part {
    /// Registers.
    pub(crate) registers: u16,
    /// Slots, from the frame pointer down.
    pub(crate) slots: u64,
}

impl Part {
    /// All of a frame.
    pub(crate) const ALL: Part = Part { registers: u16::MAX, slots: u64::MAX };

    /// Whether it is nothing.
    pub(crate) fn is_empty(self) -> bool {
        self == Part::default()
    }

    /// Adds a register.
    pub(crate) fn add(&mut self, reg: Reg) {
        self.registers |= 1 << reg.index();
    }

    /// Adds a slot.
    pub(crate) fn add_slot(&mut self, slot: usize) {
        if slot < STACK_SLOTS {
            self.slots |= 1 << slot;
        }
    }

    fn has(self, register: usize) -> bool {
        self.registers & (1 << register) != 0
    }

    fn has_slot(self, slot: usize) -> bool {
        slot < STACK_SLOTS && self.slots & (1 << slot) != 0
    }
}

/// Displays a frame of a state, each item with a blank in front.
pub(crate) struct StateText<'a> {
    /// The state.
    pub(crate) state: &'a State,
    /// The frame.
    pub(crate) frame: usize,
    /// What to print of it.
    pub(crate) part: Part,
    /// What must be known exactly.
    pub(crate) precise: Part,
    /// What it refers to.
    pub(crate) names: Names<'a>,
}

impl fmt::Display for StateText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(frame) = self.state.frames.get(self.frame) else { return Ok(()) };
        if self.frame > 0 {
            write!(f, " frame{}:", self.frame)?;
        }
        for (number, register) in frame.registers.iter().enumerate() {
            if register.is_init() && self.part.has(number) {
                let precise = self.precise.has(number);
                write!(f, " R{number}={}", self.register(register, precise))?;
            }
        }
        for (number, slot) in frame.stack.slots.iter().enumerate() {
            if self.part.has_slot(number) {
                self.slot(f, number, slot)?;
            }
        }
        let references = self.state.references.iter().map(|reference| reference.id);
        let lock = self.state.lock.and_then(|lock| lock.id);
        for (number, id) in references.chain(lock).enumerate() {
            let before = if number == 0 { " refs=" } else { "," };
            write!(f, "{before}{}", id.0)?;
        }
        if frame.async_entry != 0 {
            f.write_str(" async_cb")?;
        } else if frame.callback.is_some() {
            f.write_str(" cb")?;
        }
        Ok(())
    }
}

impl<'a> StateText<'a> {
    fn register(&self, register: &'a crate::state::Register, precise: bool) -> RegisterText<'a> {
        RegisterText { register, frame: self.frame, precise, names: self.names }
    }

    fn slot(&self, f: &mut fmt::Formatter<'_>, number: usize, slot: &Slot) -> fmt::Result {
        // Downwards, as the kernel counts; of a spilled register only the bytes above it.
        let letters: String = (slot.bytes.iter().rev())
            .take_while(|byte| **byte != Byte::Spill)
            .map(|byte| letter(*byte))
            .collect();
        if slot.bytes.iter().all(|byte| *byte == Byte::Invalid) {
            return Ok(());
        }
        write!(f, " fp-{}={letters}", (number + 1) * SLOT_BYTES)?;
        match slot.register() {
            Some(register) => {
                let text = RegisterText {
                    register,
                    frame: self.frame,
                    precise: self.precise.has_slot(number),
                    names: self.names,
                };
                write!(f, "{text}")
            }
            None => Ok(()),
        }
    }
}

/// How the kernel writes a byte of the stack.
fn letter(byte: Byte) -> char {
    match byte {
        Byte::Invalid => '?',
        Byte::Spill => 'r',
        Byte::Misc => 'm',
        Byte::Zero => '0',
    }
}
