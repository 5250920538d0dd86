//! The commands that the README shows, run as they stand there.
//!
//! A command in a document that nobody runs is wrong sooner or later. Taken are
//! the lines of the fenced blocks under [`FIRST_RUN`], and the commands in
//! backticks in the second column of the table under [`TABLE`]; of both, what
//! begins with `skep` or `cargo`. Each has to end with exit code 0.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::process;
use crate::skips::Skips;
use crate::workspace::Workspace;

const FIRST_RUN: &str = "First run";
const TABLE: &str = "The article, piece by piece";

/// What runs all of this cannot run inside itself.
const OURSELVES: &str = "cargo xtask ci";

/// A command that takes longer is none for a README.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// Commands that name a BPF source need clang, which a machine may lack.
const BPF_SOURCE: &str = ".bpf.c";

/// Builds `skep` and runs each command with it in the path.
pub(crate) fn run(workspace: &Workspace, skips: &Skips) -> Result<(), Error> {
    let text = workspace.text("README.md")?.unwrap_or_default();
    let commands = commands(&text);
    if commands.is_empty() {
        return Err(Error::Missing("README.md shows no command to run".to_owned()));
    }
    process::run(&mut workspace.cargo(&["build", "--release", "--bin", "skep"]))?;

    let clang_is_here = clang_is_here();
    let mut failures = 0;
    for command in &commands {
        if command.contains(BPF_SOURCE) && !clang_is_here {
            skips.note(&format!("no clang here, which the README's command wants: {command}"))?;
            continue;
        }
        let start = Instant::now();
        match attempt(workspace, command) {
            Ok(()) => println!("ok {:5.1} s  {command}", start.elapsed().as_secs_f64()),
            Err(report) => {
                println!("FAILED      {command}\n{report}");
                failures += 1;
            }
        }
    }
    if failures > 0 {
        return Err(Error::Problems { count: failures, what: "commands of README.md failed" });
    }
    println!("{} commands of README.md were run", commands.len());
    Ok(())
}

/// Under one of the names that `skep` looks for.
fn clang_is_here() -> bool {
    process::exists("clang")
        || (10..=30).any(|version| process::exists(&format!("clang-{version}")))
}

/// Runs one command; the error is what it printed and how it ended.
fn attempt(workspace: &Workspace, command: &str) -> Result<(), String> {
    let mut folders = vec![workspace.target().join("release")];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(folders).map_err(|error| error.to_string())?;
    // `timeout` is in Debian's coreutils, as is the shell.
    let output = Command::new("timeout")
        .arg(TIME_LIMIT.as_secs().to_string())
        .args(["bash", "-c", command])
        .current_dir(workspace.root())
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{}{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        output.status
    ))
}

/// All commands to run, in the README's order.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut heading = "";
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            if heading == FIRST_RUN {
                commands.push(line.trim().trim_start_matches("$ "));
            }
        } else if line.starts_with('#') {
            heading = line.trim_start_matches('#').trim();
        } else if heading == TABLE
            && let Some(cell) = second_cell(line)
        {
            commands.extend(code_spans(cell));
        }
    }
    commands.retain(|command| is_ours(command) && *command != OURSELVES);
    // In a table, Markdown wants a pipe escaped.
    commands.into_iter().map(|command| command.replace("\\|", "|")).collect()
}

fn is_ours(command: &str) -> bool {
    command.starts_with("skep ") || command.starts_with("cargo ")
}

/// The second cell of a table row `| a | b | …`; escaped pipes end no cell.
fn second_cell(row: &str) -> Option<&str> {
    let row = row.trim().strip_prefix('|')?;
    let (_, rest) = split_cell(row)?;
    Some(split_cell(rest)?.0)
}

fn split_cell(row: &str) -> Option<(&str, &str)> {
    let end = row.match_indices('|').map(|(at, _)| at).find(|at| !row[..*at].ends_with('\\'))?;
    Some((&row[..end], &row[end + 1..]))
}

/// What stands between single backticks.
fn code_spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(commands(text), expected, "{text}");
    }

    #[test]
    fn fenced_commands_of_the_first_run() {
        check(
            "# skep\n## First run\ntext\n```sh\ncargo run -- run x.o\n# no command\n```\n",
            &["cargo run -- run x.o"],
        );
        check("## Elsewhere\n```sh\nskep run x.o\n```\n", &[]);
        check("## First run\n```sh\n$ skep run x.o\nls\n```\n", &["skep run x.o"]);
    }

    #[test]
    fn what_runs_the_readme_is_left_out() {
        check("## First run\n```sh\ncargo xtask ci\n```\n", &[]);
    }

    #[test]
    fn second_column_of_the_table() {
        let head = "## The article, piece by piece\n| noun | command |\n|---|---|\n";
        check(
            &format!("{head}| map | `skep map show` | runtime | `skep no` |\n"),
            &["skep map show"],
        );
        check(
            &format!("{head}| map | `skep a`, `skep b`, `bpftool c` | | |\n"),
            &["skep a", "skep b"],
        );
        check(&format!("{head}| pipe | `skep a \\| head` | | |\n"), &["skep a | head"]);
        check(&format!("{head}| later | – | | planned |\n"), &[]);
    }
}
