//! Which stack slots are read again, as the walk finds out.

use skep_spec::InsnIdx;

use super::checkpoint::CheckpointIdx;
use super::walk::Walk;
use crate::rejection::Check;

impl Walk<'_> {
    /// Slots of a frame's stack are read by the instruction at hand.
    pub(crate) fn note_stack_read(&mut self, _frame: u8, _slots: u64) {}

    /// Slots of a frame's stack are written by the instruction at hand, entirely and for certain.
    pub(crate) fn note_stack_write(&mut self, _frame: u8, _slots: u64) {}

    /// An instruction begins.
    pub(super) fn begin_live(&mut self, _at: InsnIdx) {}

    /// An instruction was carried out.
    pub(super) fn commit_live(&mut self) {}

    /// A path has ended, or a function.
    pub(crate) fn update_live(&mut self) {}

    /// A function returns to its caller.
    pub(crate) fn note_return(&mut self) -> Check {
        self.update_live();
        Ok(())
    }

    /// Forgets of a checkpoint the slots that are not read after it.
    pub(super) fn clean_stack(&mut self, _idx: CheckpointIdx) {}
}
