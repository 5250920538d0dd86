//! Compiling the BPF programs of ours, so that the same sources give the same bytes.
//!
//! The objects are committed: who runs them needs no compiler. What decides about
//! the bytes is named here and in the command line that [`compile`] builds: the
//! compiler's version, the CPU version, and that no path of this machine enters.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::error::Error;
use crate::process;
use crate::skips::Skips;
use crate::workspace::Workspace;

const CLANG: &str = "clang-19";
const STRIP: &str = "llvm-strip-19";

/// The version whose output is committed; another one may generate other code.
const CLANG_VERSION: &str = "19.1.7";

const FLAGS: &[&str] = &[
    "-O2",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-target",
    "bpf",
    "-mcpu=v3",
    "-fdebug-compilation-dir=.",
    "-I/usr/include/x86_64-linux-gnu",
];

/// Compiles all sources to `bpf/obj/`.
pub(crate) fn build(workspace: &Workspace) -> Result<(), Error> {
    if let Some(reason) = unfit_compiler() {
        return Err(Error::Missing(reason));
    }
    let folder = workspace.path("bpf/obj");
    fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    for source in sources(workspace)? {
        let object = folder.join(object_name(&source));
        compile(workspace, &source, &object)?;
        println!("{source} → bpf/obj/{}", object_name(&source));
    }
    Ok(())
}

/// Compiles all sources to a scratch folder and compares the bytes with what is
/// committed; a counted skip where the compiler is not there.
pub(crate) fn check(workspace: &Workspace, skips: &Skips) -> Result<(), Error> {
    if let Some(reason) = unfit_compiler() {
        return skips.note(&format!("BPF objects are reproducible: {reason}"));
    }
    let scratch = tempfile::tempdir().map_err(Error::file("create", std::env::temp_dir()))?;
    let sources = sources(workspace)?;
    let mut problems = 0;
    for source in &sources {
        let name = object_name(source);
        let fresh = scratch.path().join(&name);
        compile(workspace, source, &fresh)?;
        let fresh = fs::read(&fresh).map_err(Error::file("read", &fresh))?;
        match fs::read(workspace.path("bpf/obj").join(&name)) {
            Ok(committed) if committed == fresh => {}
            Ok(_) => {
                println!("bpf/obj/{name}: differs from what {source} compiles to");
                problems += 1;
            }
            Err(error) => {
                println!("bpf/obj/{name}: {error}");
                problems += 1;
            }
        }
    }
    problems += objects_without_source(workspace, &sources)?;
    if problems > 0 {
        println!("help: `cargo xtask bpf` compiles them again");
        return Err(Error::Problems { count: problems, what: "BPF objects differ" });
    }
    println!("{} BPF objects are what their sources compile to", sources.len());
    Ok(())
}

/// Why the compiler here cannot tell, or `None` where it can.
fn unfit_compiler() -> Option<String> {
    let version = std::process::Command::new(CLANG)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let Some(version) = version else {
        return Some(format!("no {CLANG} here (apt install {CLANG} llvm-19 libbpf-dev)"));
    };
    let line = version.lines().next().unwrap_or_default();
    if !line.split_whitespace().any(|word| word == CLANG_VERSION) {
        return Some(format!("{CLANG} is `{line}`, and the objects are from {CLANG_VERSION}"));
    }
    if !process::exists(STRIP) {
        return Some(format!("no {STRIP} here (apt install llvm-19)"));
    }
    if !Path::new("/usr/include/bpf/bpf_helpers.h").exists() {
        return Some("no libbpf headers here (apt install libbpf-dev)".to_owned());
    }
    None
}

/// The sources' file names, sorted.
fn sources(workspace: &Workspace) -> Result<Vec<String>, Error> {
    let names = file_names(&workspace.path("bpf"))?;
    Ok(names.into_iter().filter(|name| name.ends_with(".bpf.c")).collect())
}

fn object_name(source: &str) -> String {
    source.strip_suffix(".c").map(|stem| format!("{stem}.o")).unwrap_or_default()
}

fn objects_without_source(workspace: &Workspace, sources: &[String]) -> Result<usize, Error> {
    let expected: Vec<String> = sources.iter().map(|source| object_name(source)).collect();
    let mut strays = 0;
    for name in file_names(&workspace.path("bpf/obj"))? {
        if !expected.contains(&name) {
            println!("bpf/obj/{name}: has no source");
            strays += 1;
        }
    }
    Ok(strays)
}

fn file_names(folder: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let entry = entry.map_err(Error::file("list", folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Compiles one source. The DWARF goes, the BTF stays.
fn compile(workspace: &Workspace, source: &str, object: &PathBuf) -> Result<(), Error> {
    let mut clang = std::process::Command::new(CLANG);
    // From its own folder, so that the names in the line information are the same anywhere.
    clang.current_dir(workspace.path("bpf"));
    clang.args(FLAGS).args(["-c", source, "-o"]).arg(object);
    process::run(&mut clang)?;

    let mut strip = std::process::Command::new(STRIP);
    strip.arg("-g").arg(object);
    process::run(&mut strip)
}
