//! The walk over all paths of a program.
//!
//! It goes depth-first: at a branch whose outcome is open, one side is put off ([`Pending`]) and
//! the other followed. A path ends where the program does, or where a checkpoint shows that all
//! that follows is known to be safe already (`visited`). [`verify`] is the way in.

mod checkpoint;
mod component;
mod depth;
mod equal;
mod history;
mod live;
mod meeting;
mod notes;
mod observer;
mod path;
mod precision;
mod references;
mod visited;
mod walk;
mod walked;
mod widen;

pub use self::observer::Observer;

pub(crate) use self::history::{Linked, Place};
pub(crate) use self::walk::{Next, Walk};

use std::time::Instant;

use skep_spec::InsnIdx;

use crate::environment::Environment;
use crate::input::{Input, Options};
use crate::kernel_words::FinalLine;
use crate::limits;
use crate::log::{self, Names};
use crate::maps::Maps;
use crate::outcome::{Outcome, Report, Statistics, Unsupported, Verified};
use crate::rejection::{Check, Reason, Rejection, Stop, unsupported};

/// Verifies a program.
///
/// Time and memory are bounded by [`limits`], whatever the program is.
#[must_use]
pub fn verify(input: &Input<'_>, environment: &dyn Environment, options: Options) -> Report {
    verify_observed(input, environment, options, None)
}

/// The same, under the eyes of an observer.
#[must_use]
pub fn verify_observed(
    input: &Input<'_>,
    environment: &dyn Environment,
    options: Options,
    observer: Option<&mut dyn Observer>,
) -> Report {
    let begin = Instant::now();
    let input = &input.with_attach_type();
    let mut report = match Walk::new(input, environment, options) {
        Ok(mut walk) => {
            walk.observer = observer.map(|observer| -> &mut dyn Observer { observer });
            walk.finish()
        }
        Err(stop) => {
            let maps = Maps::default();
            let names = Names { maps: &maps, environment };
            let outcome = outcome(*stop, None, input, names);
            let line = match &outcome {
                Outcome::Rejected(rejection) => rejection.final_line.as_str(),
                Outcome::Accepted(_) | Outcome::Unsupported(_) => "",
            };
            let log = log::refused(options.log, line);
            Report { outcome, statistics: Statistics::default(), log, maps }
        }
    };
    report.statistics.time = begin.elapsed();
    report
}

/// The answer for a walk that ended early, at an instruction if it had begun.
fn outcome(stop: Stop, at: Option<InsnIdx>, input: &Input<'_>, names: Names<'_>) -> Outcome {
    let (at, reason) = match stop {
        Stop::Rejected(reason) => (at, reason),
        Stop::RejectedAt(at, reason) => (Some(at), reason),
        Stop::Unsupported(what) => return Outcome::Unsupported(Unsupported { what, at }),
    };
    let line = FinalLine { reason: &reason, prog_type: input.prog_type, names };
    let final_line = line.to_string();
    Outcome::Rejected(Box::new(Rejection { at, reason, final_line, state: None, path: Vec::new() }))
}

impl Walk<'_> {
    /// Walks all paths, and gives the answer.
    fn finish(mut self) -> Report {
        self.find_functions();
        self.log_program();
        let result = self
            .run()
            .and_then(|()| self.check_stack_depth())
            .and_then(|()| self.check_missing_kfuncs())
            .and_then(|()| self.check_functions_kept());
        let outcome = match result {
            Ok(()) => {
                let facts = std::mem::take(&mut self.facts);
                Outcome::Accepted(Verified::new(self.input, facts))
            }
            Err(stop) => {
                let mut outcome = outcome(*stop, Some(self.at), self.input, self.names());
                if let Outcome::Rejected(rejection) = &mut outcome {
                    rejection.path = self.path();
                    rejection.state = Some(Box::new(self.state.clone()));
                }
                outcome
            }
        };
        let failed = match &outcome {
            Outcome::Rejected(rejection) => Some(&**rejection),
            Outcome::Accepted(_) | Outcome::Unsupported(_) => None,
        };
        let log = self.log_end(failed);
        Report { outcome, statistics: self.statistics, log, maps: self.maps }
    }

    /// Walks all paths.
    fn run(&mut self) -> Check {
        loop {
            self.statistics.processed += 1;
            if self.statistics.processed > limits::PROCESSED_INSNS {
                return Err(Reason::TooManyInsns { processed: self.statistics.processed }.into());
            }
            self.noted = false;
            let next = if self.cfg.is_prune_point(self.at) && self.visit()? {
                self.log_safe();
                Next::End
            } else {
                if self.cfg.is_jump_point(self.at) {
                    self.note_jump();
                }
                self.begin_live();
                self.show()?;
                self.log_insn();
                let next = self.step()?;
                self.log_done();
                self.commit_live();
                next
            };
            match next {
                Next::Following => {
                    let slots = self.input.code.get(self.at).map_or(1, |insn| insn.slots());
                    self.go_on(InsnIdx(self.at.0 + slots));
                }
                Next::Jump(to) => self.go_on(to),
                Next::End => {
                    self.end_path();
                    self.update_live();
                    if !self.resume() {
                        self.forget_checkpoints();
                        if !self.begin_global()? {
                            return Ok(());
                        }
                        self.trail.first = self.at;
                        self.log_function();
                        continue;
                    }
                    self.log_resume();
                }
            }
        }
    }

    /// Shows the observer what is known.
    fn show(&mut self) -> Check {
        let Some(observer) = &mut self.observer else { return Ok(()) };
        if observer.before(self.at, &self.state).is_break() {
            return unsupported("a walk that its observer gave up");
        }
        Ok(())
    }

    /// The path goes on with another instruction.
    fn go_on(&mut self, to: InsnIdx) {
        self.previous = Some(self.at);
        self.at = to;
    }
}
