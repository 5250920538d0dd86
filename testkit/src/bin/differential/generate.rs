//! Programs by chance, each from its seed: structured ones, most of which are valid.
//!
//! A program is a row of *steps*. A step is a small piece of code with a point: bytes of a packet
//! behind a bounds check, the value of a map behind a null check, a loop, a call. While it writes,
//! the generator believes something of every register ([`model`]) and mostly keeps to it. Then
//! [`mutate`](crate::mutate) breaks some programs by one instruction.

mod arithmetic;
mod branches;
mod calls;
mod context;
mod helpers;
mod map_values;
mod model;
mod packet;
mod stack;

use skep_spec::abi::verdict::{self, Allowed};
use skep_spec::insn::{Condition, Insn, Reg, Width};

pub(crate) use arithmetic::OPS;
pub(crate) use branches::CONDITIONS;
use model::{Function, Kind};

use crate::assembler::{Assembler, Label};
use crate::hook::Hook;
use crate::random::Random;
use calls::Pending;

/// The register that holds the context.
const CTX: Reg = Reg::R6;
/// The registers that survive calls, but for the context's.
const SAVED: [Reg; 3] = [Reg::R7, Reg::R8, Reg::R9];
/// The registers that a step may take for its results.
const TARGETS: [Reg; 9] =
    [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5, Reg::R7, Reg::R8, Reg::R9];

/// No step is begun past so many instructions.
const LENGTH: usize = 140;

/// A program that was made.
pub(crate) struct Generated {
    /// The instructions; maps are known by number.
    pub(crate) insns: Vec<Insn>,
    /// The first slot of each function.
    pub(crate) functions: Vec<u32>,
    /// Whether what it does hangs on its input alone.
    pub(crate) repeatable: bool,
}

/// Makes a program.
pub(crate) fn generate(random: &mut Random, hook: &Hook, maps: &[usize]) -> Option<Generated> {
    let mut assembler = Assembler::default();
    let (bail, entry) = (assembler.label(), assembler.label());
    assembler.place(entry);
    let mut generator = Generator {
        random,
        assembler,
        hook,
        maps,
        function: Function::new(&[Kind::Context], 256),
        bail,
        may_bail: true,
        nesting: 0,
        pending: Vec::new(),
        functions: vec![entry],
        repeatable: true,
        plain: false,
    };
    generator.main();
    let Generator { assembler, functions, repeatable, .. } = generator;
    let (insns, functions) = assembler.finish(&functions)?;
    Some(Generated { insns, functions, repeatable })
}

/// A program in the making.
struct Generator<'a> {
    random: &'a mut Random,
    assembler: Assembler,
    hook: &'a Hook,
    maps: &'a [usize],
    function: Function,
    /// The end of the function, for ways that give up.
    bail: Label,
    /// Whether one may give up here: not while something is held that must be given back.
    may_bail: bool,
    nesting: u32,
    pending: Vec<Pending>,
    functions: Vec<Label>,
    repeatable: bool,
    /// Whether only steps are taken that call nothing and change no kind.
    plain: bool,
}

/// What a step is about.
#[derive(Clone, Copy, Debug)]
enum Step {
    Arithmetic,
    StackWrite,
    StackRead,
    Spill,
    Fill,
    VariableStack,
    ContextLoad,
    ContextStore,
    Packet,
    PacketLoad,
    Lookup,
    DirectValue,
    Memory,
    Atomic,
    Helper,
    Reserve,
    Socket,
    TailCall,
    If,
    Compare,
    Loop,
    Linked,
    Pointer,
    LocalCall,
    LoopCallback,
    MapCallback,
    Dead,
}

const STEPS: &[(usize, Step)] = &[
    (18, Step::Arithmetic),
    (6, Step::StackWrite),
    (6, Step::StackRead),
    (5, Step::Spill),
    (5, Step::Fill),
    (4, Step::VariableStack),
    (8, Step::ContextLoad),
    (3, Step::ContextStore),
    (10, Step::Packet),
    (10, Step::PacketLoad),
    (9, Step::Lookup),
    (5, Step::DirectValue),
    (8, Step::Memory),
    (14, Step::Atomic),
    (16, Step::Helper),
    (3, Step::Reserve),
    (5, Step::Socket),
    (2, Step::TailCall),
    (6, Step::If),
    (9, Step::Compare),
    (4, Step::Loop),
    (5, Step::Linked),
    (4, Step::Pointer),
    (4, Step::LocalCall),
    (3, Step::LoopCallback),
    (2, Step::MapCallback),
    (2, Step::Dead),
];

/// Steps that call nothing and give no register another kind than a number.
const PLAIN_STEPS: &[(usize, Step)] = &[
    (10, Step::Arithmetic),
    (4, Step::StackWrite),
    (4, Step::StackRead),
    (2, Step::VariableStack),
    (3, Step::ContextLoad),
    (4, Step::Memory),
    (4, Step::Atomic),
    (2, Step::If),
    (1, Step::Compare),
    (2, Step::Linked),
    (1, Step::Dead),
];

impl Generator<'_> {
    fn main(&mut self) {
        self.assembler.mov(CTX, Reg::R1);
        self.function.set(CTX, Kind::Context);
        for reg in SAVED {
            if self.random.chance(70) {
                self.number(reg);
            }
        }
        let steps = 1 + self.random.below(9);
        self.steps(steps);
        self.end(true);
        while let Some(pending) = self.pending.pop() {
            self.pending_function(pending);
        }
    }

    /// Writes a number of steps.
    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            if self.assembler.len() < LENGTH {
                self.step();
            }
        }
    }

    fn step(&mut self) {
        let steps = if self.plain { PLAIN_STEPS } else { STEPS };
        match self.random.weighted(steps) {
            Step::Arithmetic => self.arithmetic(),
            Step::StackWrite => self.stack_write(),
            Step::StackRead => self.stack_read(),
            Step::Spill => self.spill(),
            Step::Fill => self.fill(),
            Step::VariableStack => self.variable_stack(),
            Step::ContextLoad => self.context_load(),
            Step::ContextStore => self.context_store(),
            Step::Packet => self.packet(),
            Step::PacketLoad => self.packet_load(),
            Step::Lookup => self.lookup(),
            Step::DirectValue => self.direct_value(),
            Step::Memory => self.memory(),
            Step::Atomic => self.atomic(),
            Step::Helper => self.helper(),
            Step::Reserve => self.reserve(),
            Step::Socket => self.socket(),
            Step::TailCall => self.tail_call(),
            Step::If => self.branch(),
            // In a loop they would make too many paths.
            Step::Compare if self.nesting > 0 => self.arithmetic(),
            Step::Compare => self.comparisons(),
            Step::Loop => self.bounded_loop(),
            Step::Linked => self.linked(),
            Step::Pointer => self.pointer(),
            Step::LocalCall => self.local_call(),
            Step::LoopCallback => self.loop_callback(),
            Step::MapCallback => self.map_callback(),
            Step::Dead => self.dead(),
        }
    }

    /// The end of a function: a way with a result, and the one of those that give up.
    fn end(&mut self, main: bool) {
        let allowed = if main {
            verdict::allowed(self.hook.prog_type, self.hook.attach)
        } else {
            Allowed::Any
        };
        let numbers = self.function.regs(|kind| matches!(kind, Kind::Scalar(_)));
        match allowed {
            Allowed::Any | Allowed::ByTarget if !numbers.is_empty() => {
                let reg = self.random.pick(&numbers);
                self.assembler.mov(Reg::R0, reg);
                for other in numbers.into_iter().filter(|other| *other != Reg::R0).take(3) {
                    self.assembler.alu(skep_spec::insn::AluOp::Xor, Reg::R0, other);
                }
            }
            Allowed::Range(0, most) if !numbers.is_empty() && (most == 1 || most == 3) => {
                let reg = self.random.pick(&numbers);
                self.assembler.mov(Reg::R0, reg);
                self.assembler.alu(skep_spec::insn::AluOp::And, Reg::R0, most);
            }
            Allowed::Range(least, most) => {
                let result = self.random.between(least, most);
                self.assembler.mov(Reg::R0, result);
            }
            Allowed::Any | Allowed::ByTarget => self.assembler.mov(Reg::R0, 0),
        }
        self.assembler.emit(Insn::Exit);
        if !self.assembler.is_used(self.bail) {
            return;
        }
        self.assembler.place(self.bail);
        let least = match allowed {
            Allowed::Range(least, _) => least,
            Allowed::Any | Allowed::ByTarget => 0,
        };
        self.assembler.mov(Reg::R0, least);
        self.assembler.emit(Insn::Exit);
    }

    /// A register for a result: most often one that holds nothing of worth.
    fn target(&mut self) -> Reg {
        let empty = |reg: &Reg| {
            self.function.kind(*reg) == Kind::Unreadable && !self.function.pinned.contains(reg)
        };
        let unused: Vec<Reg> = TARGETS.into_iter().filter(empty).collect();
        if !unused.is_empty() && self.random.chance(50) {
            return self.random.pick(&unused);
        }
        self.target_not(&[])
    }

    /// Puts some number into a register.
    fn number(&mut self, reg: Reg) {
        let value = self.random.immediate();
        if self.random.chance(15) {
            let wide = self.random.next();
            self.assembler.load_imm64(reg, skep_spec::insn::Imm64::Value(wide));
            self.function.set(reg, Kind::Scalar(wide));
        } else {
            self.assembler.mov(reg, value);
            self.function.set(reg, Kind::Scalar(i64::from(value).cast_unsigned()));
        }
    }

    /// A register with a number, that may be changed.
    fn scalar(&mut self) -> Reg {
        let known = self.function.regs(|kind| matches!(kind, Kind::Scalar(_)));
        if !known.is_empty() && self.random.chance(85) {
            return self.random.pick(&known);
        }
        let reg = self.target();
        self.number(reg);
        reg
    }

    /// A register with a number, other than these.
    fn scalar_not(&mut self, not: &[Reg]) -> Reg {
        let known = self.function.regs(|kind| matches!(kind, Kind::Scalar(_)));
        let known: Vec<Reg> = known.into_iter().filter(|reg| !not.contains(reg)).collect();
        if !known.is_empty() && self.random.chance(85) {
            return self.random.pick(&known);
        }
        let reg = self.target_not(not);
        self.number(reg);
        reg
    }

    /// A register for a result, other than these.
    fn target_not(&mut self, not: &[Reg]) -> Reg {
        let other = |reg: &Reg| !not.contains(reg);
        let free = |reg: &Reg| other(reg) && !self.function.pinned.contains(reg);
        let mut free: Vec<Reg> = TARGETS.into_iter().filter(free).collect();
        if free.is_empty() {
            // All have their use: one loses it, and the program perhaps its verdict.
            free = TARGETS.into_iter().filter(other).collect();
        }
        self.random.pick(&free)
    }

    /// Code that runs only if a check succeeds. `check` jumps to the label if it fails: to the end
    /// of the function, or behind the code.
    fn guarded(&mut self, check: impl FnOnce(&mut Self, Label), body: impl FnOnce(&mut Self)) {
        if self.may_bail && self.random.chance(60) {
            let bail = self.bail;
            check(self, bail);
            body(self);
            return;
        }
        let behind = self.assembler.label();
        check(self, behind);
        let before = self.function.clone();
        body(self);
        self.assembler.place(behind);
        self.function = before.meet(&self.function);
    }

    /// Jumps to the label if a register is zero, in one of several ways.
    fn null_check(&mut self, reg: Reg, to: Label) {
        match self.random.below(8) {
            0 => {
                let behind = self.assembler.label();
                self.assembler.branch(Width::W64, Condition::Ne, reg, 0, behind);
                self.assembler.goto(to);
                self.assembler.place(behind);
            }
            1 => {
                let behind = self.assembler.label();
                self.assembler.branch(Width::W64, Condition::Ne, reg, 0, behind);
                self.assembler.goto_long(to);
                self.assembler.place(behind);
            }
            _ => self.assembler.branch(Width::W64, Condition::Eq, reg, 0, to),
        }
    }
}
