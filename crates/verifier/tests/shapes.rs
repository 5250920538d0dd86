//! The shape of programs as the running kernel's verifier sees it: random programs are loaded, and
//! functions, loops, live registers and refusals are what this crate finds, word for word; and so
//! is how much there is to walk, which hangs on prune points and live stack slots.
//!
//! `SKEP_SHAPE_PROGRAMS` sets how many programs are tried, `SKEP_SHAPE_SEED` the first one.

#[path = "shapes/flow.rs"]
mod flow;
#[path = "shapes/functions.rs"]
mod functions;
#[path = "shapes/kernel.rs"]
mod kernel;
#[path = "scalars/random.rs"]
mod random;
#[path = "shapes/stack.rs"]
mod stack;

use functions::Functions;
use kernel::{Kernel, Verdict};
use random::Random;
use skep_btf::Btf;
use skep_spec::Code;
use skep_spec::abi::ProgType;
use skep_spec::disasm::Listing;
use skep_spec::insn::{Imm64, Insn};
use skep_verifier::environment::{Environment, MapFacts, NoMap};
use skep_verifier::log::Level;
use skep_verifier::{Input, Options, Outcome, verify};

/// How many programs are tried unless the environment says otherwise: some seconds' worth.
const PROGRAMS: u64 = 400;

/// A program.
struct Program {
    code: Code,
    prog_type: ProgType,
    /// Where its functions begin, if types are given to them.
    starts: Vec<u32>,
}

impl Program {
    /// Whether a function of it may be called back.
    fn calls_back(&self) -> bool {
        let is_address = |insn: &Insn| matches!(insn, Insn::LoadImm64 { imm: Imm64::Func(_), .. });
        self.code.iter().any(|(_, insn)| is_address(insn))
    }
}

/// No maps, and no types.
struct Nothing;

impl Environment for Nothing {
    fn map(&self, _: Imm64) -> Result<MapFacts, NoMap> {
        Err(NoMap::NotAMap)
    }

    fn kernel_btf(&self) -> Option<&Btf> {
        None
    }
}

#[test]
fn functions_loops_and_live_registers_are_the_kernels() {
    let compared = check("shapes", flow::random, Level::All, |_, kernel, ours| {
        let (theirs, ours) = (kernel::shape(&kernel.log), kernel::shape(&ours.log));
        if theirs == ours { Ok(theirs.lines().count()) } else { Err(difference(&theirs, &ours)) }
    });
    println!("{compared} lines compared");
}

#[test]
fn refusals_are_the_kernels() {
    let compared = check("refusals", flow::random, Level::Silent, |_, kernel, ours| {
        // What comes of following paths is another matter.
        if kernel.walked() {
            return Ok(0);
        }
        let (theirs, ours) = (kernel.final_line(), ours.final_line());
        if theirs == ours { Ok(1) } else { Err(difference(&theirs, &ours)) }
    });
    println!("{compared} refusals compared");
}

#[test]
fn walks_are_as_long_as_the_kernels() {
    let compared = check("walks", stack::random, Level::Silent, |program, kernel, ours| {
        // Callbacks are loops here, and not to the kernel.
        let alike = !program.calls_back();
        let (theirs, ours) = (kernel.summary(alike), ours.summary(alike));
        // What the kernel says of itself.
        if theirs.starts_with("verifier bug") {
            return Ok(0);
        }
        if theirs == ours { Ok(1) } else { Err(difference(&theirs, &ours)) }
    });
    println!("{compared} walks compared");
}

fn difference(theirs: &str, ours: &str) -> String {
    format!("kernel:\n{theirs}\nhere:\n{ours}")
}

/// Compares random programs; gives the sum of what the comparisons give.
fn check(
    subject: &str,
    program: fn(&mut Random) -> Program,
    level: Level,
    compare: impl Fn(&Program, &Verdict, &Verdict) -> Result<usize, String>,
) -> usize {
    let kernel = match Kernel::new() {
        Ok(kernel) => kernel,
        Err(reason) => {
            testkit::skip(&format!("{subject} against the kernel: {reason}"));
            return 0;
        }
    };
    let setting = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = setting("SKEP_SHAPE_SEED").unwrap_or(0);
    let programs = setting("SKEP_SHAPE_PROGRAMS").unwrap_or(PROGRAMS);
    let mut compared = 0;
    let mut differences = Vec::new();
    for seed in first..first + programs {
        let program = program(&mut Random::new(seed));
        let Some(ours) = judge(&program, level) else { continue };
        let detailed = level == Level::All;
        match compare(&program, &kernel.judge(&program, detailed), &ours) {
            Ok(count) => compared += count,
            Err(difference) => {
                let text = format!("seed {seed}:\n{}{difference}\n", Listing::new(&program.code));
                differences.push((program.code.len(), seed, text));
            }
        }
    }
    // The shortest programs say most.
    differences.sort();
    for (_, _, text) in differences.iter().take(4) {
        println!("{text}");
    }
    let seeds: Vec<_> = differences.iter().map(|(_, seed, _)| seed).collect();
    assert!(seeds.is_empty(), "{} programs differ, by seed: {seeds:?}", seeds.len());
    assert!(compared > 0, "nothing was compared");
    compared
}

/// What this crate says of a program; `None` where it holds what is not supported.
fn judge(program: &Program, level: Level) -> Option<Verdict> {
    let functions = Functions::new();
    let infos = functions.infos(&program.starts);
    let input = Input {
        btf: functions.btf(&program.starts),
        func_info: &infos,
        ..Input::new(&program.code, program.prog_type)
    };
    let report = verify(&input, &Nothing, Options { log: level, prune: true });
    let (accepted, line) = match &report.outcome {
        Outcome::Accepted(_) => (true, None),
        Outcome::Rejected(rejection) => (false, Some(rejection.final_line.clone())),
        Outcome::Unsupported(_) => return None,
    };
    let statistics = &report.statistics;
    let last = format!(
        "stack depth {}\nprocessed {} insns (limit 1000000) max_states_per_insn {} total_states {} peak_states {} \
         mark_read 0",
        statistics.stack_depth.iter().map(u32::to_string).collect::<Vec<_>>().join("+"),
        statistics.processed,
        statistics.max_states_per_insn,
        statistics.total_states,
        statistics.peak_states,
    );
    let log = match level {
        Level::All => report.log,
        Level::Silent | Level::Changes | Level::Statistics => {
            line.into_iter().chain([last]).collect::<Vec<_>>().join("\n")
        }
    };
    Some(Verdict { accepted, log })
}
