//! Programs in text, run here and, where that is permitted, in the kernel.
//!
//! A case in `tests/run` is a few lines about what all its programs share, and programs:
//!
//! ```text
//! type xdp                            the program type; xdp without the line
//! packet 64                           a frame of so many bytes, counting up
//! map counts array 4 8 1              a map: name, type, sizes of key and value, elements
//! map calls prog_array 4 4 2 0=leaf   a program array with a program in a slot
//!
//! program leaf
//! r0 = 2
//! exit
//! ```
//!
//! Code says `map[fd:0]` for the first map. The section `results` has a line for each program: its
//! result, the packet if that changed, values of maps if they did, or the fault. Every program that
//! the kernel accepts must give the same there.

mod script;

use std::sync::Arc;

use skep_linux::LinuxEngine;
use skep_runtime::{FixedWorld, Options, UserEngine};
use testkit::{Case, Kind, Outcome};

use script::{Script, Seen};

fn user() -> UserEngine {
    let options = Options { instruction_limit: 1_000_000, unverified: true, ..Options::default() };
    UserEngine::with_options(Arc::new(FixedWorld::new(0, 1)), options)
}

/// What the programs of a case give here.
fn here(case: &Case) -> Outcome {
    let script = Script::parse(case.input());
    let results = script.programs().map(|name| match script.run(&user(), name) {
        Seen::Refused(error) | Seen::Failed(error) => format!("{name}: {error}\n"),
        Seen::Gave(result) => format!("{name}: {result}\n"),
    });
    Outcome::Found(vec![("results", results.collect())])
}

#[test]
fn programs_of_the_user_engine() {
    Kind { folder: "run", outputs: &["results"], run: here }.check();
}

/// The results that a case expects, if they are those of the kernel too.
fn there(case: &Case) -> Outcome {
    let script = Script::parse(case.input());
    let expected = case.section("results").unwrap_or_default();
    let agreed = script.programs().zip(expected.lines()).map(|(name, expected)| {
        let kernel = LinuxEngine::new().expect("the kernel was asked before");
        match script.run(&kernel, name) {
            // The kernel may refuse what is harmless here; what fails here it must refuse.
            Seen::Refused(_) => format!("{expected}\n"),
            Seen::Failed(error) => format!("{name}: {error}\n"),
            Seen::Gave(result) => format!("{name}: {result}\n"),
        }
    });
    Outcome::Found(vec![("results", agreed.collect())])
}

#[test]
fn programs_of_the_kernel() {
    let script = Script::parse("\nprogram probe\nr0 = 2\nexit\n");
    let refusal = match LinuxEngine::new() {
        Ok(kernel) => match script.run(&kernel, "probe") {
            Seen::Gave(_) => None,
            Seen::Refused(error) | Seen::Failed(error) => Some(error),
        },
        Err(error) => Some(error.to_string()),
    };
    if let Some(refusal) = refusal {
        testkit::skip(&format!("programs are not compared with the kernel: {refusal}"));
        return;
    }
    Kind { folder: "run", outputs: &["results"], run: there }.check();
}
