//! What was known at places that a path has come by.

use skep_spec::InsnIdx;

use super::history::{Place, Step};
use crate::state::{Kind, State};

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
}

impl Trail {
    /// Becomes a copy, in the memory that is there.
    pub(crate) fn copy_from(&mut self, other: &Trail) {
        self.parent = other.parent;
        self.first = other.first;
        self.steps.clone_from(&other.steps);
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
    /// How often a path has ended here because it knew no less.
    pub(crate) hits: u32,
    /// How often one has not.
    pub(crate) misses: u32,
    /// Whether what is never read again was dropped from it.
    pub(crate) cleaned: bool,
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

    /// Marks a place as one whose number must be precise; `false` if there is nothing to be done
    /// further back: it holds no number, or is marked.
    pub(crate) fn mark(&mut self, place: Place) -> bool {
        let (frame, number) = (usize::from(place.frame), usize::from(place.number));
        let Some(known) = self.state.frames.get(frame) else { return false };
        let marks = &mut self.precise[frame];
        if place.is_slot {
            let spilled = known.stack.slot(number).is_some_and(|slot| slot.is_spilled_scalar());
            let bit = 1 << number;
            let new = spilled && marks.slots & bit == 0;
            if new {
                marks.slots |= bit;
            }
            new
        } else {
            let bit = 1 << number;
            let new = known.registers[number].kind == Kind::Scalar && marks.registers & bit == 0;
            if new {
                marks.registers |= bit;
            }
            new
        }
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
        checkpoint.hits = 0;
        checkpoint.misses = 0;
        checkpoint.cleaned = false;
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
            hits: 0,
            misses: 0,
            cleaned: false,
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
