//! Which numbers matter: walking a path back.
//!
//! A checkpoint that all paths have left safely can end another path that comes by and knows no
//! less. Compared number by number, few paths would. But most numbers never decide anything: not a
//! jump, not an address, not a size. So a number is *imprecise*, and compares equal to any other,
//! until it is used where its value matters; then the path is walked back, instruction by
//! instruction, to all that it was made from, and what of that stands in checkpoints on the way is
//! marked *precise*.
//!
//! Nothing is walked back twice for the same: where a checkpoint has the mark, it was walked back
//! from, and between checkpoints the trail remembers that (`walked`).
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
use super::walked::{Spot, Walked};
use crate::cfg::Back;
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

/// How a walk back along a trail has ended.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// There is nothing more to be found.
    Done,
    /// It has come to the beginning.
    ToBeginning,
}

/// Where a walk back begins, on a trail.
#[derive(Clone, Copy, Debug)]
struct Position<'a> {
    /// What the trail remembers.
    steps: &'a [Step],
    /// Its first instruction.
    first: InsnIdx,
    /// The instruction to begin with.
    at: InsnIdx,
    /// The one that came after it; none if it is still at hand, and is not to be walked back.
    later: Option<InsnIdx>,
}

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

    /// What is wanted of the frame that the walk back is in, if nothing is of others.
    #[inline]
    pub(super) fn only_here(&self) -> Option<PreciseFrame> {
        let below = &self.frames[..self.frame];
        below.iter().all(|marks| marks.is_empty()).then_some(self.frames[self.frame])
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

    /// What of an instruction could concern this.
    #[inline]
    fn concerns(&self) -> Back {
        let slots = self.frames[..=self.frame].iter().any(|marks| marks.slots != 0);
        let below = self.frames[..self.frame].iter().any(|marks| marks.registers != 0);
        Back::wanting(self.here(), slots, below)
    }

    /// Registers that a comparison told something matter together.
    #[inline]
    fn tie(&mut self, step: Option<&Step>) {
        let Some(step) = step else { return };
        if !step.linked.is_empty() {
            self.tie_linked(step);
        }
    }

    fn tie_linked(&mut self, step: &Step) {
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
        let frame = u8::try_from(self.state.depth()).expect("frames: at most eight");
        self.mark_slot_precise(Place::register(frame, reg.index()))
    }

    /// The number in a stack slot, or in some register, matters.
    pub(crate) fn mark_slot_precise(&mut self, place: Place) -> Check {
        if !self.options.prune {
            return Ok(());
        }
        let mut wanted = Wanted::new(self.state.depth());
        wanted.want(place);
        let mut trail = std::mem::take(&mut self.trail);
        self.walk_back(&mut trail, self.at, wanted);
        self.trail = trail;
        Ok(())
    }

    /// Walks back from an instruction, along a trail and those before it, and marks what is wanted
    /// in checkpoints; gives whether any was marked.
    pub(crate) fn walk_back(&mut self, trail: &mut Trail, at: InsnIdx, mut wanted: Wanted) -> bool {
        let Trail { parent: start, first, ref steps, ref mut walked } = *trail;
        let own = step_at(steps, at).is_some();
        walked.begin(Spot { at, steps: steps.len() - usize::from(own) });
        let from = Position { steps, first, at, later: None };
        let mut way = self.walk_trail(from, walked, &mut wanted);
        let (mut parent, mut first) = (start, first);
        let mut changed = false;
        loop {
            match way {
                Ok(Way::Done) => return changed,
                Ok(Way::ToBeginning) => {}
                Err(Lost) => return self.mark_all_precise(start) || changed,
            }
            let Some(idx) = parent else { break };
            let checkpoint = self.checkpoints.get_mut(idx);
            for frame in (0..=wanted.frame).rev() {
                changed |= checkpoint.mark(frame, &mut wanted.frames[frame]);
            }
            if wanted.is_empty() {
                return changed;
            }
            // None at the beginning of a function that is verified by itself: its arguments.
            let Some(at) = checkpoint.previous else { break };
            let trail = &mut checkpoint.trail;
            let mut trail_walked = std::mem::take(&mut trail.walked);
            let later = Some(first);
            (parent, first) = (trail.parent, trail.first);
            let trail = &self.checkpoints.get(idx).trail;
            let from = Position { steps: &trail.steps, first, at, later };
            way = self.walk_trail(from, &mut trail_walked, &mut wanted);
            self.checkpoints.get_mut(idx).trail.walked = trail_walked;
        }
        let arguments_alone =
            wanted.frame == 0 && wanted.here() & !ARGUMENTS == 0 && wanted.frames[0].slots == 0;
        if !arguments_alone {
            changed |= self.mark_all_precise(start);
        }
        changed
    }

    /// Walks back along one trail.
    fn walk_trail(
        &self,
        from: Position<'_>,
        walked: &mut Walked,
        wanted: &mut Wanted,
    ) -> Result<Way, Lost> {
        let Position { steps, first, at: mut here, mut later } = from;
        let mut left = steps.len();
        let mut places = walked.len();
        let mut concerns = wanted.concerns();
        loop {
            let own = step_at(&steps[..left], here);
            if let Some(later) = later
                && (self.cfg.back(here).concern(concerns)
                    || own.is_some_and(|step| !step.linked.is_empty()))
            {
                self.step_back(here, later, own, wanted)?;
                concerns = wanted.concerns();
            }
            let spot = Spot { at: here, steps: left - usize::from(own.is_some()) };
            if concerns.is_empty() || walked.covers(&mut places, spot, wanted) {
                return Ok(Way::Done);
            }
            later = Some(here);
            match before(own, first, here, &mut left) {
                Before::Insn(previous) => here = previous,
                Before::Beginning => return Ok(Way::ToBeginning),
                Before::Nowhere => return Err(Lost),
            }
        }
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
        later: InsnIdx,
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
            // In a function it may be the end of it, which returns 0.
            Insn::LoadPacket { .. } if later != InsnIdx(at.0 + 1) => {
                wanted.clear(Reg::R0);
                self.step_back_exit(later, wanted)?;
            }
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
        later: InsnIdx,
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
                if self.cfg.calls_callback(at) && later != next =>
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
                if tail_call && later != next { wanted.enter() } else { Ok(()) }
            }
            Callee::Kfunc { .. } | Callee::Reg(_) => {
                wanted.clear(Reg::R0);
                if wanted.here() & ARGUMENTS != 0 { Err(Lost) } else { Ok(()) }
            }
        }
    }

    /// The end of a function: what is wanted of r0 is wanted there, unless it was called back.
    fn step_back_exit(&self, later: InsnIdx, wanted: &mut Wanted) -> Result<(), Lost> {
        if self.cfg.calls_callback(later) {
            for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
                wanted.clear(reg);
            }
        }
        if wanted.here() & ARGUMENTS != 0 {
            return Err(Lost);
        }
        let call = later.0.checked_sub(1).map(InsnIdx);
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
#[inline]
pub(super) fn step_at(steps: &[Step], at: InsnIdx) -> Option<&Step> {
    steps.last().filter(|step| step.at == at)
}

/// What came before `at`, where `left` steps of the trail are not walked back yet, the last of which
/// is the instruction's own, if there is one.
#[inline]
pub(super) fn before(own: Option<&Step>, first: InsnIdx, at: InsnIdx, left: &mut usize) -> Before {
    if at == first && (*left == 0 || *left == 1 && own.is_some()) {
        return Before::Beginning;
    }
    match own {
        Some(step) => {
            *left -= 1;
            step.previous.map_or(Before::Nowhere, Before::Insn)
        }
        None => at.0.checked_sub(1).map_or(Before::Nowhere, |at| Before::Insn(InsnIdx(at))),
    }
}
