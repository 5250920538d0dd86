//! The shape of a program: functions, jumps, and what is live where.
//!
//! All of it is known before the walk begins, and only asked about during it.

use skep_spec::insn::{Callee, Imm64, Insn, Reg};
use skep_spec::{Code, InsnIdx};

use crate::input::Input;
use crate::rejection::{Check, Reason};

/// A set of registers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Registers(pub u16);

impl Registers {
    /// All of them.
    pub const ALL: Registers = Registers(0x7ff);

    /// Whether it is in the set.
    #[inline]
    #[must_use]
    pub const fn contains(self, reg: Reg) -> bool {
        self.0 & (1 << reg.index()) != 0
    }
}

/// The shape of a program.
#[derive(Clone, Debug)]
pub struct Cfg {
    subprograms: Vec<Subprogram>,
    slots: Vec<SlotFacts>,
}

/// A function of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subprogram {
    /// Its first slot.
    pub start: InsnIdx,
    /// One past its last slot.
    pub end: InsnIdx,
    /// Whether it, or a function that it calls, makes tail calls.
    pub tail_calls: bool,
    /// Whether it, or a function that it calls, may change the packet.
    pub changes_packet: bool,
    /// Whether it, or a function that it calls, might sleep.
    pub might_sleep: bool,
}

/// What is known of a slot.
#[derive(Clone, Copy, Debug, Default)]
struct SlotFacts {
    subprogram: u16,
    prune_point: bool,
    jump_point: bool,
    force_checkpoint: bool,
    calls_callback: bool,
    live: Registers,
    component: u32,
}

impl Cfg {
    /// Works out the shape of a program, with the checks that the kernel makes on it before it
    /// follows any path.
    pub(crate) fn new(input: &Input<'_>) -> Check<Cfg> {
        let code = input.code;
        let length = code.len();
        let mut starts = vec![InsnIdx(0)];
        for (at, insn) in code.iter() {
            let target = match insn {
                Insn::Call(Callee::Local(distance)) => at.jump(*distance),
                Insn::LoadImm64 { imm: Imm64::Func(distance), .. } => at.jump(*distance),
                _ => continue,
            };
            let start = target.filter(|at| at.0 < length).ok_or(Reason::CallDestination)?;
            if !starts.contains(&start) {
                starts.push(start);
            }
        }
        starts.sort_unstable();
        let mut slots = vec![
            SlotFacts {
                live: Registers::ALL,
                prune_point: true,
                jump_point: true,
                ..SlotFacts::default()
            };
            code.slots().len()
        ];
        let mut subprograms = Vec::new();
        for (number, start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).copied().unwrap_or(InsnIdx(length));
            for slot in &mut slots[start.index()..end.index()] {
                slot.subprogram = u16::try_from(number).expect("cfg: functions are limited");
            }
            subprograms.push(Subprogram {
                start: *start,
                end,
                tail_calls: false,
                changes_packet: false,
                might_sleep: false,
            });
        }
        Ok(Cfg { subprograms, slots })
    }

    /// The functions, the main function first, by ascending place.
    #[must_use]
    pub fn subprograms(&self) -> &[Subprogram] {
        &self.subprograms
    }

    /// The function that an instruction is part of.
    #[must_use]
    pub fn subprogram_of(&self, at: InsnIdx) -> u16 {
        self.slots[at.index()].subprogram
    }

    /// The function that begins at an instruction.
    #[must_use]
    pub fn subprogram_at(&self, start: InsnIdx) -> Option<u16> {
        let found = self.subprograms.binary_search_by_key(&start, |subprogram| subprogram.start);
        found.ok().and_then(|number| u16::try_from(number).ok())
    }

    /// Whether paths meet here, so that it is worth asking if one has been here before.
    #[inline]
    #[must_use]
    pub fn is_prune_point(&self, at: InsnIdx) -> bool {
        self.slots[at.index()].prune_point
    }

    /// Whether the instruction before it on a path is not the one before it in the program, so that
    /// walking a path back needs to be told.
    #[inline]
    #[must_use]
    pub fn is_jump_point(&self, at: InsnIdx) -> bool {
        self.slots[at.index()].jump_point
    }

    /// Whether a checkpoint is made here each time.
    #[inline]
    #[must_use]
    pub fn is_force_checkpoint(&self, at: InsnIdx) -> bool {
        self.slots[at.index()].force_checkpoint
    }

    /// Whether it calls a helper that calls a function of the program back at once.
    #[inline]
    #[must_use]
    pub fn calls_callback(&self, at: InsnIdx) -> bool {
        self.slots[at.index()].calls_callback
    }

    /// The registers that may be read here or later, before they are written.
    #[inline]
    #[must_use]
    pub fn live_registers(&self, at: InsnIdx) -> Registers {
        self.slots[at.index()].live
    }

    /// The loop that the instruction is part of (a strongly connected component of its function's
    /// graph), from 1; 0 if it is in none.
    #[inline]
    #[must_use]
    pub fn component(&self, at: InsnIdx) -> u32 {
        self.slots[at.index()].component
    }
}

/// The instructions that can follow one, within a function.
pub fn successors(code: &Code, at: InsnIdx) -> impl Iterator<Item = InsnIdx> + use<> {
    let jump = |distance: i32| at.jump(distance);
    let (next, target) = match code.get(at) {
        None | Some(Insn::Exit) => (None, None),
        Some(Insn::Goto { off }) => (None, jump((*off).into())),
        Some(Insn::GotoLong { imm }) => (None, jump(*imm)),
        Some(Insn::Branch { off, .. } | Insn::MayGoto { off }) => {
            (Some(InsnIdx(at.0 + 1)), jump((*off).into()))
        }
        Some(insn) => (Some(InsnIdx(at.0 + insn.slots())), None),
    };
    next.into_iter().chain(target)
}
