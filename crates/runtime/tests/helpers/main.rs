//! Helpers against the kernel's: every run of a case in `tests/helpers` gives here what it gives in
//! Linux, returned values, memory and packets.
//!
//! What the cases expect was asked from Linux 6.18 (`SKEP_BLESS=1 cargo test the_kernel` asks and
//! writes it down). Where bpf(2) is permitted, every test run asks again.

mod program;
mod script;

use std::sync::Arc;

use skep_command::{Engine, Error};
use skep_linux::LinuxEngine;
use skep_runtime::FixedWorld;
use skep_runtime::engine::UserEngine;
use testkit::{Case, Kind, Outcome, skip};

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

fn user(case: &Case) -> Outcome {
    let engine = UserEngine::new(Arc::new(FixedWorld::new(0, 1)));
    Outcome::Found(vec![("results", results(&engine, case.input()))])
}

fn linux(case: &Case) -> Outcome {
    match kernel() {
        Ok(engine) => Outcome::Found(vec![("results", results(&engine, case.input()))]),
        Err(error) => Outcome::Skipped(error.to_string()),
    }
}

/// The kernel, if it may be asked.
fn kernel() -> Result<LinuxEngine, Error> {
    let engine = LinuxEngine::new()?;
    engine.close(engine.map_create(&program::result_map(1))?);
    Ok(engine)
}

const OUTPUTS: &[&str] = &["results"];

#[test]
fn the_user_engine() {
    Kind { folder: "helpers", outputs: OUTPUTS, run: user }.check();
}

#[test]
fn the_kernel() {
    match kernel() {
        Ok(_) => Kind { folder: "helpers", outputs: OUTPUTS, run: linux }.check(),
        Err(error) => skip(&format!("helpers of the kernel: {error}")),
    }
}
