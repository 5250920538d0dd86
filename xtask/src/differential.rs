//! The verifier against the running kernel, on programs made by chance.

use crate::error::Error;
use crate::process;
use crate::workspace::Workspace;

/// Builds the test and runs it; the arguments are its own.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Error> {
    let build = [
        "run",
        "--release",
        "--package=testkit",
        "--features=differential",
        "--bin=differential",
        "--",
    ];
    process::run(workspace.cargo(&build).args(arguments))
}
