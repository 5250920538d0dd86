//! What an instruction, a packet, a verification and loading cost, here and elsewhere in the same
//! run.
//!
//! Only ratios carry over from one machine to another: where the kernel can be
//! asked, its figure stands beside ours.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::error::Error;
use crate::process;
use crate::skips::Skips;
use crate::workspace::Workspace;

const CAPTURE: &str = "tests/captures/sample.pcap";

/// What one run of `spin.bpf.c` executes: its default rounds, seven instructions
/// each. The dozen around the loop vanish in the noise.
const SPIN_INSTRUCTIONS: f64 = 70_000.0;

/// How often a program sees the whole capture.
const PASSES: &str = "20";

/// The programs that are measured by packet, with what one of their packets costs.
const BY_PACKET: &[&str] =
    &["counters", "firewall", "parser", "ratelimit", "balancer", "tunnel", "tailcall"];

/// Programs that are there for the verifier.
const SOURCES: &str = "tests/verify/objects";

/// The compiler for them.
const CLANG: &str = "clang-19";

/// The processor that is compiled for where a source does not say.
const DEFAULT_CPU: &str = "v3";

/// What stands in a source's first comment before the processors that it is compiled for.
const CPUS: &str = "/* cpu: ";

/// Where the kernel keeps a program while it is measured.
const PIN: &str = "/sys/fs/bpf/skep-bench";

/// Builds `skep` as users do, and measures.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Error> {
    process::run(&mut workspace.cargo(&["build", "--release", "--bin", "skep"]))?;

    println!("\n{:<28}{:>14}{:>14}", "", "skep", "kernel");
    let ours = ns_per_packet(workspace, "spin", "1")? / SPIN_INSTRUCTIONS;
    let kernel = kernel_ns_per_run(workspace, "spin")?.map(|ns| ns / SPIN_INSTRUCTIONS);
    row("arithmetic, ns/instruction", ours, kernel);
    for name in BY_PACKET {
        row(&format!("{name}, ns/packet"), ns_per_packet(workspace, name, PASSES)?, None);
    }
    if kernel.is_none() {
        Skips::printed().note("the kernel's figures: no bpftool that may load programs here")?;
    }
    Ok(())
}

/// Builds the program that measures the verifier, and runs it on all objects of ours.
pub(crate) fn verify(workspace: &Workspace, json: bool) -> Result<(), Error> {
    let mut command = measuring(workspace, "bench-verify")?;
    command.args(json.then_some("--json")).args(objects(workspace)?);
    process::run(command.args(verifier_objects(workspace)?))
}

/// Builds the program that measures loading, and runs it on our objects.
pub(crate) fn load(workspace: &Workspace, json: bool) -> Result<(), Error> {
    process::run(&mut workspace.cargo(&["build", "--release", "--bin", "skep"]))?;
    let mut command = measuring(workspace, "bench-load")?;
    command.arg("--skep").arg(workspace.target().join("release/skep"));
    process::run(command.args(json.then_some("--json")).args(objects(workspace)?))
}

/// Builds one of testkit's programs that measure.
fn measuring(workspace: &Workspace, binary: &str) -> Result<Command, Error> {
    let arguments = ["build", "--release", "-p", "testkit", "--features", "bench", "--bin", binary];
    process::run(&mut workspace.cargo(&arguments))?;
    Ok(Command::new(workspace.target().join("release").join(binary)))
}

/// Our objects, by name.
fn objects(workspace: &Workspace) -> Result<Vec<PathBuf>, Error> {
    files(&workspace.path("bpf/obj"))
}

/// Programs that are there for the verifier, as far as there is a compiler for them.
fn verifier_objects(workspace: &Workspace) -> Result<Vec<PathBuf>, Error> {
    let mut objects = Vec::new();
    if process::exists(CLANG) {
        for source in files(&workspace.path(SOURCES))? {
            objects.extend(compiled(workspace, &source)?);
        }
    } else {
        Skips::printed().note(&format!("the programs of {SOURCES}: no {CLANG} here"))?;
    }
    Ok(objects)
}

/// The files of a folder, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = std::fs::read_dir(folder).map_err(Error::file("read", folder))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}

/// A source of ours, compiled for each processor that it names.
fn compiled(workspace: &Workspace, source: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = workspace.target().join("bench-verify");
    std::fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    let text = std::fs::read_to_string(source).map_err(Error::file("read", source))?;
    let cpus = text.lines().find_map(|line| line.strip_prefix(CPUS)).unwrap_or(DEFAULT_CPU);
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let mut objects = Vec::new();
    for cpu in cpus.split_whitespace().filter(|word| word.starts_with('v')) {
        let object = folder.join(format!("{name}.{cpu}.o"));
        let mut clang = Command::new(CLANG);
        clang.args(["-O2", "-g", "-target", "bpf", &format!("-mcpu={cpu}")]);
        clang.args(["-idirafter", "/usr/include/x86_64-linux-gnu", "-c"]);
        process::run(clang.arg(source).arg("-o").arg(&object))?;
        objects.push(object);
    }
    Ok(objects)
}

fn row(what: &str, ours: f64, kernel: Option<f64>) {
    let kernel = kernel.map_or_else(|| "–".to_owned(), |ns| format!("{ns:.2}"));
    println!("{what:<28}{ours:>14.2}{kernel:>14}");
}

fn object(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.path("bpf/obj").join(format!("{name}.bpf.o"))
}

/// Runs a program over the capture and reads what `skep run` measured.
fn ns_per_packet(workspace: &Workspace, name: &str, passes: &str) -> Result<f64, Error> {
    let mut command = Command::new(workspace.target().join("release/skep"));
    command.current_dir(workspace.root());
    command.args(["run", "--json", "--packets", CAPTURE, "--repeat", passes]);
    if name == "tailcall" {
        command.args(["--prog", "dispatch"]);
    }
    command.arg(object(workspace, name));
    let text = process::output(&mut command)?;
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    value["programs"][0]["ns_per_packet"].as_f64().ok_or_else(|| Error::Output {
        command: process::shown(&command),
        expected: "ns_per_packet of a program",
    })
}

/// What the kernel needs for one run of the program on an empty frame, or `None`
/// where it cannot be asked.
fn kernel_ns_per_run(workspace: &Workspace, name: &str) -> Result<Option<f64>, Error> {
    let bpftool = |arguments: &[&str]| {
        let output = Command::new("bpftool").arg("--json").args(arguments).output().ok()?;
        output.status.success().then_some(output.stdout)
    };
    let object = object(workspace, name);
    let Some(object) = object.to_str() else { return Ok(None) };
    if bpftool(&["prog", "load", object, PIN]).is_none() {
        return Ok(None);
    }
    let frame = tempfile::NamedTempFile::new().map_err(Error::file("create", "a frame"))?;
    std::fs::write(frame.path(), [0; 64]).map_err(Error::file("write", frame.path()))?;
    let frame = frame.path().to_string_lossy();
    let result =
        bpftool(&["prog", "run", "pinned", PIN, "data_in", frame.as_ref(), "repeat", "1000"]);
    std::fs::remove_file(PIN).map_err(Error::file("remove", PIN))?;

    let value: Value =
        result.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    Ok(value["duration"].as_f64())
}
