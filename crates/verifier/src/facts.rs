//! What a verification has found out about each instruction, for those who compile the program.

use skep_spec::InsnIdx;

use crate::maps::MapIdx;
use crate::state::register::Kind;

/// What is known of a program that was accepted.
///
/// What holds on all paths that were walked holds on those that were not: they ended at a
/// checkpoint that knew no more than they did.
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
    /// What the pointer of a load or store points to, how far it goes and which lookup it came
    /// from left aside.
    pub pointer: Agreed<Kind>,
    /// Of an access to the packet, how many bytes are known to be there from the first one on.
    pub packet_bytes: u16,
    /// Of a call of a helper that takes a map, which map.
    pub map: Agreed<MapIdx>,
    /// Of a tail call, the index, if it is a constant within the map.
    pub tail_index: Agreed<u32>,
    /// Of a call of `bpf_loop` without flags, the function that it calls.
    pub inlined_loop: Agreed<u16>,
}

/// What the paths to an instruction say, if all say the same.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Agreed<T> {
    /// No path has said anything.
    #[default]
    Unsaid,
    /// All say this.
    On(T),
    /// They differ, or one does not know. What the first said is kept for checks among them.
    Not(Option<T>),
}

impl<T: Copy + PartialEq> Agreed<T> {
    /// What all paths say.
    #[must_use]
    pub fn on(self) -> Option<T> {
        match self {
            Agreed::On(said) => Some(said),
            Agreed::Unsaid | Agreed::Not(_) => None,
        }
    }

    /// What the first path said.
    pub(crate) fn first(self) -> Option<T> {
        match self {
            Agreed::On(said) => Some(said),
            Agreed::Not(said) => said,
            Agreed::Unsaid => None,
        }
    }

    /// Takes in what one more path says, or that it does not know.
    pub(crate) fn note(&mut self, said: Option<T>) {
        *self = match (*self, said) {
            (Agreed::Unsaid, Some(said)) => Agreed::On(said),
            (Agreed::On(before), Some(said)) if before == said => return,
            (before, _) => Agreed::Not(before.first()),
        };
    }
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
