//! How the verdicts compare, counted and listed.

use std::collections::BTreeMap;
use std::fmt;

use crate::contain::{Compared, Contained};
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
    watched: Watched,
    not_contained: Groups,
}

/// Programs whose runs were held against what the verifier said of them.
#[derive(Default)]
struct Watched {
    programs: usize,
    runs: usize,
    /// Those with too many paths to be looked at.
    too_long: usize,
    /// Those that the user engine does not load.
    not_loaded: usize,
    compared: Compared,
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

    /// Adds a program whose runs were held against what the verifier said; none, if it has too many
    /// paths.
    pub(crate) fn contained(&mut self, seed: u64, contained: Option<&Contained>) {
        match contained {
            None => self.watched.too_long += 1,
            Some(Contained::NotLoaded) => self.watched.not_loaded += 1,
            Some(Contained::Ran { runs, compared, wrong }) => {
                self.watched.programs += 1;
                self.watched.runs += runs;
                self.watched.compared.add(*compared);
                if let Some(wrong) = wrong {
                    put(&mut self.not_contained, wrong, seed);
                }
            }
        }
    }

    /// Adds all of another report.
    pub(crate) fn merge(&mut self, other: Report) {
        self.programs += other.programs;
        self.accepted += other.accepted;
        self.rejected += other.rejected;
        self.both_accept += other.both_accept;
        self.both_reject += other.both_reject;
        self.equal_lines += other.equal_lines;
        self.silent += other.silent;
        self.runs += other.runs;
        self.watched.programs += other.watched.programs;
        self.watched.runs += other.watched.runs;
        self.watched.too_long += other.watched.too_long;
        self.watched.not_loaded += other.watched.not_loaded;
        self.watched.compared.add(other.watched.compared);
        for (mine, theirs) in [
            (&mut self.kernel_limits, other.kernel_limits),
            (&mut self.kernel_failures, other.kernel_failures),
            (&mut self.false_accepts, other.false_accepts),
            (&mut self.false_rejects, other.false_rejects),
            (&mut self.unsupported, other.unsupported),
            (&mut self.other_lines, other.other_lines),
            (&mut self.panics, other.panics),
            (&mut self.reasons, other.reasons),
            (&mut self.other_results, other.other_results),
            (&mut self.not_contained, other.not_contained),
        ] {
            for (group, (count, seeds)) in theirs {
                let (all, named) = mine.entry(group).or_default();
                *all += count;
                named.extend(seeds);
                named.truncate(NAMED);
            }
        }
    }

    /// The programs so far.
    pub(crate) fn programs(&self) -> usize {
        self.programs
    }

    /// How many programs the kernel accepts, of how many.
    pub(crate) fn accepted(&self) -> (usize, usize) {
        (self.accepted, self.accepted + self.rejected)
    }

    /// Whether all is as it must be.
    pub(crate) fn is_sound(&self) -> bool {
        self.false_accepts.is_empty()
            && self.panics.is_empty()
            && self.other_results.is_empty()
            && self.not_contained.is_empty()
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
        list(f, "runs that leave what was said", &self.not_contained)?;
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
        let Watched { programs, runs, too_long, not_loaded, compared } = &self.watched;
        let outside = count(&self.not_contained);
        writeln!(
            f,
            "contained       {programs} programs, {runs} runs, {outside} leave what was said"
        )?;
        let Compared { moments, numbers, pointers, ties, slots, unplaced } = compared;
        writeln!(f, "  compared      {moments} moments: {numbers} numbers, {ties} ties of them,")?;
        writeln!(
            f,
            "                {pointers} pointers ({unplaced} more not placed), {slots} slots"
        )?;
        writeln!(
            f,
            "  not looked at {too_long} of too many paths, {not_loaded} not for this engine"
        )
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
