//! Which numbers matter: walking a path back.
//!
//! A checkpoint that all paths have left safely can end another path that comes by and knows no
//! less. Compared number by number, few paths would. But most numbers never decide anything: not a
//! jump, not an address, not a size. So a number is *imprecise*, and compares equal to any other,
//! until it is used where its value matters; then the path is walked back, instruction by
//! instruction, to all that it was made from, and what of that stands in checkpoints on the way is
//! marked *precise*.
//!
//! Sound: a checkpoint is compared only once all paths from it are at their end, and so all uses
//! are known. Where walking back meets something that it does not understand, all numbers of all
//! checkpoints on the path are marked.

use skep_spec::InsnIdx;
use skep_spec::abi::HelperId;
use skep_spec::insn::{AluOp, AtomicOp, Callee, Insn, Operand, Reg};

use super::checkpoint::{CheckpointIdx, PreciseFrame, Trail};
use super::history::{Place, Step};
use super::walk::Walk;
use crate::limits::FRAMES;
use crate::rejection::Check;

/// r1 to r5.
const ARGUMENTS: u16 = 0b11_1110;

/// What is looked for on the way back: registers and stack slots, by frame.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    frames: [PreciseFrame; FRAMES],
    /// The frame that the walk back is in.
    frame: usize,
}

/// The walk back cannot go on.
#[derive(Clone, Copy, Debug)]
struct Lost;

impl Wanted {
    /// Nothing yet, seen from a frame.
    pub(crate) fn new(frame: usize) -> Wanted {
        Wanted { frames: [PreciseFrame::default(); FRAMES], frame }
    }

    /// Looks for a place.
    pub(crate) fn want(&mut self, place: Place) {
        let marks = &mut self.frames[usize::from(place.frame)];
        if place.is_slot {
            marks.slots |= 1 << place.number;
        } else {
            marks.registers |= 1 << place.number;
        }
    }

    /// Looks for all that a checkpoint has marked in a frame.
    pub(crate) fn want_all(&mut self, frame: usize, marks: PreciseFrame) {
        self.frames[frame].registers |= marks.registers;
        self.frames[frame].slots |= marks.slots;
    }

    fn is_empty(&self) -> bool {
        self.frames[..=self.frame].iter().all(|marks| marks.is_empty())
    }

    fn wants(&self, place: Place) -> bool {
        let marks = self.frames[usize::from(place.frame)];
        if place.is_slot {
            marks.slots & 1 << place.number != 0
        } else {
            marks.registers & 1 << place.number != 0
        }
    }

    fn here(&self) -> u16 {
        self.frames[self.frame].registers
    }

    fn has(&self, reg: Reg) -> bool {
        self.here() & bit(reg) != 0
    }

    fn set(&mut self, reg: Reg) {
        if reg != Reg::FP {
            self.frames[self.frame].registers |= bit(reg);
        }
    }

    fn clear(&mut self, reg: Reg) {
        self.frames[self.frame].registers &= !bit(reg);
    }

    fn enter(&mut self) -> Result<(), Lost> {
        if self.frame + 1 >= FRAMES {
            return Err(Lost);
        }
        self.frame += 1;
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Lost> {
        self.frame = self.frame.checked_sub(1).ok_or(Lost)?;
        Ok(())
    }

    /// Registers that a comparison told something matter together.
    fn tie(&mut self, step: Option<&Step>) {
        let Some(step) = step else { return };
        if step.linked.iter().any(|place| self.wants(place)) {
            for place in step.linked.iter() {
                self.want(place);
            }
        }
    }
}

const fn bit(reg: Reg) -> u16 {
    1 << reg.index()
}

impl Walk<'_> {
    /// The number in a register matters.
    pub(crate) fn mark_precise(&mut self, reg: Reg) -> Check {
        if !self.options.prune {
            return Ok(());
        }
        let depth = self.state.depth();
        let mut wanted = Wanted::new(depth);
        let frame = u8::try_from(depth).expect("frames: at most eight");
        wanted.want(Place::register(frame, reg.index()));
        let trail = std::mem::take(&mut self.trail);
        self.walk_back(&trail, self.at, wanted);
        self.trail = trail;
        Ok(())
    }

    /// The number in a stack slot matters.
    pub(crate) fn mark_slot_precise(&mut self, slot: Place) -> Check {
        if !self.options.prune {
            return Ok(());
        }
        let mut wanted = Wanted::new(self.state.depth());
        wanted.want(slot);
        let trail = std::mem::take(&mut self.trail);
        self.walk_back(&trail, self.at, wanted);
        self.trail = trail;
        Ok(())
    }

    /// Walks back from an instruction, along a trail and those before it, and marks what is wanted
    /// in checkpoints; gives whether any was marked.
    pub(crate) fn walk_back(&mut self, trail: &Trail, at: InsnIdx, mut wanted: Wanted) -> bool {
        let mut changed = false;
        if wanted.is_empty() {
            return false;
        }
        let start = trail.parent;
        let mut position = Some(at);
        let mut later = None;
        let mut skip = true;
        let mut parent = start;
        let mut first = trail.first;
        let mut followed: Option<CheckpointIdx> = None;
        loop {
            let trail = followed.map_or(trail, |idx| &self.checkpoints.get(idx).trail);
            let mut left = trail.steps.len();
            let Some(mut here) = position else {
                // The beginning of a function that is verified by itself: its arguments.
                break;
            };
            loop {
                if skip {
                    skip = false;
                } else {
                    let step = step_at(&trail.steps[..left], here);
                    if self.step_back(here, later, step, &mut wanted).is_err() {
                        return self.mark_all_precise(start);
                    }
                }
                if wanted.is_empty() {
                    return changed;
                }
                later = Some(here);
                match before(trail, first, here, &mut left) {
                    Before::Insn(previous) => here = previous,
                    Before::Beginning => break,
                    Before::Nowhere => return self.mark_all_precise(start) || changed,
                }
            }
            let Some(idx) = parent else { break };
            let checkpoint = self.checkpoints.get_mut(idx);
            for frame in (0..=wanted.frame).rev() {
                changed |= mark(checkpoint, frame, &mut wanted.frames[frame]);
            }
            if wanted.is_empty() {
                return changed;
            }
            later = Some(first);
            position = checkpoint.previous;
            first = checkpoint.trail.first;
            parent = checkpoint.trail.parent;
            followed = Some(idx);
        }
        let arguments_alone =
            wanted.frame == 0 && wanted.here() & !ARGUMENTS == 0 && wanted.frames[0].slots == 0;
        if !arguments_alone {
            changed |= self.mark_all_precise(start);
        }
        changed
    }

    /// Marks every number of every checkpoint from `parent` back.
    pub(crate) fn mark_all_precise(&mut self, parent: Option<CheckpointIdx>) -> bool {
        let mut next = parent;
        while let Some(idx) = next {
            let checkpoint = self.checkpoints.get_mut(idx);
            checkpoint.mark_all();
            next = checkpoint.trail.parent;
        }
        false
    }

    /// What is wanted before an instruction, given what is wanted after it.
    fn step_back(
        &self,
        at: InsnIdx,
        later: Option<InsnIdx>,
        step: Option<&Step>,
        wanted: &mut Wanted,
    ) -> Result<(), Lost> {
        let Some(insn) = self.input.code.get(at) else { return Ok(()) };
        wanted.tie(step);
        match *insn {
            Insn::Alu { op, dst, src, .. } => {
                if wanted.has(dst)
                    && let Operand::Reg(src) = src
                {
                    match op {
                        AluOp::Add
                        | AluOp::Sub
                        | AluOp::Mul
                        | AluOp::Div
                        | AluOp::SDiv
                        | AluOp::Mod
                        | AluOp::SMod
                        | AluOp::Or
                        | AluOp::And
                        | AluOp::Xor
                        | AluOp::Lsh
                        | AluOp::Rsh
                        | AluOp::Arsh => wanted.set(src),
                    }
                }
            }
            Insn::Neg { .. } | Insn::Swap { .. } => {}
            Insn::Mov { dst, src, .. } => {
                if wanted.has(dst) {
                    wanted.clear(dst);
                    if let Operand::Reg(src) = src {
                        wanted.set(src);
                    }
                }
            }
            Insn::MovSx { dst, src, .. } | Insn::AddrSpaceCast { dst, src, .. } => {
                if wanted.has(dst) {
                    wanted.clear(dst);
                    wanted.set(src);
                }
            }
            Insn::Load { dst, .. } | Insn::LoadAcquire { dst, .. } => {
                step_back_load(dst, step, wanted);
            }
            Insn::Atomic { op, dst, src, .. } => {
                let loaded = match op {
                    AtomicOp::CmpXchg => Some(Reg::R0),
                    AtomicOp::Xchg => Some(src),
                    AtomicOp::Add { fetch }
                    | AtomicOp::Or { fetch }
                    | AtomicOp::And { fetch }
                    | AtomicOp::Xor { fetch } => fetch.then_some(src),
                };
                match loaded {
                    Some(loaded) => step_back_load(loaded, step, wanted),
                    None => step_back_store(dst, Operand::Reg(src), step, wanted)?,
                }
            }
            Insn::Store { dst, src, .. } => step_back_store(dst, src, step, wanted)?,
            Insn::StoreRelease { dst, src, .. } => {
                step_back_store(dst, Operand::Reg(src), step, wanted)?;
            }
            Insn::LoadImm64 { dst, .. } => wanted.clear(dst),
            Insn::LoadPacket { .. } => {
                if wanted.has(Reg::R0) {
                    return Err(Lost);
                }
            }
            Insn::Goto { .. } | Insn::GotoLong { .. } | Insn::MayGoto { .. } => {}
            Insn::Branch { dst, src, .. } => step_back_branch(dst, src, step, wanted),
            Insn::Call(callee) => self.step_back_call(at, callee, later, wanted)?,
            Insn::Exit => self.step_back_exit(later, wanted)?,
        }
        wanted.tie(step);
        Ok(())
    }

    /// A call: the beginning of the function called, if the path comes from there, else a helper.
    fn step_back_call(
        &self,
        at: InsnIdx,
        callee: Callee,
        later: Option<InsnIdx>,
        wanted: &mut Wanted,
    ) -> Result<(), Lost> {
        let next = InsnIdx(at.0 + 1);
        match callee {
            Callee::Local(distance) => {
                let global = at.jump(distance).and_then(|start| self.cfg.subprogram_at(start));
                if global.is_some_and(|callee| self.is_global(callee)) {
                    wanted.clear(Reg::R0);
                    return if wanted.here() & ARGUMENTS != 0 { Err(Lost) } else { Ok(()) };
                }
                let frame = wanted.frame;
                if wanted.here() & !ARGUMENTS != 0 || wanted.frames[frame].slots != 0 {
                    return Err(Lost);
                }
                let arguments = wanted.here();
                wanted.frames[frame].registers = 0;
                wanted.leave()?;
                wanted.frames[frame - 1].registers |= arguments;
                Ok(())
            }
            Callee::Helper(_) | Callee::Kfunc { .. } | Callee::Reg(_)
                if self.cfg.calls_callback(at) && later != Some(next) =>
            {
                let frame = wanted.frame;
                if wanted.here() & !ARGUMENTS != 0 || wanted.frames[frame].slots != 0 {
                    return Err(Lost);
                }
                // The helper has set the callback's arguments.
                wanted.frames[frame].registers = 0;
                wanted.leave()
            }
            Callee::Helper(number) => {
                wanted.clear(Reg::R0);
                if wanted.here() & ARGUMENTS != 0 {
                    return Err(Lost);
                }
                let tail_call = HelperId::TailCall.number().cast_signed() == number;
                if tail_call && later != Some(next) { wanted.enter() } else { Ok(()) }
            }
            Callee::Kfunc { .. } | Callee::Reg(_) => {
                wanted.clear(Reg::R0);
                if wanted.here() & ARGUMENTS != 0 { Err(Lost) } else { Ok(()) }
            }
        }
    }

    /// The end of a function: what is wanted of r0 is wanted there, unless it was called back.
    fn step_back_exit(&self, later: Option<InsnIdx>, wanted: &mut Wanted) -> Result<(), Lost> {
        if later.is_some_and(|later| self.cfg.calls_callback(later)) {
            for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
                wanted.clear(reg);
            }
        }
        if wanted.here() & ARGUMENTS != 0 {
            return Err(Lost);
        }
        let call = later.and_then(|later| later.0.checked_sub(1)).map(InsnIdx);
        let called = call.and_then(|call| self.input.code.get(call));
        let wants_result =
            matches!(called, Some(Insn::Call(Callee::Local(_)))) && wanted.has(Reg::R0);
        wanted.clear(Reg::R0);
        wanted.enter()?;
        if wants_result {
            wanted.set(Reg::R0);
        }
        Ok(())
    }
}

/// A load: what was filled from the stack is wanted there; other memory is not followed, as
/// nothing is known of what is loaded from it.
fn step_back_load(dst: Reg, step: Option<&Step>, wanted: &mut Wanted) {
    if wanted.has(dst) {
        wanted.clear(dst);
        if let Some((frame, slot)) = step.and_then(|step| step.stack) {
            wanted.want(Place { frame, number: slot, is_slot: true });
        }
    }
}

/// A store: what is wanted of a slot that was spilled to is wanted of what was spilled.
fn step_back_store(
    pointer: Reg,
    src: Operand,
    step: Option<&Step>,
    wanted: &mut Wanted,
) -> Result<(), Lost> {
    if wanted.has(pointer) {
        // The pointer was made of a difference of pointers.
        return Err(Lost);
    }
    let Some((frame, slot)) = step.and_then(|step| step.stack) else { return Ok(()) };
    let place = Place { frame, number: slot, is_slot: true };
    if wanted.wants(place) {
        wanted.frames[usize::from(frame)].slots &= !(1 << slot);
        if let Operand::Reg(src) = src {
            wanted.set(src);
        }
    }
    Ok(())
}

/// A comparison: each operand has told something of the other.
fn step_back_branch(dst: Reg, src: Operand, step: Option<&Step>, wanted: &mut Wanted) {
    let Operand::Reg(src) = src else { return };
    if wanted.has(dst) || wanted.has(src) {
        if !step.is_some_and(|step| step.src_is_stack) {
            wanted.set(src);
        }
        if !step.is_some_and(|step| step.dst_is_stack) {
            wanted.set(dst);
        }
    }
}

/// Marks what is wanted of a frame in a checkpoint. What is marked already, or is no number, is
/// wanted no longer.
fn mark(
    checkpoint: &mut super::checkpoint::Checkpoint,
    frame: usize,
    wanted: &mut PreciseFrame,
) -> bool {
    let number = u8::try_from(frame).expect("frames: at most eight");
    let before = *wanted;
    for reg in 0..Reg::FP.index() {
        if before.registers & 1 << reg != 0 && !checkpoint.mark(Place::register(number, reg)) {
            wanted.registers &= !(1 << reg);
        }
    }
    for slot in 0..u64::BITS as usize {
        if before.slots & 1 << slot != 0 && !checkpoint.mark(Place::slot(number, slot)) {
            wanted.slots &= !(1 << slot);
        }
    }
    !wanted.is_empty()
}

/// What came before an instruction on a path.
pub(super) enum Before {
    /// This instruction.
    Insn(InsnIdx),
    /// The checkpoint that the trail begins with.
    Beginning,
    /// Nothing that could be.
    Nowhere,
}

/// The step that belongs to an instruction, if it is the last that is left.
fn step_at(steps: &[Step], at: InsnIdx) -> Option<&Step> {
    steps.last().filter(|step| step.at == at)
}

/// What came before `at`, where `left` steps of the trail are not walked back yet.
pub(super) fn before(trail: &Trail, first: InsnIdx, at: InsnIdx, left: &mut usize) -> Before {
    let last = step_at(&trail.steps[..*left], at);
    if at == first && (*left == 0 || *left == 1 && last.is_some()) {
        return Before::Beginning;
    }
    match last {
        Some(step) => {
            *left -= 1;
            step.previous.map_or(Before::Nowhere, Before::Insn)
        }
        None => at.0.checked_sub(1).map_or(Before::Nowhere, |at| Before::Insn(InsnIdx(at))),
    }
}
