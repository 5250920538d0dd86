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

use super::checkpoint::{
    Checkpoint, CheckpointIdx, Checkpoints, PreciseFrame, Trail, same_callsites,
};
use super::equal::{Exactness, may_be_same};
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
        let meeting = self.meeting(at);
        for number in 0..self.meetings[meeting].len() {
            self.clean(self.meetings[meeting][number]);
        }
        let mut number = self.meetings[meeting].len();
        let seen = u32::try_from(number).unwrap_or(u32::MAX);
        while number > 0 {
            number -= 1;
            let idx = self.meetings[meeting][number];
            if self.checkpoints.get(idx).at != at {
                continue;
            }
            match self.compare(idx)? {
                Found::Missed => {}
                found @ (Found::Covered | Found::CoveredInLoop) => {
                    self.end_at(idx, found == Found::CoveredInLoop);
                    return Ok(true);
                }
            }
            let checkpoint = self.checkpoints.get_mut(idx);
            if checkpoint.branches > 0 && !forced && near_in_loop {
                add = false;
            }
            if add {
                checkpoint.misses += 1;
            }
            let looping = self.cfg.is_force_checkpoint(at) && checkpoint.branches > 0;
            let patience = if looping { PATIENCE_IN_LOOP } else { PATIENCE };
            if checkpoint.misses > checkpoint.hits * patience + patience {
                self.meetings[meeting].remove(number);
                self.counters.checkpoints -= 1;
                self.give_up(idx);
                self.drop_if_done(idx);
            }
        }
        self.statistics.max_states_per_insn = self.statistics.max_states_per_insn.max(seen);
        if add {
            self.make_checkpoint();
        }
        Ok(false)
    }

    /// Where checkpoints are kept that are compared with at an instruction. As in Linux, the call
    /// that leads to its function counts as well, and there are as many places as slots, so that
    /// those at other instructions may be there too. The outermost function is called from -1.
    pub(super) fn meeting(&self, at: InsnIdx) -> usize {
        let callsite =
            if self.state.depth() == 0 { u32::MAX } else { self.state.frame().callsite.0 };
        InsnIdx(at.0 ^ callsite).index() % self.meetings.len()
    }

    /// Compares the state at hand with a checkpoint.
    #[inline]
    fn compare(&mut self, idx: CheckpointIdx) -> Check<Found> {
        let old = self.checkpoints.get(idx);
        if old.branches == 0 {
            return Ok(self.compare_complete(idx));
        }
        let other_entry = old.state.in_async_callback
            && old.state.frame().async_entry != self.state.frame().async_entry;
        if other_entry {
            return Ok(Found::Missed);
        }
        if self.cfg.calls_callback(self.at) {
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
        self.checkpoints.get_mut(idx).hits += 1;
        if self.cfg.is_jump_point(self.at) {
            self.note_jump();
        }
        let trail = std::mem::take(&mut self.trail);
        self.take_over_precision(idx, &trail, self.at);
        self.trail = trail;
        if in_loop {
            self.remember_backedge(idx);
        }
    }

    /// Marks along a trail what a checkpoint at its end has marked; gives whether anything changed.
    pub(crate) fn take_over_precision(
        &mut self,
        idx: CheckpointIdx,
        trail: &Trail,
        at: InsnIdx,
    ) -> bool {
        let old = self.checkpoints.get(idx);
        let mut wanted = Wanted::new(old.state.depth());
        for (frame, marks) in old.precise.iter().enumerate() {
            wanted.want_all(frame, *marks);
        }
        self.walk_back(trail, at, wanted)
    }

    fn make_checkpoint(&mut self) {
        self.statistics.total_states += 1;
        self.counters.checkpoints += 1;
        self.note_peak();
        self.counters.jumps_before = self.counters.jumps;
        self.counters.processed_before = self.statistics.processed;
        // The steps are copied, so that the memory for them is used again.
        let steps = self.trail.steps.as_slice().to_vec();
        let trail = Trail { steps, ..self.trail };
        let frames = self.state.frames.len();
        let idx = self.checkpoints.push(Checkpoint {
            at: self.at,
            previous: self.previous,
            state: self.state.clone(),
            trail,
            precise: vec![PreciseFrame::default(); frames],
            branches: 1,
            hits: 0,
            misses: 0,
            cleaned: false,
            given_up: false,
        });
        let meeting = self.meeting(self.at);
        self.meetings[meeting].push(idx);
        self.enter_component(idx);
        self.trail.parent = Some(idx);
        self.trail.first = self.at;
        self.trail.steps.clear();
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

    /// Forgets of a complete checkpoint what is not read after it.
    fn clean(&mut self, idx: CheckpointIdx) {
        let checkpoint = self.checkpoints.get(idx);
        if checkpoint.branches > 0 || checkpoint.at != self.at || checkpoint.cleaned {
            return;
        }
        if self.is_unfinished(idx) || !same_callsites(&checkpoint.state, &self.state) {
            return;
        }
        self.clean_stack(idx);
        self.checkpoints.get_mut(idx).cleaned = true;
    }

    /// Drops all checkpoints: what follows is another function, verified by itself.
    pub(super) fn forget_checkpoints(&mut self) {
        self.checkpoints = Checkpoints::default();
        self.given_up.clear();
        self.visits.clear();
        self.counters.checkpoints = 0;
        self.counters.given_up = 0;
        for meeting in &mut self.meetings {
            meeting.clear();
        }
        self.trail = Trail::default();
    }
}
