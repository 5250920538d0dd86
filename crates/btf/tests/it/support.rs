//! What several tests need of the machine; what is not there is a skip.

use std::path::{Path, PathBuf};
use std::process::Command;

use ::object::{Object, ObjectSection};
use skep_btf::Btf;
use tempfile::TempDir;
use testkit::skip;

pub(crate) const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// The kernel's BTF.
pub(crate) fn vmlinux() -> Option<Vec<u8>> {
    std::fs::read(VMLINUX).map_err(|error| skip(&format!("{VMLINUX}: {error}"))).ok()
}

/// A C compiler for BPF.
pub(crate) fn clang() -> Option<String> {
    program(&["clang-19", "clang", "clang-20", "clang-18"])
}

/// The kernel's own tool.
pub(crate) fn bpftool() -> Option<String> {
    program(&["bpftool", "/usr/sbin/bpftool"])
}

/// The first of these programs that runs.
fn program(names: &[&str]) -> Option<String> {
    let runs = |name: &&&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let found = names.iter().find(runs).map(ToString::to_string);
    if found.is_none() {
        skip(&format!("no {} on this machine", names.join(" or ")));
    }
    found
}

/// The project's own objects, by name.
pub(crate) fn our_objects() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(testkit::root().join("bpf/obj")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The types in an object or in raw BTF.
pub(crate) fn types_in(path: &Path) -> Btf {
    let bytes = std::fs::read(path).unwrap();
    match ::object::File::parse(&*bytes) {
        Ok(file) => Btf::parse(file.section_by_name(".BTF").unwrap().data().unwrap()).unwrap(),
        Err(_) => Btf::parse(&bytes).unwrap(),
    }
}

/// Runs a command and returns its standard output.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Compiles C to a BPF object.
pub(crate) fn compile(clang: &str, source: &Path, object: &Path) {
    output(
        Command::new(clang)
            .args(["-target", "bpf", "-O2", "-g", "-Wno-everything", "-c"])
            .arg(source)
            .arg("-o")
            .arg(object),
    );
}

/// An object with every kind of type, which goes when the folder does.
pub(crate) struct Kinds {
    pub(crate) folder: TempDir,
    pub(crate) elf: Vec<u8>,
}

impl Kinds {
    /// Compiles it.
    pub(crate) fn compile() -> Option<Self> {
        let clang = clang()?;
        let folder = TempDir::new().unwrap();
        let object = folder.path().join("kinds.o");
        compile(&clang, &testkit::root().join("tests/btf/kinds.bpf.c"), &object);
        let elf = std::fs::read(object).unwrap();
        Some(Self { folder, elf })
    }

    /// The bytes of a section.
    pub(crate) fn section(&self, name: &str) -> Vec<u8> {
        let file = ::object::File::parse(&*self.elf).unwrap();
        file.section_by_name(name).unwrap().data().unwrap().to_vec()
    }
}
