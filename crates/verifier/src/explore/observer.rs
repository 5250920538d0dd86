//! Who looks on while a program is verified.

use std::ops::ControlFlow;

use skep_spec::InsnIdx;

use crate::state::State;

/// Sees what is known of the machine before each instruction, on every path that is walked.
///
/// With pruning, paths end where what follows is known to be safe already; without
/// ([`Options::prune`](crate::Options)), every state that a run can be in is within one that is
/// seen.
pub trait Observer {
    /// What is known before the instruction. The walk goes on, or is given up, for one that has seen
    /// enough.
    fn before(&mut self, at: InsnIdx, state: &State) -> ControlFlow<()>;
}
