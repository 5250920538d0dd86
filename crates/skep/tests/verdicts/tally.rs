//! How often both say the same.

use std::collections::BTreeMap;
use std::fmt;

use crate::answer::Answer;

/// Counts of answers, and the differences among them.
#[derive(Default)]
pub(crate) struct Tally {
    /// Programs on which both have a verdict, and the same.
    accepted: usize,
    rejected: usize,
    /// Of these, rejections in the same words.
    worded: usize,
    /// Rejections that the kernel has no words for.
    wordless: usize,
    /// Programs that the kernel gave no verdict on, by what it said.
    without_verdict: BTreeMap<String, usize>,
    /// Programs that hold what the verifier does not know, by what that is.
    unsupported: BTreeMap<&'static str, usize>,
    /// Programs that the verifier could not look at.
    failed: Vec<String>,
    /// Programs that are refused by the kernel and accepted here.
    accepted_wrongly: Vec<String>,
    /// The same, refused by the kernel because they are too large.
    accepted_too_large: Vec<String>,
    /// Programs that are accepted by the kernel and refused here.
    rejected_wrongly: Vec<String>,
    /// Programs that both refuse, in other words.
    other_words: Vec<String>,
    /// Files that are no objects for us.
    unreadable: Vec<String>,
}

impl Tally {
    /// A file that is no object.
    pub(crate) fn unreadable(&mut self, label: &str, error: &str) {
        self.unreadable.push(format!("{label}: {error}"));
    }

    /// What was said of a program.
    pub(crate) fn add(&mut self, label: &str, theirs: &Answer, ours: &Answer) {
        let differs = || format!("{label}\n    kernel {theirs}\n    here   {ours}");
        match (theirs, ours) {
            (Answer::None(reason), _) => {
                *self.without_verdict.entry(reason.clone()).or_default() += 1;
            }
            (_, Answer::Unsupported(what)) => *self.unsupported.entry(what).or_default() += 1,
            (_, Answer::None(_)) => self.failed.push(differs()),
            (Answer::Accepted, Answer::Accepted) => self.accepted += 1,
            (Answer::Accepted, Answer::Rejected(_) | Answer::TooLarge(_)) => {
                self.rejected_wrongly.push(differs());
            }
            (Answer::TooLarge(_), Answer::Accepted) => self.accepted_too_large.push(differs()),
            (Answer::Rejected(_) | Answer::Unsupported(_), Answer::Accepted) => {
                self.accepted_wrongly.push(differs());
            }
            (
                Answer::Rejected(theirs) | Answer::TooLarge(theirs),
                Answer::Rejected(ours) | Answer::TooLarge(ours),
            ) => {
                self.rejected += 1;
                if theirs.is_empty() {
                    self.wordless += 1;
                } else if theirs == ours {
                    self.worded += 1;
                } else {
                    self.other_words.push(differs());
                }
            }
            (Answer::Unsupported(_), Answer::Rejected(_) | Answer::TooLarge(_)) => {
                unreachable!("the kernel knows everything")
            }
        }
    }

    /// Programs that are refused by the kernel and accepted here.
    pub(crate) fn accepted_wrongly(&self) -> &[String] {
        &self.accepted_wrongly
    }

    /// Programs on which the verdicts differ, or that were not looked at.
    pub(crate) fn differences(&self) -> Vec<&str> {
        let lists = [
            &self.accepted_wrongly,
            &self.accepted_too_large,
            &self.rejected_wrongly,
            &self.failed,
        ];
        lists.into_iter().flatten().map(String::as_str).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unsupported: usize = self.unsupported.values().sum();
        let without: usize = self.without_verdict.values().sum();
        writeln!(f, "  {:5} accepted by both", self.accepted)?;
        writeln!(f, "  {:5} rejected by both", self.rejected)?;
        writeln!(f, "  {:5}   in the same words", self.worded)?;
        writeln!(f, "  {:5}   where the kernel has none", self.wordless)?;
        list(f, "  in other words", &self.other_words)?;
        list(f, "accepted here, rejected by the kernel", &self.accepted_wrongly)?;
        list(f, "accepted here, too large for the kernel", &self.accepted_too_large)?;
        list(f, "rejected here, accepted by the kernel", &self.rejected_wrongly)?;
        list(f, "not looked at here", &self.failed)?;
        writeln!(f, "  {unsupported:5} unsupported here")?;
        for (what, count) in &self.unsupported {
            writeln!(f, "  {count:5}   {what}")?;
        }
        writeln!(f, "  {without:5} without a verdict of the kernel")?;
        for (reason, count) in &self.without_verdict {
            writeln!(f, "  {count:5}   {reason}")?;
        }
        list(f, "files that cannot be read", &self.unreadable)
    }
}

/// A count, and what was counted.
fn list(f: &mut fmt::Formatter<'_>, title: &str, entries: &[String]) -> fmt::Result {
    writeln!(f, "  {:5} {title}", entries.len())?;
    for entry in entries {
        writeln!(f, "  - {entry}")?;
    }
    Ok(())
}
