//! The shape of a program: functions, jumps, and what is live where.
//!
//! All of it is known before the walk begins, and only asked about during it; save for what is live
//! of the stack (`stack`), which is gathered on the way. Everything here takes time and memory in
//! proportion to the size of the program, whatever its shape.
//!
//! - `layout`: where functions begin and end
//! - `flow`: what is reached, where paths meet, loops
//! - `calls`: which function calls which, and the stack that takes
//! - `blocks`: runs of instructions
//! - `registers`: which registers are live
//! - `stack`: which stack slots are live
//! - `upper`: which upper halves of registers are live, for compilers
//! - `back`: which instructions count where paths are walked back

mod back;
mod blocks;
mod calls;
mod flow;
mod layout;
mod registers;
pub(crate) mod stack;
mod upper;

use skep_spec::abi::HelperId;
use skep_spec::insn::Reg;
use skep_spec::{Code, InsnIdx};

pub(crate) use self::back::Back;
pub(crate) use self::blocks::{BlockIdx, Blocks};
pub(crate) use self::calls::StackUse;
pub(crate) use self::layout::Layout;
pub use self::upper::ZeroExtensions;

use self::calls::Calls;
use crate::environment::{Environment, Privileges};
use crate::input::Input;
use crate::rejection::Check;

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
    blocks: Blocks,
    calls: Calls,
}

/// A function of the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subprogram {
    /// Its first slot.
    pub start: InsnIdx,
    /// One past its last slot.
    pub end: InsnIdx,
    /// Whether it makes tail calls itself.
    pub has_tail_call: bool,
    /// Whether it, or a function that it calls, makes tail calls.
    pub tail_calls: bool,
    /// Whether it, or a function that it calls, may change the packet.
    pub changes_packet: bool,
    /// Whether it, or a function that it calls, might sleep.
    pub might_sleep: bool,
    /// Whether its address is taken, so that it may be called back.
    pub is_callback: bool,
}

/// What is known of a slot.
#[derive(Clone, Copy, Debug, Default)]
struct SlotFacts {
    function: u16,
    live: Registers,
    back: Back,
    component: u32,
    block: u32,
    marks: u8,
}

/// What a slot can be, one bit each.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
enum Mark {
    PrunePoint = 1,
    JumpPoint = 2,
    ForceCheckpoint = 4,
    CallsCallback = 8,
    /// Its function leads to it.
    Reached = 16,
    /// The search is done with it.
    Left = 32,
    /// A block begins here.
    Leader = 64,
}

impl SlotFacts {
    #[inline]
    const fn has(&self, mark: Mark) -> bool {
        self.marks & mark as u8 != 0
    }

    #[inline]
    const fn set(&mut self, mark: Mark) {
        self.marks |= mark as u8;
    }
}

impl Cfg {
    /// Works out the shape of a program whose functions are known, with the checks that the kernel
    /// makes on it before it follows any path.
    pub(crate) fn new(
        input: &Input<'_>,
        layout: &Layout,
        environment: &dyn Environment,
        privileges: Privileges,
    ) -> Check<Cfg> {
        let code = input.code;
        let functions = &layout.functions;
        let mut slots = vec![SlotFacts::default(); code.slots().len()];
        for (number, function) in (0u16..).zip(functions) {
            for slot in &mut slots[function.start as usize..function.end as usize] {
                slot.function = number;
            }
        }
        let calls = Calls::new(code, functions);
        flow::follow(code, functions, &mut slots, privileges.bpf)?;
        flow::check_reached(code, &slots, &calls)?;
        let mut subprograms: Vec<_> =
            functions.iter().map(|function| subprogram(input, function)).collect();
        calls.pass_on(&mut subprograms);
        let starts = functions.iter().map(|function| function.start);
        let blocks = Blocks::new(code, starts, &mut slots);
        registers::mark_live(input, environment, &blocks, &mut slots);
        for (at, insn) in code.iter() {
            slots[at.index()].back = Back::of(insn);
        }
        Ok(Cfg { subprograms, slots, blocks, calls })
    }

    /// The functions, the main function first, by ascending place.
    #[must_use]
    pub fn subprograms(&self) -> &[Subprogram] {
        &self.subprograms
    }

    /// The function that an instruction is part of.
    #[must_use]
    pub fn subprogram_of(&self, at: InsnIdx) -> u16 {
        self.slots[at.index()].function
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
        self.slots[at.index()].has(Mark::PrunePoint)
    }

    /// Whether the instruction before it on a path is not the one before it in the program, so that
    /// walking a path back needs to be told.
    #[inline]
    #[must_use]
    pub fn is_jump_point(&self, at: InsnIdx) -> bool {
        self.slots[at.index()].has(Mark::JumpPoint)
    }

    /// Whether a checkpoint is made here each time.
    #[inline]
    #[must_use]
    pub fn is_force_checkpoint(&self, at: InsnIdx) -> bool {
        self.slots[at.index()].has(Mark::ForceCheckpoint)
    }

    /// Whether it calls a helper that calls a function of the program back at once.
    #[inline]
    #[must_use]
    pub fn calls_callback(&self, at: InsnIdx) -> bool {
        self.slots[at.index()].has(Mark::CallsCallback)
    }

    /// The registers that may be read here or later, before they are written.
    #[inline]
    #[must_use]
    pub fn live_registers(&self, at: InsnIdx) -> Registers {
        self.slots[at.index()].live
    }

    /// What the instruction has a part in where a path is walked back.
    #[inline]
    pub(crate) fn back(&self, at: InsnIdx) -> Back {
        self.slots[at.index()].back
    }

    /// The loop that the instruction is part of (a strongly connected component of its function's
    /// graph), from 1; 0 if it is in none.
    #[inline]
    #[must_use]
    pub fn component(&self, at: InsnIdx) -> u32 {
        self.slots[at.index()].component
    }

    /// The loop that the instruction is part of, as [`Cfg::component`] has it. A call that calls back
    /// at once is one as well, since it may do so any number of times; to Linux 6.18 it is not.
    #[inline]
    pub(crate) fn loop_of(&self, at: InsnIdx) -> u32 {
        match self.component(at) {
            0 if self.calls_callback(at) => u32::MAX - at.0,
            component => component,
        }
    }

    /// That the stack is large enough for all functions that can be active at once, given what a
    /// walk has found each to use, by number.
    pub(crate) fn check_stack(&self, input: &Input<'_>, used: &[StackUse]) -> Check {
        self.calls.check_stack(input, &self.subprograms, used)
    }

    /// The runs of instructions.
    pub(crate) fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// The run that an instruction is part of.
    pub(crate) fn block_of(&self, at: InsnIdx) -> BlockIdx {
        BlockIdx(self.slots[at.index()].block)
    }
}

/// The helper with a number, if there is one.
fn helper(number: i32) -> Option<HelperId> {
    HelperId::from_u32(u32::try_from(number).ok()?)
}

/// A function, without what those it calls do.
fn subprogram(input: &Input<'_>, function: &layout::Function) -> Subprogram {
    let mut subprogram = Subprogram {
        start: InsnIdx(function.start),
        end: InsnIdx(function.end),
        has_tail_call: function.has_tail_call,
        tail_calls: function.has_tail_call,
        changes_packet: false,
        might_sleep: false,
        is_callback: false,
    };
    let insns = (function.start..function.end).filter_map(|at| input.code.get(InsnIdx(at)));
    calls::effects(input, insns, &mut subprogram);
    subprogram
}

/// The instructions that can follow one, within a function.
pub fn successors(code: &Code, at: InsnIdx) -> impl Iterator<Item = InsnIdx> + use<> {
    let slots = flow::successors(code, at.0);
    slots.into_iter().filter(|slot| *slot != flow::NONE).map(InsnIdx)
}
