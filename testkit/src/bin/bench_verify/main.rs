//! How long the verifier takes, beside the running kernel's.
//!
//! The same programs are verified here and loaded into the kernel, in turns; of both the median of
//! several runs counts. What the kernel says of its own time is what it is measured by, which
//! leaves out all that loading takes besides.
//!
//! `bench-verify [--json] [--runs N] [OBJECT]...` measures the programs made here ([`programs`])
//! and those of the objects. It takes root.
#![forbid(unsafe_code)]

mod programs;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use skep::check::{self, KernelTypes};
use skep::command::Engine;
use skep::command::prog::ProgLoad;
use skep::load;
use skep::object::Object;
use skep::spec::Code;
use skep::spec::abi::ProgType;
use skep::verifier::{Outcome, Report};

/// The log level at which the kernel says its statistics, and nothing more.
const STATISTICS: u32 = 4;

/// What the kernel's log says before the time that it took.
const TIME: &str = "verification time ";

/// What it says before the number of instructions that it looked at.
const PROCESSED: &str = "processed ";

/// What the command line asks for.
struct Arguments {
    json: bool,
    runs: usize,
    objects: Vec<String>,
}

/// How a verifier fared with a program.
#[derive(Clone, Copy)]
struct Figure {
    processed: u64,
    micros: f64,
}

/// A program, and how both fared.
struct Row {
    name: String,
    insns: u32,
    ours: Figure,
    /// None, if the kernel did not take it.
    kernel: Option<Figure>,
    accepted: bool,
}

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)).and_then(|arguments| measure(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments { json: false, runs: 5, objects: Vec::new() };
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--json" => arguments.json = true,
            "--runs" => {
                let runs = given.next().and_then(|value| value.parse().ok());
                arguments.runs = runs.filter(|runs| *runs > 0).ok_or("--runs takes a number")?;
            }
            option if option.starts_with('-') => return Err(format!("unknown option {option}")),
            object => arguments.objects.push(object.into()),
        }
    }
    Ok(arguments)
}

fn measure(arguments: &Arguments) -> Result<(), String> {
    let types = KernelTypes::none();
    let options = check::Options::new(&types);

    // First, as the peak is the process's.
    let largest = programs::largest();
    let before = peak_kilobytes();
    let report = check::code(&largest.code, ProgType::SocketFilter, &options).report;
    let memory = peak_kilobytes().zip(before).map(|(after, before)| after - before);
    print_memory(arguments, largest.name, &report, memory);

    let engine = skep::linux().map_err(|error| error.to_string())?;
    if !arguments.json {
        println!(
            "\n{:<32}{:>7}{:>11}{:>11}{:>11}{:>11}{:>8}",
            "", "insns", "processed", "kernel's", "µs", "kernel's", "ratio"
        );
    }
    for program in programs::all() {
        let mut ours = Vec::new();
        let mut kernel = Vec::new();
        let mut accepted = true;
        for _ in 0..arguments.runs {
            let report = check::code(&program.code, ProgType::SocketFilter, &options).report;
            accepted &= matches!(report.outcome, Outcome::Accepted(_));
            ours.push(figure(&report));
            kernel.extend(load_code(engine.as_ref(), &program.code));
        }
        let (Some(ours), kernel) = (median(ours), median(kernel)) else { continue };
        let insns = program.code.len();
        print_row(arguments, &Row { name: program.name.into(), insns, ours, kernel, accepted });
    }
    let types = KernelTypes::running();
    for path in &arguments.objects {
        for row in of_object(path, &types, &engine, arguments.runs)? {
            print_row(arguments, &row);
        }
    }
    Ok(())
}

/// Measures all programs of an object.
fn of_object(
    path: &str,
    types: &KernelTypes,
    engine: &Arc<dyn Engine>,
    runs: usize,
) -> Result<Vec<Row>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let object = Object::parse(path, &bytes).map_err(|error| error.to_string())?;
    let object = Arc::new(object);
    let failed = |error: skep::Error| format!("{path}: {error}");
    let mut rounds = Vec::new();
    for _ in 0..runs {
        let checked = check::object(&object, &check::Options::new(types)).map_err(failed)?;
        let options = load::Options { log_level: STATISTICS, ..load::Options::default() };
        let loaded = load::load(engine, &object, &options).ok();
        rounds.push((checked, loaded));
    }
    let Some((first, _)) = rounds.first() else { return Ok(Vec::new()) };
    let rows = first.iter().enumerate().filter_map(|(number, program)| {
        let reports = rounds.iter().filter_map(|(checked, _)| checked.get(number));
        let ours = median(reports.map(|checked| figure(&checked.report)).collect())?;
        let logs = rounds.iter().filter_map(|(_, loaded)| {
            let loaded = loaded.as_ref()?.program(&program.name)?;
            of_log(loaded.log())
        });
        Some(Row {
            name: program.name.clone(),
            insns: insns_of(&object, &program.name),
            ours,
            kernel: median(logs.collect()),
            accepted: matches!(program.report.outcome, Outcome::Accepted(_)),
        })
    });
    Ok(rows.collect())
}

/// The number of instructions of a program with the functions that it calls.
fn insns_of(object: &Object, name: &str) -> u32 {
    let found = object.find_program(name).and_then(|index| object.program(index, None));
    found.map_or(0, |program| program.code.len())
}

/// Loads a program into the kernel, and gives what its log says.
fn load_code(engine: &dyn Engine, code: &Code) -> Option<Figure> {
    let load = ProgLoad {
        name: "bench",
        prog_type: ProgType::SocketFilter,
        expected_attach_type: None,
        code,
        license: "GPL",
        flags: 0,
        kern_version: 0,
        ifindex: 0,
        btf: None,
        attach_btf_id: 0,
        attach_to: None,
        log_level: STATISTICS,
    };
    match engine.prog_load(&load) {
        Ok(loaded) => {
            engine.close(loaded.handle);
            of_log(&loaded.log)
        }
        Err(error) => {
            eprintln!("kernel: {}", error.log.as_deref().unwrap_or(&error.what));
            None
        }
    }
}

/// What a log says of the time and of the instructions.
fn of_log(log: &str) -> Option<Figure> {
    let number = |before: &str| -> Option<u64> {
        let (_, rest) = log.rsplit_once(before)?;
        rest.split(' ').next()?.parse().ok()
    };
    let micros = u32::try_from(number(TIME)?).ok()?.into();
    Some(Figure { processed: number(PROCESSED)?, micros })
}

fn figure(report: &Report) -> Figure {
    let statistics = &report.statistics;
    let processed = statistics.processed.into();
    Figure { processed, micros: micros(statistics.time) }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The one in the middle, by time.
fn median(mut figures: Vec<Figure>) -> Option<Figure> {
    figures.sort_by(|one, two| one.micros.total_cmp(&two.micros));
    figures.get(figures.len() / 2).copied()
}

/// The most memory that this process ever held.
fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn print_memory(arguments: &Arguments, name: &str, report: &Report, kilobytes: Option<u64>) {
    let processed = report.statistics.processed;
    if arguments.json {
        let line = serde_json::json!({
            "program": name, "processed": processed, "memory_kb": kilobytes,
            "time_us": micros(report.statistics.time),
        });
        println!("{line}");
    } else {
        let megabytes = kilobytes.map_or("?".into(), |kilobytes| (kilobytes / 1024).to_string());
        println!("memory: {megabytes} MB for {processed} instructions ({name})");
    }
}

fn print_row(arguments: &Arguments, row: &Row) {
    let Row { name, insns, ours, kernel, accepted } = row;
    let ratio = kernel.map(|kernel| ours.micros / kernel.micros);
    if arguments.json {
        let line = serde_json::json!({
            "program": name, "insns": insns, "accepted": accepted,
            "processed": ours.processed, "kernel_processed": kernel.map(|figure| figure.processed),
            "time_us": ours.micros, "kernel_time_us": kernel.map(|figure| figure.micros),
            "ratio": ratio,
        });
        println!("{line}");
        return;
    }
    let (processed, time) = kernel.map_or(("–".into(), "–".into()), |kernel| {
        (kernel.processed.to_string(), format!("{:.0}", kernel.micros))
    });
    let ratio = ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"));
    let note = if *accepted { "" } else { "  not accepted here" };
    println!(
        "{name:<32}{insns:>7}{:>11}{processed:>11}{:>11.0}{time:>11}{ratio:>8}{note}",
        ours.processed, ours.micros
    );
}
