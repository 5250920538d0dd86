//! What to say of what must be in order at the end: references, locks, return values.

use skep_spec::insn::Reg;

use super::{Advice, Subject, last_branch};
use crate::explain::Scene;
use crate::explain::things::numbers;
use crate::rejection::{Leaving, Reason, Returning};

pub(super) fn advice(scene: &Scene<'_>) -> Option<Advice> {
    Some(match &scene.rejection.reason {
        Reason::ReferenceLeak { acquired, at, .. } => {
            let helper = scene.helper_at(*acquired);
            let name = helper.map_or("a call".into(), |helper| format!("`{}`", helper.name()));
            let advice = Advice::new(
                format!("what {name} has handed out is not given back on this path"),
                coming(*at),
            )
            .place(*acquired, "handed out here");
            let advice = match last_branch(scene) {
                Some(at) => advice.place(at, "the path parts from others here"),
                None => advice,
            };
            match helper.map(|helper| helper.name()) {
                Some(name) if name.contains("ringbuf") => advice.help(
                    "call `bpf_ringbuf_submit` or `bpf_ringbuf_discard` on every path, also on \
                     those that return early",
                ),
                Some(name) if name.contains("sk") => advice
                    .help("call `bpf_sk_release` on every path, also on those that return early"),
                Some(_) | None => advice.help("give it back on every path"),
            }
        }
        Reason::LockHeld { at } => {
            let mut advice = Advice::new("a spin lock is still held", coming(*at));
            if let Some(lock) = scene.rejection.state.as_ref().and_then(|state| state.lock) {
                advice = advice.place(lock.at, "it was taken here");
            }
            if let Some(branch) = last_branch(scene) {
                advice = advice.place(branch, "the path parts from others here");
            }
            advice.help("call `bpf_spin_unlock` on every path")
        }
        Reason::CallInLock => {
            Advice::new("nothing can be called while a spin lock is held", "called here")
                .help("move the call before `bpf_spin_lock`, or behind `bpf_spin_unlock`")
        }
        Reason::LockTwice => {
            Advice::new("only one spin lock can be held at once", "another one is held already")
        }
        Reason::UnlockWithoutLock => Advice::new("no spin lock is held", "unlocked here"),
        Reason::UnlockOther => {
            Advice::new("another spin lock is held than the one that is unlocked", "unlocked here")
        }
        Reason::ReturnRange { what, found, allowed: (min, max) } => Advice::new(
            format!("{} may only return {}", who(*what), allowed(*min, *max)),
            format!("what is returned may be {}", numbers(found)),
        )
        .about(Subject::register(Reg::R0)),
        Reason::ReturnNotKnown { what, found } => Advice::new(
            format!("{} must return a number", who(*what)),
            format!("this is {}", scene.thing(found)),
        )
        .about(Subject::register(Reg::R0)),
        Reason::ReturnNotScalar { found } => Advice::new(
            "a global function must return a number",
            format!("this is {}", scene.thing(found)),
        )
        .about(Subject::register(Reg::R0)),
        Reason::ReturnsStackPointer => Advice::new(
            "a function returns a pointer to its own stack",
            "its stack is gone when it returns",
        ),
        _ => return None,
    })
}

fn coming(at: Leaving) -> &'static str {
    match at {
        Leaving::Exit => "the program ends here",
        Leaving::Callback => "the callback ends here",
        Leaving::TailCall => "the tail call leaves the program here",
        Leaving::PacketLoad => "this load may end the program",
        Leaving::Throw => "the program is left here",
    }
}

fn who(what: Returning) -> &'static str {
    match what {
        Returning::Program => "a program of this type",
        Returning::AsyncCallback => "a callback that is called later",
        Returning::Callback(_) => "the callback",
    }
}

fn allowed(min: i32, max: i32) -> String {
    if min == max { min.to_string() } else { format!("{min} to {max}") }
}
