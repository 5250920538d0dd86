//! Compiling BPF C with the machine's clang.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

/// The newest and the oldest clang that is looked for by version, as Debian names them. Older ones
/// lack `-mcpu=v3` or emit BTF that today's kernels refuse.
const VERSIONS: std::ops::RangeInclusive<u32> = 11..=30;

/// A source that could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No clang on this machine.
    #[error("{source_file}: compiling it needs clang, and there is none in PATH", source_file = .0.display())]
    NoClang(PathBuf),
    /// The compiler said no; it has told why on standard error.
    #[error("{source_file}: {clang} gave up ({status})", source_file = .source_file.display(), clang = .clang.display())]
    Refused {
        /// What was compiled.
        source_file: PathBuf,
        /// By whom.
        clang: PathBuf,
        /// Its exit status.
        status: std::process::ExitStatus,
    },
    /// A file could not be read or written, or the compiler not started.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            Error::NoClang(_) => Some(
                "install it (Debian and Ubuntu: `apt install clang libbpf-dev`; Fedora: `dnf \
                 install clang libbpf-devel`), name one in the environment variable CLANG, or give \
                 a compiled object"
                    .to_owned(),
            ),
            Error::Refused { .. } => Some(
                "if <bpf/bpf_helpers.h> is missing, install libbpf's headers (Debian and Ubuntu: \
                 `apt install libbpf-dev`)"
                    .to_owned(),
            ),
            Error::Io { .. } => None,
        }
    }
}

/// Whether a path names BPF C source rather than an object.
pub fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "c")
}

/// Compiles a C file for BPF and returns the object file's bytes.
///
/// The compiler is the one that the environment variable `CLANG` names, else `clang`, else the
/// newest `clang-N` in `PATH`. It is called with `-O2 -g -target bpf -mcpu=v3`, so that the object
/// has types and source lines; its messages go to standard error.
///
/// # Errors
///
/// If there is no clang, or it refuses the source.
pub fn compile(source_file: &Path) -> Result<Vec<u8>, Error> {
    let clang = find_clang().ok_or_else(|| Error::NoClang(source_file.to_owned()))?;
    let folder =
        tempfile::tempdir().map_err(|source| Error::Io { path: env::temp_dir(), source })?;
    let object = folder.path().join("program.o");
    let status = Command::new(&clang)
        .args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-c", "-o"])
        .arg(&object)
        .args(architecture_headers())
        .arg(source_file)
        .stdin(Stdio::null())
        .status()
        .map_err(|source| Error::Io { path: clang.clone(), source })?;
    if !status.success() {
        return Err(Error::Refused { source_file: source_file.to_owned(), clang, status });
    }
    fs::read(&object).map_err(|source| Error::Io { path: object, source })
}

/// The compiler that [`compile`] calls, if there is one.
pub fn find_clang() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CLANG").filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let versions = VERSIONS.rev().map(|version| format!("clang-{version}"));
    std::iter::once("clang".to_owned()).chain(versions).find_map(|name| {
        folders.iter().map(|folder| folder.join(&name)).find(|path| path.is_file())
    })
}

/// The option that finds `asm/types.h` on distributions that keep it in a folder of the
/// architecture, which `-target bpf` does not look at.
fn architecture_headers() -> Vec<OsString> {
    let folder = format!("/usr/include/{}-linux-gnu", env::consts::ARCH);
    if Path::new(&folder).is_dir() {
        vec![OsString::from("-idirafter"), OsString::from(folder)]
    } else {
        Vec::new()
    }
}
