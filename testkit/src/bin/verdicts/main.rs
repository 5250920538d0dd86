//! The verifier's verdicts on a file of instruction arrays, and how they compare with a kernel's.
//!
//! The file holds one JSON object a line, plain or compressed with xz: see [`record`] for the
//! fields. For each line the same one is printed, in the same order:
//!
//! ```text
//! {"name":"…","verdict":"accept|reject|unsupported","reason":"…","processed":N,"states":N,"time_us":N}
//! ```
//!
//! - `--score` prints totals and differences instead, against the kernel's verdicts in the file;
//! - `--without-perfmon` verifies as for a caller without `CAP_PERFMON`, and scores against the
//!   verdicts measured so;
//! - `--no-pruning` walks every path to its end;
//! - `--name TEXT` takes only records whose name contains the text, and prints instructions, the
//!   log and what the kernel said;
//! - `--btf FILE` names the kernel's types (default: those of the kernel that runs).
//!
//! `cargo run -p testkit --features verifier --bin verdicts -- --score FILE` builds and runs it.
#![forbid(unsafe_code)]

mod judge;
mod record;
mod score;
mod world;

use std::io::Write;
use std::process::ExitCode;

use crate::judge::Judgement;
use crate::record::Record;
use crate::score::Score;
use crate::world::KernelTypes;

/// What the command line asks for.
struct Arguments {
    file: String,
    score: bool,
    perfmon: bool,
    prune: bool,
    name: Option<String>,
    btf: String,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let arguments = arguments(std::env::args().skip(1))?;
    let mut records = record::read(&arguments.file)?;
    if let Some(name) = &arguments.name {
        records.retain(|record| record.name.contains(name.as_str()));
    }
    let types = KernelTypes::new(&arguments.btf);
    let mut score = Score::default();
    let mut out = std::io::stdout().lock();
    for record in &records {
        let judged = judge::judge(record, &types, &arguments);
        let text = if arguments.score {
            score.add(record, &judged, arguments.perfmon);
            continue;
        } else if arguments.name.is_some() {
            details(record, &judged)
        } else {
            line(record, &judged)
        };
        writeln!(out, "{text}").map_err(|error| error.to_string())?;
    }
    if arguments.score {
        write!(out, "{score}").map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn arguments(given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        file: String::new(),
        score: false,
        perfmon: true,
        prune: true,
        name: None,
        btf: "/sys/kernel/btf/vmlinux".into(),
    };
    let mut given = given.peekable();
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(format!("{argument} takes a value"));
        match argument.as_str() {
            "--score" => arguments.score = true,
            "--without-perfmon" => arguments.perfmon = false,
            "--no-pruning" => arguments.prune = false,
            "--name" => arguments.name = Some(value()?),
            "--btf" => arguments.btf = value()?,
            option if option.starts_with('-') => return Err(format!("unknown option {option}")),
            file if arguments.file.is_empty() => arguments.file = file.into(),
            file => return Err(format!("one file, not also {file}")),
        }
    }
    if arguments.file.is_empty() {
        return Err("usage: verdicts [--score] [--without-perfmon] [--no-pruning] \
                    [--name TEXT] [--btf FILE] FILE"
            .into());
    }
    Ok(arguments)
}

/// One line of output.
fn line(record: &Record, judged: &Judgement) -> String {
    serde_json::json!({
        "name": record.name,
        "verdict": judged.verdict.word(),
        "reason": judged.reason,
        "processed": judged.statistics.processed,
        "states": judged.statistics.total_states,
        "time_us": u64::try_from(judged.statistics.time.as_micros()).unwrap_or(u64::MAX),
    })
    .to_string()
}

/// All that there is to say of a record.
fn details(record: &Record, judged: &Judgement) -> String {
    format!(
        "{}\n\n{}\n{}\n-- here: {} at {:?}: {}\n-- kernel: {}\n{}\n",
        record.name,
        judged.listing,
        judged.log,
        judged.verdict.word(),
        judged.at.map(|at| at.0),
        judged.reason,
        record.kernel_verdict.as_deref().unwrap_or("unmeasured"),
        record.kernel_log_tail.as_deref().unwrap_or_default(),
    )
}
