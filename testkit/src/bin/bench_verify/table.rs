//! What is printed.

use serde_json::json;

use super::goals::Goals;
use super::measure::{Answer, Row};
use super::memory::Memory;

/// A table, or a line of JSON for each row of it.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    json: bool,
}

impl Table {
    /// An empty one.
    pub(crate) fn new(json: bool) -> Table {
        Table { json }
    }

    /// What the columns hold.
    pub(crate) fn head(self) {
        if !self.json {
            println!(
                "\n{:<34}{:>7}{:>11}{:>11}{:>11}{:>11}{:>7}",
                "", "insns", "processed", "kernel's", "µs", "kernel's", "ratio"
            );
        }
    }

    /// A program.
    pub(crate) fn row(self, row: &Row) {
        let Row { name, insns, large, ours, kernel } = row;
        if self.json {
            let processed = |answer: &Answer| answer.as_ref().ok().map(|found| found.processed);
            let micros = |answer: &Answer| answer.as_ref().ok().map(|found| found.micros);
            let line = json!({
                "program": name, "insns": insns, "large": large,
                "processed": processed(ours), "kernel_processed": processed(kernel),
                "time_us": micros(ours), "kernel_time_us": micros(kernel), "ratio": row.ratio(),
                "refusal": words(ours), "kernel_refusal": words(kernel),
            });
            println!("{line}");
            return;
        }
        let columns = |answer: &Answer| match answer {
            Ok(found) => (found.processed.to_string(), format!("{:.0}", found.micros)),
            Err(_) => ("–".to_owned(), "–".to_owned()),
        };
        let ((processed, micros), (theirs, their_micros)) = (columns(ours), columns(kernel));
        let ratio = row.ratio().map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        println!(
            "{name:<34}{insns:>7}{processed:>11}{theirs:>11}{micros:>11}{their_micros:>11}{ratio:>7}"
        );
        for (who, answer) in [("here", ours), ("by the kernel", kernel)] {
            if let Some(words) = words(answer) {
                println!("    refused {who}: {words}");
            }
        }
    }

    /// The program that uses up the budget.
    pub(crate) fn memory(self, memory: &Memory) {
        let Memory { name, figure, kilobytes } = memory;
        if self.json {
            let line = json!({
                "program": name, "processed": figure.processed, "memory_kb": kilobytes,
                "time_us": figure.micros, "refusal": figure.refusal,
            });
            println!("{line}");
        } else {
            let megabytes = kilobytes.map_or("?".into(), |found| (found / 1024).to_string());
            println!("memory: {megabytes} MB for {} instructions ({name})", figure.processed);
            if let Some(words) = &figure.refusal {
                println!("    refused: {words}");
            }
        }
    }

    /// How many programs are too small.
    pub(crate) fn left_out(self, programs: usize) {
        if !self.json && programs > 0 {
            println!("({programs} smaller programs of the objects are left out)");
        }
    }

    /// What was to be reached.
    pub(crate) fn goals(self, goals: &Goals) {
        if !self.json {
            println!();
        }
        for goal in goals.all() {
            if self.json {
                let reached = goal.reached;
                println!(
                    "{}",
                    json!({ "goal": goal.what, "reached": reached, "found": goal.found })
                );
            } else {
                let verdict = if goal.reached { "reached" } else { "MISSED" };
                println!("{verdict:<8} {}: {}", goal.what, goal.found);
            }
        }
    }
}

/// Why a program was refused, or not looked at.
fn words(answer: &Answer) -> Option<&str> {
    match answer {
        Ok(figure) => figure.refusal.as_deref(),
        Err(reason) => Some(reason),
    }
}
