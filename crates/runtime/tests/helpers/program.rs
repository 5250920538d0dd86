//! The program that makes the calls of a run, and what came of it.

use std::fmt::Write;

use skep_command::map::{Event, MapCreate};
use skep_command::prog::{ProgBtf, ProgLoad, Semantics, TestRun, TestRunReply};
use skep_command::{Engine, Error, Handle};
use skep_spec::Code;
use skep_spec::abi::MapType;
use skep_spec::asm::assemble;

use crate::script::{Arg, MapArg, Start, Step};

/// What a run came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    /// For each step what it returned, and the memory that it was given to write.
    pub(crate) steps: Vec<(u64, Vec<u8>)>,
    /// The packet afterwards.
    pub(crate) packet: Vec<u8>,
    /// What its ring buffers and perf event arrays hold.
    pub(crate) records: Vec<Vec<u8>>,
}

/// The most memory that a step can be given to write.
const OUT_MAX: usize = 120;

/// An element of the result map: the returned value, then memory.
const ELEMENT: usize = 8 + OUT_MAX;

/// Lets an engine run the steps.
pub(crate) fn answer(engine: &dyn Engine, start: &Start, steps: &[Step]) -> Result<Answer, Error> {
    let map = engine.map_create(&result_map(steps.len()))?;
    let maps = maps(engine, steps)?;
    let result = run(engine, map, &maps, start, steps);
    for (_, map) in maps {
        engine.close(map);
    }
    engine.close(map);
    result
}

/// The maps that the steps name.
fn maps(engine: &dyn Engine, steps: &[Step]) -> Result<Maps, Error> {
    let mut maps = Maps::new();
    let calls = steps
        .iter()
        .filter_map(|step| if let Step::Call(_, args) = step { Some(args) } else { None });
    for arg in calls.flatten() {
        let Arg::Map(arg) = arg else { continue };
        if maps.iter().all(|(known, _)| known != arg) {
            maps.push((*arg, make(engine, *arg)?));
        }
    }
    Ok(maps)
}

type Maps = Vec<(MapArg, Handle)>;

fn make(engine: &dyn Engine, arg: MapArg) -> Result<Handle, Error> {
    let (key_size, value_size, max_entries) = match arg.map_type {
        MapType::Ringbuf => (0, 0, arg.number),
        MapType::PerfEventArray => (4, 4, arg.number),
        _ => (4, 4, 4),
    };
    let create = MapCreate {
        name: "map",
        map_type: arg.map_type,
        key_size,
        value_size,
        max_entries,
        ..result_map(1)
    };
    let map = engine.map_create(&create)?;
    if let MapType::Devmap | MapType::DevmapHash = arg.map_type {
        let interface = 1u32;
        engine.map_update(map, &arg.number.to_ne_bytes(), &interface.to_ne_bytes(), 0)?;
    }
    Ok(map)
}

/// The records that wait in the maps.
fn records(engine: &dyn Engine, maps: &Maps) -> Result<Vec<Vec<u8>>, Error> {
    let mut records = Vec::new();
    for (arg, map) in maps {
        if let MapType::Ringbuf | MapType::PerfEventArray = arg.map_type {
            engine.map_consume(*map, &mut |event| {
                if let Event::Record { data, .. } = event {
                    records.push(data.to_vec());
                }
            })?;
        }
    }
    Ok(records)
}

/// The map that a program with this many steps leaves its results in.
pub(crate) fn result_map(steps: usize) -> MapCreate<'static> {
    MapCreate {
        name: "results",
        map_type: MapType::Array,
        key_size: 4,
        value_size: u32::try_from(ELEMENT).expect("a small number"),
        max_entries: u32::try_from(steps).expect("few steps"),
        flags: 0,
        extra: 0,
        inner: None,
        numa_node: None,
        btf: None,
    }
}

fn run(
    engine: &dyn Engine,
    map: Handle,
    maps: &Maps,
    start: &Start,
    steps: &[Step],
) -> Result<Answer, Error> {
    let packet = load_and_run(engine, start, &program(map, maps, steps))?;
    let mut results = Vec::new();
    for (index, step) in (0u32..).zip(steps) {
        let value = engine.map_lookup(map, &index.to_ne_bytes(), 0)?;
        let (returned, memory) = value.split_first_chunk().expect("a value of ELEMENT bytes");
        results.push((u64::from_ne_bytes(*returned), memory[..out_len(step)].to_vec()));
    }
    Ok(Answer { steps: results, packet, records: records(engine, maps)? })
}

/// Loads a program and runs it once; the packet afterwards.
pub(crate) fn load_and_run(
    engine: &dyn Engine,
    start: &Start,
    text: &str,
) -> Result<Vec<u8>, Error> {
    let code = assemble(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    run_code(engine, start, &code, None).map(|reply| reply.data)
}

/// The same of instructions that can have types.
pub(crate) fn run_code(
    engine: &dyn Engine,
    start: &Start,
    code: &Code,
    btf: Option<ProgBtf<'_>>,
) -> Result<TestRunReply, Error> {
    let prog = engine.prog_load(&ProgLoad {
        flags: start.flags,
        btf,
        ..ProgLoad::new("helpers", start.prog_type, code)
    })?;
    let reply = engine.prog_test_run(
        prog.handle,
        &TestRun {
            data: &start.packet,
            data_out_capacity: 64 * 1024,
            ctx: &[],
            repeat: 1,
            flags: 0,
            cpu: 0,
            semantics: Semantics::TestRun,
        },
    );
    engine.close(prog.handle);
    reply
}

/// How many bytes of memory a step is given to write.
fn out_len(step: &Step) -> usize {
    let Step::Call(_, args) = step else { return 0 };
    args.iter().map(|arg| if let Arg::Out(len) = arg { *len } else { 0 }).sum()
}

/// The program as text. `r6` is the context, the key of the result map stands at `r10 - 4`.
fn program(map: Handle, maps: &Maps, steps: &[Step]) -> String {
    let mut text = String::from("r6 = r1\n");
    for (index, step) in steps.iter().enumerate() {
        let outs = match step {
            Step::Field(off) => {
                line(&mut text, format_args!("r7 = *(u32 *)(r6 + {off})"));
                Vec::new()
            }
            Step::Call(helper, args) => {
                let outs = arguments(&mut text, maps, args);
                line(&mut text, format_args!("call {}", helper.name()));
                line(&mut text, format_args!("r7 = r0"));
                outs
            }
        };
        store_results(&mut text, map, index, &outs);
    }
    text.push_str("r0 = 2\nexit\nend: r0 = 0\nexit\n");
    text
}

/// Loads the arguments; returns where in the stack memory to write lies, and how long it is.
fn arguments(text: &mut String, maps: &Maps, args: &[Arg]) -> Vec<(usize, usize)> {
    let mut outs = Vec::new();
    let mut depth = 8;
    let mut places = Vec::new();
    for arg in args {
        let (bytes, out) = match arg {
            Arg::Memory(bytes) => (bytes.clone(), false),
            Arg::Out(len) => (vec![0xaa; *len], true),
            Arg::Number(_) | Arg::Context | Arg::Map(_) => {
                places.push(0);
                continue;
            }
        };
        depth += bytes.len().max(1).next_multiple_of(8);
        if out {
            outs.push((depth, bytes.len()));
        }
        places.push(depth);
        for (at, chunk) in (0..).step_by(8).zip(bytes.chunks(8)) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            line(text, format_args!("r1 = {:#x} ll", u64::from_le_bytes(word)));
            line(text, format_args!("*(u64 *)(r10 - {}) = r1", depth - at));
        }
    }
    for ((number, arg), place) in (1..).zip(args).zip(places) {
        match arg {
            Arg::Number(value) => line(text, format_args!("r{number} = {value:#x} ll")),
            Arg::Context => line(text, format_args!("r{number} = r6")),
            Arg::Map(map) => {
                let found = maps.iter().find(|(known, _)| known == map).expect("all maps are made");
                line(text, format_args!("r{number} = map[fd:{}]", found.1.0));
            }
            Arg::Memory(_) | Arg::Out(_) => {
                line(text, format_args!("r{number} = r10"));
                line(text, format_args!("r{number} += -{place}"));
            }
        }
    }
    outs
}

fn store_results(text: &mut String, map: Handle, index: usize, outs: &[(usize, usize)]) {
    line(text, format_args!("*(u32 *)(r10 - 4) = {index}"));
    line(text, format_args!("r1 = map[fd:{}]", map.0));
    line(text, format_args!("r2 = r10"));
    line(text, format_args!("r2 += -4"));
    line(text, format_args!("call bpf_map_lookup_elem"));
    line(text, format_args!("if r0 == 0 goto end"));
    line(text, format_args!("*(u64 *)(r0 + 0) = r7"));
    let mut to = 8;
    for (depth, len) in outs {
        for at in 0..*len {
            line(text, format_args!("r1 = *(u8 *)(r10 - {})", depth - at));
            line(text, format_args!("*(u8 *)(r0 + {to}) = r1"));
            to += 1;
        }
    }
}

fn line(text: &mut String, args: std::fmt::Arguments<'_>) {
    text.write_fmt(args).expect("writing to a string does not fail");
    text.push('\n');
}

impl Answer {
    /// One line: what each step returned, the packet if it changed, the records.
    pub(crate) fn show(&self, start: &Start) -> String {
        let steps: Vec<String> = self.steps.iter().map(show_step).collect();
        let mut shown = steps.join(" | ");
        if self.packet != start.packet {
            write!(shown, " -> {}", show_bytes(&self.packet))
                .expect("writing to a string does not fail");
        }
        for record in &self.records {
            shown.push_str(" * ");
            shown.push_str(&show_bytes(record));
        }
        shown
    }
}

fn show_step((returned, memory): &(u64, Vec<u8>)) -> String {
    let returned = returned.cast_signed();
    match memory.as_slice() {
        [] => returned.to_string(),
        memory => format!("{returned} {}", show_bytes(memory)),
    }
}

/// Bytes as hexadecimal, with runs of zeros and of bytes that count up cut short.
pub(crate) fn show_bytes(bytes: &[u8]) -> String {
    const SHORT: usize = 6;
    let mut shown = format!("{}:", bytes.len());
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let zeros = rest.iter().take_while(|byte| **byte == 0).count();
        let counting = (0u8..=255)
            .cycle()
            .skip(usize::from(*first))
            .zip(rest)
            .take_while(|(a, b)| a == *b)
            .count();
        let (len, text) = if zeros > SHORT {
            (zeros, format!(" 00*{zeros}"))
        } else if counting > SHORT {
            (counting, format!(" {first:02x}..{:02x}", rest[counting - 1]))
        } else {
            (1, format!(" {first:02x}"))
        };
        shown.push_str(&text);
        rest = &rest[len..];
    }
    shown
}
