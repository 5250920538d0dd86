//! Scalars as the running kernel's verifier sees them: random programs are loaded with a detailed
//! log, and what it says of every register after every instruction is what the domain must say,
//! word for word.
//!
//! `SKEP_SCALAR_PROGRAMS` sets how many programs are tried. The cases in `tests/scalars/` are
//! programs chosen for what they show; their states stand beside them.

#[path = "scalars/kernel.rs"]
mod kernel;
#[path = "scalars/program.rs"]
mod program;
#[path = "scalars/random.rs"]
mod random;
#[path = "scalars/walk.rs"]
mod walk;

use kernel::Kernel;
use random::Random;
use skep_spec::Code;
use skep_spec::asm::assemble;
use testkit::{Case, Kind, Outcome};

/// How many programs are tried unless the environment says otherwise: some seconds' worth.
const PROGRAMS: u64 = 400;

#[test]
fn cases() {
    fn run(case: &Case) -> Outcome {
        let code = program(case);
        match Kernel::new() {
            Ok(kernel) => {
                let (log, accepted) = kernel.log(&code);
                assert!(accepted, "{log}");
                if let Err(difference) = walk::compare(&code, &log, accepted) {
                    panic!("{}: {difference}", case.name());
                }
            }
            Err(reason) => testkit::skip(&format!("scalars against the kernel: {reason}")),
        }
        Outcome::Found(vec![("states", walk::trace(&code))])
    }
    Kind { folder: "scalars", outputs: &["states"], run }.check();
}

fn program(case: &Case) -> Code {
    assemble(case.input()).expect("the case assembles")
}

#[test]
fn random_programs_agree_with_the_kernel() {
    let kernel = match Kernel::new() {
        Ok(kernel) => kernel,
        Err(reason) => return testkit::skip(&format!("scalars against the kernel: {reason}")),
    };
    let programs = std::env::var("SKEP_SCALAR_PROGRAMS").ok().and_then(|text| text.parse().ok());
    let (mut registers, mut rejected) = (0, 0);
    let mut seeds = Vec::new();
    for seed in 0..programs.unwrap_or(PROGRAMS) {
        let code = program::random(&mut Random::new(seed), kernel.map());
        let (log, accepted) = kernel.log(&code);
        rejected += u32::from(!accepted);
        match walk::compare(&code, &log, accepted) {
            Ok(compared) => registers += compared,
            Err(difference) => {
                if seeds.len() < 12 {
                    println!("seed {seed}: {difference}\n");
                }
                seeds.push(seed);
            }
        }
    }
    println!("{registers} register states compared; {rejected} programs rejected");
    assert!(seeds.is_empty(), "{} programs differ, by seed: {seeds:?}", seeds.len());
    assert!(registers > 0, "no state was compared");
}
