//! A loaded program.

use skep_command::Handle;
use skep_command::prog::{TestRun, TestRunReply};
use skep_spec::abi::ProgType;

use crate::error::Result;
use crate::handle::Owned;

/// A program on an engine. Dropping it closes it.
#[derive(Debug)]
pub struct Program {
    owned: Owned,
    name: String,
    section: String,
    prog_type: ProgType,
    log: String,
}

impl Program {
    pub(crate) fn new(
        owned: Owned,
        program: &skep_object::Program,
        prog_type: ProgType,
        log: String,
    ) -> Program {
        Program {
            owned,
            name: program.name.clone(),
            section: program.section.clone(),
            prog_type,
            log,
        }
    }

    /// Its function's name, in full.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The section that it came from.
    pub fn section(&self) -> &str {
        &self.section
    }

    /// Its type.
    pub fn prog_type(&self) -> ProgType {
        self.prog_type
    }

    /// What the verifier told, as far as it was asked.
    pub fn log(&self) -> &str {
        &self.log
    }

    /// Its handle on the engine.
    pub fn handle(&self) -> Handle {
        self.owned.handle
    }

    /// Runs it once, or as often as `run` says, on the data that `run` has.
    ///
    /// # Errors
    ///
    /// Whatever the engine has against the data (`EINVAL` for frames under 14 bytes, …), or a fault
    /// of a program that no verifier has seen.
    pub fn test_run(&self, run: &TestRun<'_>) -> Result<TestRunReply> {
        Ok(self.owned.engine.prog_test_run(self.owned.handle, run)?)
    }
}
