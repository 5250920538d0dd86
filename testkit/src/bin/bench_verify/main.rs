//! How long the verifier takes, beside the running kernel's.
//!
//! The same programs are verified here and loaded into the kernel, in turns; of both the median of
//! several runs counts. What the kernel says of its own time is what it is measured by, which
//! leaves out all that loading takes besides.
//!
//! `bench-verify [--json] [--runs N] [--only WORDS] [OBJECT]...` measures the programs made here
//! ([`programs`]), or those of them with these words in their names, and the larger ones of the
//! objects. It takes root.
#![forbid(unsafe_code)]

mod goals;
mod measure;
mod memory;
mod objects;
mod programs;
mod table;

use std::process::ExitCode;

use skep::check::KernelTypes;
use skep::spec::abi::ProgType;

use goals::Goals;
use measure::{Row, alternate, of_report};
use table::Table;

/// How often each program is verified here and in the kernel.
const RUNS: usize = 7;

/// What the command line asks for.
struct Arguments {
    json: bool,
    runs: usize,
    only: String,
    objects: Vec<String>,
}

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (only, objects) = (String::new(), Vec::new());
    let mut arguments = Arguments { json: false, runs: RUNS, only, objects };
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--json" => arguments.json = true,
            "--runs" => {
                let runs = given.next().and_then(|value| value.parse().ok());
                arguments.runs = runs.filter(|runs| *runs > 0).ok_or("--runs takes a number")?;
            }
            "--only" => arguments.only = given.next().ok_or("--only takes words")?,
            option if option.starts_with('-') => return Err(format!("unknown option {option}")),
            object => arguments.objects.push(object.into()),
        }
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let table = Table::new(arguments.json);
    let mut goals = Goals::default();

    // First, as the peak is the process's.
    let memory = memory::measure(&programs::largest());
    table.memory(&memory);
    goals.memory(&memory);

    let engine = skep::linux().map_err(|error| error.to_string())?;
    table.head();
    let no_types = KernelTypes::none();
    let options = skep::check::Options::new(&no_types);
    let all = programs::all().into_iter();
    for program in all.filter(|program| program.name.contains(&arguments.only)) {
        let code = &program.code;
        let ours = || Ok(of_report(&skep::check::code(code, TYPE, &options).report));
        let (ours, kernel) =
            alternate(arguments.runs, ours, || measure::load(engine.as_ref(), code));
        let name = program.name.to_owned();
        let row = Row { name, insns: code.len(), large: true, ours, kernel };
        table.row(&row);
        goals.row(&row);
    }
    let types = KernelTypes::running();
    let mut small = 0;
    for path in &arguments.objects {
        small += objects::measure(path, &types, &engine, arguments.runs, |row| {
            table.row(&row);
            goals.row(&row);
        })?;
    }
    table.left_out(small);
    table.goals(&goals);
    Ok(())
}

/// The type of the programs made here.
const TYPE: ProgType = ProgType::SocketFilter;
