//! The Debian packages that some checks want.
//!
//! skep itself needs cargo alone. Where a package is missing, the checks that use
//! it are skipped and counted; as root on a Debian machine it is installed.

use std::process::{Command, Stdio};

use crate::process;
use crate::workspace::Workspace;

/// Packages, and what is skipped without them.
const PACKAGES: &[(&str, &str)] = &[
    ("clang-19", "compiling BPF sources"),
    ("llvm-19", "compiling BPF sources"),
    ("libbpf-dev", "compiling BPF sources"),
    ("linux-libc-dev", "compiling BPF sources"),
    ("bpftool", "comparing with the kernel and with bpftool"),
    ("iproute2", "tests in network namespaces"),
    ("tcpdump", "comparing classic filters with tcpdump's"),
    ("git", "listing the files for the house rules"),
];

/// Installs what is missing where that is possible, else says what is missing.
/// Never fails: what is still missing afterwards becomes counted skips.
pub(crate) fn provide(workspace: &Workspace) {
    if !process::exists("dpkg-query") {
        println!("no Debian here: packages are left to you; what is missing will be skipped");
        return;
    }
    let missing = missing();
    if missing.is_empty() {
        println!("all {} Debian packages are here", PACKAGES.len());
        return;
    }
    if is_root() && process::exists("apt-get") {
        install(workspace, &missing);
    }
    for (package, purpose) in self::missing() {
        println!("missing: {package}; will be skipped: {purpose}");
    }
}

fn missing() -> Vec<(&'static str, &'static str)> {
    PACKAGES.iter().copied().filter(|(package, _)| !is_installed(package)).collect()
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output();
    query.is_ok_and(|query| query.status.success() && query.stdout == b"installed")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn install(workspace: &Workspace, missing: &[(&str, &str)]) {
    let apt = |words: &[&str]| {
        let mut command = workspace.command("apt-get");
        command.args(["--quiet", "--quiet"]).args(words);
        command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        process::run(&mut command)
    };
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(missing.iter().map(|(package, _)| *package));
    println!("installing {}", words.get(3..).unwrap_or_default().join(" "));
    if let Err(error) = apt(&["update"]).and_then(|()| apt(&words)) {
        println!("could not install: {error}");
    }
}
