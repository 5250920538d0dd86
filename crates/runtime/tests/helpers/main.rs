//! Helpers against the kernel's: every run of a case in `tests/helpers` and `tests/format` gives
//! here what it gives in Linux: returned values, memory, packets, records.
//!
//! What the cases expect was asked from Linux 6.18 (`SKEP_BLESS=1 cargo test of_the_kernel` asks
//! and writes it down). Where bpf(2) is permitted, every test run asks again.

mod format;
mod program;
mod script;
mod whole;

use std::sync::Arc;

use skep_command::{Engine, Error};
use skep_linux::LinuxEngine;
use skep_runtime::FixedWorld;
use skep_runtime::engine::UserEngine;
use testkit::{Case, Kind, Outcome};

use crate::script::{Line, Start};

/// The results of a script, one line for each of its lines.
fn results(engine: &dyn Engine, script: &str) -> String {
    let mut start: Option<Start> = None;
    let mut results = String::new();
    for (text, line) in script::parse(script) {
        results.push_str(text);
        match line {
            Line::Start(new) => start = Some(new),
            Line::Run(steps) => {
                let start = start.as_ref().expect("a run has a start");
                let answer = program::answer(engine, start, &steps);
                let shown =
                    answer.map_or_else(|error| error.to_string(), |answer| answer.show(start));
                results.push_str("\n    ");
                results.push_str(&shown);
            }
        }
        results.push('\n');
    }
    results
}

fn user_engine() -> UserEngine {
    UserEngine::new(Arc::new(FixedWorld::new(0, 1)))
}

/// The kernel, if it may be asked.
fn kernel() -> Result<LinuxEngine, Error> {
    let engine = LinuxEngine::new()?;
    engine.close(engine.map_create(&program::result_map(1))?);
    Ok(engine)
}

/// What an engine answers to a case.
type Ask = fn(&dyn Engine, &str) -> String;

fn ask_user(case: &Case, ask: Ask) -> Outcome {
    Outcome::Found(vec![("results", ask(&user_engine(), case.input()))])
}

fn ask_kernel(case: &Case, ask: Ask) -> Outcome {
    match kernel() {
        Ok(engine) => Outcome::Found(vec![("results", ask(&engine, case.input()))]),
        Err(error) => Outcome::Skipped(error.to_string()),
    }
}

const OUTPUTS: &[&str] = &["results"];

#[test]
fn helpers_of_the_user_engine() {
    Kind { folder: "helpers", outputs: OUTPUTS, run: |case| ask_user(case, results) }.check();
}

#[test]
fn formats_of_the_user_engine() {
    Kind { folder: "format", outputs: OUTPUTS, run: |case| ask_user(case, format::results) }
        .check();
}

#[test]
fn helpers_of_the_kernel() {
    Kind { folder: "helpers", outputs: OUTPUTS, run: |case| ask_kernel(case, results) }.check();
}

#[test]
fn formats_of_the_kernel() {
    Kind { folder: "format", outputs: OUTPUTS, run: |case| ask_kernel(case, format::results) }
        .check();
}

#[test]
fn programs_of_the_user_engine() {
    Kind {
        folder: "helper-programs",
        outputs: OUTPUTS,
        run: |case| ask_user(case, whole::results),
    }
    .check();
}

#[test]
fn programs_of_the_kernel() {
    Kind {
        folder: "helper-programs",
        outputs: OUTPUTS,
        run: |case| ask_kernel(case, whole::results),
    }
    .check();
}
