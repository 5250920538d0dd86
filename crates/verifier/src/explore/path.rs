//! The path to where a program failed, for those who explain it.

use skep_spec::InsnIdx;

use super::precision::{Before, before, step_at};
use super::walk::Walk;

/// How many instructions of the path are remembered.
const INSNS: usize = 100_000;

impl Walk<'_> {
    /// The instructions on the way here, first to last, without the one at hand; the last of them,
    /// if there are very many, and only as far back as checkpoints remember.
    pub(crate) fn path(&self) -> Vec<InsnIdx> {
        let mut path = Vec::new();
        let (mut trail, mut here) = (&self.trail, self.at);
        loop {
            let mut left = trail.steps.len();
            loop {
                let own = step_at(&trail.steps[..left], here);
                match before(own, trail.first, here, &mut left) {
                    Before::Insn(previous) => {
                        // The second slot of a 64-bit immediate is no instruction.
                        let whole = self.input.code.get(previous).is_some();
                        here = previous;
                        if whole {
                            path.push(here);
                        }
                    }
                    Before::Beginning => break,
                    Before::Nowhere => return reversed(path),
                }
                if path.len() >= INSNS {
                    return reversed(path);
                }
            }
            let Some(idx) = trail.parent else { return reversed(path) };
            let checkpoint = self.checkpoints.get(idx);
            let Some(previous) = checkpoint.previous else { return reversed(path) };
            here = previous;
            path.push(here);
            trail = &checkpoint.trail;
        }
    }
}

fn reversed(mut path: Vec<InsnIdx>) -> Vec<InsnIdx> {
    path.reverse();
    path
}
