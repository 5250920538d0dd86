//! Forgetting, so that a callback's rounds come to an end.

use skep_spec::InsnIdx;

use super::checkpoint::{CheckpointIdx, same_callsites};
use super::walk::Walk;
use crate::domain::Scalar;
use crate::state::Register;

impl Walk<'_> {
    /// A callback has come back to the call. Numbers that have changed since the round before, and
    /// whose value mattered nowhere, are forgotten, so that the next round may find nothing new.
    ///
    /// Sound: less is said of them than is known.
    pub(crate) fn widen_from_previous(&mut self, call: InsnIdx) {
        let Some(idx) = self.round_before(call) else { return };
        let before = self.checkpoints.get(idx);
        for (frame, old) in before.state.frames.iter().enumerate() {
            let marks = before.precise[frame];
            let new = &mut self.state.frames[frame];
            for (number, old) in old.registers.iter().enumerate() {
                let precise = marks.registers & 1 << number != 0;
                widen(old, precise, &mut new.registers[number]);
            }
            let slots = old.stack.slots.len().min(new.stack.slots.len());
            for number in 0..slots {
                let old = old.stack.slots[number];
                let mut register = new.stack.slots[number].spilled;
                if !old.is_spilled() || !new.stack.slots[number].is_spilled() {
                    continue;
                }
                let precise = marks.slots & 1 << number != 0;
                if widen(&old.spilled, precise, &mut register) {
                    new.stack_mut().slots[number].spilled = register;
                }
            }
        }
    }

    /// The latest checkpoint at the call that this path has come by, with the same functions
    /// active.
    fn round_before(&self, call: InsnIdx) -> Option<CheckpointIdx> {
        let waiting = self.meetings.at(self.meetings.place(&self.state, call));
        waiting.iter().rev().map(|waiting| waiting.idx).find(|idx| {
            let checkpoint = self.checkpoints.get(*idx);
            checkpoint.at == call
                && checkpoint.branches > 0
                && same_callsites(&checkpoint.state, &self.state)
        })
    }
}

/// Forgets a number if it has changed and need not be precise; gives whether it did.
fn widen(old: &Register, precise: bool, new: &mut Register) -> bool {
    let changed = old.value != new.value || old.off != new.off;
    let forget = old.is_scalar() && new.is_scalar() && !precise && changed;
    if forget {
        *new = Register::scalar(Scalar::UNKNOWN);
    }
    forget
}
