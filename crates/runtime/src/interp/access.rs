//! Memory accesses that are not plain: in the context, atomic, ordered, of packets.

use skep_spec::insn::{AtomicOp, Reg, Size};
use skep_spec::semantics::{self, Fetched};

use super::op::Registers;
use crate::context::Context;
use crate::fault::{Fault, FaultKind};
use crate::memory::Access;
use crate::run::Run;

/// Loads a number from memory or the context.
#[inline(never)]
pub(super) fn load(run: &mut Run<'_>, addr: u64, size: Size, signed: bool) -> Result<u64, Fault> {
    if let Some(off) = run.context_offset(addr) {
        return run.load_context(off, size, signed);
    }
    let found = match size {
        Size::B => run.regions.load::<u8>(addr).map(u64::from),
        Size::H => run.regions.load::<u16>(addr).map(u64::from),
        Size::W => run.regions.load::<u32>(addr).map(u64::from),
        Size::DW => run.regions.load::<u64>(addr),
    };
    let found = found.map(|value| semantics::load(size, signed, value));
    found.ok_or_else(|| run.memory_fault(addr, size.bytes(), Access::Read))
}

/// Stores a number to memory or the context.
#[inline(never)]
#[expect(clippy::cast_possible_truncation, reason = "a store keeps the low bytes")]
pub(super) fn store(run: &mut Run<'_>, addr: u64, size: Size, value: u64) -> Result<(), Fault> {
    if let Some(off) = run.context_offset(addr) {
        return run.store_context(off, size, value);
    }
    let found = match size {
        Size::B => run.regions.store(addr, value as u8),
        Size::H => run.regions.store(addr, value as u16),
        Size::W => run.regions.store(addr, value as u32),
        Size::DW => run.regions.store(addr, value),
    };
    found.ok_or_else(|| run.memory_fault(addr, size.bytes(), Access::Write))
}

/// Reads, modifies and writes a number, atomically.
pub(super) fn atomic(
    run: &mut Run<'_>,
    addr: u64,
    size: Size,
    op: AtomicOp,
    src: u64,
    r0: u64,
) -> Result<Option<Fetched>, Fault> {
    check_aligned(addr, size)?;
    let mut fetched = None;
    let update = |old| {
        let step = semantics::atomic(size, op, old, src, r0);
        fetched = step.fetched;
        step.memory
    };
    match run.regions.update(addr, size, update) {
        Some(()) => Ok(fetched),
        None => Err(run.memory_fault(addr, size.bytes(), Access::ReadWrite)),
    }
}

/// Loads a number so that later accesses of this thread stay later.
pub(super) fn load_acquire(run: &mut Run<'_>, addr: u64, size: Size) -> Result<u64, Fault> {
    check_aligned(addr, size)?;
    let found = run.regions.load_acquire(addr, size);
    found.ok_or_else(|| run.memory_fault(addr, size.bytes(), Access::Read))
}

/// Stores a number so that earlier accesses of this thread stay earlier.
pub(super) fn store_release(
    run: &mut Run<'_>,
    addr: u64,
    size: Size,
    value: u64,
) -> Result<(), Fault> {
    check_aligned(addr, size)?;
    let found = run.regions.store_release(addr, size, value);
    found.ok_or_else(|| run.memory_fault(addr, size.bytes(), Access::Write))
}

fn check_aligned(addr: u64, size: Size) -> Result<(), Fault> {
    let bytes = size.bytes();
    if addr.is_multiple_of(bytes as u64) {
        Ok(())
    } else {
        Err(Fault::new(FaultKind::Misaligned { addr, size: bytes }))
    }
}

/// A legacy packet load: `None`, which ends the function with 0, where the packet has no such byte.
/// The packet is that of the context, whose address must be in `r6`.
pub(super) fn load_packet(
    run: &mut Run<'_>,
    regs: &Registers,
    size: Size,
    off: i32,
) -> Result<Option<u64>, Fault> {
    run.check_context(regs.of(Reg::R6))?;
    let Context::Skb(skb) = run.context() else {
        return Err(Fault::helper("a legacy packet load in a program that has no socket buffer"));
    };
    let mut number = [0; 8];
    let bytes = skb.legacy_range(off, size.bytes());
    Ok(bytes.map(|bytes| {
        bytes.copy_to(&mut number);
        semantics::packet(size, u64::from_le_bytes(number))
    }))
}
