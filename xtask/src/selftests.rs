//! The kernel's own verifier tests, with this kernel as the referee.
//!
//! They come with Debian's packages of the kernel's source: the newest that can be had is downloaded
//! to a scratch folder, and all programs of its BPF tests are compiled there: `verifier_*.c`, which
//! are about the verifier alone, and all others, which programs look like that do something. What
//! they expect is written for the kernel that they belong to, so it is not read: every program is
//! loaded into the kernel that runs here, and skep has to say what that says. Nothing of it is part
//! of the project.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::error::Error;
use crate::process;
use crate::skips::Skips;
use crate::workspace::Workspace;

const CLANG: &str = "clang-19";

/// What has to be here, and how to see that it is.
const TOOLS: &[&str] = &["apt-get", "dpkg-deb", "tar", "bpftool", "python3", CLANG];

/// The processor that is compiled for: the newest, as some sources are empty for older ones.
const CPU: &str = "-mcpu=v4";

/// As the kernel builds them, but for warnings: they are others' sources.
const FLAGS: &[&str] = &[
    "-O2",
    "-g",
    "-w",
    "-target",
    "bpf",
    CPU,
    "-D__TARGET_ARCH_x86",
    "-DENABLE_ATOMICS_TESTS",
    // The sources declare them, and so do the kernel's types.
    "-DBPF_NO_KFUNC_PROTOTYPES",
    "-idirafter",
    "/usr/include/x86_64-linux-gnu",
];

/// The file that says of which sources the objects beside it are all.
const COMPILED: &str = "compiled";

/// Where the tests are in the kernel's tree.
const SELFTESTS: &str = "tools/testing/selftests/bpf";

/// What is taken out of the kernel's tree, in which all else would need ten times the room.
const PARTS: &[&str] = &[
    SELFTESTS,
    "tools/lib/bpf",
    "tools/include",
    "scripts/bpf_doc.py",
    "include/uapi/linux/bpf.h",
];

/// Fetches and compiles the tests, and compares the verdicts on all of their programs.
pub(crate) fn run(workspace: &Workspace, skips: &Skips) -> Result<(), Error> {
    if let Some(tool) = TOOLS.iter().find(|tool| !process::exists(tool)) {
        return skips.note(&format!("the kernel's verifier tests: no {tool} here"));
    }
    let Some(package) = newest_package()? else {
        return skips.note("the kernel's verifier tests: apt knows no linux-source package");
    };
    let scratch = workspace.target().join("kernel-selftests");
    let tree = source(&scratch, &package)?;
    let objects = compile(&scratch, &tree)?;

    let mut test = workspace.cargo(&["test", "--release", "--package", "skep"]);
    test.args(["--test", "verdicts", "objects_of_others", "--", "--exact", "--nocapture"]);
    process::run(test.env("SKEP_OBJECTS", objects))
}

/// The package with the newest source, by the version in its name.
fn newest_package() -> Result<Option<String>, Error> {
    let mut search = Command::new("apt-cache");
    search.args(["search", "--names-only", "^linux-source-[0-9.]+$"]);
    let found = process::output(&mut search)?;
    let version = |name: &str| -> Option<Vec<u32>> {
        let numbers = name.strip_prefix("linux-source-")?;
        numbers.split('.').map(|number| number.parse().ok()).collect()
    };
    let names = found.lines().filter_map(|line| line.split_whitespace().next());
    let newest = names.filter_map(|name| Some((version(name)?, name))).max();
    Ok(newest.map(|(_, name)| name.to_owned()))
}

/// The parts of the kernel's tree that are needed, from the package.
fn source(scratch: &Path, package: &str) -> Result<PathBuf, Error> {
    let tree = scratch.join(package);
    if tree.is_dir() {
        println!("{package} is here: {}", tree.display());
        return Ok(tree);
    }
    println!("downloading {package}");
    let download = empty_folder(&scratch.join("download"))?;
    process::run(
        Command::new("apt-get").args(["--quiet", "download", package]).current_dir(&download),
    )?;
    let Some(file) = files(&download, ".deb")?.pop() else {
        return Err(Error::Missing(format!("apt-get left no package of {package}")));
    };
    process::run(Command::new("dpkg-deb").arg("--extract").arg(&file).arg(&download))?;

    println!("unpacking {package}");
    let archive = download.join(format!("usr/src/{package}.tar.xz"));
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(archive).arg("--directory").arg(&download);
    process::run(tar.args(PARTS.iter().map(|part| format!("{package}/{part}"))))?;
    // Last, so that what is here is whole.
    fs::rename(download.join(package), &tree).map_err(Error::file("move", &tree))?;
    fs::remove_dir_all(&download).map_err(Error::file("remove", &download))?;
    Ok(tree)
}

/// Compiles the tests; returns the folder with the objects. What has been compiled of the same
/// sources before is left as it is.
fn compile(scratch: &Path, tree: &Path) -> Result<PathBuf, Error> {
    let objects = scratch.join("objects");
    let whole = objects.join(COMPILED);
    if fs::read_to_string(&whole).is_ok_and(|of| of == stem(tree)) {
        println!("the tests are compiled: {}", objects.display());
        return Ok(objects);
    }
    let headers = headers(scratch, tree)?;
    empty_folder(&objects)?;
    let sources = files(&tree.join(SELFTESTS).join("progs"), ".c")?;
    println!("compiling {} sources", sources.len());

    let next = AtomicUsize::new(0);
    let refused = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
            let object = objects.join(format!("{}.o", stem(source)));
            if let Some(reason) = compile_one(tree, &headers, source, &object)? {
                refused.lock().unwrap_or_else(PoisonError::into_inner).insert(stem(source), reason);
            }
        }
        Ok(())
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        running.into_iter().try_for_each(|worker| worker.join().expect("compiling: no panics"))
    })?;
    let refused = refused.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{} of them do not compile with this kernel's types", refused.len());
    for (name, error) in refused {
        println!("  {name}: {error}");
    }
    // Last, so that what is here is whole.
    write(&whole, &stem(tree))?;
    Ok(objects)
}

/// Compiles a source; gives the first error that the compiler finds in it.
fn compile_one(
    tree: &Path,
    headers: &Path,
    source: &Path,
    object: &Path,
) -> Result<Option<String>, Error> {
    let mut clang = Command::new(CLANG);
    clang.args(FLAGS).arg("-I").arg(headers).arg("-I").arg(tree.join(SELFTESTS));
    clang.arg("-I").arg(tree.join("tools/include/uapi"));
    clang.arg("-I").arg(tree.join("tools/include"));
    clang.arg("-c").arg(source).arg("-o").arg(object);
    let output = clang.stdin(Stdio::null()).output();
    let output =
        output.map_err(|source| Error::Start { command: process::shown(&clang), source })?;
    if output.status.success() {
        return Ok(None);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let first = errors.lines().find(|line| line.contains("error:")).unwrap_or_default();
    Ok(Some(first.to_owned()))
}

/// A folder with the headers that the kernel's build makes: its types, and libbpf's.
fn headers(scratch: &Path, tree: &Path) -> Result<PathBuf, Error> {
    let folder = empty_folder(&scratch.join("include"))?;
    let libbpf = empty_folder(&folder.join("bpf"))?;
    for header in files(&tree.join("tools/lib/bpf"), ".h")? {
        let copy = libbpf.join(header.file_name().unwrap_or_default());
        fs::copy(&header, &copy).map_err(Error::file("write", copy))?;
    }
    let mut helpers = Command::new("python3");
    helpers.arg(tree.join("scripts/bpf_doc.py")).args(["--header", "--file"]);
    helpers.arg(tree.join("include/uapi/linux/bpf.h")).stderr(Stdio::null());
    write(&libbpf.join("bpf_helper_defs.h"), &process::output(&mut helpers)?)?;

    let mut types = Command::new("bpftool");
    types.args(["btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c"]);
    write(&folder.join("vmlinux.h"), &process::output(&mut types)?)?;
    Ok(folder)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::file("write", path))
}

/// An empty folder; what was in it goes.
fn empty_folder(path: &Path) -> Result<PathBuf, Error> {
    if path.exists() {
        fs::remove_dir_all(path).map_err(Error::file("remove", path))?;
    }
    fs::create_dir_all(path).map_err(Error::file("create", path))?;
    Ok(path.to_owned())
}

/// The files of a folder whose names end so, sorted.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let entry = entry.map_err(Error::file("list", folder))?;
        if entry.file_name().to_string_lossy().ends_with(ending) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
