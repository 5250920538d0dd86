//! The public conformance suite, where it is there: `SKEP_CONFORMANCE` names a built checkout of
//! `https://github.com/Alan-Jowett/bpf_conformance`, whose runner lies in `build/bin`.
#![cfg(feature = "engine")]

use std::path::PathBuf;
use std::process::Command;

/// Tests that the suite had when it was last looked at; it may have more by now.
const TESTS: usize = 313;

#[test]
fn all_of_the_suite_passes() {
    let Some(suite) = std::env::var_os("SKEP_CONFORMANCE").map(PathBuf::from) else {
        testkit::skip("conformance: SKEP_CONFORMANCE names no build of the bpf_conformance suite");
        return;
    };
    let output = Command::new(suite.join("build/bin/bpf_conformance_runner"))
        .arg("--test_file_directory")
        .arg(suite.join("tests"))
        .args(["--plugin_path", env!("CARGO_BIN_EXE_conformance-plugin")])
        .args(["--cpu_version", "v4", "--include_groups", "callx"])
        .output()
        .expect("the runner starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<_> = text.lines().filter(|line| line.starts_with(['F', 'E'])).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));

    // `Passed 313 out of 313 tests.`
    let total = text.lines().last().unwrap_or_default();
    let numbers: Vec<usize> = total.split(' ').filter_map(|word| word.parse().ok()).collect();
    println!("{total}");
    assert!(matches!(numbers[..], [passed, all] if passed == all && all >= TESTS), "{total}");
}
