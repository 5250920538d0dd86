//! Which stack slots are read again, as the walk finds out.

use skep_spec::insn::Insn;

use super::checkpoint::CheckpointIdx;
use super::walk::Walk;
use crate::limits::STACK_SLOTS;
use crate::rejection::Check;
use crate::state::Slot;

impl Walk<'_> {
    /// Slots of a frame's stack are read by the instruction at hand.
    pub(crate) fn note_stack_read(&mut self, frame: u8, slots: u64) {
        self.live.read(&self.cfg, &self.state.frames, self.at, frame.into(), slots);
    }

    /// Slots of a frame's stack are written by the instruction at hand, entirely and for certain.
    pub(crate) fn note_stack_write(&mut self, frame: u8, slots: u64) {
        self.live.write(frame.into(), slots);
    }

    /// An instruction begins.
    pub(super) fn begin_live(&mut self) {
        self.live.begin(self.state.frames.len());
    }

    /// An instruction was carried out. What a call writes is known only when its function returns.
    pub(super) fn commit_live(&mut self) {
        let writes = matches!(
            self.input.code.get(self.at),
            Some(
                Insn::Store { .. }
                    | Insn::Atomic { .. }
                    | Insn::StoreRelease { .. }
                    | Insn::Call(_)
            )
        );
        if writes {
            self.live.commit(&self.cfg, &self.state.frames, self.at);
        }
    }

    /// A path has ended, or a function.
    pub(crate) fn update_live(&mut self) {
        self.live.update(&self.cfg, &self.state.frames);
    }

    /// A function returns to its caller.
    pub(crate) fn note_return(&mut self) -> Check {
        self.update_live();
        Ok(())
    }

    /// Forgets of a checkpoint the slots that are not read after it.
    pub(super) fn clean_stack(&mut self, idx: CheckpointIdx) {
        let checkpoint = self.checkpoints.get_mut(idx);
        let live = self.live.live(&self.cfg, &checkpoint.state.frames, checkpoint.at);
        for (frame, live) in checkpoint.state.frames.iter_mut().zip(live) {
            let dead = |number: usize, slot: &Slot| {
                number < STACK_SLOTS && live & 1 << number == 0 && *slot != Slot::INVALID
            };
            if !frame.stack.slots.iter().enumerate().any(|(number, slot)| dead(number, slot)) {
                continue;
            }
            for (number, slot) in frame.stack_mut().slots.iter_mut().enumerate() {
                if dead(number, slot) {
                    *slot = Slot::INVALID;
                }
            }
        }
    }
}
