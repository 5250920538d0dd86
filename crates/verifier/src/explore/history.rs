//! What is remembered of a path, so that it can be walked back.
//!
//! Between jumps, a path goes through the program in order. So only jumps are remembered, and those
//! instructions of which more must be known than stands in the program: which slot of the stack a
//! load or store through a register has met, and which registers a comparison has told something.

use skep_spec::InsnIdx;
use skep_spec::insn::Reg;

use crate::limits::LINKED;
use crate::state::{Id, Register, State};

/// A register or stack slot of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Place {
    /// The frame, from 0.
    pub(crate) frame: u8,
    /// The number of the register or slot.
    pub(crate) number: u8,
    /// Whether it is a slot.
    pub(crate) is_slot: bool,
}

impl Place {
    /// A register.
    pub(crate) fn register(frame: u8, reg: usize) -> Place {
        Place { frame, number: narrow(reg), is_slot: false }
    }

    /// A slot.
    pub(crate) fn slot(frame: u8, number: usize) -> Place {
        Place { frame, number: narrow(number), is_slot: true }
    }
}

fn narrow(number: usize) -> u8 {
    u8::try_from(number).expect("places: registers and slots are few")
}

/// Registers and slots that are tied together by a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Linked {
    places: [Place; LINKED],
    len: u8,
}

impl Linked {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len.into()
    }

    /// Whether there are none.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes a place in; `false` if there is no room.
    fn push(&mut self, place: Place) -> bool {
        let len = self.len();
        let Some(free) = self.places.get_mut(len) else { return false };
        *free = place;
        self.len += 1;
        true
    }

    /// The places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Place> {
        self.places[..self.len()].iter().copied()
    }

    /// Changes what is known of all places but one register of the frame that runs.
    pub(crate) fn apply(
        &self,
        state: &mut State,
        but: Reg,
        change: impl Fn(&Register) -> Register,
    ) {
        let here = state.depth();
        for place in self.iter() {
            let (frame, number) = (usize::from(place.frame), usize::from(place.number));
            let frame_state = &mut state.frames[frame];
            if place.is_slot {
                if frame_state.stack.slots[number].is_spilled() {
                    let slot = &mut frame_state.stack_mut().slots[number];
                    slot.spilled = change(&slot.spilled);
                }
            } else if frame != here || number != but.index() {
                let register = &mut frame_state.registers[number];
                *register = change(register);
            }
        }
    }
}

impl State {
    /// Collects all numbers with a name. Those that find no room lose it.
    pub(crate) fn collect_linked(
        &mut self,
        id: Id,
        linked: &mut Linked,
        is_live: impl Fn(usize, usize) -> bool,
    ) {
        for depth in (0..self.frames.len()).rev() {
            let frame = &mut self.frames[depth];
            let number = narrow(depth);
            for (reg, register) in frame.registers.iter_mut().enumerate().take(Reg::FP.index()) {
                if is_linked(register, id)
                    && is_live(depth, reg)
                    && !linked.push(Place::register(number, reg))
                {
                    register.id = None;
                }
            }
            for slot in 0..frame.stack.slots.len() {
                let known = &frame.stack.slots[slot];
                if known.is_spilled()
                    && is_linked(&known.spilled, id)
                    && !linked.push(Place::slot(number, slot))
                {
                    frame.stack_mut().slots[slot].spilled.id = None;
                }
            }
        }
    }
}

fn is_linked(register: &Register, id: Id) -> bool {
    register.is_scalar() && register.id == Some(id)
}

/// What is remembered of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    /// The instruction.
    pub(crate) at: InsnIdx,
    /// The one before it on the path; none at the beginning.
    pub(crate) previous: Option<InsnIdx>,
    /// The slot that was spilled or filled.
    pub(crate) stack: Option<(u8, u8)>,
    /// Whether the first operand of a comparison was a stack pointer.
    pub(crate) dst_is_stack: bool,
    /// Whether the second was.
    pub(crate) src_is_stack: bool,
    /// What a comparison has told something.
    pub(crate) linked: Linked,
}

impl Step {
    /// An instruction of which nothing more is known.
    pub(crate) fn new(at: InsnIdx, previous: Option<InsnIdx>) -> Step {
        Step {
            at,
            previous,
            stack: None,
            dst_is_stack: false,
            src_is_stack: false,
            linked: Linked::default(),
        }
    }
}
