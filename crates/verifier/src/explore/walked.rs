//! Where on a trail paths were walked back from, so that nothing is walked back twice.
//!
//! A loop that counts asks in each round for the number that it counts; without this, each round
//! would be walked back to the checkpoint before, through all rounds since.
//!
//! Sound: what walking back marks follows from the trail, which only grows at its end, and from
//! what is wanted, of which less leads to no more marks. So where no more is wanted than was at the
//! same place before, all is marked already. To forget a place costs time alone.

use skep_spec::InsnIdx;

use super::checkpoint::PreciseFrame;
use super::precision::Wanted;

/// How many places are remembered of a trail.
const PLACES: usize = 8;

/// The places that a trail was walked back from, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walked {
    places: Vec<Start>,
}

/// A place, and what was wanted there.
#[derive(Clone, Copy, Debug)]
struct Start {
    spot: Spot,
    wanted: PreciseFrame,
}

/// A place on a trail: before an instruction, of which so many steps of the trail are not about
/// later ones or itself. Between two visits of an instruction there is a jump, and so a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Spot {
    /// The instruction.
    pub(crate) at: InsnIdx,
    /// How many steps of the trail are about instructions before it.
    pub(crate) steps: usize,
}

impl Walked {
    /// Forgets all, for a trail that begins anew.
    pub(crate) fn clear(&mut self) {
        self.places.clear();
    }

    /// Becomes a copy, in the memory that is there.
    pub(crate) fn copy_from(&mut self, other: &Walked) {
        self.places.clone_from(&other.places);
    }

    /// How many places there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// A walk begins at the end of the trail.
    pub(crate) fn begin(&mut self, spot: Spot) {
        if self.places.last().is_some_and(|last| last.spot == spot) {
            return;
        }
        if self.places.len() == PLACES {
            self.places.remove(0);
        }
        self.places.push(Start { spot, wanted: PreciseFrame::default() });
    }

    /// A walk has come to a spot, and the first `left` places lie there or before. What is wanted
    /// there is remembered, if it is of one frame; gives whether it all was before.
    #[inline]
    pub(crate) fn covers(&mut self, left: &mut usize, spot: Spot, wanted: &Wanted) -> bool {
        match self.places[..*left].last_mut() {
            Some(place) if place.spot == spot => {
                *left -= 1;
                wanted.only_here().is_some_and(|wanted| place.takes_in(wanted))
            }
            Some(_) | None => false,
        }
    }
}

impl Start {
    /// More is wanted; gives whether it all was before.
    fn takes_in(&mut self, wanted: PreciseFrame) -> bool {
        let before = self.wanted;
        self.wanted.registers |= wanted.registers;
        self.wanted.slots |= wanted.slots;
        self.wanted == before
    }
}
