//! Writing the expected output of the text cases again.

use crate::error::Error;
use crate::process;
use crate::workspace::Workspace;

/// Runs the tests in the mode in which text cases write what they find instead of
/// comparing. The difference is then for `git diff` and for your judgement.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Error> {
    let mut command = workspace.cargo(&["test", "--no-fail-fast"]);
    if arguments.is_empty() {
        command.arg("--workspace");
    }
    // Both names: our own runner's, and that of the crates that compare command lines.
    command.args(arguments).env("SKEP_BLESS", "1").env("SNAPSHOTS", "overwrite");
    process::run(&mut command)?;

    println!("\nchanged by this:");
    let mut git = workspace.command("git");
    git.args(["status", "--short", "--", "tests"]);
    process::run(&mut git)
}
