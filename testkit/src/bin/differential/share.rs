//! The programs that one thread makes: judged, run, counted.

use std::time::Instant;

use skep_command::Engine;
use skep_verifier::log::Level;

use crate::Arguments;
use crate::bench::Bench;
use crate::judge::{self, Here, Kernel};
use crate::random::Random;
use crate::report::Report;
use crate::run::Runner;
use crate::tally::Tally;

/// The programs that a thread shows whole where they are accepted wrongly.
const SHOWN: usize = 2;

/// Which programs a thread makes: every so manieth.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    /// The number of the thread, and of the CPU that it stays on.
    pub(crate) number: u64,
    /// How many threads there are.
    pub(crate) of: u64,
}

/// What a thread has found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) report: Report,
    pub(crate) tally: Tally,
}

impl Share {
    /// Makes the programs and compares.
    pub(crate) fn compare(self, arguments: &Arguments, start: Instant) -> Result<Found, String> {
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let cpu = u32::try_from(self.number % cpus as u64).unwrap_or(0);
        skep_linux::pin_thread(cpu).map_err(|error| format!("stay on CPU {cpu}: {error}"))?;
        let (bench, runner) = (Bench::new()?, Runner::new(cpu));
        let mut found = Found::default();
        let mut shown = 0;
        let mut number = self.number;
        while number < arguments.programs {
            if arguments.time.is_some_and(|time| start.elapsed() > time) {
                break;
            }
            let seed = Random::seed_of(arguments.seed, number);
            number += self.of;
            let wrong = found.program(arguments, &bench, &runner, seed);
            if wrong && shown < SHOWN {
                shown += 1;
                bench.show(seed, true);
            }
        }
        Ok(found)
    }
}

impl Found {
    /// Makes a program and compares. Whether it is accepted wrongly.
    fn program(
        &mut self,
        arguments: &Arguments,
        bench: &Bench,
        runner: &Runner,
        seed: u64,
    ) -> bool {
        let Some(program) = bench.program(seed) else { return false };
        let place = &bench.places[program.place];
        let kernel = bench.kernel(&program, judge::kernel);
        let here = arguments.verify.then(|| bench.here(&program, Level::Silent).0);
        let wrong = self.report.add(seed, &kernel, here.as_ref());
        self.tally.hook(place.hook.name(), matches!(kernel, Kernel::Accepted(_)));
        let Kernel::Accepted(handle) = kernel else { return wrong };
        self.tally.accepted(&program.insns);
        if here == Some(Here::Accepted) {
            if arguments.contain && crate::contain::runs(&place.hook) {
                let contained = bench
                    .states(&program)
                    .map(|states| runner.contain(place, &program, &states, seed));
                self.report.contained(seed, contained.as_ref());
            }
            let comparable = program.repeatable && place.hook.runs();
            if comparable && !bench.shows_addresses(&program) {
                let difference = runner.compare(&bench.engine, handle, place, &program, seed);
                self.report.ran(seed, difference.as_deref());
            }
        }
        bench.engine.close(handle);
        wrong
    }
}
