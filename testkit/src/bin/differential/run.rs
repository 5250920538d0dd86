//! A program that both accept, run in both engines on the same packets.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use skep_command::prog::{ProgLoad, Semantics, TestRun};
use skep_command::{Engine, Handle};
use skep_runtime::world::{Task, TraceLine, World};
use skep_runtime::{Cpu, FixedWorld, Options, UserEngine};
use skep_spec::Code;
use skep_spec::abi::{MapType, map_rules};
use skep_spec::insn::{Imm64, Insn};

use crate::bench::{Place, Program};
use crate::contain::{self, Contained, States};
use crate::maps::{FROZEN, Handles, SHAPES};
use crate::random::Random;

/// The packets that a program sees.
const PACKETS: usize = 3;

/// Room for a packet.
const ROOM: usize = 4096;

/// A world in which programs run on one CPU.
struct OnCpu {
    world: FixedWorld,
    cpu: Cpu,
}

impl World for OnCpu {
    fn ktime_ns(&self) -> u64 {
        self.world.ktime_ns()
    }

    fn boot_ns(&self) -> u64 {
        self.world.boot_ns()
    }

    fn tai_ns(&self) -> u64 {
        self.world.tai_ns()
    }

    fn real_ns(&self) -> u64 {
        self.world.real_ns()
    }

    fn random_u32(&self) -> u32 {
        self.world.random_u32()
    }

    fn task(&self) -> Task {
        self.world.task()
    }

    fn cpu(&self, _possible: u32) -> Cpu {
        self.cpu
    }

    fn trace(&self, line: TraceLine) {
        self.world.trace(line);
    }
}

/// The user engine beside the kernel.
pub(crate) struct Runner {
    engine: UserEngine,
    shared: Handles,
}

impl Runner {
    /// A fresh engine that runs programs on a CPU, with the maps.
    pub(crate) fn new(cpu: u32) -> Runner {
        let world = OnCpu { world: FixedWorld::new(1_000_000_000, 1), cpu: Cpu(cpu) };
        // What it is given has been verified.
        let options = Options { unverified: true, ..Options::default() };
        let engine = UserEngine::with_options(Arc::new(world), options);
        let shared = Handles::new(&engine);
        Runner { engine, shared }
    }

    /// Runs a program in both engines and says how the results differ.
    pub(crate) fn compare(
        &self,
        kernel: &dyn Engine,
        loaded: Handle,
        place: &Place,
        program: &Program,
        seed: u64,
    ) -> Option<String> {
        let used = used(&program.insns);
        if !used.iter().all(|map| is_comparable(SHAPES[*map].map_type)) {
            return None;
        }
        let own = self.shared.with_own_programs(&self.engine);
        let code: Code = own.put_into(&program.insns).into_iter().collect();
        let difference = match self.load(place, &code) {
            Ok(here) => {
                let difference = (0..PACKETS).find_map(|number| {
                    let mut random = Random::new(seed ^ number as u64);
                    for map in &used {
                        fill(kernel, &place.maps, *map, &mut random.clone());
                        fill(&self.engine, &own, *map, &mut random.clone());
                    }
                    let packet = packet(&mut random);
                    let theirs = run(kernel, loaded, &packet, &place.maps, &used);
                    let ours = run(&self.engine, here, &packet, &own, &used);
                    difference(&theirs, &ours)
                });
                self.engine.close(here);
                difference
            }
            Err(error) => Some(format!("not loaded: {error}")),
        };
        own.close_own_programs(&self.engine);
        difference
    }

    /// Holds the runs of a program against what the verifier said of it: see [`contain`].
    pub(crate) fn contain(
        &self,
        place: &Place,
        program: &Program,
        states: &States,
        seed: u64,
    ) -> Contained {
        let own = self.shared.with_own_programs(&self.engine);
        let code: Code = own.put_into(&program.insns).into_iter().collect();
        let mut random = Random::new(seed);
        for map in
            used(&program.insns).into_iter().filter(|map| is_comparable(SHAPES[*map].map_type))
        {
            fill(&self.engine, &own, map, &mut random);
        }
        let contained = contain::contain(&self.engine, &place.hook, &code, states, seed);
        own.close_own_programs(&self.engine);
        contained
    }

    fn load(&self, place: &Place, code: &Code) -> skep_command::Result<Handle> {
        let load = ProgLoad {
            expected_attach_type: place.hook.attach,
            flags: place.hook.flags,
            ..ProgLoad::new("", place.hook.prog_type, code)
        };
        self.engine.prog_load(&load).map(|loaded| loaded.handle)
    }
}

/// What came of a run: the result and the packet, or the errno; and what is in the maps.
#[derive(PartialEq, Eq, Debug)]
struct Result {
    reply: std::result::Result<(u32, Vec<u8>), String>,
    maps: Vec<Vec<(Vec<u8>, Vec<u8>)>>,
}

fn run(
    engine: &dyn Engine,
    program: Handle,
    packet: &[u8],
    maps: &Handles,
    used: &[usize],
) -> Result {
    let test = TestRun {
        data: packet,
        data_out_capacity: ROOM,
        ctx: &[],
        repeat: 1,
        flags: 0,
        cpu: 0,
        semantics: Semantics::TestRun,
    };
    let reply = engine.prog_test_run(program, &test);
    let reply = reply.map(|reply| (reply.retval, reply.data)).map_err(|error| match error.errno {
        // The user engine's way to say that a program was wrong, which it must not be.
        skep_command::Errno::EFAULT => error.what,
        errno => errno.to_string(),
    });
    Result { reply, maps: used.iter().map(|map| contents(engine, maps, *map)).collect() }
}

fn difference(theirs: &Result, ours: &Result) -> Option<String> {
    match (&theirs.reply, &ours.reply) {
        (Ok(theirs), Ok(ours)) if theirs.0 != ours.0 => return Some("return value".into()),
        (Ok(theirs), Ok(ours)) if theirs.1 != ours.1 => return Some("packet".into()),
        (Ok(_), Ok(_)) => {}
        (Err(theirs), Err(ours)) if theirs == ours => {}
        (Err(theirs), Err(ours)) => return Some(format!("{ours} here, {theirs} there")),
        (Ok(_), Err(ours)) => return Some(format!("fails here: {ours}")),
        (Err(theirs), Ok(_)) => return Some(format!("fails there: {theirs}")),
    }
    (theirs.maps != ours.maps).then(|| "maps".into())
}

/// The maps that instructions refer to.
fn used(insns: &[Insn]) -> Vec<usize> {
    let map = |insn: &Insn| match insn {
        Insn::LoadImm64 { imm: Imm64::MapFd(map) | Imm64::MapValue { fd: map, .. }, .. } => {
            usize::try_from(*map).ok()
        }
        _ => None,
    };
    let mut used: Vec<usize> = insns.iter().filter_map(map).collect();
    used.sort_unstable();
    used.dedup();
    used
}

/// Whether what programs find in a map hangs on nothing but what was put in.
fn is_comparable(map_type: MapType) -> bool {
    use MapType::{Array, Hash, LpmTrie, PercpuArray, PercpuHash, ProgArray};
    matches!(map_type, Array | Hash | LpmTrie | PercpuArray | PercpuHash | ProgArray)
}

/// Keys of a map, in order.
fn keys(engine: &dyn Engine, map: Handle) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    while let Ok(Some(key)) = engine.map_next_key(map, keys.last().map(Vec::as_slice)) {
        keys.push(key);
    }
    keys
}

/// Puts the same into a map, whatever was in it.
fn fill(engine: &dyn Engine, maps: &Handles, number: usize, random: &mut Random) {
    let (shape, Some(map)) = (&SHAPES[number], maps.of(number)) else { return };
    if number == FROZEN || shape.map_type == MapType::ProgArray {
        return;
    }
    let mut fresh = keys(engine, map);
    if !matches!(shape.map_type, MapType::Array | MapType::PercpuArray) {
        for key in fresh.drain(..) {
            // It was there a moment ago.
            engine.map_delete(map, &key).expect("an element is deleted");
        }
        for small in 0..3_u8 {
            let mut key = vec![0; shape.key as usize];
            key[0] = if shape.map_type == MapType::LpmTrie { small * 8 } else { small };
            fresh.push(key);
        }
    }
    let copies = if map_rules::of(shape.map_type).per_cpu { engine.possible_cpus() } else { 1 };
    let bytes = if copies > 1 || map_rules::of(shape.map_type).per_cpu {
        shape.value.div_ceil(8) * 8
    } else {
        shape.value
    };
    for key in fresh {
        let value: Vec<u8> = (0..bytes).map(|_| random.next().to_le_bytes()[0] & 31).collect();
        let value = value.repeat(copies as usize);
        engine.map_update(map, &key, &value, 0).expect("an element is made");
    }
}

/// What is in a map, by key.
fn contents(engine: &dyn Engine, maps: &Handles, number: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (shape, Some(map)) = (&SHAPES[number], maps.of(number)) else { return Vec::new() };
    if shape.map_type == MapType::ProgArray {
        return Vec::new();
    }
    let value = |key: Vec<u8>| {
        let value = engine.map_lookup(map, &key, 0).unwrap_or_default();
        (key, value)
    };
    let mut contents: Vec<_> = keys(engine, map).into_iter().map(value).collect();
    contents.sort();
    contents
}

/// A packet: an Ethernet header with a common protocol, and anything behind it.
pub(crate) fn packet(random: &mut Random) -> Vec<u8> {
    let len = 14 + random.below(120);
    let mut packet: Vec<u8> = (0..len).map(|_| random.next().to_le_bytes()[0]).collect();
    let protocol = random.pick(&[0x0800_u16, 0x0800, 0x86dd, 0x0806, 0x1234]);
    packet[12..14].copy_from_slice(&protocol.to_be_bytes());
    // To nobody in particular: not multicast.
    packet[0] &= !1;
    packet
}
