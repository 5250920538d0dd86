//! What the tests need besides the crate: a compiler, the machine's types, and a way to skip.

use std::path::{Path, PathBuf};
use std::process::Command;

use skep_btf::Btf;
use skep_object::Object;

/// The folder of the project's objects.
pub(crate) fn objects() -> PathBuf {
    testkit::root().join("bpf/obj")
}

/// The files of a folder whose names end so, in order.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is part of the project");
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    files
}

/// Says that something was not tested.
pub(crate) fn skip(what: &str, reason: &str) {
    testkit::skip(&format!("{what}: {reason}"));
}

/// Runs a command; what it printed, or on failure, its errors.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// A folder for what this test makes.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("cargo's folder for tests can be written to");
    folder
}

/// Compiles a BPF source to a file of this name; `None` if there is no compiler.
pub(crate) fn compile(name: &str, source: &str, folder: &Path) -> Option<PathBuf> {
    let input = folder.join(name).with_extension("bpf.c");
    std::fs::write(&input, source).expect("cargo's folder for tests can be written to");
    compile_file(&input, "v3", &folder.join(name).with_extension("bpf.o"))
}

/// Compiles a file; `None` if there is no compiler.
fn compile_file(input: &Path, cpu: &str, object: &Path) -> Option<PathBuf> {
    let mut command = Command::new("clang-19");
    command
        .args(["-O2", "-g", "-target", "bpf", "-I/usr/include/x86_64-linux-gnu"])
        .args(["-Werror", "-fdebug-compilation-dir=.", &format!("-mcpu={cpu}"), "-c"])
        .arg(input)
        .arg("-o")
        .arg(object);
    match command.output() {
        Err(_) => None,
        Ok(output) if output.status.success() => Some(object.to_owned()),
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            panic!("{} does not compile:\n{errors}", input.display())
        }
    }
}

/// The sources that the verifier is tested with, compiled for each processor that they name.
pub(crate) fn compiled_verifier_sources(folder: &Path) -> Vec<PathBuf> {
    let sources = files(&testkit::root().join("tests/verify/objects"), ".bpf.c");
    let mut objects = Vec::new();
    for source in sources {
        let text = std::fs::read_to_string(&source).expect("the source is there");
        let cpus = text.lines().find_map(|line| line.strip_prefix("/* cpu: ")).unwrap_or("v3");
        let name = source.file_stem().unwrap_or_default().to_string_lossy().replace(".bpf", "");
        for cpu in cpus.trim_end_matches("*/").split_whitespace() {
            let object = folder.join(format!("{name}-{cpu}.bpf.o"));
            objects.extend(compile_file(&source, cpu, &object));
        }
    }
    objects
}

/// All cases that are objects without errors, compiled; none if there is no compiler.
pub(crate) fn compiled_cases(folder: &Path) -> Vec<PathBuf> {
    let cases = files(&testkit::root().join("tests/object"), ".txt");
    cases
        .iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(path).expect("the case is there");
            let case = testkit::Case::parse(path, &text);
            if case.name().starts_with("error-") {
                return None;
            }
            compile(case.name(), case.input(), folder)
        })
        .collect()
}

/// The types of the kernel that runs here.
pub(crate) fn kernel_types() -> Option<Btf> {
    let path = "/sys/kernel/btf/vmlinux";
    match std::fs::read(path) {
        Ok(bytes) => Some(Btf::parse(&bytes).expect("the kernel's types are right")),
        Err(error) => {
            skip("the kernel's types", &format!("{path}: {error}"));
            None
        }
    }
}

/// Reads an object, whose name is the file's up to its first dot.
pub(crate) fn try_parse(path: &Path) -> skep_object::Result<Object> {
    let bytes = std::fs::read(path).expect("the object is there");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (name, _) = name.split_once('.').unwrap_or((&name, ""));
    Object::parse(name, &bytes)
}

/// Reads an object that must be right.
pub(crate) fn parse(path: &Path) -> Object {
    try_parse(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
