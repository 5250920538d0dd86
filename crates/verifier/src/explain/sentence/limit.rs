//! What to say of limits, and of programs whose shape is wrong.

use std::collections::HashMap;

use skep_spec::InsnIdx;

use super::Advice;
use crate::explain::Scene;
use crate::limits;
use crate::rejection::Reason;

pub(super) fn advice(scene: &Scene<'_>) -> Option<Advice> {
    Some(match &scene.rejection.reason {
        Reason::TooManyInsns { .. } => {
            let advice = Advice::new(
                format!(
                    "the program is too large to verify: more than {} instructions on all paths",
                    limits::PROCESSED_INSNS
                ),
                "given up here",
            );
            budget(scene, advice).help(LOOP)
        }
        Reason::TooManyJumps { pending } => {
            let advice = Advice::new(
                format!("the program is too complex: {pending} branches wait to be followed"),
                "given up here",
            );
            let advice = budget(scene, advice);
            if advice.notes.iter().any(|note| note.contains("to a loop")) {
                return Some(advice.help(LOOP));
            }
            advice.help(
                "put parts of it into global (not static) functions, each verified by itself; or \
                 compute conditions without branches",
            )
        }
        Reason::InfiniteLoop { .. } => Advice::new(
            "the loop may never end",
            "it comes round to here with all as it was before",
        )
        .help("count the rounds, and end at a constant number: `for (i = 0; i < 64; i++)`"),
        Reason::StackDepth { calls, bytes } => Advice::new(
            format!("functions that call each other use {bytes} bytes of stack, {calls} deep"),
            "with this function it is too much",
        )
        .note(format!("all of them together may use {}", limits::STACK_BYTES))
        .help("keep large objects in a per-CPU array map instead of on the stack"),
        Reason::CallDepth { frames } | Reason::CallGraphDepth { frames } => Advice::new(
            format!("functions call each other {frames} deep"),
            "called here",
        )
        .note(format!("at most {} functions can be active at once", limits::FRAMES))
        .help("inline some of them (`static __always_inline`); recursion has to become a loop"),
        Reason::Unreachable(at) => {
            Advice::new("an instruction can never be reached", "nothing leads here")
                .note(format!("instruction {at}"))
        }
        Reason::LastInsn => Advice::new(
            "a function does not end with `exit` or a jump",
            "what follows is another function, or nothing",
        )
        .help(
            "see that every path returns: code behind an endless loop or `__builtin_unreachable`",
        ),
        Reason::JumpOutOfRange { from, to } => Advice::new(
            format!("instruction {from} jumps to {to}, which is not in its function"),
            "jumps here",
        ),
        Reason::TailCallStack { bytes } => Advice::new(
            format!("callers use {bytes} bytes of stack when a tail call is made"),
            "called here",
        )
        .note(format!("at most {} may be in use then", limits::TAIL_CALL_STACK_BYTES)),
        _ => return None,
    })
}

/// What to do about a loop that takes too long.
const LOOP: &str = "a loop that is verified once: `bpf_loop`, `bpf_for`; fewer rounds; or a global \
                    (not static) function for its body, which is verified by itself";

/// Says which instruction the path came by most often: the loop that eats the budget.
fn budget(scene: &Scene<'_>, advice: Advice) -> Advice {
    let mut counts: HashMap<InsnIdx, u32> = HashMap::new();
    for at in &scene.rejection.path {
        *counts.entry(*at).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(at, count)| (*count, std::cmp::Reverse(*at)));
    let Some((at, count)) = most.filter(|(_, count)| *count > 1) else {
        return advice.note("no loop stands out: it is the number of branches");
    };
    let advice = match scene.function(at) {
        Some(name) => advice.note(format!("most of it goes to a loop in `{name}`")),
        None => advice.note("most of it goes to a loop"),
    };
    advice.place(at, format!("the last path alone came by here {count} times"))
}
