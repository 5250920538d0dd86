//! The loop that executes operations.
//!
//! Instructions are counted where control leaves a straight line, not one by one: what was executed
//! since the line began is a difference of two indices. The limit is therefore noticed at the next
//! taken jump, call or exit, at most a program's length late.

use std::sync::Arc;

use skep_spec::insn::{AluOp, Condition, Reg, Size, Width};
use skep_spec::semantics;

use super::access;
use super::calls::{self, Left};
use super::op::{Op, Registers, operations};
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
        match steps(run, &program, &mut regs, at, base) {
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
        fn steps(
            run: &mut Run<'_>,
            program: &Program,
            regs: &mut Registers,
            mut at: usize,
            base: usize,
        ) -> Result<Next, (Fault, usize)> {
            let code = program.translated();
            let ops = code.ops.as_slice();
            // Where the straight line began that is being executed.
            let mut line = at;

            // Counts the line up to the current operation.
            macro_rules! count {
                () => {
                    let executed = (at - line) as u64;
                    run.executed += executed;
                    if executed > run.left {
                        return Err((Fault::new(FaultKind::InstructionLimit(run.limit)), at - 1));
                    }
                    run.left -= executed;
                };
            }
            macro_rules! go {
                ($to:expr) => {{
                    count!();
                    at = $to as usize;
                    line = at;
                }};
            }
            macro_rules! attempt {
                ($result:expr) => {
                    match $result {
                        Ok(value) => value,
                        Err(fault) => {
                            run.executed += (at - line) as u64;
                            return Err((fault, at - 1));
                        }
                    }
                };
            }
            macro_rules! alu {
                ($width:ident, $op:ident, $dst:ident, $src:expr) => {
                    regs.set($dst, semantics::alu(Width::$width, AluOp::$op, regs.get($dst), $src))
                };
            }
            macro_rules! branch {
                ($width:ident, $condition:ident, $dst:ident, $src:expr, $to:ident) => {
                    if semantics::condition(Width::$width, Condition::$condition, regs.get($dst), $src) {
                        go!($to);
                    }
                };
            }
            macro_rules! load {
                ($number:ty, $size:ident, $dst:ident, $src:ident, $off:ident) => {{
                    let addr = address(regs.get($src), $off);
                    let value = match run.regions.load::<$number>(addr) {
                        Some(value) => u64::from(value),
                        None => attempt!(access::load(run, addr, Size::$size, false)),
                    };
                    regs.set($dst, value);
                }};
            }
            macro_rules! store {
                ($number:ty, $size:ident, $dst:ident, $src:ident, $off:ident) => {{
                    let addr = address(regs.get($dst), $off);
                    let value = regs.get($src);
                    if run.regions.store(addr, <$number>::low_of(value)).is_none() {
                        attempt!(access::store(run, addr, Size::$size, value));
                    }
                }};
            }

            macro_rules! leave {
                () => {{
                    count!();
                    match calls::leave(run, regs, base) {
                        Left::To(to) => (at, line) = (to, to),
                        Left::Program(to) => return Ok(Next::Program(to)),
                        Left::Out => return Ok(Next::Returned),
                    }
                }};
            }
            // A packet load that fails ends the function with 0.
            macro_rules! load_packet {
                ($size:ident, $off:ident) => {{
                    let value = attempt!(access::load_packet(run, regs, $size, $off));
                    regs.put(Reg::R0, value.unwrap_or(0));
                    if value.is_none() {
                        leave!();
                    }
                }};
            }

            loop {
                // In bounds: targets are, and the last operation goes elsewhere (`translate`).
                let op = ops[at];
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
                    Op::Neg { width, dst } => regs.set(dst, semantics::neg(width, regs.get(dst))),
                    Op::Mov64Reg { dst, src } => regs.set(dst, regs.get(src)),
                    Op::Mov32Reg { dst, src } => {
                        regs.set(dst, semantics::mov(Width::W32, regs.get(src)));
                    }
                    Op::Const { dst, low, high } => {
                        regs.set(dst, u64::from(high) << 32 | u64::from(low));
                    }
                    Op::MovSx { width, from, dst, src } => {
                        regs.set(dst, semantics::mov_sx(width, from, regs.get(src)));
                    }
                    Op::Swap { kind, size, dst } => {
                        regs.set(dst, semantics::swap(kind, size, regs.get(dst)));
                    }
                    Op::Load8 { dst, src, off } => load!(u8, B, dst, src, off),
                    Op::Load16 { dst, src, off } => load!(u16, H, dst, src, off),
                    Op::Load32 { dst, src, off } => load!(u32, W, dst, src, off),
                    Op::Load64 { dst, src, off } => load!(u64, DW, dst, src, off),
                    Op::LoadSigned { size, dst, src, off } => {
                        let addr = address(regs.get(src), off);
                        regs.set(dst, attempt!(access::load(run, addr, size, true)));
                    }
                    Op::Store8 { dst, src, off } => store!(u8, B, dst, src, off),
                    Op::Store16 { dst, src, off } => store!(u16, H, dst, src, off),
                    Op::Store32 { dst, src, off } => store!(u32, W, dst, src, off),
                    Op::Store64 { dst, src, off } => store!(u64, DW, dst, src, off),
                    Op::StoreImm { size, dst, off, imm } => {
                        let addr = address(regs.get(dst), off);
                        attempt!(access::store(run, addr, size, extend(imm)));
                    }
                    Op::Atomic { size, op, dst, off, src } => {
                        let addr = address(regs.get(dst), off);
                        let (src_value, r0) = (regs.get(src), regs.of(Reg::R0));
                        match attempt!(access::atomic(run, addr, size, op, src_value, r0)) {
                            Some(semantics::Fetched::Src(old)) => regs.set(src, old),
                            Some(semantics::Fetched::R0(old)) => regs.put(Reg::R0, old),
                            None => {}
                        }
                    }
                    Op::LoadAcquire { size, dst, src, off } => {
                        let addr = address(regs.get(src), off);
                        regs.set(dst, attempt!(access::load_acquire(run, addr, size)));
                    }
                    Op::StoreRelease { size, dst, off, src } => {
                        let addr = address(regs.get(dst), off);
                        attempt!(access::store_release(run, addr, size, regs.get(src)));
                    }
                    Op::LoadPacketAbs { size, imm } => load_packet!(size, imm),
                    Op::LoadPacketInd { size, src, imm } => {
                        let off = packet_offset(regs.get(src), imm);
                        load_packet!(size, off)
                    }
                    Op::Goto { to } => go!(to),
                    Op::MayGoto { to } => match run.loop_budget.checked_sub(1) {
                        Some(budget) => run.loop_budget = budget,
                        None => go!(to),
                    },
                    Op::CallHelper { index } => {
                        count!();
                        line = at;
                        let result = attempt!(calls::helper(run, code.helpers[index as usize], regs));
                        regs.put(Reg::R0, result);
                    }
                    Op::CallUnwind { index } => {
                        count!();
                        line = at;
                        let result = attempt!(calls::helper(run, code.helpers[index as usize], regs));
                        regs.put(Reg::R0, result);
                        if result == 0 {
                            calls::unwind(run, base);
                            return Ok(Next::Returned);
                        }
                    }
                    Op::TailCall => {
                        count!();
                        line = at;
                        if attempt!(calls::tail_call(run, regs, base)) {
                            return Ok(Next::Program(0));
                        }
                    }
                    Op::CallLocal { to } => {
                        count!();
                        line = at;
                        attempt!(calls::enter(run, regs, at));
                        (at, line) = (to as usize, to as usize);
                    }
                    Op::CallReg { reg } => {
                        count!();
                        line = at;
                        let value = regs.get(reg);
                        match code.function(value) {
                            Some(to) => {
                                attempt!(calls::enter(run, regs, at));
                                (at, line) = (to as usize, to as usize);
                            }
                            None => {
                                let result = attempt!(calls::own_helper(run, program, value, regs));
                                regs.put(Reg::R0, result);
                            }
                        }
                    }
                    Op::Exit => leave!(),
                }
            }
        }
    };
}

operations!(define_steps);

/// A register plus an instruction's offset.
#[inline(always)]
fn address(base: u64, off: i16) -> u64 {
    base.wrapping_add_signed(i64::from(off))
}

/// Where an indirect packet load looks, which the kernel counts in 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "the lower half counts")]
fn packet_offset(base: u64, imm: i32) -> i32 {
    base.wrapping_add(extend(imm)) as i32
}

/// An immediate as a 64-bit operand.
#[inline(always)]
fn extend(imm: i32) -> u64 {
    i64::from(imm).cast_unsigned()
}
