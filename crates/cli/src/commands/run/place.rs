//! Where programs run: an engine, and the world that they see.

use std::sync::Arc;

use skep::command::Engine;
use skep::runtime::world::{FixedWorld, TraceLine};
use skep::runtime::{self, KernelTypes, UserEngine};

use crate::args::{EngineArg, Global, RunArgs};
use crate::failure::{Failure, note};
use crate::input;

/// The seed of random numbers: the same capture gives the same result, each time.
const RANDOM_SEED: u64 = 0x736b_6570;

/// An engine, and the world that its programs see where that is ours to make.
pub(crate) struct Place {
    pub(crate) engine: Arc<dyn Engine>,
    world: Option<Arc<FixedWorld>>,
}

impl Place {
    /// The engine that the flags ask for. Packets of a file need no kernel, so `auto` is the user
    /// engine, in a world whose clock shows the capture's time.
    pub(crate) fn new(global: &Global, args: &RunArgs) -> Result<Place, Failure> {
        match global.engine {
            EngineArg::User | EngineArg::Auto => {
                let world = Arc::new(FixedWorld::new(0, RANDOM_SEED));
                let options = runtime::Options {
                    instruction_limit: args.max_insns,
                    unverified: args.unverified,
                    kernel_types: Arc::new(kernel_types(args)?),
                    ..Default::default()
                };
                let engine = UserEngine::with_options(world.clone(), options);
                Ok(Place { engine: Arc::new(engine), world: Some(world) })
            }
            EngineArg::Linux => {
                let engine = skep::linux().map_err(|error| Failure::new(&error))?;
                Ok(Place { engine, world: None })
            }
        }
    }

    /// Sets the clock that programs read, where it is ours.
    pub(crate) fn set_time(&self, time_ns: u64) {
        if let Some(world) = &self.world {
            world.set_time_ns(time_ns);
        }
    }

    /// The lines that programs traced since the last time. The kernel's own go to its trace pipe.
    pub(crate) fn take_trace(&self) -> Vec<TraceLine> {
        self.world.as_ref().map_or_else(Vec::new, |world| world.take_trace())
    }

    /// Says what a reader of the results should know about how they came about.
    pub(crate) fn say_how_programs_run(&self, global: &Global, args: &RunArgs) {
        if global.json() {
            return;
        }
        if self.world.is_some() {
            if args.unverified {
                note(
                    "these programs were not verified: they run in the interpreter, which checks \
                     every access",
                );
            }
        } else {
            note(
                "programs see the kernel's clock, not the capture's; what they trace goes to \
                  /sys/kernel/tracing/trace_pipe",
            );
        }
    }
}

/// The types of the kernel that programs are verified for.
fn kernel_types(args: &RunArgs) -> Result<KernelTypes, Failure> {
    match &args.btf {
        Some(path) => Ok(KernelTypes::of(input::types(path)?)),
        None => Ok(KernelTypes::running()),
    }
}
