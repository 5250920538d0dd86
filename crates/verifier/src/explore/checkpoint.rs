//! What was known at places that a path has come by.

use skep_spec::InsnIdx;
use skep_spec::insn::Reg;

use super::history::Step;
use super::walked::Walked;
use crate::state::{Slot, State};

/// The number of a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct CheckpointIdx(u32);

/// The way from the last checkpoint on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    /// The last checkpoint.
    pub(crate) parent: Option<CheckpointIdx>,
    /// The first instruction after it.
    pub(crate) first: InsnIdx,
    /// What is remembered of instructions since.
    pub(crate) steps: Vec<Step>,
    /// Where on it paths were walked back from.
    pub(crate) walked: Walked,
}

impl Trail {
    /// Becomes a copy, in the memory that is there.
    pub(crate) fn copy_from(&mut self, other: &Trail) {
        self.parent = other.parent;
        self.first = other.first;
        self.steps.clone_from(&other.steps);
        self.walked.copy_from(&other.walked);
    }
}

/// Which numbers a state must be compared by their exact value: for each frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct PreciseFrame {
    /// Registers, one bit each.
    pub(crate) registers: u16,
    /// Stack slots, one bit each.
    pub(crate) slots: u64,
}

impl PreciseFrame {
    /// Nothing.
    pub(crate) fn is_empty(self) -> bool {
        self.registers == 0 && self.slots == 0
    }
}

/// What was known where a path came by.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    /// The instruction, which is not carried out yet.
    pub(crate) at: InsnIdx,
    /// The one before it on the path.
    pub(crate) previous: Option<InsnIdx>,
    /// What is known.
    pub(crate) state: State,
    /// The way from the checkpoint before.
    pub(crate) trail: Trail,
    /// The numbers that must be precise.
    pub(crate) precise: Vec<PreciseFrame>,
    /// Paths from here that are not at their end.
    pub(crate) branches: u32,
    /// Whether paths are compared with it no more.
    pub(crate) given_up: bool,
    /// Whether it is one at all, or memory for one.
    held: bool,
}

impl Checkpoint {
    /// The instruction that a frame stands at.
    pub(crate) fn frame_at(&self, frame: usize) -> InsnIdx {
        frame_at(&self.state, self.at, frame)
    }

    /// Marks places of a frame as ones whose numbers must be precise; gives whether any is new.
    /// Those of which nothing is to be done further back are taken out of `wanted`: they hold no
    /// number, or were marked.
    pub(crate) fn mark(&mut self, frame: usize, wanted: &mut PreciseFrame) -> bool {
        let Some(known) = self.state.frames.get(frame) else {
            *wanted = PreciseFrame::default();
            return false;
        };
        let marks = &mut self.precise[frame];
        wanted.registers &= !marks.registers;
        wanted.slots &= !marks.slots;
        for number in ones(wanted.registers.into()) {
            if number >= Reg::FP.index() || !known.registers[number].is_scalar() {
                wanted.registers &= !(1 << number);
            }
        }
        for number in ones(wanted.slots) {
            if !known.stack.slot(number).is_some_and(Slot::is_spilled_scalar) {
                wanted.slots &= !(1 << number);
            }
        }
        marks.registers |= wanted.registers;
        marks.slots |= wanted.slots;
        !wanted.is_empty()
    }

    /// Marks all numbers.
    pub(crate) fn mark_all(&mut self) {
        for (frame, marks) in self.state.frames.iter().zip(&mut self.precise) {
            for (number, register) in frame.registers.iter().enumerate().take(10) {
                if register.is_scalar() {
                    marks.registers |= 1 << number;
                }
            }
            for (number, slot) in frame.stack.slots.iter().enumerate() {
                if slot.is_spilled_scalar() {
                    marks.slots |= 1 << number;
                }
            }
        }
    }
}

/// The numbers of the bits that are set.
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        lowest
    })
}

/// The instruction that a frame stands at: the call, if it waits for the frame above.
pub(crate) fn frame_at(state: &State, at: InsnIdx, frame: usize) -> InsnIdx {
    state.frames.get(frame + 1).map_or(at, |above| above.callsite)
}

/// Whether the same calls have led to both states.
pub(crate) fn same_callsites(old: &State, new: &State) -> bool {
    old.frames.len() == new.frames.len()
        && old.frames.iter().zip(&new.frames).all(|(old, new)| old.callsite == new.callsite)
}

/// All checkpoints that may still be needed. The memory of those that are not is used for others.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    #[expect(clippy::vec_box, reason = "a checkpoint is large, and the list grows often")]
    all: Vec<Box<Checkpoint>>,
    free: Vec<CheckpointIdx>,
}

impl Checkpoints {
    /// Makes one of what is known now.
    pub(crate) fn add(
        &mut self,
        at: InsnIdx,
        previous: Option<InsnIdx>,
        state: &State,
        trail: &Trail,
    ) -> CheckpointIdx {
        let idx = self.free.pop().unwrap_or_else(|| self.extend());
        let checkpoint = &mut self.all[idx.0 as usize];
        checkpoint.at = at;
        checkpoint.previous = previous;
        checkpoint.state.copy_from(state);
        checkpoint.trail.copy_from(trail);
        checkpoint.precise.clear();
        checkpoint.precise.resize(state.frames.len(), PreciseFrame::default());
        checkpoint.branches = 1;
        checkpoint.given_up = false;
        checkpoint.held = true;
        idx
    }

    fn extend(&mut self) -> CheckpointIdx {
        let idx = u32::try_from(self.all.len()).expect("checkpoints: fewer than instructions seen");
        self.all.push(Box::new(Checkpoint {
            at: InsnIdx(0),
            previous: None,
            state: State::EMPTY,
            trail: Trail::default(),
            precise: Vec::new(),
            branches: 0,
            given_up: false,
            held: false,
        }));
        CheckpointIdx(idx)
    }

    /// Drops one.
    pub(crate) fn remove(&mut self, idx: CheckpointIdx) {
        let checkpoint = &mut self.all[idx.0 as usize];
        checkpoint.held = false;
        checkpoint.state.clear();
        self.free.push(idx);
    }

    /// Whether it was not dropped, or its number was given anew.
    pub(crate) fn is_held(&self, idx: CheckpointIdx) -> bool {
        self.all[idx.0 as usize].held
    }

    /// One of them.
    #[inline]
    pub(crate) fn get(&self, idx: CheckpointIdx) -> &Checkpoint {
        &self.all[idx.0 as usize]
    }

    /// One of them, to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, idx: CheckpointIdx) -> &mut Checkpoint {
        &mut self.all[idx.0 as usize]
    }
}
