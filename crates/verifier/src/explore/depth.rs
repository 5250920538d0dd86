//! How much stack the functions of a program use.

use skep_spec::InsnIdx;

use super::walk::Walk;
use crate::cfg::StackUse;
use crate::limits::SLOT_BYTES;
use crate::rejection::Check;

/// The registers that a call of `bpf_loop` saves when the kernel makes it a loop of the program
/// itself.
const SAVED_BY_LOOP: u32 = 3;

impl Walk<'_> {
    /// That the stack is large enough for all functions that can be active at once.
    pub(super) fn check_stack_depth(&mut self) -> Check {
        let depths = self.statistics.stack_depth.iter().zip(0..);
        let used: Vec<StackUse> = depths
            .map(|(bytes, subprogram)| StackUse {
                bytes: *bytes,
                called_later: self.functions.is_called_later(subprogram),
            })
            .collect();
        self.cfg.check_stack(self.input, &used)?;
        self.statistics.stack_depth = self.depths_after_rewriting(&used);
        Ok(())
    }

    /// The bytes of stack of each function as the kernel reports them, which is after it has
    /// replaced instructions: those of loops that it has made part of the program, and functions
    /// that no path has come to are gone.
    fn depths_after_rewriting(&self, used: &[StackUse]) -> Vec<u32> {
        let slot = u32::try_from(SLOT_BYTES).expect("a small number");
        let functions = self.cfg.subprograms().iter().zip(used);
        let depth = |(function, used): (&crate::cfg::Subprogram, &StackUse)| {
            let facts = || (function.start.0..function.end.0).map(|at| self.facts.at(InsnIdx(at)));
            let loops = facts().any(|facts| facts.inlined_loop.on().is_some());
            let bytes = match loops {
                true => used.bytes.next_multiple_of(slot) + SAVED_BY_LOOP * slot,
                false => used.bytes,
            };
            facts().any(|facts| facts.seen).then_some(bytes)
        };
        functions.filter_map(depth).collect()
    }
}
