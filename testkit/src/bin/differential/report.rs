//! How the verdicts compare, counted and listed.

use std::collections::BTreeMap;
use std::fmt;

use crate::contain::Probed;
use crate::judge::{Here, Kernel};
use crate::kernel_log::masked;

/// Programs that a list names.
const NAMED: usize = 5;

/// Programs by what they have in common: how many, and the seeds of the first ones.
type Groups = BTreeMap<String, (usize, Vec<u64>)>;

/// How the verdicts compare.
#[derive(Default)]
pub(crate) struct Report {
    programs: usize,
    accepted: usize,
    rejected: usize,
    both_accept: usize,
    both_reject: usize,
    equal_lines: usize,
    silent: usize,
    kernel_limits: Groups,
    kernel_failures: Groups,
    false_accepts: Groups,
    false_rejects: Groups,
    unsupported: Groups,
    other_lines: Groups,
    panics: Groups,
    reasons: Groups,
    runs: usize,
    other_results: Groups,
    probed: usize,
    not_contained: Groups,
}

fn put(groups: &mut Groups, group: &str, seed: u64) {
    let (count, seeds) = groups.entry(masked(group)).or_default();
    *count += 1;
    if seeds.len() < NAMED {
        seeds.push(seed);
    }
}

fn count(groups: &Groups) -> usize {
    groups.values().map(|(count, _)| count).sum()
}

impl Report {
    /// Adds a program. True where it is accepted here and not by the kernel, or a panic.
    pub(crate) fn add(&mut self, seed: u64, kernel: &Kernel, here: Option<&Here>) -> bool {
        self.programs += 1;
        match kernel {
            Kernel::Accepted(_) => self.accepted += 1,
            Kernel::Rejected(line) => {
                self.rejected += 1;
                put(&mut self.reasons, line, seed);
            }
            Kernel::Limit(line) => put(&mut self.kernel_limits, line, seed),
            Kernel::Failed(line) => put(&mut self.kernel_failures, line, seed),
            Kernel::Silent => self.silent += 1,
        }
        match (here, kernel) {
            (None, _) => {}
            (Some(Here::Panicked), _) => {
                put(&mut self.panics, "panic", seed);
                return true;
            }
            (Some(Here::Unsupported(what)), _) => put(&mut self.unsupported, what, seed),
            (Some(_), Kernel::Limit(_) | Kernel::Failed(_) | Kernel::Silent) => {}
            (Some(Here::Accepted), Kernel::Accepted(_)) => self.both_accept += 1,
            (Some(Here::Accepted), Kernel::Rejected(line)) => {
                put(&mut self.false_accepts, line, seed);
                return true;
            }
            (Some(Here::Rejected(line)), Kernel::Accepted(_)) => {
                put(&mut self.false_rejects, line, seed);
            }
            (Some(Here::Rejected(ours)), Kernel::Rejected(theirs)) => {
                self.both_reject += 1;
                if ours == theirs {
                    self.equal_lines += 1;
                } else {
                    let pair = format!("kernel: {theirs}\n          here:   {ours}");
                    put(&mut self.other_lines, &pair, seed);
                }
            }
        }
        false
    }

    /// Adds a run in both engines, and how the results differ.
    pub(crate) fn ran(&mut self, seed: u64, difference: Option<&str>) {
        self.runs += 1;
        if let Some(difference) = difference {
            put(&mut self.other_results, difference, seed);
        }
    }

    /// Adds what came of probing a program.
    pub(crate) fn probed(&mut self, seed: u64, probed: &Probed) {
        self.probed += probed.values;
        for wrong in &probed.wrong {
            put(&mut self.not_contained, wrong, seed);
        }
    }

    /// The programs so far.
    pub(crate) fn programs(&self) -> usize {
        self.programs
    }

    /// Whether all is as it must be.
    pub(crate) fn is_sound(&self) -> bool {
        self.false_accepts.is_empty() && self.panics.is_empty() && self.not_contained.is_empty()
    }

    /// Lists the reasons of the kernel's rejects.
    pub(crate) fn reasons(&self) -> impl fmt::Display + '_ {
        struct Reasons<'a>(&'a Groups);
        impl fmt::Display for Reasons<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                list(f, "the kernel's reasons", self.0)
            }
        }
        Reasons(&self.reasons)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, "limits of the kernel", &self.kernel_limits)?;
        list(f, "failures of the kernel itself", &self.kernel_failures)?;
        list(f, "other final lines", &self.other_lines)?;
        list(f, "unsupported, by what is missing", &self.unsupported)?;
        list(f, "other results of runs", &self.other_results)?;
        list(f, "false rejects, by reason", &self.false_rejects)?;
        list(f, "panics", &self.panics)?;
        list(f, "values outside of states", &self.not_contained)?;
        list(f, "false accepts, by the kernel's final line", &self.false_accepts)?;
        let judged = self.accepted + self.rejected;
        let percent = Percent(self.accepted, judged);
        writeln!(f, "programs        {}", self.programs)?;
        writeln!(f, "kernel accepts  {} of {judged} ({percent})", self.accepted)?;
        writeln!(f, "kernel's limits {} ({} silent)", count(&self.kernel_limits), self.silent)?;
        writeln!(f, "both accept     {}", self.both_accept)?;
        writeln!(f, "both reject     {}", self.both_reject)?;
        let percent = Percent(self.equal_lines, self.both_reject);
        writeln!(f, "equal lines     {} ({percent})", self.equal_lines)?;
        let unsupported = count(&self.unsupported);
        writeln!(f, "unsupported     {unsupported} ({})", Percent(unsupported, judged))?;
        writeln!(f, "false rejects   {}", count(&self.false_rejects))?;
        writeln!(f, "panics          {}", count(&self.panics))?;
        writeln!(f, "false accepts   {}", count(&self.false_accepts))?;
        writeln!(f, "runs            {}, {} differ", self.runs, count(&self.other_results))?;
        let outside = count(&self.not_contained);
        writeln!(f, "values probed   {}, {outside} outside of states", self.probed)
    }
}

/// Prints groups, the largest first.
fn list(f: &mut fmt::Formatter<'_>, title: &str, groups: &Groups) -> fmt::Result {
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}:")?;
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (group, (count, seeds)) in groups {
        let seeds: String = seeds.iter().map(|seed| format!(" {seed:#x}")).collect();
        writeln!(f, "  {count:>6} {group}  [{}]", seeds.trim_start())?;
    }
    writeln!(f)
}

/// Displays `92.3%`.
struct Percent(usize, usize);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_mille = (self.0 * 1000).checked_div(self.1).unwrap_or(0);
        write!(f, "{}.{}%", per_mille / 10, per_mille % 10)
    }
}
