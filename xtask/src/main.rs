//! Repository tasks: `cargo xtask TASK`.
//!
//! `ci` is exactly what continuous integration runs and what the README tells a
//! newcomer to run. The other tasks are its parts that are useful alone, and the
//! ones that write into the tree. A task knows the tree and the tools; it uses no
//! other crate of the workspace, so that a broken crate cannot break the task
//! that would show it.
#![forbid(unsafe_code)]

mod bench;
mod bless;
mod bpf;
mod ci;
mod differential;
mod error;
mod fuzz;
mod packages;
mod process;
mod readme;
mod samples;
mod selftests;
mod skips;
mod tally;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::skips::Skips;
use crate::workspace::Workspace;

/// Repository tasks of skep.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run all that continuous integration runs, and stop at the first failure
    Ci,
    /// Write the output of each text case again, as it is now
    Bless {
        /// Given to `cargo test`: which packages and tests
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Compile bpf/*.bpf.c to bpf/obj/
    Bpf {
        /// Compare with the committed objects and write nothing
        #[arg(long)]
        check: bool,
    },
    /// Check the house rules that a machine can check
    Tidy,
    /// Run the commands that the README shows
    Readme,
    /// Measure what an instruction and a packet cost
    Bench {
        #[command(subcommand)]
        what: Option<Bench>,
    },
    /// Compare the verifier with the running kernel on random programs; takes root
    Differential {
        /// `--programs N`, `--seed S`, `--seconds T`, `--one SEED`, `--kernel-only`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Count the objects of a folder that can be used here, with libbpf and with aya-obj
    Samples {
        /// The folder, such as a checkout of vbpf/ebpf-samples
        folder: PathBuf,
    },
    /// Compare the verdicts on the kernel's own verifier tests with this kernel's
    KernelSelftests,
}

/// Other measurements.
#[derive(Clone, Copy, Subcommand)]
enum Bench {
    /// Measure how long the verifier takes, beside the kernel's
    Verify {
        /// Print a JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Measure how long loading takes, beside libbpf, and the kernel's header, beside bpftool
    Load {
        /// Print a JSON object a line
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<ExitCode, Error> {
    let workspace = Workspace::of_this_crate();
    match task {
        // Tells about its failure itself, as its totals are to be the last line.
        Task::Ci => return ci::run(&workspace),
        Task::Bless { arguments } => bless::run(&workspace, arguments),
        Task::Bpf { check: true } => bpf::check(&workspace, &Skips::printed()),
        Task::Bpf { check: false } => bpf::build(&workspace),
        Task::Tidy => tidy::run(&workspace),
        Task::Readme => readme::run(&workspace, &Skips::printed()),
        Task::Bench { what: None } => bench::run(&workspace),
        Task::Bench { what: Some(Bench::Verify { json }) } => bench::verify(&workspace, *json),
        Task::Bench { what: Some(Bench::Load { json }) } => bench::load(&workspace, *json),
        Task::Differential { arguments } => differential::run(&workspace, arguments),
        Task::Samples { folder } => samples::run(&workspace, &Skips::printed(), folder),
        Task::KernelSelftests => selftests::run(&workspace, &Skips::printed()),
    }?;
    Ok(ExitCode::SUCCESS)
}
