//! Skips that cannot go unseen.

use std::fs::OpenOptions;
use std::io::Write;

/// The file that skips are collected in, if somebody counts them.
const LOG: &str = "SKEP_SKIP_LOG";

/// Says that a test, or a part of it, cannot run on this machine, and why.
///
/// Prints `skip: REASON` to standard error, and appends the same line to the file that the
/// environment variable `SKEP_SKIP_LOG` names, from which `cargo xtask ci` counts. The caller then
/// returns: what a test skips it must not claim.
///
/// # Panics
///
/// If the file cannot be written, as the skip would go unseen.
pub fn skip(reason: &str) {
    // Straight to the stream: the test harness hides what `eprintln!` writes in tests that pass.
    let _ = writeln!(std::io::stderr(), "skip: {reason}");
    let Some(path) = std::env::var_os(LOG) else { return };
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("skip: {reason}\n").as_bytes()));
    if let Err(error) = written {
        panic!("cannot note a skip in {}: {error}", path.display());
    }
}
