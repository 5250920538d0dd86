//! Seconds of each fuzz target.
//!
//! The same targets run, seeded, as ordinary tests on every machine; here they
//! run with coverage feedback, where cargo-fuzz and a nightly toolchain are.

use std::fs;

use crate::error::Error;
use crate::process;
use crate::skips::Skips;
use crate::workspace::Workspace;

/// Long enough to start from the seeds and to take some steps from there.
const SECONDS_PER_TARGET: u32 = 5;

/// Runs each target for a short time.
pub(crate) fn run(workspace: &Workspace, skips: &Skips) -> Result<(), Error> {
    let targets = targets(workspace)?;
    if targets.is_empty() {
        return skips.note("fuzzing: there is no fuzz/fuzz_targets yet");
    }
    if !has_cargo_fuzz(workspace) {
        return skips.note(
            "fuzzing with coverage feedback: no cargo-fuzz with a nightly toolchain here; \
             the seeded runs of the same targets are among the tests",
        );
    }
    for target in targets {
        println!("fuzzing {target} for {SECONDS_PER_TARGET} s");
        let mut command = workspace.command("cargo");
        command.args(["+nightly", "fuzz", "run", &target, "--"]);
        command.arg(format!("-max_total_time={SECONDS_PER_TARGET}"));
        process::run(&mut command)?;
    }
    Ok(())
}

/// The names of the targets: one file each.
fn targets(workspace: &Workspace) -> Result<Vec<String>, Error> {
    let folder = workspace.path("fuzz/fuzz_targets");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(Error::file("list", &folder))? {
        let path = entry.map_err(Error::file("list", &folder))?.path();
        if path.extension().is_some_and(|extension| extension == "rs")
            && let Some(name) = path.file_stem()
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn has_cargo_fuzz(workspace: &Workspace) -> bool {
    let mut command = workspace.command("cargo");
    command.args(["+nightly", "fuzz", "--version"]);
    command.output().is_ok_and(|output| output.status.success())
}
