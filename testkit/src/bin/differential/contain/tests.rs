//! That what leaves the states is noticed: states are falsified, and the run must not fit any more.

use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;

use skep_command::Handle;
use skep_runtime::{FixedWorld, UserEngine};
use skep_spec::Code;
use skep_spec::abi::ProgType;
use skep_spec::asm::assemble;
use skep_spec::insn::Reg;
use skep_verifier::domain::Scalar;
use skep_verifier::state::register::PacketRange;
use skep_verifier::state::{Byte, Id, Kind, Register, State};

use super::{Contained, States, contain};
use crate::hook::{self, Hook};
use crate::judge::{self, Subject};
use crate::maps::{Handles, World};
use crate::types;

/// A program with something of everything, and the instruction that they look at.
const PROGRAM: &str = "
r6 = *(u32 *)(r1 +0)
r7 = *(u32 *)(r1 +4)
r8 = r6
r8 += 14
if r8 > r7 goto short
r2 = *(u8 *)(r6 +3)
r2 |= 1
r3 = r2
*(u64 *)(r10 -8) = r2
*(u64 *)(r10 -16) = 0
r4 = r10
r4 += -16
r5 = map[fd:1][0]+8
r9 = *(u64 *)(r5 +0)
short:
r0 = 2
exit";
/// The load from the map, before which all is set.
const AT: u32 = 14;

fn xdp() -> Hook {
    let mut all = hook::all(None).into_iter();
    all.find(|hook| hook.prog_type == ProgType::Xdp).expect("there is a hook for XDP")
}

/// Runs the program against its states, falsified.
fn compare(falsify: impl FnOnce(&mut States)) -> Contained {
    let engine = UserEngine::new(Arc::new(FixedWorld::new(1_000_000_000, 1)));
    let maps = Handles::new(&engine);
    let (types, _) = types::build().expect("the types are right");
    let world = World::new(&maps, 1, None, types);
    let hook = xdp();
    let code = assemble(PROGRAM).expect("the program is right");
    let subject = Subject { hook: &hook, code: &code, funcs: &[], btf: Handle(0) };
    let mut states = judge::states(&world, &subject).expect("the program is accepted");
    falsify(&mut states);
    let insns: Vec<_> = code.iter().map(|(_, insn)| *insn).collect();
    let code: Code = maps.put_into(&insns).into_iter().collect();
    contain(&engine, &hook, &code, &states, 1)
}

fn check(falsify: impl Fn(&mut State), expected: &str) {
    let found = match compare(|states| states.falsify(AT, |state| falsify(state))) {
        Contained::Ran { wrong, .. } => wrong.unwrap_or_default(),
        Contained::NotLoaded => panic!("the program is not loaded"),
    };
    let expected = format!("instruction {AT}: {expected}");
    assert!(found.starts_with(&expected), "found {found:?}, expected {expected:?}");
}

/// A register at the place, to be changed.
fn reg(state: &mut State, reg: Reg) -> &mut Register {
    let frame = state.frames.last_mut().expect("there is a frame");
    &mut frame.registers[reg.index()]
}

#[test]
fn what_was_said_holds() {
    let Contained::Ran { runs, compared, wrong } = compare(|_| {}) else {
        panic!("the program is not loaded")
    };
    assert_eq!((runs, wrong), (4, None));
    assert!(compared.numbers > 20 && compared.pointers > 100 && compared.ties > 3);
    assert!(compared.slots > 10, "{compared:?}");
}

#[test]
fn numbers_that_were_not_said() {
    check(|state| reg(state, Reg::R2).value = Scalar::constant(300), "r2 is");
    check(|state| reg(state, Reg::R2).value.u64.max = 0, "r2 is");
}

#[test]
fn pointers_to_elsewhere() {
    check(|state| reg(state, Reg::R6).off += 1, "r6 is");
    check(|state| reg(state, Reg::R4).off += 8, "r4 is");
    check(|state| reg(state, Reg::R5).off -= 8, "r5 is");
    check(|state| reg(state, Reg::R5).off = 0, "r5 is");
    check(|state| reg(state, Reg::R7).kind = Kind::Context, "r7 is");
}

#[test]
fn packets_that_end_earlier() {
    let range = PacketRange::Bytes(2000);
    check(|state| reg(state, Reg::R6).kind = Kind::Packet { range }, "r6 is");
}

#[test]
fn numbers_that_are_not_tied() {
    let id = Id(NonZeroU32::MAX);
    let tie = |state: &mut State| {
        reg(state, Reg::R3).id = Some(id);
        *reg(state, Reg::R9) = Register { id: Some(id), ..Register::scalar(Scalar::UNKNOWN) };
    };
    check(tie, "r9 is");
}

#[test]
fn stacks_that_hold_something_else() {
    let slot = |number: usize, change: fn(&mut skep_verifier::state::Slot)| {
        move |state: &mut State| {
            let frame = state.frames.last_mut().expect("there is a frame");
            change(&mut Rc::make_mut(&mut frame.stack).slots[number]);
        }
    };
    check(slot(0, |slot| slot.bytes = [Byte::Zero; 8]), "frame 0, fp-8,");
    check(slot(1, |slot| slot.spilled = Register::constant(1)), "frame 0, fp-16,");
}

#[test]
fn instructions_that_are_not_come_to() {
    let forgotten = compare(|states| states.forget(AT));
    let Contained::Ran { wrong, .. } = forgotten else { panic!("the program is not loaded") };
    assert_eq!(wrong, Some(format!("instruction {AT}: come to, and said not to be")));
}
