//! Calls of every kind, and how they return.

use std::sync::Arc;

use skep_spec::insn::Reg;

use super::op::Registers;
use crate::fault::{Fault, FaultKind};
use crate::helpers::Helper;
use crate::memory::FRAMES_MAX;
use crate::program::Program;
use crate::run::Run;

/// How many tail calls a run may make (`MAX_TAIL_CALL_CNT`).
pub(super) const TAIL_CALLS_MAX: u32 = 33;

/// How often `may_goto` goes round in one function (`BPF_MAX_LOOPS`).
pub(crate) const LOOP_BUDGET: u32 = 8 * 1024 * 1024;

/// What a caller needs to go on.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The operation after the call.
    back: usize,
    /// `r6` to `r9`.
    saved: [u64; 4],
    loop_budget: u32,
    /// The caller's program, if the callee made a tail call into another.
    program: Option<Arc<Program>>,
}

/// Where a function returns to.
pub(super) enum Left {
    /// To an operation of the same program.
    To(usize),
    /// To an operation of the caller's program.
    Program(usize),
    /// Out of the interpreter.
    Out,
}

/// Enters a function of the program, to return to `back`.
#[inline]
pub(super) fn enter(run: &mut Run<'_>, regs: &mut Registers, back: usize) -> Result<(), Fault> {
    let frame = Frame { back, saved: regs.saved(), loop_budget: run.loop_budget, program: None };
    push_frame(run)?;
    run.frames.push(frame);
    regs.put(Reg::FP, run.regions.frame_pointer());
    Ok(())
}

/// Returns from a function; below `base` frames that is out of the interpreter.
#[inline]
pub(super) fn leave(run: &mut Run<'_>, regs: &mut Registers, base: usize) -> Left {
    if run.frames.len() == base {
        return Left::Out;
    }
    let Some(frame) = run.frames.pop() else { return Left::Out };
    run.regions.set_depth(run.regions.depth() - 1);
    run.loop_budget = frame.loop_budget;
    regs.restore(frame.saved);
    regs.put(Reg::FP, run.regions.frame_pointer());
    match frame.program {
        None => Left::To(frame.back),
        Some(program) => {
            run.set_program(program);
            Left::Program(frame.back)
        }
    }
}

/// Gives up all functions above `base` frames at once.
pub(super) fn unwind(run: &mut Run<'_>, base: usize) {
    let depth = run.regions.depth() - (run.frames.len() - base);
    run.frames.truncate(base);
    run.regions.set_depth(depth);
}

/// Makes the next stack frame the current one.
fn push_frame(run: &mut Run<'_>) -> Result<(), Fault> {
    let depth = run.regions.depth() + 1;
    if depth == FRAMES_MAX {
        return Err(Fault::new(FaultKind::CallDepth(FRAMES_MAX)));
    }
    run.regions.set_depth(depth);
    start_frame(run);
    Ok(())
}

/// Makes the current stack frame a fresh one.
#[inline]
pub(super) fn start_frame(run: &mut Run<'_>) {
    if run.program().translated().uses_stack {
        run.regions.clear_frame();
    }
    run.loop_budget = LOOP_BUDGET;
}

/// Calls a helper.
#[inline]
pub(super) fn helper(
    run: &mut Run<'_>,
    helper: Helper,
    regs: &mut Registers,
) -> Result<u64, Fault> {
    let result = helper(run, regs.args());
    run.settle();
    result
}

/// Calls the helper whose number is in a register, which only programs with helpers of their host
/// can do.
pub(super) fn own_helper(
    run: &mut Run<'_>,
    program: &Program,
    value: u64,
    regs: &mut Registers,
) -> Result<u64, Fault> {
    let found = i32::try_from(value).ok().and_then(|number| program.own_helper(number));
    helper(run, found.ok_or_else(|| Fault::new(FaultKind::NoFunction(value)))?, regs)
}

/// Calls another program, which takes the place of the running function. `false` if there is none,
/// or too many such calls were made; the caller then goes on.
///
/// As in the kernel's compiled code, the count is of the whole run, empty slots do not count, and
/// only the frame of the running function is given up: when the other program ends, control is back
/// at the caller of the function that made the tail call.
pub(super) fn tail_call(
    run: &mut Run<'_>,
    regs: &mut Registers,
    base: usize,
) -> Result<bool, Fault> {
    let [context, map, index, ..] = regs.args();
    run.check_context(context)?;
    #[expect(clippy::cast_possible_truncation, reason = "the index is the lower half, as in Linux")]
    let index = index as u32;
    let map = run.map(map)?;
    if run.tail_calls >= TAIL_CALLS_MAX {
        return Ok(false);
    }
    let Some(target) = map.program(index) else { return Ok(false) };
    run.tail_calls += 1;
    let caller = Arc::clone(run.program());
    if run.frames.len() > base
        && let Some(frame) = run.frames.last_mut()
        && frame.program.is_none()
    {
        frame.program = Some(caller);
    }
    run.set_program(target);
    start_frame(run);
    *regs = Registers::new([context, 0, 0, 0, 0], run.regions.frame_pointer());
    Ok(true)
}

/// Runs a function of the program that a helper was given.
pub(crate) fn call_back(run: &mut Run<'_>, func: u64, args: [u64; 5]) -> Result<u64, Fault> {
    let program = Arc::clone(run.program());
    let no_function = || Fault::new(FaultKind::NoFunction(func));
    let entry = program.translated().function(func).ok_or_else(no_function)?;
    let (depth, loop_budget) = (run.regions.depth(), run.loop_budget);
    run.settle();
    push_frame(run)?;
    let result = super::exec::run_function(run, entry, args);
    run.regions.set_depth(depth);
    run.loop_budget = loop_budget;
    if !Arc::ptr_eq(run.program(), &program) {
        run.set_program(program);
    }
    result
}
