//! Callbacks that are called over and over: giving up what changes from round to round.

use skep_spec::InsnIdx;

use super::checkpoint::{Checkpoint, CheckpointIdx};
use super::walk::Walk;
use crate::rejection::Check;
use crate::state::{Register, State};

impl Walk<'_> {
    /// A function returns to its caller.
    pub(crate) fn note_return(&mut self) -> Check {
        self.update_live();
        Ok(())
    }

    /// A callback has returned to the call at `callsite`, which is looked at again. Numbers that
    /// were others the round before are taken to be any, so that the rounds come to an end.
    ///
    /// Sound: less is known than before.
    pub(crate) fn widen_from_previous(&mut self, callsite: InsnIdx) {
        let Some(idx) = self.previous_entry(callsite) else { return };
        let old = self.checkpoints.get(idx);
        let state = &mut self.state;
        for (number, frame) in old.state.frames.iter().enumerate() {
            let marks = old.precise[number];
            let new = &mut state.frames[number];
            for (reg, register) in frame.registers.iter().enumerate() {
                let precise = marks.registers & 1 << reg != 0;
                widen(register, &mut new.registers[reg], precise);
            }
            for slot in 0..frame.stack.slots.len().min(new.stack.slots.len()) {
                let known = &frame.stack.slots[slot];
                if known.is_spilled() && new.stack.slots[slot].is_spilled() {
                    let precise = marks.slots & 1 << slot != 0;
                    let mut spilled = new.stack.slots[slot].spilled;
                    widen(&known.spilled, &mut spilled, precise);
                    if spilled != new.stack.slots[slot].spilled {
                        new.stack_mut().slots[slot].spilled = spilled;
                    }
                }
            }
        }
    }

    /// The checkpoint that this path made when it last came to the call.
    fn previous_entry(&self, at: InsnIdx) -> Option<CheckpointIdx> {
        let on_path = |checkpoint: &Checkpoint| {
            checkpoint.branches > 0 && same_callsites(&checkpoint.state, &self.state)
        };
        let here = self.meetings[at.index()].iter().rev().copied();
        let mut open = here.filter(|idx| on_path(self.checkpoints.get(*idx)));
        open.find(|idx| self.is_ancestor(*idx))
    }

    /// Whether the path at hand has come by a checkpoint.
    fn is_ancestor(&self, idx: CheckpointIdx) -> bool {
        let mut next = self.trail.parent;
        while let Some(parent) = next {
            if parent == idx {
                return true;
            }
            next = self.checkpoints.get(parent).trail.parent;
        }
        false
    }
}

/// Whether the same calls have led to both states.
pub(super) fn same_callsites(old: &State, new: &State) -> bool {
    old.frames.len() == new.frames.len()
        && old.frames.iter().zip(&new.frames).all(|(old, new)| old.callsite == new.callsite)
}

/// A number that was another one before, and is not precise, is taken to be any.
fn widen(old: &Register, new: &mut Register, precise: bool) {
    let changed = old.value != new.value || old.off != new.off;
    if old.is_scalar() && new.is_scalar() && !precise && changed {
        *new = Register::UNKNOWN;
    }
}
