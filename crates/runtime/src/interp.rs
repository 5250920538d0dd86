//! The checking interpreter: runs any program that decodes, verified or not.
//!
//! A program is translated once ([`translate`]) into operations ([`op`]) that a loop executes
//! ([`exec`]). Every access is checked against what the run may touch, calls and loops are bounded,
//! and what no verified program does ends the run with a [`Fault`].

mod access;
mod calls;
mod exec;
mod op;
mod rare;
mod translate;

#[cfg(test)]
mod tests;

pub(crate) use calls::{Frame, LOOP_BUDGET, call_back};
pub(crate) use op::Registers;
pub(crate) use translate::{FindMap, Translated, translate};

use crate::fault::Fault;
use crate::run::Run;

/// Runs the current program from its first instruction, with these values in `r1` to `r5`.
pub(crate) fn run_main(run: &mut Run<'_>, args: [u64; 5]) -> Result<u64, Fault> {
    calls::start_frame(run);
    exec::run_function(run, 0, args)
}
