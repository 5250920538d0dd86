//! What instructions leave behind for those that come later: for walking back, for the log's last
//! lines, for whoever compiles the program.

use super::checkpoint::frame_at;
use super::history::{Linked, Place, Step};
use super::walk::{Counters, Walk};
use crate::cfg::Registers;
use crate::limits::{FRAMES, SLOT_BYTES};
use crate::state::{Byte, Id, Kind, Register};

impl Walk<'_> {
    /// The step of the instruction at hand, to be filled in.
    fn step_here(&mut self) -> &mut Step {
        if !self.noted {
            self.noted = true;
            self.trail.steps.push(Step::new(self.at, self.previous));
        }
        self.trail.steps.last_mut().expect("trail: a step was pushed")
    }

    /// The path comes to the instruction at hand by a jump, maybe.
    pub(super) fn note_jump(&mut self) {
        self.step_here();
    }

    /// The instruction spills to a slot, or fills from it.
    pub(crate) fn note_stack_access(&mut self, slot: Place) {
        self.step_here().stack = Some((slot.frame, slot.number));
    }

    /// The instruction compares what may be pointers to the stack.
    pub(crate) fn note_stack_operands(&mut self, dst: &Register, src: &Register) {
        let is_stack = |register: &Register| matches!(register.kind, Kind::Stack { .. });
        if is_stack(dst) || is_stack(src) {
            let step = self.step_here();
            step.dst_is_stack = is_stack(dst);
            step.src_is_stack = is_stack(src);
        }
    }

    /// The instruction tells several registers something at once.
    pub(crate) fn note_linked(&mut self, linked: Linked) {
        self.step_here().linked = linked;
    }

    /// Collects all numbers with a name, of those that may be read again.
    pub(crate) fn collect_linked(&mut self, id: Id, linked: &mut Linked) {
        let mut live = [Registers::default(); FRAMES];
        for (frame, live) in live.iter_mut().enumerate().take(self.state.frames.len()) {
            *live = self.cfg.live_registers(frame_at(&self.state, self.at, frame));
        }
        self.state.collect_linked(id, linked, |frame, reg| live[frame].0 & 1 << reg != 0);
    }

    /// A function uses so much stack.
    pub(crate) fn note_stack_depth(&mut self, subprogram: usize, bytes: u32) {
        if let Some(depth) = self.statistics.stack_depth.get_mut(subprogram) {
            *depth = (*depth).max(bytes);
        }
    }

    /// Bytes of a slot are read, some of which may not have been written.
    pub(crate) fn note_uninit(&mut self, frame: u8, slot: usize, bytes: &[Byte]) {
        if bytes.contains(&Byte::Invalid) {
            let subprogram = self.state.frames[usize::from(frame)].subprogram;
            debug_assert!(slot < crate::limits::STACK_BYTES as usize / SLOT_BYTES);
            self.facts.note_uninit(subprogram, slot);
        }
    }

    /// The most checkpoints held at once.
    pub(super) fn note_peak(&mut self) {
        let Counters { checkpoints, given_up, backedges, .. } = self.counters;
        let held = checkpoints + given_up + backedges;
        self.statistics.peak_states = self.statistics.peak_states.max(held);
    }
}
