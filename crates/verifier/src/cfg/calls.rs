//! Which function calls which, what that makes of them, and how deep the stack grows.

use skep_spec::abi::proto;
use skep_spec::abi::{AttachType, ProgType};
use skep_spec::insn::{Callee, Insn};
use skep_spec::{Code, InsnIdx};

use super::layout::{Function, reference};
use super::{Subprogram, helper};
use crate::input::Input;
use crate::limits;
use crate::rejection::{Check, Reason, Stop};

/// What a function takes of the stack is rounded up to this many bytes, as the JIT compiler aligns
/// it.
const STACK_ALIGN: u32 = 16;

/// A function with less stack than this does not get one of its own
/// (`BPF_PRIV_STACK_MIN_SIZE`).
const PRIVATE_STACK_BYTES: u32 = 64;

/// Sums of stack that the search tells apart.
const DEPTHS: usize = (limits::STACK_BYTES / STACK_ALIGN) as usize + 1;

/// Which functions each function refers to.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    /// Of each function those it refers to, by ascending place of the first time.
    callees: Vec<Vec<Reference>>,
    /// Whether the main function leads there.
    reached: Vec<bool>,
}

/// A function that is called, or whose address is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reference {
    pub(super) function: u16,
    /// Whether its address is taken, for it to be called back.
    pub(super) by_address: bool,
}

impl Calls {
    /// Collects the calls of all functions.
    pub(super) fn new(code: &Code, functions: &[Function]) -> Calls {
        let mut callees = vec![Vec::new(); functions.len()];
        let mut at = code.iter().peekable();
        for (function, callees) in functions.iter().zip(&mut callees) {
            while let Some((from, insn)) = at.next_if(|(from, _)| from.0 < function.end) {
                let Some((distance, by_address)) = reference(insn) else { continue };
                let Some(callee) = from.jump(distance).and_then(|to| function_at(functions, to))
                else {
                    continue;
                };
                let reference = Reference { function: callee, by_address };
                if !callees.contains(&reference) {
                    callees.push(reference);
                }
            }
        }
        let reached = reach(&callees);
        Calls { callees, reached }
    }

    /// Whether the main function leads to a function.
    pub(super) fn is_reached(&self, function: u16) -> bool {
        self.reached[usize::from(function)]
    }

    /// Passes on to callers what functions do.
    pub(super) fn pass_on(&self, functions: &mut [Subprogram]) {
        for reference in self.callees.iter().flatten().filter(|reference| reference.by_address) {
            functions[usize::from(reference.function)].is_callback = true;
        }
        // Each round carries it at least one call further up.
        loop {
            let mut changed = false;
            for (number, callees) in self.callees.iter().enumerate() {
                let mut caller = functions[number].clone();
                for reference in callees {
                    let callee = &functions[usize::from(reference.function)];
                    caller.tail_calls |= callee.tail_calls;
                    caller.changes_packet |= callee.changes_packet;
                    caller.might_sleep |= callee.might_sleep;
                }
                if caller != functions[number] {
                    functions[number] = caller;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// That the stacks of functions that are active at once are not too large together, and not too
    /// many, given what each takes.
    ///
    /// All chains of calls are looked at, whether or not a path was found to take them. Callbacks
    /// that are called later begin with an empty stack.
    pub(super) fn check_stack(
        &self,
        input: &Input<'_>,
        functions: &[Subprogram],
        used: &[StackUse],
    ) -> Check {
        let mut private = vec![false; functions.len()];
        let mut shared = vec![false; functions.len()];
        let later = |number: &usize| used.get(*number).is_some_and(|stack| stack.called_later);
        for root in (1..functions.len()).rev().filter(later) {
            let mut chains = Chains::new(self, functions, used, &private);
            chains.check(root)?;
            for (shared, seen) in shared.iter_mut().zip(chains.entered) {
                *shared |= seen;
            }
        }
        if has_private_stacks(input) && !functions.iter().any(|function| function.has_tail_call) {
            for (number, private) in private.iter_mut().enumerate() {
                let bytes = used.get(number).map_or(0, |stack| stack.rounded());
                *private = !shared[number] && bytes >= PRIVATE_STACK_BYTES;
            }
        }
        Chains::new(self, functions, used, &private).check(0)
    }
}

/// What a walk has found out about the stack of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct StackUse {
    /// How many bytes it uses.
    pub(crate) bytes: u32,
    /// Whether it was seen to be called later, when its caller is over.
    pub(crate) called_later: bool,
}

impl StackUse {
    fn rounded(self) -> u32 {
        self.bytes.next_multiple_of(STACK_ALIGN)
    }
}

/// Whether functions of a program may have stacks of their own, so that no sum counts. The kernel's
/// JIT compiler gives them to programs that can interrupt others (`bpf_enable_priv_stack`).
fn has_private_stacks(input: &Input<'_>) -> bool {
    let interrupts = [
        ProgType::Kprobe,
        ProgType::Tracepoint,
        ProgType::PerfEvent,
        ProgType::RawTracepoint,
        ProgType::Tracing,
    ];
    interrupts.contains(&input.prog_type) && input.attach_type != Some(AttachType::TraceIter)
}

/// A search through all chains of calls.
struct Chains<'a> {
    calls: &'a Calls,
    functions: &'a [Subprogram],
    used: &'a [StackUse],
    /// Functions with a stack of their own.
    private: &'a [bool],
    /// The functions that were seen.
    entered: Vec<bool>,
    /// The function, how deep it stands, and how much stack it begins with, as seen before: nothing
    /// new comes of seeing it so again.
    known: Vec<[[bool; DEPTHS]; limits::FRAMES]>,
}

/// A function on a chain.
struct Link {
    function: usize,
    /// Bytes of stack, its own included.
    depth: u32,
    /// How many of its references were followed.
    followed: usize,
}

impl<'a> Chains<'a> {
    fn new(
        calls: &'a Calls,
        functions: &'a [Subprogram],
        used: &'a [StackUse],
        private: &'a [bool],
    ) -> Chains<'a> {
        let entered = vec![false; functions.len()];
        let known = vec![[[false; DEPTHS]; limits::FRAMES]; functions.len()];
        Chains { calls, functions, used, private, entered, known }
    }

    /// Checks all chains that begin with a function, in the order of the kernel, which decides what
    /// is reported.
    fn check(&mut self, root: usize) -> Check {
        let mut chain: Vec<Link> = Vec::new();
        chain.extend(self.enter(root, &chain)?);
        while let Some(link) = chain.last_mut() {
            let Some(reference) = self.calls.callees[link.function].get(link.followed).copied()
            else {
                chain.pop();
                continue;
            };
            link.followed += 1;
            let callee = usize::from(reference.function);
            if reference.by_address && self.used_of(callee).called_later {
                continue;
            }
            if chain.len() >= limits::FRAMES {
                return Err(Reason::CallGraphDepth { frames: chain.len() }.into());
            }
            let link = self.enter(callee, &chain)?;
            chain.extend(link);
        }
        Ok(())
    }

    /// Enters a function; `None` if it was entered like that before.
    fn enter(&mut self, function: usize, chain: &[Link]) -> Check<Option<Link>> {
        let depth = chain.last().map_or(0, |caller| caller.depth);
        self.entered[function] = true;
        let known = &mut self.known[function][chain.len()][(depth / STACK_ALIGN) as usize];
        if std::mem::replace(known, true) {
            return Ok(None);
        }
        let facts = &self.functions[function];
        let reject = |reason| Err(Box::new(Stop::RejectedAt(facts.start, reason)));
        if function != 0 && facts.has_tail_call && depth >= limits::TAIL_CALL_STACK_BYTES {
            return reject(Reason::TailCallStack { bytes: depth });
        }
        let own = if self.private[function] { 0 } else { self.used_of(function).rounded() };
        let depth = depth + own;
        if depth > limits::STACK_BYTES {
            return reject(Reason::StackDepth { calls: chain.len() + 1, bytes: depth });
        }
        Ok(Some(Link { function, depth, followed: 0 }))
    }

    fn used_of(&self, function: usize) -> StackUse {
        self.used.get(function).copied().unwrap_or_default()
    }
}

/// What the instructions of a function do, those of its callees left out.
pub(super) fn effects<'a>(
    input: &Input<'_>,
    insns: impl Iterator<Item = &'a Insn>,
    subprogram: &mut Subprogram,
) {
    for insn in insns {
        let Insn::Call(Callee::Helper(number)) = insn else { continue };
        let Some(helper) = helper(*number) else { continue };
        subprogram.changes_packet |= proto::common(helper).changes_packet_of_callers();
        let proto = proto::proto(helper, input.prog_type, input.attach_type);
        subprogram.might_sleep |= proto.is_some_and(|proto| proto.might_sleep);
    }
}

fn function_at(functions: &[Function], at: InsnIdx) -> Option<u16> {
    let found = functions.binary_search_by_key(&at.0, |function| function.start);
    found.ok().and_then(|number| u16::try_from(number).ok())
}

/// The functions that the main function leads to.
fn reach(callees: &[Vec<Reference>]) -> Vec<bool> {
    let mut reached = vec![false; callees.len()];
    let mut pending = vec![0];
    while let Some(function) = pending.pop() {
        if !std::mem::replace(&mut reached[function], true) {
            pending.extend(callees[function].iter().map(|callee| usize::from(callee.function)));
        }
    }
    reached
}
