//! The verdicts of both on a program.

use std::panic::{AssertUnwindSafe, catch_unwind};

use skep_command::prog::{FuncInfo, ProgBtf, ProgLoad};
use skep_command::{Engine, Errno, Handle};
use skep_linux::LinuxEngine;
use skep_spec::Code;
use skep_verifier::input::{self, Target};
use skep_verifier::log::Level;
use skep_verifier::outcome::Report;
use skep_verifier::{Flags, Input, Observer, Options, Outcome, verify_observed};

use crate::addresses::Addresses;
use crate::contain::States;
use crate::hook::Hook;
use crate::kernel_log::final_line;
use crate::maps::World;

/// What the kernel says.
pub(crate) enum Kernel {
    /// Loaded.
    Accepted(Handle),
    /// Refused, with the final line of its log.
    Rejected(String),
    /// Refused for a limit on what it is ready to look at.
    Limit(String),
    /// Refused for a fault that the kernel finds in itself.
    Failed(String),
    /// Refused before the verifier had a say.
    Silent,
}

/// What the verifier says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Here {
    /// Accepted.
    Accepted,
    /// Rejected, with the kernel's final line for it.
    Rejected(String),
    /// Not known.
    Unsupported(&'static str),
    /// It panicked.
    Panicked,
}

/// The log level at which the kernel says its final line and statistics, and nothing more.
const STATISTICS: u32 = 4;
/// The log level at which it tells each step.
const STEPS: u32 = 2;

/// A program, and the types of its functions.
pub(crate) struct Subject<'a> {
    /// What kind of program it is.
    pub(crate) hook: &'a Hook,
    /// The instructions.
    pub(crate) code: &'a Code,
    /// The functions' types.
    pub(crate) funcs: &'a [FuncInfo],
    /// The handle of the types in the kernel.
    pub(crate) btf: Handle,
}

/// How the kernel begins a line on a fault in itself.
const FAILURE: &str = "verifier bug";

fn load<'a>(subject: &Subject<'a>, log_level: u32) -> ProgLoad<'a> {
    let Subject { hook, code, funcs, btf } = *subject;
    // A program of one function needs no types.
    let btf = (funcs.len() > 1).then_some(ProgBtf { btf, funcs, lines: &[] });
    ProgLoad {
        expected_attach_type: hook.attach,
        flags: hook.flags,
        btf,
        attach_btf_id: hook.attach_btf_id,
        log_level,
        ..ProgLoad::new("", hook.prog_type, code)
    }
}

/// Asks the kernel.
pub(crate) fn kernel(engine: &LinuxEngine, subject: &Subject<'_>) -> Kernel {
    match engine.prog_load(&load(subject, STATISTICS)) {
        Ok(loaded) => Kernel::Accepted(loaded.handle),
        Err(error) => {
            let log = error.log.unwrap_or_default();
            match final_line(&log) {
                Some(line) if error.errno == Errno::E2BIG => Kernel::Limit(line.into()),
                Some(line) if line.starts_with(FAILURE) => Kernel::Failed(line.into()),
                Some(line) => Kernel::Rejected(line.into()),
                None => Kernel::Silent,
            }
        }
    }
}

/// The kernel's log with every step.
pub(crate) fn kernel_log(engine: &LinuxEngine, subject: &Subject<'_>) -> String {
    match engine.prog_load(&load(subject, STEPS)) {
        Ok(loaded) => {
            engine.close(loaded.handle);
            loaded.log
        }
        Err(error) => error.log.unwrap_or(error.what),
    }
}

/// Asks the verifier; the log comes too.
pub(crate) fn here(world: &World, subject: &Subject<'_>, log: Level) -> (Here, String) {
    let options = Options { log, prune: true };
    let report = catch_unwind(AssertUnwindSafe(|| ask(world, subject, options, None)));
    let Ok(report) = report else { return (Here::Panicked, String::new()) };
    let here = match &report.outcome {
        Outcome::Accepted(_) => Here::Accepted,
        Outcome::Rejected(rejection) => Here::Rejected(rejection.final_line.clone()),
        Outcome::Unsupported(unsupported) => Here::Unsupported(unsupported.what),
    };
    (here, report.log)
}

/// Whether what a program does may hang on addresses: see [`Addresses`].
pub(crate) fn shows_addresses(world: &World, subject: &Subject<'_>) -> bool {
    let mut addresses = Addresses::new(subject.code);
    let options = Options { log: Level::Silent, prune: true };
    ask(world, subject, options, Some(&mut addresses));
    addresses.shown
}

/// What the verifier says of the machine on all paths of a program, if it gets to their end.
pub(crate) fn states(world: &World, subject: &Subject<'_>) -> Option<States> {
    let options = Options { log: Level::Silent, prune: false };
    let mut states = States::default();
    let report = ask(world, subject, options, Some(&mut states));
    let accepted = matches!(report.outcome, Outcome::Accepted(_));
    accepted.then(|| states.with_maps(report.maps))
}

fn ask(
    world: &World,
    subject: &Subject<'_>,
    options: Options,
    observer: Option<&mut dyn Observer>,
) -> Report {
    let Subject { hook, code, funcs, .. } = *subject;
    let typed = funcs.len() > 1;
    let funcs: Vec<input::FuncInfo> =
        (funcs.iter()).map(|func| input::FuncInfo { at: func.at, type_id: func.type_id }).collect();
    let input = Input {
        btf: typed.then_some(world.program_types()),
        func_info: if typed { &funcs } else { &[] },
        attach_type: hook.attach,
        flags: Flags { sleepable: hook.sleepable(), ..Flags::default() },
        target: (hook.attach_btf_id != 0)
            .then_some(Target::Kernel(skep_btf::TypeId(hook.attach_btf_id))),
        ..Input::new(code, hook.prog_type)
    };
    verify_observed(&input, world, options, observer)
}
