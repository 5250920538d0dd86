//! The stack: spills, fills, and bytes.
//!
//! The stack is kept account of in slots of eight bytes. A number or pointer stored to the
//! beginning of a slot is *spilled*: all that is known of it is kept, and comes back with a load
//! (a *fill*). All else is kept as bytes, of which only zero is told from the rest. Accesses are
//! aligned, so that none crosses slots.

use skep_spec::insn::{Operand, Reg, Size};

use super::{Access, Transfer, bytes};
use crate::check::alu::{extend, tied};
use crate::domain::Scalar;
use crate::explore::{Place, Walk};
use crate::limits::{POINTER_OFFSET, SLOT_BYTES, STACK_BYTES};
use crate::rejection::{Check, Direction, Reason};
use crate::state::stack::Position;
use crate::state::{Byte, Kind, Register, Slot};

/// Offsets from the frame pointer, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct StackRange {
    /// The smallest offset of a byte that is accessed.
    pub(super) min: i32,
    /// One past the largest.
    pub(super) end: i32,
    /// Whether the access begins at `min` for certain.
    pub(super) fixed: bool,
}

impl Walk<'_> {
    /// An access to the stack of a frame.
    pub(super) fn access_stack(
        &mut self,
        frame: u8,
        access: &Access,
        transfer: Transfer,
    ) -> Check<Register> {
        let size = bytes(access.size);
        let range = self.check_stack_range(access.reg, access.off, size, transfer.direction())?;
        match transfer {
            Transfer::Load { .. } if range.fixed => self.fill(frame, range.min, access.size),
            Transfer::Load { .. } => self.load_somewhere(frame, range),
            Transfer::Probe if range.fixed => self.probe_slot(frame, range.min, access.size),
            Transfer::Probe => {
                let pointer = *self.state.register(access.reg);
                let off = pointer.off.wrapping_add(access.off);
                Err(Reason::StackVariableHelper { pointer, off, size }.into())
            }
            Transfer::Store(_) | Transfer::Fill if range.fixed => {
                self.spill(frame, range.min, access.size, transfer)?;
                Ok(Register::UNKNOWN)
            }
            Transfer::Store(_) | Transfer::Fill => {
                self.store_somewhere(frame, range, transfer)?;
                Ok(Register::UNKNOWN)
            }
        }
    }

    /// Whether `size` bytes at the pointer in `reg` plus `off` are within a stack, which is made
    /// as large as that takes.
    pub(super) fn check_stack_range(
        &mut self,
        reg: Reg,
        off: i32,
        size: u32,
        direction: Direction,
    ) -> Check<StackRange> {
        let pointer = *self.state.register(reg);
        let Kind::Stack { frame } = pointer.kind else {
            unreachable!("stack: asked for pointers to a stack alone")
        };
        let off = i64::from(pointer.off) + i64::from(off);
        let fixed = pointer.value.as_constant().map(u64::cast_signed);
        let (first, last) = match fixed {
            Some(number) => (number, number),
            None => (pointer.value.s64.min, pointer.value.s64.max),
        };
        if fixed.is_none() && (last >= POINTER_OFFSET || first <= -POINTER_OFFSET) {
            return Err(Reason::StackUnbounded { reg, direction: Some(direction) }.into());
        }
        let limits = i64::from(STACK_BYTES);
        let range = first.checked_add(off).zip(last.checked_add(off + i64::from(size)));
        let within = range.filter(|(min, end)| (-limits..0).contains(min) && *end <= 0);
        let narrow = within.and_then(|(min, end)| {
            Some(StackRange {
                min: i32::try_from(min).ok()?,
                end: i32::try_from(end).ok()?,
                fixed: fixed.is_some(),
            })
        });
        let Some(range) = narrow else {
            let off = i32::try_from(off).unwrap_or(i32::MIN);
            let direction = Some(direction);
            return Err(if fixed.is_some() {
                Reason::Stack { reg, pointer, direction, off, size }.into()
            } else {
                Reason::StackVariable { reg, pointer, direction, off, size }.into()
            });
        };
        self.grow_stack(frame, range.min);
        Ok(range)
    }

    /// Makes a stack as large as an access takes, and remembers it for the function.
    fn grow_stack(&mut self, frame: u8, off: i32) {
        let slot = position(off).slot;
        let target = &mut self.state.frames[usize::from(frame)];
        if target.stack.slots.len() <= slot {
            target.stack_mut().grow(slot);
        }
        let subprogram = usize::from(target.subprogram);
        self.note_stack_depth(subprogram, off.unsigned_abs());
    }

    /// Stores to a known place.
    ///
    /// Sound: the slot's bytes are what was stored, and what is known of the value is known of the
    /// slot. A part of a slot that is overwritten takes the rest of a spilled value with it.
    fn spill(&mut self, frame: u8, off: i32, size: Size, transfer: Transfer) -> Check {
        let Position { slot: number, byte } = position(off);
        let width = size.bytes();
        if byte == 0 && width == SLOT_BYTES {
            self.note_stack_write(frame, 1 << number);
        }
        let here = self.state.depth();
        let value = match transfer {
            Transfer::Store(Operand::Reg(reg)) => Some(*self.state.register(reg)),
            Transfer::Store(Operand::Imm(imm)) => Some(Register::constant(extend(imm))),
            Transfer::Fill | Transfer::Load { .. } | Transfer::Probe => None,
        };
        match value {
            Some(value) if value.is_scalar() && byte == 0 => {
                let fits = size == Size::DW || value.value.u64.max >> size.bits() == 0;
                let value = match transfer.stored() {
                    Some(reg) if fits => self.copied(reg),
                    Some(_) | None if fits => value,
                    Some(_) | None => Register { id: None, ..value },
                };
                save(self.slot_mut(frame, number), value, width);
                self.note_stack_access(Place::slot(frame, number));
                Ok(())
            }
            Some(value) if value.is_pointer() => {
                if size != Size::DW {
                    return Err(Reason::SpillSize.into());
                }
                if usize::from(frame) != here && matches!(value.kind, Kind::Stack { .. }) {
                    return Err(Reason::SpillToCaller.into());
                }
                save(self.slot_mut(frame, number), value, width);
                self.note_stack_access(Place::slot(frame, number));
                Ok(())
            }
            Some(_) | None => {
                let zero = value.is_some_and(|value| value.is_null());
                if zero && let Some(reg) = transfer.stored() {
                    self.mark_precise(reg)?;
                }
                let slot = self.slot_mut(frame, number);
                forget_spill(slot);
                let kind = if zero { Byte::Zero } else { Byte::Misc };
                slot.bytes[byte..byte + width].fill(kind);
                Ok(())
            }
        }
    }

    /// Stores to one of several places.
    ///
    /// Sound: each byte in range may now be what it was or part of what was stored, so that it is
    /// known to be zero only if both are. Of a value that was spilled there nothing is known any
    /// more, nor of its bytes out of range.
    fn store_somewhere(&mut self, frame: u8, range: StackRange, transfer: Transfer) -> Check {
        let zero = match transfer {
            Transfer::Store(Operand::Reg(reg)) => self.state.register(reg).is_null(),
            Transfer::Store(Operand::Imm(imm)) => imm == 0,
            Transfer::Fill | Transfer::Load { .. } | Transfer::Probe => false,
        };
        let mut zero_used = false;
        for off in range.min..range.end {
            let Position { slot: number, byte } = position(off);
            let slot = self.slot_mut(frame, number);
            let before = slot.bytes[byte];
            if zero && before == Byte::Spill && slot.spilled.is_null() {
                zero_used = true;
                continue;
            }
            forget_spill(slot);
            slot.bytes[byte] = if zero && before == Byte::Zero {
                zero_used = true;
                Byte::Zero
            } else {
                Byte::Misc
            };
        }
        if zero_used && let Some(reg) = transfer.stored() {
            self.mark_precise(reg)?;
        }
        Ok(())
    }

    /// Loads from a known place.
    ///
    /// Sound: what is known of a slot is known of what is loaded from its beginning, cut to the
    /// size by the caller. Other bytes are zero where all are known to be, and otherwise nothing is
    /// said of them.
    fn fill(&mut self, frame: u8, off: i32, size: Size) -> Check<Register> {
        let Position { slot: number, byte } = position(off);
        let width = size.bytes();
        self.note_stack_read(frame, 1 << number);
        let slot = *self.slot(frame, number);
        self.note_uninit(frame, number, &slot.bytes[byte..byte + width]);
        if !slot.is_spilled() {
            return Ok(from_bytes(&slot.bytes[byte..byte + width]));
        }
        let spilled = slot.bytes.iter().take_while(|byte| **byte == Byte::Spill).count();
        if size != Size::DW || spilled != SLOT_BYTES {
            if !slot.spilled.is_scalar() {
                return Err(Reason::FillSize.into());
            }
            return Ok(self.fill_part(frame, number, byte, size, spilled));
        }
        self.name_slot(frame, number);
        self.note_stack_access(Place::slot(frame, number));
        Ok(self.slot(frame, number).spilled)
    }

    /// Loads less than a whole register from a slot that a number was spilled to, or from one that
    /// less was spilled to.
    fn fill_part(
        &mut self,
        frame: u8,
        number: usize,
        byte: usize,
        size: Size,
        spilled: usize,
    ) -> Register {
        let slot = *self.slot(frame, number);
        let width = size.bytes();
        if width <= spilled && byte == 0 {
            if size == Size::W && spilled == 4 && slot.spilled.value.u64.max <= u32::MAX.into() {
                self.name_slot(frame, number);
            }
            let value = self.slot(frame, number).spilled;
            self.note_stack_access(Place::slot(frame, number));
            let fits = size == Size::DW || value.value.u64.max >> size.bits() == 0;
            return if fits { value } else { Register { id: None, ..value } };
        }
        let bytes = &slot.bytes[byte..byte + width];
        if bytes.iter().all(|byte| *byte == Byte::Spill) && slot.spilled.is_null() {
            self.note_stack_access(Place::slot(frame, number));
            return Register::constant(0);
        }
        from_bytes(bytes)
    }

    /// Reads a known place for an operation that also writes it.
    fn probe_slot(&mut self, frame: u8, off: i32, size: Size) -> Check<Register> {
        let Position { slot: number, .. } = position(off);
        self.note_stack_read(frame, 1 << number);
        let slot = *self.slot(frame, number);
        if slot.is_spilled() {
            let partly = size != Size::DW || !slot.is_spilled_whole();
            if partly && !slot.spilled.is_scalar() {
                return Err(Reason::FillSize.into());
            }
            self.note_stack_access(Place::slot(frame, number));
        }
        Ok(Register::UNKNOWN)
    }

    /// Loads from one of several places: zero if all of them are.
    fn load_somewhere(&mut self, frame: u8, range: StackRange) -> Check<Register> {
        self.read_stack(frame, range, false);
        let zero = (range.min..range.end).all(|off| {
            let Position { slot, byte } = position(off);
            self.slot(frame, slot).bytes[byte] == Byte::Zero
        });
        Ok(if zero { Register::constant(0) } else { Register::UNKNOWN })
    }

    /// All bytes in range are read by something other than a load, and written too, if
    /// `clobbers`.
    ///
    /// Sound: of what was written nothing is known afterwards.
    pub(super) fn read_stack(&mut self, frame: u8, range: StackRange, clobbers: bool) {
        for off in range.min..range.end {
            let Position { slot: number, byte } = position(off);
            let found = self.slot(frame, number).bytes[byte];
            self.note_uninit(frame, number, &[found]);
            if clobbers {
                let slot = self.slot_mut(frame, number);
                match found {
                    Byte::Misc => {}
                    Byte::Zero | Byte::Invalid => slot.bytes[byte] = Byte::Misc,
                    Byte::Spill => forget_spill(slot),
                }
            }
            self.note_stack_read(frame, 1 << number);
        }
    }

    fn slot(&self, frame: u8, number: usize) -> &Slot {
        let stack = &self.state.frames[usize::from(frame)].stack;
        stack.slot(number).expect("stack: grown by the check of the range")
    }

    fn slot_mut(&mut self, frame: u8, number: usize) -> &mut Slot {
        &mut self.state.frames[usize::from(frame)].stack_mut().slots[number]
    }

    /// Gives a spilled number a name that its copies share.
    fn name_slot(&mut self, frame: u8, number: usize) {
        let spilled = self.slot(frame, number).spilled;
        if let Some(named) = tied(&spilled, || self.fresh_id()) {
            self.slot_mut(frame, number).spilled = named;
        }
    }
}

/// The position of an offset that was checked.
pub(super) fn position(off: i32) -> Position {
    Position::of(off).expect("stack: offsets are negative")
}

/// Spills a value to a slot's first bytes.
fn save(slot: &mut Slot, value: Register, width: usize) {
    slot.spilled = value;
    slot.bytes[..width].fill(Byte::Spill);
    for byte in &mut slot.bytes[width..] {
        match byte {
            Byte::Spill => *byte = Byte::Misc,
            Byte::Misc | Byte::Zero | Byte::Invalid => {}
        }
    }
}

/// A spilled value becomes bytes of which nothing is known.
fn forget_spill(slot: &mut Slot) {
    if slot.is_spilled() {
        for byte in &mut slot.bytes {
            if *byte != Byte::Invalid {
                *byte = Byte::Misc;
            }
        }
    }
    slot.spilled = Register::UNINIT;
}

/// What is loaded from bytes: zero, or any number.
fn from_bytes(bytes: &[Byte]) -> Register {
    if bytes.iter().all(|byte| *byte == Byte::Zero) {
        Register::scalar(Scalar::ZERO)
    } else {
        Register::UNKNOWN
    }
}
