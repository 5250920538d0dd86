//! The `skep` command.
//!
//! `main` parses the flags, runs the command and prints what went wrong; each command has a file of
//! its own under `commands/`. What is printed for people goes through [`table`], what is printed
//! for scripts is JSON; a command makes one value and renders it both ways.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod failure;
mod input;
mod output;
mod table;

use std::process::ExitCode;

use clap::Parser;

use args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    match commands::run(&args) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
