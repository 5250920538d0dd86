//! Checkpoints: making them, and ending paths at them.
//!
//! When a path comes to a place where paths meet, it is compared with the checkpoints made there.
//! One that covers what is known now, and whose own paths have all ended, ends this path too. One
//! whose paths have not ended lies on this path itself: the program has come round a loop. If
//! nothing at all has changed since, it never will, and the loop is infinite; a callback that is
//! called over and over may come round like that, and need not be followed again.
//!
//! How often checkpoints are made, and when one is given up because it hardly ever helps, are
//! heuristics of Linux 6.18 (`is_state_visited`), which decide how many instructions are looked at,
//! and so whether a program exceeds the limit.

use skep_spec::InsnIdx;

use super::checkpoint::{CheckpointIdx, Checkpoints, Trail, same_callsites};
use super::equal::{Exactness, may_be_same};
use super::meeting::{Waiting, mix};
use super::precision::Wanted;
use super::walk::Walk;
use crate::limits;
use crate::rejection::{Check, Reason};

/// Jumps and instructions since the last checkpoint after which another one is made.
const DISTANCE: (u32, u32) = (2, 8);

/// The same within a loop, whose rounds seldom equal each other.
const DISTANCE_IN_LOOP: (u32, u32) = (20, 100);

/// How many misses a checkpoint may have more than hits, times hits plus one.
const PATIENCE: u32 = 3;

/// The same where checkpoints are what ends a loop.
const PATIENCE_IN_LOOP: u32 = 64;

/// What came of a comparison with a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Found {
    /// The path ends here.
    Covered,
    /// It ends here, in a loop that is not left on all paths yet.
    CoveredInLoop,
    /// It does not.
    Missed,
}

impl Walk<'_> {
    /// Looks for a checkpoint that ends the path here; makes one, if it is time. Gives whether the
    /// path ends.
    pub(crate) fn visit(&mut self) -> Check<bool> {
        if !self.options.prune {
            return Ok(false);
        }
        let at = self.at;
        let forced = self.input.flags.test_state_freq
            || self.cfg.is_force_checkpoint(at)
            || self.trail.steps.len() > limits::HISTORY;
        let far = |(jumps, insns)| {
            self.counters.jumps - self.counters.jumps_before >= jumps
                && self.statistics.processed - self.counters.processed_before >= insns
        };
        let near_in_loop = !far((DISTANCE_IN_LOOP.0, 0)) && !far((0, DISTANCE_IN_LOOP.1));
        let mut add = forced || far(DISTANCE);
        let place = self.meetings.place(&self.state, at);
        self.clean_waiting(place);
        let looping = self.cfg.is_force_checkpoint(at);
        let mut mixed = None;
        let mut number = self.meetings.at(place).len();
        let seen = u32::try_from(number).unwrap_or(u32::MAX);
        while number > 0 {
            number -= 1;
            let waiting = self.meetings.at(place)[number];
            if waiting.at != at {
                continue;
            }
            let found = if waiting.complete {
                self.compare_complete(waiting.idx)
            } else {
                let mixed = *mixed.get_or_insert_with(|| mix(&self.state));
                self.compare_under_way(&waiting, mixed)?
            };
            match found {
                Found::Missed => {}
                Found::Covered | Found::CoveredInLoop => {
                    self.meetings.get_mut(place, number).hits += 1;
                    self.end_at(waiting.idx, found == Found::CoveredInLoop);
                    return Ok(true);
                }
            }
            if !waiting.complete && !forced && near_in_loop {
                add = false;
            }
            let misses = waiting.misses + u32::from(add);
            self.meetings.get_mut(place, number).misses = misses;
            let in_loop = looping && !waiting.complete;
            let patience = if in_loop { PATIENCE_IN_LOOP } else { PATIENCE };
            if misses > waiting.hits * patience + patience {
                self.meetings.remove(place, number);
                self.counters.checkpoints -= 1;
                self.give_up(waiting.idx);
                self.drop_if_done(waiting.idx);
            }
        }
        self.statistics.max_states_per_insn = self.statistics.max_states_per_insn.max(seen);
        if add {
            self.make_checkpoint(place);
        }
        Ok(false)
    }

    /// Compares the state at hand with a checkpoint that not all paths from are at their end.
    #[inline]
    fn compare_under_way(&mut self, waiting: &Waiting, mixed: u64) -> Check<Found> {
        let calls_back = self.cfg.calls_callback(self.at);
        if waiting.mix != mixed && !calls_back {
            return Ok(Found::Missed);
        }
        let idx = waiting.idx;
        let old = self.checkpoints.get(idx);
        let other_entry = old.state.in_async_callback
            && old.state.frame().async_entry != self.state.frame().async_entry;
        if other_entry {
            return Ok(Found::Missed);
        }
        if calls_back {
            let covered = self.covers(idx, Exactness::Within);
            return Ok(if covered { Found::CoveredInLoop } else { Found::Missed });
        }
        let same = may_be_same(&old.state, &self.state)
            && old.state.callback_depth == self.state.callback_depth
            && self.covers(idx, Exactness::Same);
        if same { Err(self.infinite_loop(idx).into()) } else { Ok(Found::Missed) }
    }

    /// Compares the state at hand with a checkpoint whose paths are all at their end.
    fn compare_complete(&mut self, idx: CheckpointIdx) -> Found {
        let looping = self.is_unfinished(idx);
        let exactness = if looping { Exactness::Within } else { Exactness::Loose };
        match (self.covers(idx, exactness), looping) {
            (true, true) => Found::CoveredInLoop,
            (true, false) => Found::Covered,
            (false, _) => Found::Missed,
        }
    }

    /// Whether a checkpoint covers the state at hand.
    fn covers(&mut self, idx: CheckpointIdx, exactness: Exactness) -> bool {
        let mut ids = std::mem::take(&mut self.id_map);
        let covers = self.is_covered(self.checkpoints.get(idx), exactness, &mut ids);
        self.id_map = ids;
        covers
    }

    fn infinite_loop(&self, idx: CheckpointIdx) -> Reason {
        let old = self.checkpoints.get(idx);
        let marks = old.precise.iter().map(|marks| (marks.registers, marks.slots)).collect();
        Reason::InfiniteLoop {
            current: Box::new(self.state.clone()),
            old: Box::new((old.state.clone(), marks)),
        }
    }

    /// The path ends at a checkpoint: what is precise there was precise on this path as well.
    fn end_at(&mut self, idx: CheckpointIdx, in_loop: bool) {
        if self.cfg.is_jump_point(self.at) {
            self.note_jump();
        }
        let mut trail = std::mem::take(&mut self.trail);
        self.take_over_precision(idx, &mut trail, self.at);
        self.trail = trail;
        if in_loop {
            self.remember_backedge(idx);
        }
    }

    /// Marks along a trail what a checkpoint at its end has marked; gives whether anything changed.
    pub(crate) fn take_over_precision(
        &mut self,
        idx: CheckpointIdx,
        trail: &mut Trail,
        at: InsnIdx,
    ) -> bool {
        let old = self.checkpoints.get(idx);
        let mut wanted = Wanted::new(old.state.depth());
        for (frame, marks) in old.precise.iter().enumerate() {
            wanted.want_all(frame, *marks);
        }
        self.walk_back(trail, at, wanted)
    }

    fn make_checkpoint(&mut self, place: usize) {
        self.statistics.total_states += 1;
        self.counters.checkpoints += 1;
        self.note_peak();
        self.counters.jumps_before = self.counters.jumps;
        self.counters.processed_before = self.statistics.processed;
        let idx = self.checkpoints.add(self.at, self.previous, &self.state, &self.trail);
        let mix = mix(&self.state);
        let (complete, cleaned) = (false, false);
        let waiting = Waiting { idx, at: self.at, mix, complete, cleaned, hits: 0, misses: 0 };
        self.meetings.add(place, waiting);
        self.enter_component(idx);
        self.trail.parent = Some(idx);
        self.trail.first = self.at;
        self.trail.steps.clear();
        self.trail.walked.clear();
    }

    /// A path has come to its end: the checkpoints that it comes from have one branch less, and
    /// those with none left are complete.
    pub(crate) fn end_path(&mut self) {
        let mut next = self.trail.parent;
        while let Some(idx) = next {
            let checkpoint = self.checkpoints.get_mut(idx);
            checkpoint.branches -= 1;
            if checkpoint.branches > 0 {
                break;
            }
            next = checkpoint.trail.parent;
            if !checkpoint.given_up {
                let place = self.meetings.place(&checkpoint.state, checkpoint.at);
                self.meetings.complete(place, idx);
            }
            self.leave_component(idx);
            self.drop_if_done(idx);
        }
    }

    /// A checkpoint is no longer compared with, but may still be needed to walk back.
    fn give_up(&mut self, idx: CheckpointIdx) {
        self.checkpoints.get_mut(idx).given_up = true;
        self.given_up.push(idx);
        self.counters.given_up += 1;
    }

    /// Drops a checkpoint that was given up and that no path or loop refers to any more.
    pub(crate) fn drop_if_done(&mut self, idx: CheckpointIdx) {
        let checkpoint = self.checkpoints.get(idx);
        if checkpoint.given_up && checkpoint.branches == 0 && !self.is_unfinished(idx) {
            self.counters.given_up -= 1;
            self.checkpoints.remove(idx);
        }
    }

    /// Drops all that a loop has kept.
    pub(super) fn drop_given_up(&mut self) {
        for idx in std::mem::take(&mut self.given_up) {
            if self.checkpoints.is_held(idx) && self.checkpoints.get(idx).given_up {
                self.drop_if_done(idx);
                if self.checkpoints.is_held(idx) {
                    self.given_up.push(idx);
                }
            }
        }
    }

    /// Forgets of the complete checkpoints at a place what is not read after them.
    #[inline]
    fn clean_waiting(&mut self, place: usize) {
        for number in 0..self.meetings.at(place).len() {
            let Waiting { idx, at, complete, cleaned, .. } = self.meetings.at(place)[number];
            if complete && !cleaned && at == self.at {
                self.meetings.get_mut(place, number).cleaned = self.clean(idx);
            }
        }
    }

    /// Forgets of a complete checkpoint what is not read after it, once that is known; gives
    /// whether it is.
    fn clean(&mut self, idx: CheckpointIdx) -> bool {
        let checkpoint = self.checkpoints.get(idx);
        if self.is_unfinished(idx) || !same_callsites(&checkpoint.state, &self.state) {
            return false;
        }
        self.clean_stack(idx);
        true
    }

    /// Drops all checkpoints: what follows is another function, verified by itself.
    pub(super) fn forget_checkpoints(&mut self) {
        self.checkpoints = Checkpoints::default();
        self.given_up.clear();
        self.visits.clear();
        self.counters.checkpoints = 0;
        self.counters.given_up = 0;
        self.meetings.clear();
        self.trail = Trail::default();
    }
}
