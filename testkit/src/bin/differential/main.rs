//! The verifier and the running kernel on programs made by chance.
//!
//! Each program is made from a seed of its own, which is printed with what is found, so that it can
//! be had again. Both give their verdict; where both accept and programs of the type can be run,
//! the user engine and the kernel run it on the same packets and the results are compared.
//!
//! - `--programs N` makes so many (default 20,000);
//! - `--seed S` makes others (default 1);
//! - `--seconds T` ends after so long;
//! - `--one SEED` shows a single program, with both logs;
//! - `--contain` probes short ones besides: what registers hold in runs must lie within what the
//!   verifier said of them ([`contain`]);
//! - `--kernel-only` asks the kernel alone, and lists its reasons;
//!
//! It takes root. What the verifier accepts and the kernel rejects for safety makes it fail.
#![forbid(unsafe_code)]

mod assembler;
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
mod tally;
mod types;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use skep_btf::Btf;
use skep_command::prog::FuncInfo;
use skep_command::{Engine, Handle};
use skep_linux::LinuxEngine;
use skep_spec::disasm::Listing;
use skep_spec::insn::{Insn, Operand, Reg, Width};
use skep_spec::{Code, InsnIdx};
use skep_verifier::log::Level;

use crate::contain::States;
use crate::hook::Hook;
use crate::judge::{Here, Kernel, Subject};
use crate::maps::{Handles, World};
use crate::random::Random;
use crate::report::Report;
use crate::run::Runner;
use crate::tally::Tally;

/// How many programs in a hundred are broken by a step.
const MUTATED: usize = 60;

/// The programs that are shown whole where they are accepted wrongly.
const SHOWN: usize = 3;

/// What the command line asks for.
struct Arguments {
    programs: u64,
    seed: u64,
    time: Option<Duration>,
    one: Option<u64>,
    verify: bool,
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
    let mut arguments = Arguments {
        programs: 20_000,
        seed: 1,
        time: None,
        one: None,
        verify: true,
        contain: false,
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
            "--seconds" => arguments.time = Some(Duration::from_secs(value()?)),
            "--one" => arguments.one = Some(value()?),
            "--contain" => arguments.contain = true,
            "--kernel-only" => arguments.verify = false,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(arguments)
}

/// A kind of program, with the maps that its programs use.
struct Place {
    hook: Hook,
    maps: Handles,
}

/// A program, as it is before the verifiers.
struct Program {
    place: usize,
    insns: Vec<Insn>,
    funcs: Vec<FuncInfo>,
    repeatable: bool,
}

/// The program of a seed.
fn program(seed: u64, places: &[Place], maps: &[usize]) -> Option<Program> {
    let mut random = Random::new(seed);
    let weights: Vec<(usize, usize)> =
        places.iter().enumerate().map(|(index, place)| (place.hook.weight, index)).collect();
    let place = random.weighted(&weights);
    let made = generate::generate(&mut random, &places[place].hook, maps)?;
    let mut insns = made.insns;
    let mut repeatable = made.repeatable;
    if random.chance(MUTATED) {
        // What is broken may show addresses, which differ.
        repeatable = false;
        for _ in 0..if random.chance(85) { 1 } else { 2 } {
            while !mutate::mutate(&mut insns, &mut random) {}
        }
    }
    let at = made.functions.into_iter().map(InsnIdx);
    let funcs = at.zip(types::ids()).map(|(at, type_id)| FuncInfo { at, type_id }).collect();
    Some(Program { place, insns, funcs, repeatable })
}

/// Whether a kind of program is loaded at all.
fn loads(engine: &LinuxEngine, hook: &Hook, btf: Handle) -> bool {
    use skep_spec::abi::verdict::{Allowed, allowed};
    let least = match allowed(hook.prog_type, hook.attach) {
        Allowed::Range(least, _) => least,
        Allowed::Any | Allowed::ByTarget => 0,
    };
    let result = Insn::Mov { width: Width::W64, dst: Reg::R0, src: Operand::Imm(least) };
    let code = Code::from_iter([result, Insn::Exit]);
    match judge::kernel(engine, &Subject { hook, code: &code, funcs: &[], btf }) {
        Kernel::Accepted(handle) => {
            engine.close(handle);
            true
        }
        Kernel::Rejected(_) | Kernel::Limit(_) | Kernel::Failed(_) | Kernel::Silent => {
            eprintln!("skipped: this kernel loads no {} programs as such", hook.name());
            false
        }
    }
}

/// Where programs are loaded.
struct Bench {
    engine: LinuxEngine,
    places: Vec<Place>,
    world: World,
    /// The maps that there are, by number.
    maps: Vec<usize>,
    /// The programs' types.
    btf: Handle,
}

impl Bench {
    fn new() -> Result<Bench, String> {
        let text = |error: skep_command::Error| error.to_string();
        let engine = LinuxEngine::new().map_err(text)?;
        let kernel_types = std::fs::read("/sys/kernel/btf/vmlinux").ok();
        let kernel_types = kernel_types.and_then(|bytes| Btf::parse(&bytes).ok());
        let (types, bytes) = types::build()?;
        let btf = engine.btf_load(&bytes).map_err(text)?;
        let shared = Handles::new(&engine);
        let places: Vec<Place> = hook::all(kernel_types.as_ref())
            .into_iter()
            .filter(|hook| loads(&engine, hook, btf))
            .map(|hook| Place { hook, maps: shared.with_own_programs(&engine) })
            .collect();
        if places.is_empty() {
            return Err("the kernel loads no programs here: this takes root".into());
        }
        let world = World::new(&shared, kernel_types, types);
        let maps = world.numbers().collect();
        Ok(Bench { engine, places, world, maps, btf })
    }

    /// What the kernel says of a program.
    fn kernel<T>(&self, program: &Program, ask: impl FnOnce(&LinuxEngine, &Subject<'_>) -> T) -> T {
        let place = &self.places[program.place];
        let code: Code = place.maps.put_into(&program.insns).into_iter().collect();
        let Program { funcs, .. } = program;
        ask(&self.engine, &Subject { hook: &place.hook, code: &code, funcs, btf: self.btf })
    }

    /// What the verifier says of a program.
    fn here(&self, program: &Program, log: Level) -> (Here, String) {
        let hook = &self.places[program.place].hook;
        let code: Code = program.insns.iter().copied().collect();
        let Program { funcs, .. } = program;
        judge::here(&self.world, &Subject { hook, code: &code, funcs, btf: self.btf }, log)
    }

    /// What the verifier says of registers on all paths of a program.
    fn states(&self, program: &Program) -> Option<States> {
        let hook = &self.places[program.place].hook;
        let code: Code = program.insns.iter().copied().collect();
        let Program { funcs, .. } = program;
        judge::states(&self.world, &Subject { hook, code: &code, funcs, btf: self.btf })
    }

    /// Prints a program and what both say of it.
    fn show(&self, seed: u64) {
        let Some(program) = program(seed, &self.places, &self.maps) else { return };
        let code: Code = program.insns.iter().copied().collect();
        println!(
            "-- program {seed:#x}, {}, maps by number",
            self.places[program.place].hook.name()
        );
        println!("{}", Listing::new(&code));
        println!("-- kernel\n{}", self.kernel(&program, judge::kernel_log));
        let (here, log) = self.here(&program, Level::All);
        println!("-- here: {here:?}\n{log}");
    }
}

fn compare(arguments: &Arguments) -> Result<bool, String> {
    let bench = Bench::new()?;
    if let Some(seed) = arguments.one {
        bench.show(seed);
        return Ok(true);
    }
    let (mut report, mut tally, mut shown) = (Report::default(), Tally::default(), 0);
    let runner = Runner::new();
    skep_linux::pin_thread(0).map_err(|error| format!("stay on CPU 0: {error}"))?;
    let start = Instant::now();
    for number in 0..arguments.programs {
        if arguments.time.is_some_and(|time| start.elapsed() > time) {
            break;
        }
        let seed = Random::seed_of(arguments.seed, number);
        let Some(program) = program(seed, &bench.places, &bench.maps) else { continue };
        let place = &bench.places[program.place];
        let kernel = bench.kernel(&program, judge::kernel);
        let here = arguments.verify.then(|| bench.here(&program, Level::Silent).0);
        let wrong = report.add(seed, &kernel, here.as_ref());
        if wrong && shown < SHOWN {
            shown += 1;
            bench.show(seed);
        }
        tally.hook(place.hook.name(), matches!(kernel, Kernel::Accepted(_)));
        if let Kernel::Accepted(handle) = kernel {
            tally.accepted(&program.insns);
            let both = here.as_ref().is_none_or(|here| *here == Here::Accepted);
            let short = program.insns.len() <= contain::LENGTH && program.funcs.len() == 1;
            let probes = arguments.contain && both && short && place.hook.runs();
            if probes && let Some(states) = bench.states(&program) {
                let probed = runner.probe(place, &program, &states, seed);
                report.probed(seed, &probed);
            }
            if both && program.repeatable && place.hook.runs() {
                let difference = runner.compare(&bench.engine, handle, place, &program, seed);
                report.ran(seed, difference.as_deref());
            }
            bench.engine.close(handle);
        }
    }
    println!("{tally}");
    if !arguments.verify {
        println!("{}", report.reasons());
    }
    println!("{report}");
    let rate = report.programs() as f64 / start.elapsed().as_secs_f64();
    println!("seed {}, {rate:.0} programs a second", arguments.seed);
    Ok(report.is_sound())
}
