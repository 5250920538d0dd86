//! Containment: what a run holds lies within what the verifier said of it.
//!
//! The verifier walks every path of an accepted program without pruning, and all states that it
//! comes through are gathered by instruction ([`states`]). Then the program runs in the user engine
//! on random packets, and before each instruction the machine is held against them ([`machine`]):
//! one state must admit all registers and all of the stack at once, numbers by their bits and
//! ranges, pointers by the distance from what they point to. Without pruning, this is what the
//! verifier promises of every run.
//!
//! Without pruning, some programs have too many paths. Those are counted and not looked at.

mod machine;
mod states;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_runtime::context::{Context, SkbContext, XdpContext};
use skep_runtime::memory::{Access, Block, Span};
use skep_runtime::packet::Packet;
use skep_runtime::program::{Helpers, NewProgram};
use skep_runtime::watch::{Moment, Watcher};
use skep_runtime::{Cpu, FixedWorld, Program as Loaded, Run, UserEngine};
use skep_spec::abi::ProgType;
use skep_spec::abi::context::{self, FieldKind};
use skep_spec::insn::Reg;
use skep_spec::{Code, InsnIdx};

pub(crate) use states::States;

use crate::hook::Hook;
use crate::random::Random;
use machine::Machine;

/// The runs of a program.
const RUNS: u64 = 4;

/// Instructions of a run, at most.
const LIMIT: u64 = 5000;

/// Bytes of a context that is plain memory: as many as a program may read.
const PLAIN: usize = 1 << 16;

/// What was compared.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Instructions that were come to.
    pub(crate) moments: u64,
    /// Registers that were said to hold numbers.
    pub(crate) numbers: u64,
    /// Registers that were said to hold pointers.
    pub(crate) pointers: u64,
    /// Pairs of numbers that were said to be equal, or a known distance apart.
    pub(crate) ties: u64,
    /// Slots of the stack that were said to hold zeros, numbers or pointers.
    pub(crate) slots: u64,
    /// Pointers to what runs do not tell the place of.
    pub(crate) unplaced: u64,
}

impl Compared {
    /// Adds others.
    pub(crate) fn add(&mut self, other: Compared) {
        let Compared { moments, numbers, pointers, ties, slots, unplaced } = other;
        self.moments += moments;
        self.numbers += numbers;
        self.pointers += pointers;
        self.ties += ties;
        self.slots += slots;
        self.unplaced += unplaced;
    }
}

/// What came of a program.
pub(crate) enum Contained {
    /// It ran.
    Ran {
        /// How often.
        runs: usize,
        /// What was compared.
        compared: Compared,
        /// Where a run was in no state, if one was: the first such place.
        wrong: Option<String>,
    },
    /// The user engine lacks something that it needs.
    NotLoaded,
}

/// Whether the user engine has what programs of a kind are handed.
pub(crate) fn runs(hook: &Hook) -> bool {
    has_packet(hook.prog_type) || is_plain(hook.prog_type)
}

fn has_packet(prog_type: ProgType) -> bool {
    use ProgType::{
        CgroupSkb, LwtIn, LwtOut, LwtSeg6local, LwtXmit, SchedAct, SchedCls, SkSkb, SocketFilter,
        Xdp,
    };
    let socket_buffer = matches!(
        prog_type,
        CgroupSkb
            | LwtIn
            | LwtOut
            | LwtSeg6local
            | LwtXmit
            | SchedAct
            | SchedCls
            | SkSkb
            | SocketFilter
    );
    socket_buffer || prog_type == Xdp
}

/// Whether the context is memory that holds numbers alone.
fn is_plain(prog_type: ProgType) -> bool {
    match context::of(prog_type) {
        context::Context::Struct(context) => {
            context.layout.fields.iter().all(|field| field.kind == FieldKind::Scalar)
        }
        context::Context::Bytes { .. } => true,
        context::Context::Typed | context::Context::Inherited => false,
    }
}

/// Runs a program, and holds each step against what the verifier said.
pub(crate) fn contain(
    engine: &UserEngine,
    hook: &Hook,
    code: &Code,
    states: &States,
    seed: u64,
) -> Contained {
    let new = NewProgram {
        id: 1,
        name: "",
        prog_type: hook.prog_type,
        expected_attach_type: hook.attach,
        license: "GPL",
        code,
        helpers: Helpers::Linux,
    };
    let find = |fd| engine.map(skep_command::Handle(fd)).ok();
    let Ok(program) = Loaded::load(&new, &find) else { return Contained::NotLoaded };
    let mut guard = Guard::new(states);
    let mut runs = 0;
    for number in 0..RUNS {
        let mut random = Random::new(!seed ^ number);
        guard.begin();
        runs += 1;
        if let Err(fault) = run(hook, Arc::clone(&program), &mut random, &mut guard)
            && guard.wrong.is_none()
        {
            guard.wrong = Some(fault);
        }
        if guard.wrong.is_some() {
            break;
        }
    }
    Contained::Ran { runs, compared: guard.compared, wrong: guard.wrong }
}

/// Runs a program once. What is wrong with it, as the interpreter can tell, is returned.
fn run(
    hook: &Hook,
    program: Arc<Loaded>,
    random: &mut Random,
    guard: &mut Guard<'_>,
) -> Result<(), String> {
    let world = FixedWorld::new(random.next() >> 8, random.next());
    let mut lent = None;
    let context = if has_packet(hook.prog_type) {
        let packet = Packet::new(256, &crate::run::packet(random), 256);
        match hook.prog_type {
            ProgType::Xdp => Context::Xdp(XdpContext::new(packet, 1)),
            _ => Context::Skb(Box::new(SkbContext::new(packet, 14, 14))),
        }
    } else {
        let memory = Arc::new(Block::zeroed(PLAIN));
        let bytes: Vec<u8> =
            (0..512).flat_map(|_| (random.next() >> random.below(64)).to_le_bytes()).collect();
        if let Some(range) = memory.range(0, bytes.len()) {
            range.copy_from(&bytes);
        }
        lent = Some(Span::of_block(&memory, Access::ReadWrite));
        Context::Plain([memory.addr(), 0])
    };
    let mut run = Run::new(&world, Cpu(0), program, context);
    run.set_instruction_limit(LIMIT);
    if let Some(lent) = lent {
        run.lend(lent);
    }
    run.watch(guard);
    match run.start() {
        Ok(_) => Ok(()),
        Err(fault) if is_unsafe(fault.kind()) => Err(format!("the interpreter: {fault}")),
        Err(_) => Ok(()),
    }
}

/// Whether a fault is one that no accepted program may end with. Where the context is lent memory
/// the interpreter does not know it for one.
fn is_unsafe(fault: &skep_runtime::FaultKind) -> bool {
    use skep_runtime::FaultKind;
    matches!(
        fault,
        FaultKind::Memory { .. }
            | FaultKind::Misaligned { .. }
            | FaultKind::Context { .. }
            | FaultKind::CallDepth(_)
            | FaultKind::NoFunction(_)
            | FaultKind::NoMap(_)
            | FaultKind::Helper(_)
            | FaultKind::RecordKept(_)
    )
}

/// Holds each step of a run against the states.
struct Guard<'s> {
    states: &'s States,
    /// The address of the context.
    context: u64,
    /// The frame pointer of each active function.
    frames: Vec<u64>,
    /// By instruction, which of its states the machine was in the last time.
    last: BTreeMap<InsnIdx, usize>,
    compared: Compared,
    wrong: Option<String>,
}

impl<'s> Guard<'s> {
    fn new(states: &'s States) -> Guard<'s> {
        let compared = Compared::default();
        let (frames, last) = (Vec::new(), BTreeMap::new());
        Guard { states, context: 0, frames, last, compared, wrong: None }
    }

    /// A run begins.
    fn begin(&mut self) {
        self.frames.clear();
    }
}

impl Watcher for Guard<'_> {
    fn before(&mut self, moment: &Moment<'_, '_>) {
        if self.wrong.is_some() {
            return;
        }
        if self.frames.is_empty() {
            self.context = moment.register(Reg::R1);
        }
        self.frames.truncate(moment.depth());
        self.frames.push(moment.register(Reg::FP));
        let at: InsnIdx = moment.at();
        let machine = Machine::new(moment, self.context, &self.frames, self.states.maps());
        self.compared.moments += 1;
        let states = self.states.at(at);
        // Mostly the state is the one behind that of the last time.
        let last = self.last.entry(at).or_default();
        let mut nearest = None;
        for index in (*last..states.len()).chain(0..*last) {
            if states[index].frames.len() != self.frames.len() {
                continue;
            }
            match machine.is_within(&states[index]) {
                Ok(compared) => {
                    *last = index;
                    return self.compared.add(compared);
                }
                Err(difference) => nearest = nearest.or(Some(difference)),
            }
        }
        self.wrong = Some(match nearest {
            Some(difference) => format!("instruction {at}: {difference}"),
            None => format!("instruction {at}: come to, and said not to be"),
        });
    }
}
