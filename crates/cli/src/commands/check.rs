//! `skep check`: whether the Linux kernel would take programs, and why not.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use skep::check::{self, Checked, KernelTypes, Options};
use skep::compile;
use skep::spec::abi::AttachType;
use skep::spec::asm;
use skep::verifier::Outcome;
use skep::verifier::log::Level;

use crate::args::{CheckArgs, Global, LogLevel};
use crate::failure::Failure;
use crate::table::{Align, Table};
use crate::{input, output};

/// The exit code where a program is not accepted.
const NOT_ACCEPTED: u8 = 1;

/// Runs the command.
pub(crate) fn run(global: &Global, args: &CheckArgs) -> Result<ExitCode, Failure> {
    let types = match &args.btf {
        Some(path) => KernelTypes::of(input::types(path)?),
        None => KernelTypes::running(),
    };
    let options = Options {
        programs: &args.programs,
        prog_type: args.prog_type.as_deref().map(input::prog_type).transpose()?,
        attach_type: args.attach_type.as_deref().map(attach_type).transpose()?,
        types: &types,
        verify: skep::verifier::Options {
            log: args.log.map_or(Level::Silent, level),
            prune: !args.no_pruning,
        },
    };
    let checked = check(args, &options)?;
    if global.json() {
        let programs: Vec<Value> = checked.iter().map(as_json).collect();
        output::json(global, &json!({ "programs": programs }))?;
    } else {
        print(args, &checked)?;
    }
    let accepted = |checked: &Checked| matches!(checked.report.outcome, Outcome::Accepted(_));
    let all = checked.iter().all(accepted);
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(NOT_ACCEPTED) })
}

/// Verifies what the file holds.
fn check(args: &CheckArgs, options: &Options<'_>) -> Result<Vec<Checked>, Failure> {
    let bytes = input::object_bytes(&args.file)?;
    if input::is_object(&bytes) || compile::is_source(&args.file) {
        let object = input::parse_object(&args.file, &bytes)?;
        let checked = check::object(&object, options)
            .map_err(|error| input::library_failure(&args.file, &error))?;
        if checked.is_empty() {
            return Err(Failure::at(args.file.display(), "there is no program in it"));
        }
        return Ok(checked);
    }
    if !args.programs.is_empty() {
        let message = "it is no object, so it has no programs to choose from";
        return Err(Failure::at(args.file.display(), message));
    }
    let Some(prog_type) = options.prog_type else {
        let message = "nothing says of which type the program is";
        return Err(Failure::at(args.file.display(), message).help("say it with --type xdp, …"));
    };
    let checked = match instructions(&args.file, bytes)? {
        Instructions::Bytes(bytes) => check::bytes(&bytes, prog_type, options),
        Instructions::Code(code) => check::code(&code, prog_type, options),
    };
    Ok(vec![checked])
}

/// Instructions without an object around them.
enum Instructions {
    Bytes(Vec<u8>),
    Code(skep::spec::Code),
}

/// Instructions as bytes, as their hexadecimal text, or as text for the assembler.
fn instructions(path: &Path, bytes: Vec<u8>) -> Result<Instructions, Failure> {
    let is_text = |byte: &u8| (b' '..0x7f).contains(byte) || byte.is_ascii_whitespace();
    if bytes.iter().all(is_text) && !bytes.is_empty() {
        let is_hex = |byte: &u8| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace();
        if !bytes.iter().all(is_hex) {
            let text = String::from_utf8_lossy(&bytes);
            let code = asm::assemble(&text).map_err(|error| Failure::at(path.display(), error))?;
            return Ok(Instructions::Code(code));
        }
    }
    input::from_hex(path, bytes).map(Instructions::Bytes)
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Changes => Level::Changes,
        LogLevel::All => Level::All,
        LogLevel::Statistics => Level::Statistics,
    }
}

/// The attach type of this name, as bpftool has it.
fn attach_type(name: &str) -> Result<AttachType, Failure> {
    AttachType::from_name(name).ok_or_else(|| {
        let names: Vec<_> = AttachType::ALL.iter().map(|known| known.name()).collect();
        Failure::new(format!("there is no attach type `{name}`"))
            .help(format!("known are {}", names.join(", ")))
    })
}

/// The word for an answer.
fn verdict(checked: &Checked) -> &'static str {
    match &checked.report.outcome {
        Outcome::Accepted(_) => "accept",
        Outcome::Rejected(_) => "reject",
        Outcome::Unsupported(_) => "unsupported",
    }
}

fn as_json(checked: &Checked) -> Value {
    let statistics = &checked.report.statistics;
    let (kind, reason, insn) = match &checked.report.outcome {
        Outcome::Accepted(_) => (None, None, None),
        Outcome::Rejected(rejection) => {
            (Some(rejection.kind()), Some(rejection.final_line.as_str()), rejection.at)
        }
        Outcome::Unsupported(unsupported) => (None, Some(unsupported.what), unsupported.at),
    };
    let source = checked.source.as_ref();
    let mut value = json!({
        "name": checked.name,
        "section": checked.section,
        "type": checked.prog_type.name(),
        "verdict": verdict(checked),
        "kind": kind,
        "reason": reason,
        "insn": insn.map(|at| at.0),
        "source": source.map(|source| json!({ "file": source.file, "line": source.line })),
        "processed": statistics.processed,
        "states": statistics.total_states,
        "stack_depth": statistics.stack_depth.iter().sum::<u32>(),
        "time_us": u64::try_from(statistics.time.as_micros()).unwrap_or(u64::MAX),
    });
    if let (Some(object), false) = (value.as_object_mut(), checked.report.log.is_empty()) {
        object.insert("log".into(), checked.report.log.as_str().into());
    }
    value
}

fn print(args: &CheckArgs, checked: &[Checked]) -> Result<(), Failure> {
    let mut out = anstream::AutoStream::auto(io::stdout()).lock();
    for one in checked {
        let (color, word) = match &one.report.outcome {
            Outcome::Accepted(_) => (AnsiColor::Green, "accepted"),
            Outcome::Rejected(_) => (AnsiColor::Red, "rejected"),
            Outcome::Unsupported(_) => (AnsiColor::Yellow, "unsupported"),
        };
        let style = Style::new().bold().fg_color(Some(color.into()));
        let name = if one.name.is_empty() { "instructions" } else { &one.name };
        writeln!(out, "{style}{word}{style:#} {name} ({})", one.prog_type.name())?;
        if !one.report.log.is_empty() {
            writeln!(out, "{}", one.report.log.trim_end())?;
        }
        if let Some(explanation) = &one.explanation {
            writeln!(out, "{}", explanation.styled().trim_end())?;
        }
    }
    if args.stats {
        writeln!(out)?;
        statistics(checked).write(&mut out, "")?;
    }
    Ok(())
}

fn statistics(checked: &[Checked]) -> Table {
    let mut table = Table::new(&[
        ("program", Align::Left),
        ("insns processed", Align::Right),
        ("states", Align::Right),
        ("peak", Align::Right),
        ("stack", Align::Right),
        ("time", Align::Right),
    ]);
    for one in checked {
        let statistics = &one.report.statistics;
        let depths: Vec<_> = statistics.stack_depth.iter().map(ToString::to_string).collect();
        table.row(vec![
            one.name.clone(),
            statistics.processed.to_string(),
            statistics.total_states.to_string(),
            statistics.peak_states.to_string(),
            depths.join("+"),
            format!("{} µs", statistics.time.as_micros()),
        ]);
    }
    table
}
