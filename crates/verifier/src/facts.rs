//! What a verification has found out about each instruction, for those who compile the program.

use skep_spec::InsnIdx;

use crate::state::register::Kind;

/// What is known of a program that was accepted.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    insns: Vec<InsnFacts>,
}

/// What is known of an instruction, over all paths.
#[derive(Clone, Copy, Debug, Default)]
pub struct InsnFacts {
    /// Whether any path reaches it. What is not seen is dead.
    pub seen: bool,
    /// What the pointer of a load, store or atomic operation points to.
    pub pointer: Option<Kind>,
}

impl Facts {
    pub(crate) fn new(slots: usize) -> Facts {
        Facts { insns: vec![InsnFacts::default(); slots] }
    }

    /// What is known of the instruction in a slot; nothing where there is none.
    #[must_use]
    pub fn at(&self, at: InsnIdx) -> InsnFacts {
        self.insns.get(at.index()).copied().unwrap_or_default()
    }

    pub(crate) fn at_mut(&mut self, at: InsnIdx) -> Option<&mut InsnFacts> {
        self.insns.get_mut(at.index())
    }
}
