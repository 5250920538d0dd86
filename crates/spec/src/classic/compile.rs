//! The way back: eBPF programs as classic filters.
//!
//! What can be compiled: programs without maps, loops and calls, that load from the packet as
//! classic filters do, or that judge system calls. Other programs are an error that names the
//! instruction and says why.
//!
//! # How
//!
//! Each register that ever holds a number, and each number on the stack, becomes a word of `M[]`;
//! an instruction loads its operands from there into `A` and `X` and stores its result. Registers
//! have 64 bits and words 32, so for each instruction it is known what the upper half of a register
//! holds (`number`): mostly zero, and then 32 bits tell all. An instruction whose result would
//! depend on an upper half that is not known is an error.
//!
//! What is computed is the program's result for every input on which the program is safe. That it is
//! safe is the verifier's business: a program that it rejects may compile to anything.

mod arithmetic;
mod branch;
mod emit;
mod memory;
mod number;
mod state;

use thiserror::Error;

use super::check::{CheckError, CheckErrorKind, Filter, Rules, check};
use super::encode::encode;
use super::insn as classic;
use super::insn::{Cell, Register};
use crate::code::{Code, InsnIdx};
use crate::insn::{Callee, Imm64, Insn, Operand, Reg, Width};
use emit::Emitter;
use number::Number;
use state::{Home, State, Value};

/// An instruction that no classic filter can express.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("insn {at}: {insn}: {kind}")]
pub struct CompileError {
    /// Its slot.
    pub at: InsnIdx,
    /// The instruction.
    pub insn: Insn,
    /// Why.
    pub kind: CompileErrorKind,
}

/// Why an instruction cannot be expressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum CompileErrorKind {
    /// A jump backwards.
    #[error("classic filters jump forward only, so that they have no loops")]
    Loop,
    /// A jump to where no instruction begins.
    #[error("the jump leads to no instruction")]
    NoTarget,
    /// An instruction that classic BPF has nothing for.
    #[error("classic filters have no {what}")]
    Missing {
        /// What they lack.
        what: &'static str,
    },
    /// The result depends on the upper half of a register, which may hold anything.
    #[error("classic filters compute in 32 bits, and the upper half of {reg} matters here")]
    Wide {
        /// The register.
        reg: Reg,
    },
    /// Something else than a number is computed with.
    #[error("classic filters compute with numbers only, and {reg} holds {found}")]
    NoNumber {
        /// The register.
        reg: Reg,
        /// What it holds.
        found: &'static str,
    },
    /// An address that is not the context's or the stack's.
    #[error(
        "classic filters have no addresses, and {reg} is neither the context's nor the stack's"
    )]
    NoAddress {
        /// The register that holds the address.
        reg: Reg,
    },
    /// A field of the context that no load can name.
    #[error("no load of a classic filter gives {bytes} bytes at offset {off} of the context{why}")]
    Context {
        /// The offset in the context.
        off: i64,
        /// The size of the access.
        bytes: usize,
        /// Empty, or what is special about that field.
        why: &'static str,
    },
    /// A load from the stack that does not match a store.
    #[error("no number of {bytes} bytes was stored at offset {off} of the stack on every path")]
    Stack {
        /// The offset from the frame pointer.
        off: i64,
        /// The size of the access.
        bytes: usize,
    },
    /// More values than there is memory.
    #[error("the program keeps more values than the {} words of a classic filter", Cell::COUNT)]
    TooManyValues,
    /// The program can go on behind its last instruction.
    #[error("the program goes on behind its end")]
    NoExit,
    /// The filter is longer than the kernel takes, or breaks another rule.
    #[error("the filter that it makes is refused: {0}")]
    Refused(CheckError),
}

type Result<T, E = CompileErrorKind> = std::result::Result<T, E>;

/// Compiles a program to a filter, which the kernel's rules accept.
///
/// # Errors
///
/// The first instruction that cannot be expressed.
pub fn compile(code: &Code, rules: Rules) -> Result<Filter, CompileError> {
    let mut compiler = Compiler::new(code, rules);
    for (at, insn) in code.iter() {
        compiler.insn(at, *insn).map_err(|kind| CompileError { at, insn: *insn, kind })?;
    }
    let last = code.iter().last().map_or((InsnIdx(0), Insn::Exit), |(at, insn)| (at, *insn));
    let error = |kind| CompileError { at: last.0, insn: last.1, kind };
    if compiler.state.is_some() {
        return Err(error(CompileErrorKind::NoExit));
    }
    accepted(compiler.out.finish(), rules)
        .map_err(|refused| error(CompileErrorKind::Refused(refused)))
}

/// The filter, with words set to zero at its beginning that the kernel's rules want written: they
/// count as written only what is written wherever the text came from, not where the filter did.
fn accepted(mut insns: Vec<classic::Insn>, rules: Rules) -> Result<Filter, CheckError> {
    loop {
        match check(&encode(&insns), rules) {
            Err(CheckError::Insn { at: _, kind: CheckErrorKind::Uninitialized { cell } })
                if !insns.starts_with(&[classic::Insn::Store { from: Register::A, cell }]) =>
            {
                insns.insert(0, classic::Insn::Store { from: Register::A, cell });
            }
            checked => return checked,
        }
    }
}

/// A filter in the making.
struct Compiler<'a> {
    code: &'a Code,
    rules: Rules,
    out: Emitter,
    /// What is known of registers and stack before the next instruction; `None` where none goes on.
    state: Option<State>,
    /// The same at the targets of jumps, by slot.
    at_targets: Vec<Option<State>>,
}

impl<'a> Compiler<'a> {
    fn new(code: &'a Code, rules: Rules) -> Compiler<'a> {
        let at_targets = vec![None; code.len() as usize];
        Compiler { code, rules, out: Emitter::new(), state: Some(State::entry()), at_targets }
    }

    fn insn(&mut self, at: InsnIdx, insn: Insn) -> Result<()> {
        if let Some(other) = self.at_targets.get_mut(at.index()).and_then(Option::take) {
            self.out.bind(at);
            self.state = Some(match self.state.take() {
                Some(state) => state.join(&other),
                None => other,
            });
        }
        // What is not reached says nothing.
        let Some(mut state) = self.state.take() else { return Ok(()) };
        let goes_on = self.reached(at, insn, &mut state)?;
        self.state = goes_on.then_some(state);
        Ok(())
    }

    /// Compiles an instruction that is reached, and tells whether the next one is reached from it.
    fn reached(&mut self, at: InsnIdx, insn: Insn, state: &mut State) -> Result<bool> {
        match insn {
            Insn::Alu { width, op, dst, src } => self.alu(state, width, op, dst, src)?,
            Insn::Neg { width, dst } => self.neg(state, width, dst)?,
            Insn::Mov { width, dst, src } => self.mov(state, width, dst, src)?,
            Insn::MovSx { width, from, dst, src } => self.mov_sx(state, width, from, dst, src)?,
            Insn::Swap { kind, size, dst } => self.swap(state, kind, size, dst)?,
            Insn::LoadImm64 { dst, imm } => self.imm64(state, dst, imm)?,
            Insn::LoadPacket { size, index, imm } => self.load_packet(state, size, index, imm)?,
            Insn::Load { size, signed, dst, src, off } => {
                self.load(state, size, signed, dst, src, off)?;
            }
            Insn::Store { size, dst, off, src } => self.store(state, size, dst, off, src)?,
            Insn::Goto { off } => return self.goto(at, off.into(), state),
            Insn::GotoLong { imm } => return self.goto(at, imm, state),
            Insn::Branch { width, cond, dst, src, off } => {
                return self.branch(at, state, branch::Test { width, cond, dst, src }, off);
            }
            Insn::Call(callee) => self.call(state, callee)?,
            Insn::Exit => return self.exit(state),
            Insn::AddrSpaceCast { .. } => return missing("address spaces"),
            Insn::Atomic { .. } => return missing("atomic operations"),
            Insn::LoadAcquire { .. } | Insn::StoreRelease { .. } => {
                return missing("ordered accesses");
            }
            Insn::MayGoto { .. } => return missing("loops"),
        }
        Ok(true)
    }

    fn imm64(&mut self, state: &mut State, dst: Reg, imm: Imm64) -> Result<()> {
        let Imm64::Value(value) = imm else { return missing("maps, functions and variables") };
        self.out.load_constant(low32(value));
        self.define(state, dst, Number::constant(value))
    }

    /// The two helpers whose answers an ancillary load gives.
    fn call(&mut self, state: &mut State, callee: Callee) -> Result<()> {
        let asked =
            super::fields::HELPERS.iter().find(|(helper, _)| callee == Callee::Helper(*helper));
        match (asked, self.rules) {
            (Some((_, field)), Rules::Socket) => {
                state.forget_arguments();
                self.out.load_ancillary(*field);
                self.define(state, Reg::R0, Number::ANY32)
            }
            (Some(_) | None, Rules::Socket | Rules::Seccomp) => missing("calls"),
        }
    }

    fn exit(&mut self, state: &State) -> Result<bool> {
        match state.number(Reg::R0)? {
            Number::High => self.out.emit(classic::Insn::Return(classic::Returned::K(0))),
            number => match number.low_constant() {
                Some(k) => self.out.emit(classic::Insn::Return(classic::Returned::K(k))),
                None => {
                    self.out.load_a(Home::Reg(Reg::R0))?;
                    self.out.emit(classic::Insn::Return(classic::Returned::A));
                }
            },
        }
        Ok(false)
    }

    /// The state at a jump's target, which must lie ahead.
    fn jump_to(&mut self, at: InsnIdx, distance: i32, state: &State) -> Result<InsnIdx> {
        let target = at.jump(distance).ok_or(CompileErrorKind::NoTarget)?;
        if target <= at {
            return Err(CompileErrorKind::Loop);
        }
        if self.code.get(target).is_none() {
            return Err(CompileErrorKind::NoTarget);
        }
        let place = self.at_targets.get_mut(target.index()).ok_or(CompileErrorKind::NoTarget)?;
        *place = Some(match place.take() {
            Some(other) => other.join(state),
            None => state.clone(),
        });
        Ok(target)
    }

    fn goto(&mut self, at: InsnIdx, distance: i32, state: &State) -> Result<bool> {
        let target = self.jump_to(at, distance, state)?;
        self.out.goto(target);
        Ok(false)
    }

    /// Says that `A` is a register's new value.
    fn define(&mut self, state: &mut State, dst: Reg, number: Number) -> Result<()> {
        self.out.store_a(Home::Reg(dst))?;
        state.set(dst, Value::Number(number));
        Ok(())
    }

    /// What is known of an operand.
    fn operand(state: &State, width: Width, src: Operand) -> Result<Number> {
        match src {
            Operand::Reg(reg) => state.number(reg),
            Operand::Imm(imm) => Ok(Number::immediate(width, imm)),
        }
    }

    /// The second operand of an instruction on `A`.
    fn source(&mut self, src: Operand) -> Result<classic::Source> {
        match src {
            Operand::Reg(reg) => {
                self.out.load_x(Home::Reg(reg))?;
                Ok(classic::Source::X)
            }
            Operand::Imm(imm) => Ok(classic::Source::K(imm.cast_unsigned())),
        }
    }
}

fn missing<T>(what: &'static str) -> Result<T> {
    Err(CompileErrorKind::Missing { what })
}

/// The lower half of a number.
#[expect(clippy::cast_possible_truncation, reason = "the upper half is to go")]
fn low32(value: u64) -> u32 {
    value as u32
}
