//! What the programs must be, so that much of what the verifier does is seen.

use std::fmt;

use crate::report::Report;
use crate::tally::{self, Tally};

/// As many programs as are asked for; of fewer, nothing is.
const PROGRAMS: usize = 200_000;
/// How many in a hundred the kernel accepts.
const ACCEPTED: std::ops::RangeInclusive<usize> = 30..=70;
/// In how many accepted programs each class of instruction and each family of helpers stands.
const EACH: usize = 1000;

/// Conditions, and whether they hold.
pub(crate) struct Conditions {
    asked: bool,
    all: Vec<(String, bool)>,
}

impl Conditions {
    /// The conditions on the programs of a run.
    pub(crate) fn new(report: &Report, tally: &Tally) -> Conditions {
        let programs = report.programs();
        let asked = programs >= PROGRAMS;
        let (accepted, judged) = report.accepted();
        let percent = (accepted * 100).checked_div(judged).unwrap_or(0);
        let mut all = vec![
            (format!("at least {PROGRAMS} programs: {programs}"), asked),
            (
                format!(
                    "the kernel accepts {} to {} in a hundred: {percent}",
                    ACCEPTED.start(),
                    ACCEPTED.end()
                ),
                ACCEPTED.contains(&percent),
            ),
        ];
        let few = |name: &str, count: usize| (count < EACH).then(|| format!("{name} {count}"));
        let rare: Vec<String> = (tally::classes().iter())
            .filter_map(|class| few(class, tally.of_class(class)))
            .collect();
        let classes = tally::classes().len();
        all.push(each(&format!("each of {classes} classes of instructions"), &rare));
        let families = tally::families();
        let rare: Vec<String> =
            (families.iter()).filter_map(|family| few(family, tally.of_family(family))).collect();
        all.push(each(&format!("each of {} families of helpers", families.len()), &rare));
        Conditions { asked, all }
    }

    /// Whether all hold, as far as they are asked for.
    pub(crate) fn hold(&self) -> bool {
        !self.asked || self.all.iter().all(|(_, holds)| *holds)
    }
}

/// How many rare ones are named.
const NAMED: usize = 12;

fn each(what: &str, rare: &[String]) -> (String, bool) {
    let named = rare.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let few = match rare.len() {
        0 => String::new(),
        1..=NAMED => format!(", not {named}"),
        more => format!(", not {more}: {named}, …"),
    };
    (format!("{what} in at least {EACH} accepted programs{few}"), rare.is_empty())
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, holds) in &self.all {
            let word = match (holds, self.asked) {
                (true, _) => "holds",
                (false, true) => "FAILS",
                (false, false) => "does not hold yet",
            };
            writeln!(f, "{word}: {what}")?;
        }
        Ok(())
    }
}
