//! Verdicts counted and compared with a kernel's.

use std::collections::BTreeMap;
use std::fmt;

use crate::judge::{Judgement, Verdict};
use crate::record::Record;

/// The line that ends what the kernel says of a program.
const AFTER_FINAL: &str = "verification time";

/// How verdicts compare with the kernel's.
#[derive(Default)]
pub(crate) struct Score {
    equal: usize,
    unscored: usize,
    accepts: usize,
    rejects: usize,
    lines: usize,
    equal_lines: usize,
    errnos: usize,
    equal_errnos: usize,
    false_accepts: Groups,
    false_rejects: Groups,
    unsupported: Groups,
    other_lines: Groups,
    other_errnos: Groups,
}

/// Records by what they have in common.
type Groups = BTreeMap<String, Vec<String>>;

impl Score {
    /// Adds a record and what the verifier said of it.
    pub(crate) fn add(&mut self, record: &Record, judged: &Judgement, perfmon: bool) {
        let (verdict, log) = record.measured(perfmon);
        let expected = match verdict {
            Some("accept") => Verdict::Accept,
            Some("reject") => Verdict::Reject,
            Some(_) | None => {
                self.unscored += 1;
                return;
            }
        };
        match expected {
            Verdict::Accept => self.accepts += 1,
            Verdict::Reject | Verdict::Unsupported => self.rejects += 1,
        }
        let theirs = final_line(log);
        let mut put = |groups: fn(&mut Score) -> &mut Groups, group: &str, detail: &str| {
            let entry = groups(self).entry(masked(group)).or_default();
            entry.push(format!("{}{detail}", record.name));
        };
        match (judged.verdict, expected) {
            (Verdict::Unsupported, _) => put(|score| &mut score.unsupported, &judged.reason, ""),
            (Verdict::Accept, Verdict::Reject) => {
                put(|score| &mut score.false_accepts, theirs.unwrap_or("(no log)"), "");
            }
            (Verdict::Reject, Verdict::Accept) => {
                put(|score| &mut score.false_rejects, &judged.reason, "");
            }
            (Verdict::Accept | Verdict::Reject, _) => {
                self.equal += 1;
                self.add_errno(record, judged, perfmon);
                let (Verdict::Reject, Some(theirs)) = (judged.verdict, theirs) else { return };
                self.lines += 1;
                if masked_addresses(theirs) == masked_addresses(&judged.reason) {
                    self.equal_lines += 1;
                } else {
                    let entry = self.other_lines.entry(masked(theirs)).or_default();
                    entry.push(format!(
                        "{}\n        kernel: {theirs}\n        here:   {}",
                        record.name, judged.reason
                    ));
                }
            }
        }
    }

    /// Compares error numbers, which were measured with all privileges.
    fn add_errno(&mut self, record: &Record, judged: &Judgement, perfmon: bool) {
        let measured = record.kernel_errno.filter(|_| perfmon);
        let (Some(theirs), Some((kind, ours))) = (measured, &judged.kind) else { return };
        self.errnos += 1;
        if theirs == *ours {
            self.equal_errnos += 1;
        } else {
            let entry = self.other_errnos.entry(format!("{kind}: {theirs}, here {ours}"));
            entry.or_default().push(record.name.clone());
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scored = self.accepts + self.rejects;
        list(f, "false accepts, by the kernel's final line", &self.false_accepts)?;
        list(f, "false rejects, by reason", &self.false_rejects)?;
        list(f, "unsupported, by what is missing", &self.unsupported)?;
        list(f, "other final lines, by the kernel's", &self.other_lines)?;
        list(f, "other error numbers, by reason", &self.other_errnos)?;
        writeln!(f, "scored          {scored} ({} not scored)", self.unscored)?;
        writeln!(f, "equal           {} ({})", self.equal, Percent(self.equal, scored))?;
        writeln!(f, "false accepts   {} of {}", count(&self.false_accepts), self.rejects)?;
        writeln!(f, "false rejects   {} of {}", count(&self.false_rejects), self.accepts)?;
        let unsupported = count(&self.unsupported);
        writeln!(f, "unsupported     {unsupported} ({})", Percent(unsupported, scored))?;
        let percent = Percent(self.equal_lines, self.lines);
        writeln!(f, "equal lines     {} of {} ({percent})", self.equal_lines, self.lines)?;
        let percent = Percent(self.equal_errnos, self.errnos);
        writeln!(f, "equal errnos    {} of {} ({percent})", self.equal_errnos, self.errnos)
    }
}

fn count(groups: &Groups) -> usize {
    groups.values().map(Vec::len).sum()
}

/// Prints groups, the largest first.
fn list(f: &mut fmt::Formatter<'_>, title: &str, groups: &Groups) -> fmt::Result {
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}:")?;
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    for (group, names) in groups {
        writeln!(f, "  {} {group}", names.len())?;
        for name in names {
            writeln!(f, "      {name}")?;
        }
    }
    writeln!(f)
}

/// The last line that the kernel says about the program itself; none, where it said nothing.
fn final_line(log: &str) -> Option<&str> {
    log.lines().take_while(|line| !line.starts_with(AFTER_FINAL)).last()
}

/// The text with numbers as `N`, so that like ones can be put together.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut in_number = false;
    for c in text.chars() {
        let digit = c.is_ascii_digit();
        if !(digit && in_number) {
            masked.push(if digit { 'N' } else { c });
        }
        in_number = digit;
    }
    masked
}

/// The text with addresses of the kernel as `ADDRESS`.
fn masked_addresses(text: &str) -> String {
    let mut parts = text.split("0xffff");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.chars().take_while(char::is_ascii_hexdigit).count();
        // Twelve digits that are not all the same: an address, not a mask.
        if digits == 12 && !part.starts_with("ffff") {
            masked.push_str("ADDRESS");
            masked.push_str(&part[digits..]);
        } else {
            masked.push_str("0xffff");
            masked.push_str(part);
        }
    }
    masked
}

/// Displays `92.3%`.
struct Percent(usize, usize);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_mille = (self.0 * 1000).checked_div(self.1).unwrap_or(0);
        write!(f, "{}.{}%", per_mille / 10, per_mille % 10)
    }
}
