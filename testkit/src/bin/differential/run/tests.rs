//! That results which differ are noticed: another engine runs another program.

use std::sync::Arc;

use skep_command::prog::ProgLoad;
use skep_command::{Engine, Handle};
use skep_runtime::{FixedWorld, UserEngine};
use skep_spec::abi::ProgType;
use skep_spec::asm::assemble;
use skep_spec::{Code, Insn};

use super::Runner;
use crate::bench::{Place, Program};
use crate::hook;
use crate::maps::Handles;

fn insns(text: &str) -> Vec<Insn> {
    let code = assemble(text).expect("the program is right");
    code.iter().map(|(_, insn)| *insn).collect()
}

fn load(engine: &dyn Engine, place: &Place, text: &str) -> Handle {
    let code: Code = place.maps.put_into(&insns(text)).into_iter().collect();
    let load = ProgLoad::new("", place.hook.prog_type, &code);
    engine.prog_load(&load).expect("the program is loaded").handle
}

/// Runs one program here and another there.
fn check(here: &str, there: &str, expected: Option<&str>) {
    let engine = UserEngine::new(Arc::new(FixedWorld::new(1_000_000_000, 1)));
    let xdp = hook::all(None).into_iter().find(|hook| hook.prog_type == ProgType::Xdp);
    let place = Place { hook: xdp.expect("there is XDP"), maps: Handles::new(&engine) };
    let loaded = load(&engine, &place, there);
    let program = Program { place: 0, insns: insns(here), funcs: Vec::new(), repeatable: true };
    let difference = Runner::new(0).compare(&engine, loaded, &place, &program, 1);
    assert_eq!(difference.as_deref(), expected);
}

/// Writes a number to a map and to the packet, and returns another.
fn program(map: u8, packet: u8, result: u8) -> String {
    format!(
        "
r2 = *(u32 *)(r1 +0)
r3 = *(u32 *)(r1 +4)
r4 = r2
r4 += 1
if r4 > r3 goto short
*(u8 *)(r2 +0) = {packet}
r5 = map[fd:1][0]+0
*(u8 *)(r5 +0) = {map}
short:
r0 = {result}
exit"
    )
}

#[test]
fn the_same() {
    check(&program(1, 2, 3), &program(1, 2, 3), None);
}

#[test]
fn another_result() {
    check(&program(1, 2, 3), &program(1, 2, 4), Some("return value"));
}

#[test]
fn another_packet() {
    check(&program(1, 2, 3), &program(1, 9, 3), Some("packet"));
}

#[test]
fn another_map() {
    check(&program(1, 2, 3), &program(9, 2, 3), Some("maps"));
}
