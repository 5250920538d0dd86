//! The loop that executes operations.
//!
//! Instructions are counted where control leaves a straight line, not one by one: what was executed
//! since the line began is a difference of two indices. The limit is therefore noticed at the next
//! taken jump, call or exit, at most a program's length late.

use std::sync::Arc;

use skep_spec::insn::{AluOp, Condition, Reg, Size, Width};
use skep_spec::semantics;

use super::access;
use super::op::{Op, Registers, operations};
use super::rare::{self, Then};
use crate::fault::{Fault, FaultKind};
use crate::memory::Scalar;
use crate::program::Program;
use crate::run::Run;

/// Why the loop was left.
enum Next {
    /// The function that it was entered for has returned.
    Returned,
    /// To go on at the index in another program: a tail call, or the return from one.
    Program(usize),
}

/// Runs a function of the current program to its end and returns its `r0`.
pub(super) fn run_function(run: &mut Run<'_>, entry: u32, args: [u64; 5]) -> Result<u64, Fault> {
    let base = run.frames.len();
    let mut regs = Registers::new(args, run.regions.frame_pointer());
    let mut at = entry as usize;
    loop {
        let program = Arc::clone(run.program());
        let left = if run.is_watched() {
            steps::<true>(run, &program, &mut regs, at, base)
        } else {
            steps::<false>(run, &program, &mut regs, at, base)
        };
        match left {
            Ok(Next::Returned) => return Ok(regs.of(Reg::R0)),
            Ok(Next::Program(next)) => at = next,
            Err((fault, at)) => {
                run.frames.truncate(base);
                return Err(fault.located(program.name(), program.translated().slots[at]));
            }
        }
    }
}

macro_rules! define_steps {
    (
        alu { $( $alu:ident: $ar64:ident $ai64:ident $ar32:ident $ai32:ident, )* }
        branch { $( $cond:ident: $br64:ident $bi64:ident $br32:ident $bi32:ident, )* }
    ) => {
        /// Executes operations of one program from an index on. An error comes with the index of
        /// the operation that failed.
        fn steps<const WATCHED: bool>(
            run: &mut Run<'_>,
            program: &Program,
            regs: &mut Registers,
            mut at: usize,
            base: usize,
        ) -> Result<Next, (Fault, usize)> {
            let ops = program.translated().ops.as_slice();
            // Where the straight line began that is being executed.
            let mut line = at;

            // Goes elsewhere after having counted the line up to here.
            macro_rules! go {
                ($to:expr) => {{
                    let executed = (at - line) as u64;
                    match run.left.checked_sub(executed) {
                        Some(left) => run.left = left,
                        None => return Err((over_limit(run), at - 1)),
                    }
                    at = $to as usize;
                    line = at;
                }};
            }
            macro_rules! alu {
                ($width:ident, $op:ident, $dst:ident, $src:expr) => {
                    regs.set($dst, semantics::alu(Width::$width, AluOp::$op, regs.get($dst), $src))
                };
            }
            macro_rules! branch {
                ($width:ident, $condition:ident, $dst:ident, $src:expr, $to:ident) => {
                    if semantics::condition(
                        Width::$width,
                        Condition::$condition,
                        regs.get($dst),
                        $src,
                    ) {
                        go!($to);
                    }
                };
            }
            macro_rules! load {
                ($number:ty, $size:ident, $dst:ident, $src:ident, $off:ident) => {{
                    let addr = address(regs.get($src), $off);
                    let value = match run.regions.load_near::<$number>(addr) {
                        Some(value) => u64::from(value),
                        None => match access::load(run, addr, Size::$size, false) {
                            Ok(value) => value,
                            Err(fault) => return Err((failed(run, fault, at - line), at - 1)),
                        },
                    };
                    regs.set($dst, value);
                }};
            }
            macro_rules! store {
                ($number:ty, $size:ident, $dst:ident, $src:ident, $off:ident) => {{
                    let addr = address(regs.get($dst), $off);
                    let value = regs.get($src);
                    if run.regions.store_near(addr, <$number>::low_of(value)).is_none()
                        && let Err(fault) = access::store(run, addr, Size::$size, value)
                    {
                        return Err((failed(run, fault, at - line), at - 1));
                    }
                }};
            }

            loop {
                // In bounds: targets are, and the last operation goes elsewhere (`translate`).
                let op = ops[at];
                if WATCHED {
                    run.show(program.translated().slots[at], regs);
                }
                at += 1;
                match op {
                    $(
                        Op::$ar64 { dst, src } => alu!(W64, $alu, dst, regs.get(src)),
                        Op::$ai64 { dst, imm } => alu!(W64, $alu, dst, extend(imm)),
                        Op::$ar32 { dst, src } => alu!(W32, $alu, dst, regs.get(src)),
                        Op::$ai32 { dst, imm } => alu!(W32, $alu, dst, extend(imm)),
                    )*
                    $(
                        Op::$br64 { dst, src, to } => branch!(W64, $cond, dst, regs.get(src), to),
                        Op::$bi64 { dst, imm, to } => branch!(W64, $cond, dst, extend(imm), to),
                        Op::$br32 { dst, src, to } => branch!(W32, $cond, dst, regs.get(src), to),
                        Op::$bi32 { dst, imm, to } => branch!(W32, $cond, dst, extend(imm), to),
                    )*
                    Op::Mov64Reg { dst, src } => regs.set(dst, regs.get(src)),
                    Op::Mov32Reg { dst, src } => {
                        regs.set(dst, semantics::mov(Width::W32, regs.get(src)));
                    }
                    Op::Const { dst, low, high } => {
                        regs.set(dst, u64::from(high) << 32 | u64::from(low));
                    }
                    Op::Load8 { dst, src, off } => load!(u8, B, dst, src, off),
                    Op::Load16 { dst, src, off } => load!(u16, H, dst, src, off),
                    Op::Load32 { dst, src, off } => load!(u32, W, dst, src, off),
                    Op::Load64 { dst, src, off } => load!(u64, DW, dst, src, off),
                    Op::Store8 { dst, src, off } => store!(u8, B, dst, src, off),
                    Op::Store16 { dst, src, off } => store!(u16, H, dst, src, off),
                    Op::Store32 { dst, src, off } => store!(u32, W, dst, src, off),
                    Op::Store64 { dst, src, off } => store!(u64, DW, dst, src, off),
                    Op::Goto { to } => go!(to),
                    Op::Rare { index } => {
                        go!(at);
                        match rare::execute(run, program, regs, index, at, base) {
                            Ok(Then::On) => {}
                            Ok(Then::To(to)) => (at, line) = (to, to),
                            Ok(Then::Program(to)) => return Ok(Next::Program(to)),
                            Ok(Then::Out) => return Ok(Next::Returned),
                            Err(fault) => return Err((fault, at - 1)),
                        }
                    }
                }
            }
        }
    };
}

operations!(define_steps);

/// The fault of a run that took too long.
#[cold]
fn over_limit(run: &mut Run<'_>) -> Fault {
    run.left = 0;
    Fault::new(FaultKind::InstructionLimit(run.limit))
}

/// A fault in the midst of a straight line, of which so many instructions were executed.
#[cold]
fn failed(run: &mut Run<'_>, fault: Fault, executed: usize) -> Fault {
    run.left = run.left.saturating_sub(executed as u64);
    fault
}

/// A register plus an instruction's offset.
#[inline(always)]
pub(super) fn address(base: u64, off: i16) -> u64 {
    base.wrapping_add_signed(i64::from(off))
}

/// An immediate as a 64-bit operand.
#[inline(always)]
pub(super) fn extend(imm: i32) -> u64 {
    i64::from(imm).cast_unsigned()
}
