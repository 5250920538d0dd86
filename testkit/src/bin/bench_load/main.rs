//! How long loading takes, up to the moment at which programs would go to an engine, beside libbpf;
//! and how long the header of the kernel's types, beside bpftool.
//!
//! Each round is a process of its own, of ours and of the peer's in turns, so that neither finds
//! anything prepared; of both the median counts. Files are in the page cache. What libbpf does
//! includes that it makes the maps.
//!
//! `bench-load [--json] [--runs N] --skep SKEP [OBJECT]...` measures; it takes root for libbpf's
//! maps. `bench-load --once object|types FILE` is one round.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use skep::btf::Btf;
use skep::object::core::CoreTarget;
use skep::object::{FunctionIdx, Object};

const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// The program that asks libbpf, compiled when it is needed.
const LIBBPF: &str = include_str!("libbpf_load.c");

/// Goals, in milliseconds.
const WITH_CORE: f64 = 30.0;
const WITHOUT_CORE: f64 = 2.0;

/// What the command line asks for.
struct Arguments {
    json: bool,
    runs: usize,
    skep: PathBuf,
    objects: Vec<PathBuf>,
}

/// What is measured.
struct Row {
    what: String,
    ours_ms: f64,
    peer: &'static str,
    peer_ms: Option<f64>,
    goal: Goal,
}

/// What is to be reached.
#[derive(Clone, Copy)]
enum Goal {
    /// Less than this many milliseconds.
    Under(f64),
    /// Less than the peer.
    Peer,
    /// Nothing: a part of something else.
    None,
}

impl Goal {
    fn text(self) -> String {
        match self {
            Self::Under(limit) => format!("< {limit} ms"),
            Self::Peer => "< peer".to_owned(),
            Self::None => String::new(),
        }
    }

    /// Whether it is reached; `None` if there is none, or nothing to compare with.
    fn met(self, row: &Row) -> Option<bool> {
        match self {
            Self::Under(limit) => Some(row.ours_ms < limit),
            Self::Peer => row.peer_ms.map(|peer| row.ours_ms < peer),
            Self::None => None,
        }
    }
}

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let done = match given.as_slice() {
        [once, what, file] if once == "--once" => round(what, Path::new(file)),
        _ => arguments(given.into_iter()).and_then(|arguments| measure(&arguments)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments =
        Arguments { json: false, runs: 15, skep: PathBuf::new(), objects: Vec::new() };
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--json" => arguments.json = true,
            "--runs" => {
                let runs = given.next().and_then(|value| value.parse().ok());
                arguments.runs = runs.filter(|runs| *runs > 0).ok_or("--runs takes a number")?;
            }
            "--skep" => arguments.skep = given.next().ok_or("--skep takes a path")?.into(),
            option if option.starts_with('-') => return Err(format!("unknown option {option}")),
            object => arguments.objects.push(object.into()),
        }
    }
    Ok(arguments)
}

/// One round: what a process does that has just been started. Prints microseconds.
fn round(what: &str, file: &Path) -> Result<(), String> {
    let start = Instant::now();
    match what {
        "object" => drop(load(file)?),
        "types" => drop(types(file)?),
        other => return Err(format!("--once knows no {other}")),
    }
    println!("{:.1}", start.elapsed().as_secs_f64() * 1e6);
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn types(path: &Path) -> Result<Btf, String> {
    Btf::parse(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

fn object(path: &Path) -> Result<Object, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split('.').next().unwrap_or_default();
    Object::parse(name, &read(path)?).map_err(|error| error.to_string())
}

/// Whether an object is to be adapted to the machine's types.
fn has_core(object: &Object) -> bool {
    let mut functions = (0..object.functions().len()).map(FunctionIdx);
    functions.any(|function| !object.core_relocations(function).is_empty())
}

/// Reads an object and makes all of its programs: the kernel's types are read if they are needed.
/// Returns the number of instructions, so that nothing is left out.
fn load(path: &Path) -> Result<u32, String> {
    let object = object(path)?;
    let types = has_core(&object).then(|| types(Path::new(VMLINUX))).transpose()?;
    let target = types.as_ref().map(CoreTarget::new);
    let mut insns = 0;
    for (index, _, _) in object.programs() {
        let program = object.program(index, target.as_ref());
        insns += program.map_err(|error| error.to_string())?.code.len();
    }
    Ok(insns)
}

fn measure(arguments: &Arguments) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let libbpf = compile(folder.path());
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let once = |what: &str, file: &Path| {
        let mut ours = Command::new(&this);
        ours.args(["--once", what]).arg(file);
        let theirs = libbpf.as_ref().map(|libbpf| {
            let mut theirs = Command::new(libbpf);
            theirs.arg(what).arg(file);
            theirs
        });
        in_turns(arguments.runs, ours, theirs, printed)
    };
    if !arguments.json {
        println!("{:<44}{:>10}{:>10}  {:<10}", "", "skep", "peer", "goal");
    }
    for path in &arguments.objects {
        let core = has_core(&object(path)?);
        let (ours_ms, peer_ms) = once("object", path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (note, goal) = if core { (", CO-RE", WITH_CORE) } else { ("", WITHOUT_CORE) };
        let goal = Goal::Under(goal);
        show(
            arguments,
            &Row { what: format!("{name}{note}"), ours_ms, peer: "libbpf", peer_ms, goal },
        );
    }
    if !Path::new(VMLINUX).exists() {
        eprintln!("skip: the kernel's types: no {VMLINUX}");
        return Ok(());
    }
    let (ours_ms, peer_ms) = once("types", Path::new(VMLINUX))?;
    let what = "the kernel's types".to_owned();
    show(arguments, &Row { what, ours_ms, peer: "libbpf", peer_ms, goal: Goal::None });

    let dump = |program: &Path| {
        let mut command = Command::new(program);
        command.args(["btf", "dump", "file", VMLINUX, "format", "c"]);
        command
    };
    let bpftool = Command::new("bpftool").arg("version").output().is_ok();
    let theirs = bpftool.then(|| dump(Path::new("bpftool")));
    let (ours_ms, peer_ms) = in_turns(arguments.runs, dump(&arguments.skep), theirs, elapsed)?;
    let what = "vmlinux.h".to_owned();
    show(arguments, &Row { what, ours_ms, peer: "bpftool", peer_ms, goal: Goal::Peer });
    Ok(())
}

/// Compiles the program that asks libbpf.
fn compile(folder: &Path) -> Option<PathBuf> {
    let source = folder.join("libbpf_load.c");
    let program = folder.join("libbpf_load");
    std::fs::write(&source, LIBBPF).ok()?;
    let mut gcc = Command::new("gcc");
    gcc.arg("-O2").arg("-o").arg(&program).arg(&source).args(["-lbpf", "-lelf", "-lz"]);
    if gcc.output().is_ok_and(|output| output.status.success()) {
        return Some(program);
    }
    eprintln!("skip: libbpf's figures: gcc and libbpf-dev are needed");
    None
}

/// The medians of two commands, run by turns, in milliseconds. A peer that fails has none.
fn in_turns(
    runs: usize,
    mut ours: Command,
    mut theirs: Option<Command>,
    time: fn(&mut Command) -> Result<f64, String>,
) -> Result<(f64, Option<f64>), String> {
    let mut figures = (Vec::new(), Vec::new());
    for _ in 0..runs {
        figures.0.push(time(&mut ours)?);
        figures.1.extend(theirs.as_mut().and_then(|theirs| time(theirs).ok()));
    }
    let ours = median(figures.0).ok_or("nothing was measured")?;
    Ok((ours, median(figures.1)))
}

/// The microseconds that a command prints, in milliseconds.
fn printed(command: &mut Command) -> Result<f64, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let micros: Option<f64> = text.trim().parse().ok().filter(|_| output.status.success());
    micros
        .map(|micros| micros / 1e3)
        .ok_or_else(|| format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// The time that a command takes from start to end, in milliseconds.
fn elapsed(command: &mut Command) -> Result<f64, String> {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).status();
    let time = start.elapsed().as_secs_f64() * 1e3;
    match status {
        Ok(status) if status.success() => Ok(time),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

fn show(arguments: &Arguments, row: &Row) {
    let Row { what, ours_ms, peer, peer_ms, goal } = row;
    let met = goal.met(row);
    if arguments.json {
        let line = serde_json::json!({
            "what": what, "skep_ms": ours_ms, "peer": peer, "peer_ms": peer_ms,
            "goal": goal.text(), "met": met,
        });
        println!("{line}");
        return;
    }
    let theirs = peer_ms.map_or("–".into(), |peer| format!("{peer:.2}"));
    let verdict = match met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "",
    };
    println!("{what:<44}{ours_ms:>10.2}{theirs:>10}  {:<10}{verdict:<8}{peer}", goal.text());
}
