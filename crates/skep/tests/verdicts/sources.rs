//! Our sources, compiled.

use std::path::{Path, PathBuf};
use std::process::Command;

use skep::compile;

/// An object and what it was made from.
pub(crate) struct Compiled {
    /// The source and the processor it was compiled for.
    pub(crate) label: String,
    /// The object.
    pub(crate) bytes: Vec<u8>,
}

/// The processor that is compiled for where a source does not say.
const DEFAULT_CPU: &str = "v3";

/// What stands in a source's first comment before the processors that it is compiled for.
const CPUS: &str = "/* cpu: ";

/// All sources of a folder of `tests/verify`, compiled for each processor that they name; none, and a
/// skip, without a compiler.
pub(crate) fn compiled(folder: &str) -> Vec<Compiled> {
    let sources = testkit::root().join("tests/verify").join(folder);
    let Some(clang) = compile::find_clang() else {
        testkit::skip("verdicts on programs in C: there is no clang in PATH");
        return Vec::new();
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("verdicts").join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut objects = Vec::new();
    for source in files_below(&sources) {
        let text = std::fs::read_to_string(&source).unwrap();
        let cpus = text.lines().find_map(|line| line.strip_prefix(CPUS)).unwrap_or(DEFAULT_CPU);
        for cpu in cpus.split_whitespace() {
            let name = source.file_name().unwrap().to_string_lossy().into_owned();
            let object = folder.join(format!("{name}.{cpu}.o"));
            let output = Command::new(&clang)
                .args(["-O2", "-g", "-target", "bpf", "-Wall", "-Werror"])
                .args([&format!("-mcpu={cpu}"), "-idirafter", "/usr/include/x86_64-linux-gnu"])
                .arg("-c")
                .arg(&source)
                .arg("-o")
                .arg(&object)
                .output()
                .unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name} does not compile for {cpu}:\n{errors}");
            let bytes = std::fs::read(&object).unwrap();
            objects.push(Compiled { label: format!("{name} {cpu}"), bytes });
        }
    }
    objects
}

/// All files below a folder, in order.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files
}
