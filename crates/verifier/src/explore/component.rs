//! Loops that end because a round changes nothing: callbacks called over and over.
//!
//! A path that comes round to a checkpoint on itself and finds itself covered ends there, although
//! the checkpoint's other paths are not at their end, and its precise numbers not all known. So the
//! path is remembered, as a *backedge*, until every path has left the loop; only then is it known
//! what the checkpoint depends on, and marked along the backedges, over and over until nothing
//! changes, as each may add to what another depends on. As long as a loop has backedges, its
//! checkpoints end other paths only if numbers are within theirs, precise or not.
//!
//! The loops are the strongly connected components of the functions' graphs, told apart by the calls
//! that lead to them. A call that calls back is a loop, too. Linux 6.18 does not take it for one, and
//! so may end paths at checkpoints whose precise numbers are not all known; here they go on.

use skep_spec::InsnIdx;

use super::checkpoint::{Checkpoint, CheckpointIdx, Trail, frame_at};
use super::walk::Walk;
use crate::state::State;

/// How often precision is carried round before all is made precise.
const ROUNDS: u32 = 64;

/// A loop under way, and what leads to it.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// The calls that lead to it, and its number.
    chain: Chain,
    /// The first checkpoint in it: once that is complete, so is the loop.
    entry: Option<CheckpointIdx>,
    /// Paths that have ended at a checkpoint of the loop.
    backedges: Vec<Backedge>,
}

/// The calls that lead to a loop, and its number.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Chain {
    callsites: Vec<InsnIdx>,
    component: u32,
}

impl Chain {
    /// Whether it is the chain of a state, whose frame `depth` is in the loop.
    fn is_of(&self, state: &State, depth: usize, component: u32) -> bool {
        self.component == component
            && self.callsites.len() == depth
            && self
                .callsites
                .iter()
                .zip(&state.frames[1..])
                .all(|(one, frame)| *one == frame.callsite)
    }
}

/// A path that has ended at a checkpoint of a loop under way.
#[derive(Clone, Debug)]
struct Backedge {
    covered_by: CheckpointIdx,
    trail: Trail,
    at: InsnIdx,
}

impl Walk<'_> {
    /// The outermost loop that a state is in: the frame, and the loop's number.
    fn outermost_loop(&self, state: &State, at: InsnIdx) -> Option<(usize, u32)> {
        let loops =
            (0..state.frames.len()).map(|frame| self.cfg.loop_of(frame_at(state, at, frame)));
        loops.enumerate().find(|(_, component)| *component != 0)
    }

    fn visit_of(&self, state: &State, at: InsnIdx) -> Option<usize> {
        if self.visits.is_empty() {
            return None;
        }
        let (depth, component) = self.outermost_loop(state, at)?;
        self.visits.iter().position(|visit| visit.chain.is_of(state, depth, component))
    }

    /// A checkpoint was made: it may be the first in its loop.
    pub(crate) fn enter_component(&mut self, idx: CheckpointIdx) {
        let Checkpoint { state, at, .. } = self.checkpoints.get(idx);
        let Some((depth, component)) = self.outermost_loop(state, *at) else { return };
        match self.visits.iter_mut().find(|visit| visit.chain.is_of(state, depth, component)) {
            Some(visit) => visit.entry = visit.entry.or(Some(idx)),
            None => {
                let callsites = state.frames[1..=depth].iter().map(|frame| frame.callsite);
                let chain = Chain { callsites: callsites.collect(), component };
                self.visits.push(Visit { chain, entry: Some(idx), backedges: Vec::new() });
            }
        }
    }

    /// A checkpoint is complete: if it was the first in its loop, so is that.
    pub(crate) fn leave_component(&mut self, idx: CheckpointIdx) {
        let checkpoint = self.checkpoints.get(idx);
        let Some(number) = self.visit_of(&checkpoint.state, checkpoint.at) else { return };
        let visit = &mut self.visits[number];
        if visit.entry != Some(idx) {
            return;
        }
        visit.entry = None;
        let mut backedges = std::mem::take(&mut visit.backedges);
        self.counters.backedges -= u32::try_from(backedges.len()).unwrap_or(0);
        for round in 0.. {
            if round > ROUNDS {
                for backedge in &backedges {
                    self.mark_all_precise(backedge.trail.parent);
                }
                break;
            }
            let mut changed = false;
            for backedge in &mut backedges {
                changed |=
                    self.take_over_precision(backedge.covered_by, &mut backedge.trail, backedge.at);
            }
            if !changed {
                break;
            }
        }
        if !backedges.is_empty() {
            self.drop_given_up();
        }
    }

    /// The path at hand has ended at a checkpoint of a loop under way.
    pub(crate) fn remember_backedge(&mut self, covered_by: CheckpointIdx) {
        let old = self.checkpoints.get(covered_by);
        let Some(number) = self.visit_of(&old.state, old.at) else { return };
        let backedge = Backedge { covered_by, trail: self.trail.clone(), at: self.at };
        self.visits[number].backedges.push(backedge);
        self.counters.backedges += 1;
        self.note_peak();
    }

    /// Whether a checkpoint is in a loop with backedges, so that not all of its precise numbers are
    /// known.
    pub(crate) fn is_unfinished(&self, idx: CheckpointIdx) -> bool {
        let checkpoint = self.checkpoints.get(idx);
        self.visit_of(&checkpoint.state, checkpoint.at)
            .is_some_and(|visit| !self.visits[visit].backedges.is_empty())
    }
}
