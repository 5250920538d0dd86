//! The verifier and the running kernel on programs made by chance.
//!
//! Each program is made from a seed of its own, which is printed with what is found, so that it can
//! be had again. Both give their verdict. Where both accept, programs of types that can be run run
//! in the user engine and in the kernel on the same packets, and the results are compared; and they
//! run in the user engine step by step, where what they hold must lie within what the verifier said
//! of it ([`contain`]).
//!
//! - `--programs N` makes so many (default 20,000);
//! - `--seed S` makes others (default 1);
//! - `--threads N` works with so many (default: one a CPU);
//! - `--seconds T` ends after so long;
//! - `--one SEED` shows a single program, with both logs; with `--no-kernel` the kernel is not asked;
//! - `--no-contain` leaves the steps of runs alone;
//! - `--kernel-only` asks the kernel alone, and lists its reasons;
//!
//! It takes root. It fails for what the verifier accepts and the kernel rejects for safety, for runs
//! that differ or leave what the verifier said, for panics; and, from 200,000 programs on, where the
//! programs are not what they should be ([`conditions`]).
#![forbid(unsafe_code)]

mod addresses;
mod assembler;
mod bench;
mod conditions;
mod contain;
mod generate;
mod hook;
mod judge;
mod kernel_log;
mod maps;
mod mutate;
mod random;
mod report;
mod run;
mod share;
mod tally;
mod types;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::conditions::Conditions;
use crate::share::{Found, Share};

/// What the command line asks for.
#[derive(Clone)]
struct Arguments {
    programs: u64,
    seed: u64,
    threads: u64,
    time: Option<Duration>,
    one: Option<u64>,
    verify: bool,
    kernel: bool,
    contain: bool,
}

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)).and_then(|arguments| compare(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut arguments = Arguments {
        programs: 20_000,
        seed: 1,
        threads: cpus as u64,
        time: None,
        one: None,
        verify: true,
        kernel: true,
        contain: true,
    };
    while let Some(argument) = given.next() {
        let mut value = || {
            let text = given.next().ok_or(format!("{argument} takes a value"))?;
            let parsed = match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16),
                None => text.parse(),
            };
            parsed.map_err(|error| format!("{argument} {text}: {error}"))
        };
        match argument.as_str() {
            "--programs" => arguments.programs = value()?,
            "--seed" => arguments.seed = value()?,
            "--threads" => arguments.threads = value()?.max(1),
            "--seconds" => arguments.time = Some(Duration::from_secs(value()?)),
            "--one" => arguments.one = Some(value()?),
            "--no-contain" => arguments.contain = false,
            "--kernel-only" => arguments.verify = false,
            "--no-kernel" => arguments.kernel = false,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(arguments)
}

/// Does all that is asked for, and prints what was found. Whether all is as it must be.
fn compare(arguments: &Arguments) -> Result<bool, String> {
    if let Some(seed) = arguments.one {
        Bench::new()?.show(seed, arguments.kernel);
        return Ok(true);
    }
    let start = Instant::now();
    let shares = (0..arguments.threads).map(|number| Share { number, of: arguments.threads });
    let found: Result<Vec<Found>, String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            shares.map(|share| scope.spawn(move || share.compare(arguments, start))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err("a thread panicked".into()))
        };
        threads.into_iter().map(join).collect()
    });
    let mut all = Found::default();
    for found in found? {
        all.report.merge(found.report);
        all.tally.merge(found.tally);
    }
    let Found { report, tally } = all;
    println!("{tally}");
    if !arguments.verify {
        println!("{}", report.reasons());
    }
    println!("{report}");
    let (time, programs) = (start.elapsed().as_secs_f64(), report.programs());
    let rate = programs as f64 / time;
    println!("seed {}, {time:.0} s, {rate:.0} programs a second\n", arguments.seed);
    let conditions = Conditions::new(&report, &tally);
    print!("{conditions}");
    Ok(report.is_sound() && conditions.hold())
}
