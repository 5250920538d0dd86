//! Looking on while a program runs: what registers and memory hold before each instruction.
//!
//! It serves those who hold a run against what is known of the program otherwise. A run that
//! nobody watches takes no longer for it.

use skep_spec::InsnIdx;
use skep_spec::insn::Reg;

use crate::memory::{Bytes, Region};
use crate::program::Program;
use crate::run::Run;

/// Sees a run step by step ([`Run::watch`]).
pub trait Watcher {
    /// Before an instruction is executed.
    fn before(&mut self, moment: &Moment<'_, '_>);
}

/// A run before an instruction.
#[derive(Debug)]
pub struct Moment<'r, 'w> {
    pub(crate) run: &'r Run<'w>,
    pub(crate) at: InsnIdx,
    pub(crate) registers: [u64; 11],
}

impl<'w> Moment<'_, 'w> {
    /// The instruction, in [`Moment::program`].
    #[must_use]
    pub fn at(&self) -> InsnIdx {
        self.at
    }

    /// The program that runs: after a tail call, the one that was called.
    #[must_use]
    pub fn program(&self) -> &Program {
        self.run.program()
    }

    /// The value of a register.
    #[must_use]
    pub fn register(&self, reg: Reg) -> u64 {
        self.registers[reg.index()]
    }

    /// How many calls the running function is away from the main function, those of helpers that
    /// call back included.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.run.regions.depth()
    }

    /// `len` bytes at `addr`, if the program may read them.
    #[must_use]
    pub fn bytes(&self, addr: u64, len: usize) -> Option<Bytes<'_>> {
        self.run.regions.readable(addr, len)
    }

    /// What the program may touch: each region, and of the values of a map the one at or nearest
    /// to `addr`.
    #[must_use]
    pub fn regions(&self, addr: u64) -> Vec<Region> {
        self.run.regions.list(addr)
    }

    /// The run: its context, its packet.
    #[must_use]
    pub fn run(&self) -> &Run<'w> {
        self.run
    }
}
