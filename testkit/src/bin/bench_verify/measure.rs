//! Verifying a program, here and in the kernel, in turns.

use std::time::Duration;

use skep::command::Engine;
use skep::command::prog::ProgLoad;
use skep::spec::Code;
use skep::verifier::{Outcome, Report};

use super::TYPE;

/// The log level at which the kernel says its statistics, and nothing more.
pub(crate) const STATISTICS: u32 = 4;

/// What the kernel's log says before the time that it took.
const TIME: &str = "verification time ";

/// What it says before the number of instructions that it looked at.
const PROCESSED: &str = "processed ";

/// Lines of the kernel's log that say nothing of the verdict.
const NO_VERDICT: &[&str] = &[TIME, PROCESSED, "stack depth ", "; "];

/// A program, and how both fared.
pub(crate) struct Row {
    /// What it is called.
    pub(crate) name: String,
    /// Its instructions, in slots.
    pub(crate) insns: u32,
    /// Whether it takes long by design.
    pub(crate) large: bool,
    /// How we fared.
    pub(crate) ours: Answer,
    /// How the kernel fared.
    pub(crate) kernel: Answer,
}

/// How a verifier fared with a program, or why nothing is known of that.
pub(crate) type Answer = Result<Figure, String>;

/// How a verifier fared with a program.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Instructions looked at.
    pub(crate) processed: u64,
    /// The time that it took.
    pub(crate) micros: f64,
    /// Why it was not accepted.
    pub(crate) refusal: Option<String>,
}

impl Row {
    /// Our time as a part of the kernel's.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let (ours, kernel) = self.ours.as_ref().ok().zip(self.kernel.as_ref().ok())?;
        // The kernel counts whole microseconds.
        Some(ours.micros / kernel.micros.max(1.0))
    }
}

/// Runs both in turns, and gives of each the run in the middle.
pub(crate) fn alternate(
    runs: usize,
    mut ours: impl FnMut() -> Answer,
    mut kernel: impl FnMut() -> Answer,
) -> (Answer, Answer) {
    let (ours, kernel) = (0..runs).map(|_| (ours(), kernel())).unzip();
    (median(ours), median(kernel))
}

/// The one in the middle, by time; or the first failure.
fn median(answers: Vec<Answer>) -> Answer {
    let mut figures: Vec<Figure> = answers.into_iter().collect::<Result<_, _>>()?;
    figures.sort_by(|one, two| one.micros.total_cmp(&two.micros));
    figures.get(figures.len() / 2).cloned().ok_or_else(|| "no runs".to_owned())
}

/// What our report says.
pub(crate) fn of_report(report: &Report) -> Figure {
    let refusal = match &report.outcome {
        Outcome::Accepted(_) => None,
        Outcome::Rejected(rejection) => Some(rejection.final_line.clone()),
        Outcome::Unsupported(unsupported) => Some(format!("unsupported: {}", unsupported.what)),
    };
    let statistics = &report.statistics;
    Figure { processed: statistics.processed.into(), micros: micros(statistics.time), refusal }
}

/// A time in microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Loads instructions into the kernel, and gives what its log says.
pub(crate) fn load(engine: &dyn Engine, code: &Code) -> Answer {
    let load = ProgLoad { log_level: STATISTICS, ..ProgLoad::new("bench", TYPE, code) };
    match engine.prog_load(&load) {
        Ok(loaded) => {
            engine.close(loaded.handle);
            of_log(&loaded.log, None)
        }
        Err(error) => of_log(error.log.as_deref().unwrap_or_default(), Some(error.to_string())),
    }
}

/// What a log says of the time and of the instructions, of a load that failed with an error or did
/// not.
pub(crate) fn of_log(log: &str, error: Option<String>) -> Answer {
    let number = |before: &str| -> Option<u64> {
        let (_, rest) = log.rsplit_once(before)?;
        rest.split(' ').next()?.parse().ok()
    };
    let said = number(PROCESSED).zip(number(TIME).and_then(|time| u32::try_from(time).ok()));
    match (said, error) {
        (Some((processed, micros)), error) => {
            let refusal = error.map(|error| last_words(log).map_or(error, str::to_owned));
            Ok(Figure { processed, micros: micros.into(), refusal })
        }
        (None, Some(error)) => Err(error),
        (None, None) => Err("the kernel does not say how long it took".to_owned()),
    }
}

/// The last line of a log that is about the program.
fn last_words(log: &str) -> Option<&str> {
    let says_nothing = |line: &&str| NO_VERDICT.iter().any(|start| line.starts_with(start));
    log.lines().rev().map(str::trim_end).find(|line| !line.is_empty() && !says_nothing(line))
}
