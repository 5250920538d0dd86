//! What is to be reached, and whether it is.

use super::measure::Row;
use super::memory::Memory;

/// What part of the kernel's time programs may take that take long.
const LARGE_RATIO: f64 = 1.0 / 3.0;

/// The same for all other programs.
const RATIO: f64 = 1.0;

/// Megabytes that a program may take which uses up the budget.
const MEGABYTES: u64 = 256;

/// Whether the goals are reached, as far as was measured.
#[derive(Default)]
pub(crate) struct Goals {
    large: Bound,
    others: Bound,
    processed: Vec<String>,
    verdicts: Vec<String>,
    megabytes: Option<u64>,
}

/// Ratios that are to stay below a bound.
#[derive(Default)]
struct Bound {
    programs: usize,
    worst: Option<(f64, String)>,
    above: Vec<String>,
}

/// A goal, and whether it is reached.
pub(crate) struct Goal {
    /// What is to be reached.
    pub(crate) what: String,
    /// Whether it is.
    pub(crate) reached: bool,
    /// What was found.
    pub(crate) found: String,
}

impl Bound {
    fn add(&mut self, name: &str, ratio: f64, bound: f64) {
        self.programs += 1;
        if self.worst.as_ref().is_none_or(|(worst, _)| *worst < ratio) {
            self.worst = Some((ratio, name.to_owned()));
        }
        if ratio > bound {
            self.above.push(name.to_owned());
        }
    }

    fn goal(&self, what: String) -> Goal {
        let programs = self.programs;
        let found = match &self.worst {
            None => "nothing measured".to_owned(),
            Some((ratio, name)) => {
                let above = self.above.len();
                format!("{programs} programs, {above} above; the most is {ratio:.2}, {name}")
            }
        };
        Goal { what, reached: programs > 0 && self.above.is_empty(), found }
    }
}

impl Goals {
    /// A program was measured.
    pub(crate) fn row(&mut self, row: &Row) {
        let (Ok(ours), Ok(kernel), Some(ratio)) = (&row.ours, &row.kernel, row.ratio()) else {
            return;
        };
        if row.large {
            self.large.add(&row.name, ratio, LARGE_RATIO);
        } else {
            self.others.add(&row.name, ratio, RATIO);
        }
        if ours.processed != kernel.processed {
            self.processed.push(row.name.clone());
        }
        if ours.refusal.is_some() != kernel.refusal.is_some() {
            self.verdicts.push(row.name.clone());
        }
    }

    /// Memory was measured.
    pub(crate) fn memory(&mut self, memory: &Memory) {
        self.megabytes = memory.kilobytes.map(|kilobytes| kilobytes / 1024);
    }

    /// All goals.
    pub(crate) fn all(&self) -> Vec<Goal> {
        let none = |what: &str, names: &[String]| Goal {
            what: what.to_owned(),
            reached: names.is_empty(),
            found: match names {
                [] => "all".to_owned(),
                names => format!("not {}", names.join(", ")),
            },
        };
        vec![
            self.large.goal(format!("large programs take at most {LARGE_RATIO:.2} of its time")),
            self.others.goal(format!("all others take at most {RATIO:.2} of its time")),
            none("as many instructions are processed", &self.processed),
            none("the verdict is the same", &self.verdicts),
            Goal {
                what: format!("the budget takes less than {MEGABYTES} MB"),
                reached: self.megabytes.is_some_and(|megabytes| megabytes < MEGABYTES),
                found: self.megabytes.map_or("?".to_owned(), |found| format!("{found} MB")),
            },
        ]
    }
}
