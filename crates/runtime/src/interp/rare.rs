//! The operations that are apart from the loop, so that it stays small: calls and returns, and
//! memory accesses that are not plain.

use skep_spec::insn::Reg;
use skep_spec::semantics::{self, Fetched};

use super::access;
use super::calls::{self, Left};
use super::exec::{address, extend};
use super::op::{Rare, Registers};
use crate::fault::Fault;
use crate::program::Program;
use crate::run::Run;

/// How control goes on.
pub(super) enum Then {
    /// At the next operation.
    On,
    /// At this one.
    To(usize),
    /// At this one of another program.
    Program(usize),
    /// Out of the loop.
    Out,
}

/// Executes one of a program's rare operations; `next` is the operation after it.
#[inline(never)]
pub(super) fn execute(
    run: &mut Run<'_>,
    program: &Program,
    regs: &mut Registers,
    index: u32,
    next: usize,
    base: usize,
) -> Result<Then, Fault> {
    match program.translated().rare[index as usize] {
        Rare::Exit => return Ok(leave(run, regs, base)),
        Rare::CallHelper { helper } => {
            let result = calls::helper(run, helper, regs)?;
            regs.put(Reg::R0, result);
        }
        Rare::CallUnwind { helper } => {
            let result = calls::helper(run, helper, regs)?;
            regs.put(Reg::R0, result);
            if result == 0 {
                calls::unwind(run, base);
                return Ok(Then::Out);
            }
        }
        Rare::TailCall => {
            if calls::tail_call(run, regs, base)? {
                return Ok(Then::Program(0));
            }
        }
        Rare::CallLocal { to } => {
            calls::enter(run, regs, next)?;
            return Ok(Then::To(to as usize));
        }
        Rare::CallReg { reg } => {
            let value = regs.get(reg);
            if let Some(to) = program.translated().function(value) {
                calls::enter(run, regs, next)?;
                return Ok(Then::To(to as usize));
            }
            let result = calls::own_helper(run, program, value, regs)?;
            regs.put(Reg::R0, result);
        }
        Rare::MayGoto { to } => match run.loop_budget.checked_sub(1) {
            Some(budget) => run.loop_budget = budget,
            None => return Ok(Then::To(to as usize)),
        },
        Rare::Neg { width, dst } => regs.set(dst, semantics::neg(width, regs.get(dst))),
        Rare::MovSx { width, from, dst, src } => {
            regs.set(dst, semantics::mov_sx(width, from, regs.get(src)));
        }
        Rare::Swap { kind, size, dst } => regs.set(dst, semantics::swap(kind, size, regs.get(dst))),
        Rare::LoadSigned { size, dst, src, off } => {
            let value = access::load(run, address(regs.get(src), off), size, true)?;
            regs.set(dst, value);
        }
        Rare::StoreImm { size, dst, off, imm } => {
            access::store(run, address(regs.get(dst), off), size, extend(imm))?;
        }
        Rare::Atomic { size, op, dst, off, src } => {
            let addr = address(regs.get(dst), off);
            match access::atomic(run, addr, size, op, regs.get(src), regs.of(Reg::R0))? {
                Some(Fetched::Src(old)) => regs.set(src, old),
                Some(Fetched::R0(old)) => regs.put(Reg::R0, old),
                None => {}
            }
        }
        Rare::LoadAcquire { size, dst, src, off } => {
            let value = access::load_acquire(run, address(regs.get(src), off), size)?;
            regs.set(dst, value);
        }
        Rare::StoreRelease { size, dst, off, src } => {
            access::store_release(run, address(regs.get(dst), off), size, regs.get(src))?;
        }
        Rare::LoadPacketAbs { size, imm } => {
            let value = access::load_packet(run, regs, size, imm)?;
            return Ok(packet_loaded(run, regs, value, base));
        }
        Rare::LoadPacketInd { size, src, imm } => {
            let value = access::load_packet(run, regs, size, packet_offset(regs.get(src), imm))?;
            return Ok(packet_loaded(run, regs, value, base));
        }
    }
    Ok(Then::On)
}

fn leave(run: &mut Run<'_>, regs: &mut Registers, base: usize) -> Then {
    match calls::leave(run, regs, base) {
        Left::To(to) => Then::To(to),
        Left::Program(to) => Then::Program(to),
        Left::Out => Then::Out,
    }
}

/// A packet load that fails ends the function with 0.
fn packet_loaded(run: &mut Run<'_>, regs: &mut Registers, value: Option<u64>, base: usize) -> Then {
    regs.put(Reg::R0, value.unwrap_or(0));
    match value {
        Some(_) => Then::On,
        None => leave(run, regs, base),
    }
}

/// Where an indirect packet load looks, which the kernel counts in 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "the lower half counts")]
fn packet_offset(base: u64, imm: i32) -> i32 {
    base.wrapping_add(extend(imm)) as i32
}
