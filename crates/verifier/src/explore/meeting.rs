//! Where checkpoints wait for paths that come by.

use skep_spec::InsnIdx;
use skep_spec::insn::Reg;

use super::checkpoint::CheckpointIdx;
use crate::state::State;

/// A checkpoint that waits, and what can be said of it without looking at it: nearly always that
/// it cannot end the path that comes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// Which.
    pub(super) idx: CheckpointIdx,
    /// Its instruction.
    pub(super) at: InsnIdx,
    /// What its registers hold, mixed.
    pub(super) mix: u64,
    /// Whether all its paths are at their end.
    pub(super) complete: bool,
    /// Whether what is not read again was dropped from it.
    pub(super) cleaned: bool,
    /// How often a path has ended here because it knew no less.
    pub(super) hits: u32,
    /// How often one has not.
    pub(super) misses: u32,
}

/// All places where checkpoints wait.
///
/// As in Linux, a place belongs to an instruction and the call that led to its function, and there
/// are as many places as slots, so that checkpoints at other instructions may wait there too.
#[derive(Debug)]
pub(super) struct Meetings {
    places: Vec<Vec<Waiting>>,
}

impl Meetings {
    /// Nothing waits, in a program of so many slots.
    pub(super) fn new(slots: usize) -> Meetings {
        Meetings { places: vec![Vec::new(); slots] }
    }

    /// The place for a state at an instruction. The outermost function is called from -1.
    #[inline]
    pub(super) fn place(&self, state: &State, at: InsnIdx) -> usize {
        let callsite = if state.depth() == 0 { u32::MAX } else { state.frame().callsite.0 };
        InsnIdx(at.0 ^ callsite).index() % self.places.len()
    }

    /// Those that wait at a place, the latest last.
    #[inline]
    pub(super) fn at(&self, place: usize) -> &[Waiting] {
        &self.places[place]
    }

    /// One that waits, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, place: usize, number: usize) -> &mut Waiting {
        &mut self.places[place][number]
    }

    /// One more waits.
    pub(super) fn add(&mut self, place: usize, waiting: Waiting) {
        self.places[place].push(waiting);
    }

    /// One waits no longer.
    pub(super) fn remove(&mut self, place: usize, number: usize) {
        self.places[place].remove(number);
    }

    /// All paths of one are at their end, if it still waits.
    pub(super) fn complete(&mut self, place: usize, idx: CheckpointIdx) {
        if let Some(waiting) = self.places[place].iter_mut().rev().find(|one| one.idx == idx) {
            waiting.complete = true;
        }
    }

    /// Nothing waits.
    pub(super) fn clear(&mut self) {
        for place in &mut self.places {
            place.clear();
        }
    }
}

/// Mixes what the registers of the function that runs hold: states that could be the same
/// (`may_be_same`) give the same mixture.
pub(super) fn mix(state: &State) -> u64 {
    let registers = &state.frame().registers[..Reg::FP.index()];
    registers.iter().fold(0, |mixed: u64, register| {
        let value = register.value.tnum.value ^ register.value.u64.min.rotate_left(32);
        (mixed.rotate_left(7) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}
