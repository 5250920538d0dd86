//! Containment: what registers hold in runs lies within what the verifier said of them.
//!
//! The verifier walks every path of an accepted program without pruning, and all that it says of
//! each register before each instruction is gathered. Then places are *probed*: at a place in the
//! first function the program is made to end with the register in `r0`, and at its other ends to go
//! round for ever. It runs in the user engine; a run that comes to the place gives the register's
//! value there, which one of the states must admit.

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_runtime::context::{Context, SkbContext, XdpContext};
use skep_runtime::packet::Packet;
use skep_runtime::program::{Helpers, NewProgram};
use skep_runtime::{Cpu, FixedWorld, Program as Loaded, Run, UserEngine};
use skep_spec::abi::ProgType;
use skep_spec::insn::{Insn, Operand, Reg, Width};
use skep_spec::{Code, InsnIdx};
use skep_verifier::Observer;
use skep_verifier::domain::Scalar;
use skep_verifier::state::{Kind, State};

use crate::maps::Handles;
use crate::random::Random;
use crate::{Place, Program};

/// Places that are probed in a program.
const PROBES: usize = 12;

/// Different numbers that are kept for a register; what may hold more is not looked at.
const DIFFERENT: usize = 64;

/// Instructions that programs have at most whose states are gathered: without pruning, longer ones
/// have too many paths.
pub(crate) const LENGTH: usize = 60;

/// Instructions of a run, at most: then it has ended elsewhere.
const LIMIT: u64 = 100_000;

/// Numbers that a register may hold; `None` if it may hold something else besides.
type Admitted = Option<Vec<Scalar>>;

/// What the verifier said of the registers before each instruction of the first function.
#[derive(Default)]
pub(crate) struct States {
    by_place: BTreeMap<InsnIdx, [Admitted; 10]>,
}

impl Observer for States {
    fn before(&mut self, at: InsnIdx, state: &State) {
        if state.depth() != 0 {
            return;
        }
        let fresh = || std::array::from_fn(|_| Some(Vec::new()));
        let place = self.by_place.entry(at).or_insert_with(fresh);
        for (admitted, reg) in place.iter_mut().zip(Reg::ALL) {
            let register = state.register(reg);
            match admitted {
                Some(known) if register.kind == Kind::Scalar && known.len() < DIFFERENT => {
                    if !known.contains(&register.value) {
                        known.push(register.value);
                    }
                }
                Some(_) | None => *admitted = None,
            }
        }
    }
}

/// What came of probing a program.
#[derive(Default)]
pub(crate) struct Probed {
    /// Values that were compared.
    pub(crate) values: usize,
    /// Places that were come to and must not be, values that were not admitted.
    pub(crate) wrong: Vec<String>,
}

/// Probes a program.
pub(crate) fn probe(
    engine: &UserEngine,
    maps: &Handles,
    place: &Place,
    program: &Program,
    states: &States,
    seed: u64,
) -> Probed {
    let mut probed = Probed::default();
    let mut random = Random::new(!seed);
    let insns = maps.put_into(&program.insns);
    let code: Code = insns.iter().copied().collect();
    let end = program.funcs.get(1).map_or(code.len(), |func| func.at.0);
    let places: Vec<InsnIdx> = code
        .iter()
        .filter(|(at, insn)| at.0 < end && insn.slots() == 1)
        .map(|(at, _)| at)
        .collect();
    for _ in 0..PROBES.min(places.len()) {
        let at = random.pick(&places);
        let reg = Reg::ALL[random.below(10)];
        let Some(patched) = patched(&code, at, end, reg) else { continue };
        let bytes = crate::run::packet(&mut random);
        let Some(value) = run(engine, place, &patched, &bytes) else { continue };
        match states.by_place.get(&at) {
            None => probed.wrong.push(format!("{at}: come to, and said not to be")),
            Some(admitted) => {
                let Some(known) = &admitted[reg.index()] else { continue };
                probed.values += 1;
                if !known.iter().any(|scalar| scalar.contains(value)) {
                    probed.wrong.push(format!("{at}: {reg} is {value:#x}, and said not to be"));
                }
            }
        }
    }
    probed
}

/// The program that ends at a place with a register in `r0`, and nowhere else in its first
/// function.
fn patched(code: &Code, at: InsnIdx, end: u32, reg: Reg) -> Option<Code> {
    let mut patched = code.clone();
    let ends = code.iter().filter(|(slot, insn)| slot.0 < end && **insn == Insn::Exit);
    for (slot, _) in ends {
        patched.replace(slot, Insn::Goto { off: -1 }).ok()?;
    }
    let probe = patched.push(Insn::Mov { width: Width::W64, dst: Reg::R0, src: Operand::Reg(reg) });
    patched.push(Insn::Exit);
    let off = i64::from(probe.0) - i64::from(at.0) - 1;
    patched.replace(at, Insn::Goto { off: i16::try_from(off).ok()? }).ok()?;
    Some(patched)
}

/// Runs a program on a packet; `None` if it has no end.
fn run(engine: &UserEngine, place: &Place, code: &Code, bytes: &[u8]) -> Option<u64> {
    let new = NewProgram {
        id: 1,
        name: "",
        prog_type: place.hook.prog_type,
        expected_attach_type: place.hook.attach,
        license: "GPL",
        code,
        helpers: Helpers::Linux,
    };
    let find = |fd| engine.map(skep_command::Handle(fd)).ok();
    let program: Arc<Loaded> = Loaded::load(&new, &find).ok()?;
    let packet = Packet::new(256, bytes, 256);
    let context = match place.hook.prog_type {
        ProgType::Xdp => Context::Xdp(XdpContext::new(packet, 1)),
        _ => Context::Skb(Box::new(SkbContext::new(packet, 14, 14))),
    };
    let world = FixedWorld::new(1_000_000_000, 1);
    let mut run = Run::new(&world, Cpu(0), program, context);
    run.set_instruction_limit(LIMIT);
    run.start().ok()
}
