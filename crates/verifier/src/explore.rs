//! The walk over all paths of a program.
//!
//! It goes depth-first: at a branch whose outcome is open, one side is put off ([`Pending`]) and
//! the other followed. A path ends where the program does, or where a checkpoint shows that all
//! that follows is known to be safe already (`visited`). [`verify`] is the way in.

mod walk;

pub(crate) use self::walk::{Next, Walk};

use std::time::Instant;

use skep_spec::InsnIdx;

use crate::environment::Environment;
use crate::input::{Input, Options};
use crate::limits;
use crate::outcome::{Outcome, Report, Statistics, Unsupported, Verified};
use crate::rejection::{Check, Reason, Rejection, Stop};

/// Verifies a program.
///
/// Time and memory are bounded by [`limits`], whatever the program is.
#[must_use]
pub fn verify(input: &Input<'_>, environment: &dyn Environment, options: Options) -> Report {
    let begin = Instant::now();
    let mut report = match Walk::new(input, environment, options) {
        Ok(walk) => walk.finish(),
        Err(stop) => Report {
            outcome: outcome(*stop, None),
            statistics: Statistics::default(),
            log: String::new(),
        },
    };
    report.statistics.time = begin.elapsed();
    report
}

/// The answer for a walk that ended early, at an instruction if it had begun.
fn outcome(stop: Stop, at: Option<InsnIdx>) -> Outcome {
    let rejected = |at, reason| {
        Outcome::Rejected(Box::new(Rejection { at, reason, state: None, path: Vec::new() }))
    };
    match stop {
        Stop::Rejected(reason) => rejected(at, reason),
        Stop::RejectedAt(at, reason) => rejected(Some(at), reason),
        Stop::Unsupported(what) => Outcome::Unsupported(Unsupported { what, at }),
    }
}

impl Walk<'_> {
    /// Walks all paths, and gives the answer.
    fn finish(mut self) -> Report {
        let result = self.run();
        let outcome = match result {
            Ok(()) => Outcome::Accepted(Verified { facts: std::mem::take(&mut self.facts) }),
            Err(stop) => {
                let mut outcome = outcome(*stop, Some(self.at));
                if let Outcome::Rejected(rejection) = &mut outcome {
                    rejection.state = Some(Box::new(self.state.clone()));
                }
                outcome
            }
        };
        Report { outcome, statistics: self.statistics, log: self.log.text }
    }

    /// Walks all paths.
    fn run(&mut self) -> Check {
        loop {
            self.statistics.processed += 1;
            if self.statistics.processed > limits::PROCESSED_INSNS {
                return Err(Reason::TooManyInsns { processed: self.statistics.processed }.into());
            }
            let next = self.step()?;
            self.previous = Some(self.at);
            match next {
                Next::Following => {
                    let slots = self.input.code.get(self.at).map_or(1, |insn| insn.slots());
                    self.at = InsnIdx(self.at.0 + slots);
                }
                Next::Jump(to) => self.at = to,
                Next::End => {
                    if !self.resume() {
                        return Ok(());
                    }
                }
            }
        }
    }
}
