//! Which instructions are reached, where paths meet, and which instructions loop.
//!
//! One depth-first search a function finds all of it: an instruction that is never come by is
//! unreachable, and a loop is a *strongly connected component*, instructions that all lead to each
//! other (Tarjan's algorithm, on a stack of its own). Components are numbered as Linux 6.18 does
//! (`compute_scc`): by the order in which the search leaves them, when it goes to the instruction
//! that follows before it goes to one that is jumped to.

use skep_spec::abi::proto::{self, Callback};
use skep_spec::insn::{Callee, Imm64, Insn};
use skep_spec::{Code, InsnIdx, Slot};

use super::calls::Calls;
use super::layout::{Function, jump_distance};
use super::{Mark, SlotFacts, helper};
use crate::rejection::{Check, Reason, Stop};

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

/// The slots that can follow one within its function, in the order of the search: the one behind it
/// and the one that it jumps to, or [`NONE`].
#[inline]
pub(super) fn successors(code: &Code, at: u32) -> [u32; 2] {
    let behind = at + 1;
    let Some(Slot::Insn(insn)) = code.slots().get(at as usize) else { return [behind, NONE] };
    let target =
        || jump_distance(insn).map_or(NONE, |distance| behind.wrapping_add_signed(distance));
    match insn {
        Insn::Exit => [NONE, NONE],
        Insn::Goto { .. } | Insn::GotoLong { .. } => [NONE, target()],
        Insn::Branch { .. } | Insn::MayGoto { .. } => [behind, target()],
        Insn::LoadImm64 { .. } => [behind + 1, NONE],
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::Mov { .. }
        | Insn::MovSx { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::Swap { .. }
        | Insn::LoadPacket { .. }
        | Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. }
        | Insn::Call(_) => [behind, NONE],
    }
}

/// Follows all jumps of all functions.
///
/// Loops are refused unless they are `allowed`.
pub(super) fn follow(
    code: &Code,
    functions: &[Function],
    slots: &mut [SlotFacts],
    allowed: bool,
) -> Check {
    for slot in 0..code.len() {
        mark(code, slots, slot);
    }
    let mut search = Search {
        code,
        slots,
        places: vec![Place::default(); code.slots().len()],
        path: Vec::new(),
        open: Vec::new(),
        seen: 0,
        components: 0,
        allowed,
    };
    functions.iter().try_for_each(|function| search.run(function.start))
}

/// That each instruction is reached, and none by halves.
pub(super) fn check_reached(code: &Code, slots: &[SlotFacts], calls: &Calls) -> Check {
    let reached = |slot: usize| slots.get(slot).is_some_and(|facts| facts.has(Mark::Reached));
    for (at, insn) in code.iter() {
        let facts = &slots[at.index()];
        if !facts.has(Mark::Reached) || !calls.is_reached(facts.function) {
            return Err(Box::new(Stop::RejectedAt(at, Reason::Unreachable(at))));
        }
        if insn.slots() == 2 && reached(at.index() + 1) {
            return Err(Box::new(Stop::RejectedAt(at, Reason::JumpIntoImm64(at))));
        }
    }
    Ok(())
}

/// What an instruction says of itself and those it leads to.
fn mark(code: &Code, slots: &mut [SlotFacts], at: u32) {
    let Some(insn) = code.get(InsnIdx(at)) else { return };
    let behind = at + insn.slots();
    let mut meet = |slot: u32| {
        if let Some(facts) = slots.get_mut(slot as usize) {
            facts.set(Mark::PrunePoint);
            facts.set(Mark::JumpPoint);
        }
    };
    match insn {
        Insn::Call(callee) => {
            meet(behind);
            match callee {
                Callee::Local(distance) => {
                    meet((at + 1).wrapping_add_signed(*distance));
                    slots[at as usize].set(Mark::PrunePoint);
                }
                Callee::Helper(number) => mark_helper(&mut slots[at as usize], *number),
                Callee::Kfunc { .. } | Callee::Reg(_) => {}
            }
        }
        Insn::LoadImm64 { imm: Imm64::Func(distance), .. } => {
            meet(behind);
            meet((at + 1).wrapping_add_signed(*distance));
            slots[at as usize].set(Mark::PrunePoint);
        }
        Insn::Goto { off } => meet(behind.wrapping_add_signed((*off).into())),
        Insn::GotoLong { imm } => meet(behind.wrapping_add_signed(*imm)),
        Insn::Branch { off, .. } => {
            meet(behind.wrapping_add_signed((*off).into()));
            slots[at as usize].set(Mark::PrunePoint);
        }
        Insn::MayGoto { off } => {
            meet(behind.wrapping_add_signed((*off).into()));
            slots[at as usize].set(Mark::PrunePoint);
            slots[at as usize].set(Mark::ForceCheckpoint);
        }
        Insn::LoadImm64 {
            imm:
                Imm64::Value(_)
                | Imm64::MapFd(_)
                | Imm64::MapValue { .. }
                | Imm64::BtfVar { .. }
                | Imm64::MapIdx(_)
                | Imm64::MapIdxValue { .. },
            ..
        }
        | Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::Mov { .. }
        | Insn::MovSx { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::Swap { .. }
        | Insn::LoadPacket { .. }
        | Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. }
        | Insn::Exit => {}
    }
}

/// A helper that calls back at once may do so any number of times: a loop, which ends only if
/// rounds are compared with each other. One whose callback is called later begins a walk of its
/// own, which must not be begun over and over.
fn mark_helper(facts: &mut SlotFacts, number: i32) {
    let callback = helper(number).and_then(|helper| proto::common(helper).callback());
    match callback {
        None => {}
        Some(Callback::Timer) => facts.set(Mark::PrunePoint),
        Some(Callback::Loop | Callback::MapElem | Callback::Vma | Callback::UserRingbuf) => {
            facts.set(Mark::PrunePoint);
            facts.set(Mark::JumpPoint);
            facts.set(Mark::ForceCheckpoint);
            facts.set(Mark::CallsCallback);
        }
    }
}

/// A depth-first search under way.
struct Search<'a> {
    code: &'a Code,
    slots: &'a mut [SlotFacts],
    places: Vec<Place>,
    /// The slots from the function's start to the one at hand, each with the number of its
    /// successors that were looked at.
    path: Vec<(u32, u8)>,
    /// The slots whose component is not complete.
    open: Vec<u32>,
    seen: u32,
    components: u32,
    allowed: bool,
}

/// What the search knows of a slot.
#[derive(Clone, Copy, Default)]
struct Place {
    /// When it was first seen; 0 if it was not.
    seen: u32,
    /// When the earliest slot of an open component was seen that it is known to lead to; [`NONE`]
    /// if its own component is complete.
    low: u32,
}

impl Search<'_> {
    /// Searches a function.
    fn run(&mut self, start: u32) -> Check {
        self.enter(start);
        while let Some((at, looked_at)) = self.path.pop() {
            let successors = successors(self.code, at);
            let next = (looked_at..2).find_map(|number| {
                let to = successors[usize::from(number)];
                if to == NONE {
                    return None;
                }
                let place = self.places[to as usize];
                if place.seen == 0 {
                    return Some((to, number));
                }
                let here = &mut self.places[at as usize];
                here.low = here.low.min(place.low);
                None
            });
            if !self.allowed {
                self.check_back_edge(at, looked_at, successors)?;
            }
            if let Some((to, number)) = next {
                // It is looked at once more afterwards, for what it leads to.
                self.path.push((at, number));
                self.enter(to);
            } else {
                self.leave(at, successors);
            }
        }
        Ok(())
    }

    fn enter(&mut self, at: u32) {
        self.seen += 1;
        self.places[at as usize] = Place { seen: self.seen, low: self.seen };
        self.slots[at as usize].set(Mark::Reached);
        self.path.push((at, 0));
        self.open.push(at);
    }

    /// All that a slot leads to was seen. If none of it leads further back than the slot itself,
    /// its component is complete.
    fn leave(&mut self, at: u32, successors: [u32; 2]) {
        self.slots[at as usize].set(Mark::Left);
        let place = self.places[at as usize];
        if place.low < place.seen {
            return;
        }
        let loops = self.open.last() != Some(&at) || successors.contains(&at);
        let number = if loops {
            self.components += 1;
            self.components
        } else {
            0
        };
        while let Some(member) = self.open.pop() {
            self.places[member as usize].low = NONE;
            self.slots[member as usize].component = number;
            if member == at {
                break;
            }
        }
    }

    /// That a successor is not on the path to its predecessor.
    fn check_back_edge(&self, at: u32, looked_at: u8, successors: [u32; 2]) -> Check {
        for to in &successors[usize::from(looked_at)..] {
            if *to == NONE {
                continue;
            }
            if self.places[*to as usize].seen == 0 {
                break;
            }
            if !self.slots[*to as usize].has(Mark::Left) {
                let reason = Reason::BackEdge { from: InsnIdx(at), to: InsnIdx(*to) };
                return Err(Box::new(Stop::RejectedAt(InsnIdx(at), reason)));
            }
        }
        Ok(())
    }
}
