//! What a verification has found out about each instruction, for those who compile the program.

use skep_spec::InsnIdx;

use crate::state::register::Kind;

/// What is known of a program that was accepted.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    insns: Vec<InsnFacts>,
    uninit: Vec<u64>,
    buffer: u32,
}

/// What is known of an instruction, over all paths.
#[derive(Clone, Copy, Debug, Default)]
pub struct InsnFacts {
    /// Whether any path reaches it. What is not seen is dead.
    pub seen: bool,
    /// What the pointer of a load, store or atomic operation points to.
    pub pointer: Option<Kind>,
    /// Of a call of `bpf_loop`, the function that it always calls, without flags; `None` inside if
    /// that differs.
    pub inlined_loop: Option<Option<u16>>,
}

impl Facts {
    pub(crate) fn new(slots: usize, subprograms: usize) -> Facts {
        Facts { insns: vec![InsnFacts::default(); slots], uninit: vec![0; subprograms], buffer: 0 }
    }

    /// What is known of the instruction in a slot; nothing where there is none.
    #[must_use]
    pub fn at(&self, at: InsnIdx) -> InsnFacts {
        self.insns.get(at.index()).copied().unwrap_or_default()
    }

    /// The stack slots of a function that are read on some path before they are written, one bit
    /// each, from the frame pointer down. They are to be zeroed before it runs.
    #[must_use]
    pub fn uninit_slots(&self, subprogram: u16) -> u64 {
        self.uninit.get(usize::from(subprogram)).copied().unwrap_or(0)
    }

    /// How many bytes of a buffer are accessed whose size is known once the program is attached.
    #[must_use]
    pub fn buffer_bytes(&self) -> u32 {
        self.buffer
    }

    pub(crate) fn at_mut(&mut self, at: InsnIdx) -> Option<&mut InsnFacts> {
        self.insns.get_mut(at.index())
    }

    pub(crate) fn note_uninit(&mut self, subprogram: u16, slot: usize) {
        if let Some(slots) = self.uninit.get_mut(usize::from(subprogram)) {
            *slots |= 1 << slot;
        }
    }

    pub(crate) fn note_buffer(&mut self, bytes: u32) {
        self.buffer = self.buffer.max(bytes);
    }
}
