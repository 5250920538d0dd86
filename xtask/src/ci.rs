//! What continuous integration runs, and nothing else: each step titled and
//! timed, stopped at the first that fails, and closed with what was skipped and
//! one line of totals.

use std::process::ExitCode;
use std::time::Instant;

use crate::error::Error;
use crate::skips::{self, Skips};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{bpf, fuzz, packages, process, readme, tidy};

/// A run of all steps.
struct Run<'a> {
    workspace: &'a Workspace,
    skips: Skips,
    tally: Tally,
}

/// One step: its title, and what it does.
type Step = (&'static str, fn(&mut Run<'_>) -> Result<(), Error>);

const STEPS: &[Step] = &[
    ("Debian packages", |run| {
        packages::provide(run.workspace);
        Ok(())
    }),
    ("format", |run| run.cargo("fmt --all --check")),
    ("clippy", |run| run.cargo("clippy --workspace --all-features --all-targets -- -D warnings")),
    ("build the tests", |run| run.cargo("test --workspace --all-features --no-run")),
    ("tests", |run| run.test("--lib --bins --tests --examples")),
    ("tests in the documentation", |run| run.test("--doc")),
    ("documentation", |run| run.document()),
    ("house rules", |run| tidy::run(run.workspace)),
    ("BPF objects are reproducible", |run| bpf::check(run.workspace, &run.skips)),
    ("commands of the README", |run| readme::run(run.workspace, &run.skips)),
    ("fuzz targets", |run| fuzz::run(run.workspace, &run.skips)),
];

/// Runs all steps, up to the first that fails. The last line that it prints are
/// the totals, whatever happened.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode, Error> {
    let scratch = tempfile::tempdir().map_err(Error::file("create", std::env::temp_dir()))?;
    let skips = Skips::collected(&scratch.path().join("skips"))?;
    let mut run = Run { workspace, skips, tally: Tally::default() };

    let start = Instant::now();
    let outcome = run.all_steps();
    println!("\n── summary, after {:.0} s ──", start.elapsed().as_secs_f64());
    run.count_skips()?;
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error}");
            // A step that fails is a failure, also where it ran no test.
            run.tally.failed = run.tally.failed.max(1);
            ExitCode::FAILURE
        }
    };
    println!("{}", run.tally);
    Ok(code)
}

impl Run<'_> {
    fn all_steps(&mut self) -> Result<(), Error> {
        for (title, step) in STEPS {
            println!("\n── {title} ──");
            let start = Instant::now();
            step(self)?;
            println!("   {:.1} s", start.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// Runs cargo with the words of a line.
    fn cargo(&mut self, line: &str) -> Result<(), Error> {
        let words: Vec<&str> = line.split(' ').collect();
        process::run(&mut self.workspace.cargo(&words))
    }

    /// Runs tests of all packages, and counts them. All of them: a failure tells
    /// more in the company of the others.
    fn test(&mut self, which: &str) -> Result<(), Error> {
        let mut command =
            self.workspace.cargo(&["test", "--quiet", "--workspace", "--all-features"]);
        command.arg("--no-fail-fast").args(which.split(' '));
        if let Some(log) = self.skips.log() {
            command.env(skips::VARIABLE, log);
        }
        let tally = &mut self.tally;
        process::watch(&mut command, |line| {
            if let Some(result) = Tally::from_line(line) {
                *tally += result;
            }
        })
    }

    fn document(&mut self) -> Result<(), Error> {
        let mut command = self.workspace.cargo(&["doc", "--quiet", "--workspace", "--no-deps"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        process::run(&mut command)
    }

    /// Prints what was skipped, and adds it to the totals.
    fn count_skips(&mut self) -> Result<(), Error> {
        for (reason, count) in self.skips.reasons()? {
            self.tally.skipped += count;
            println!("skipped {count}×: {reason}");
        }
        Ok(())
    }
}
