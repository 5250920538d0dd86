//! Cases of `tests/helper-programs`: whole programs, for helpers that call back, keep records or
//! depend on what maps hold.
//!
//! The input begins with lines that say what there is, up to an empty line; the program follows.
//!
//! ```text
//! map counts hash 4 8 16        ; a map: name, type, bytes of a key and a value, elements
//! text words "one\0two\0"       ; constant text, as a map that programs may only read
//! xdp 64                        ; the packet, as in `tests/helpers`
//!
//! r1 = map[counts]
//! ```
//!
//! The results are what the program returned, the packet if it changed, and what the maps hold.

use std::collections::BTreeSet;
use std::fmt::Write;

use skep_btf::{BtfBuilder, FuncLinkage, IntEncoding, Param};
use skep_command::map::{Event, MapCreate};
use skep_command::prog::{FuncInfo, ProgBtf};
use skep_command::{Engine, Error, Handle};
use skep_spec::abi::MapType;
use skep_spec::asm::assemble;
use skep_spec::insn::{Callee, Imm64};
use skep_spec::{Code, Insn, InsnIdx};

use crate::program::{result_map, run_code, show_bytes};
use crate::script::{Arg, Line, Start, parse, parse_arg};

/// `BPF_F_RDONLY_PROG`.
const RDONLY_PROG: u32 = 1 << 7;

struct Map<'a> {
    name: &'a str,
    /// `None` for text, which stays as it is.
    map_type: Option<MapType>,
    handle: Handle,
}

/// What a program comes to.
pub(crate) fn results(engine: &dyn Engine, input: &str) -> String {
    run(engine, input)
        .unwrap_or_else(|error| format!("{error}\n{}", error.log.clone().unwrap_or_default()))
}

fn run(engine: &dyn Engine, input: &str) -> Result<String, Error> {
    let lines = input.lines().skip_while(|line| line.starts_with(';') || line.is_empty());
    let head: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let mut maps = Vec::new();
    let mut start = None;
    for line in &head {
        match line.split_once(' ') {
            Some(("map", rest)) => maps.push(make_map(engine, rest)?),
            Some(("text", rest)) => maps.push(make_text(engine, rest)?),
            _ => start = parse_start(line),
        }
    }
    let start = start.expect("a line that says what the packet is");
    let mut source =
        input.split(head.last().expect("a head")).last().expect("a program").to_owned();
    for map in &maps {
        source =
            source.replace(&format!("map[{}]", map.name), &format!("map[fd:{}]", map.handle.0));
    }
    let code = assemble(&source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let ran = run_with_functions(engine, &start, &code);
    let shown = ran.and_then(|shown| Ok(shown + &show_maps(engine, &maps)?));
    for map in maps {
        engine.close(map.handle);
    }
    shown
}

fn parse_start(line: &str) -> Option<Start> {
    match parse(line).pop() {
        Some((_, Line::Start(start))) => Some(start),
        other => panic!("{line}: {other:?}"),
    }
}

fn make_map<'a>(engine: &dyn Engine, line: &'a str) -> Result<Map<'a>, Error> {
    let words: Vec<&str> = line.split(" ;").next().unwrap_or(line).split_whitespace().collect();
    let [name, map_type, key_size, value_size, max_entries] = words[..] else {
        panic!("{line}: a map has a name, a type and three sizes");
    };
    let number = |word: &str| word.parse::<u32>().expect("a number");
    let map_type = MapType::from_name(map_type).expect("a map type");
    let create = MapCreate {
        name,
        map_type,
        key_size: number(key_size),
        value_size: number(value_size),
        max_entries: number(max_entries),
        ..result_map(1)
    };
    Ok(Map { name, map_type: Some(map_type), handle: engine.map_create(&create)? })
}

fn make_text<'a>(engine: &dyn Engine, line: &'a str) -> Result<Map<'a>, Error> {
    let (name, text) = line.split_once(' ').expect("a name and text");
    let Arg::Memory(bytes) = parse_arg(text) else { panic!("{line}: no text") };
    let value_size = u32::try_from(bytes.len()).expect("short text");
    let create = MapCreate { name, value_size, flags: RDONLY_PROG, ..result_map(1) };
    let handle = engine.map_create(&create)?;
    engine.map_update(handle, &0u32.to_ne_bytes(), &bytes, 0)?;
    engine.map_freeze(handle)?;
    Ok(Map { name, map_type: None, handle })
}

/// Runs the program, with types that say where its functions begin, as callbacks need.
fn run_with_functions(engine: &dyn Engine, start: &Start, code: &Code) -> Result<String, Error> {
    let mut types = BtfBuilder::new();
    let int = types.int("int", 4, IntEncoding::Signed);
    let proto = types.func_proto(int, &[Param { name: "x", ty: int }]);
    let funcs: Vec<FuncInfo> = functions(code)
        .into_iter()
        .map(|at| FuncInfo { at, type_id: types.func("f", proto, FuncLinkage::Static) })
        .collect();
    let btf = engine.btf_load(&types.to_bytes().expect("few types"))?;
    let ran = run_code(engine, start, code, Some(ProgBtf { btf, funcs: &funcs, lines: &[] }));
    engine.close(btf);
    let reply = ran?;
    let mut shown = format!("returned {}\n", reply.retval.cast_signed());
    if reply.data != start.packet {
        writeln!(shown, "packet {}", show_bytes(&reply.data))
            .expect("writing to a string does not fail");
    }
    Ok(shown)
}

/// Where functions begin.
fn functions(code: &Code) -> BTreeSet<InsnIdx> {
    let targets = code.iter().filter_map(|(at, insn)| match insn {
        Insn::Call(Callee::Local(distance)) => at.jump(*distance),
        Insn::LoadImm64 { imm: Imm64::Func(distance), .. } => at.jump(*distance),
        _ => None,
    });
    targets.chain([InsnIdx(0)]).collect()
}

fn show_maps(engine: &dyn Engine, maps: &[Map<'_>]) -> Result<String, Error> {
    let mut shown = String::new();
    for map in maps {
        let mut lines = match map.map_type {
            Some(MapType::Array | MapType::Hash) => elements(engine, map.handle)?,
            Some(MapType::Ringbuf) => records(engine, map.handle)?,
            _ => continue,
        };
        if map.map_type == Some(MapType::Hash) {
            lines.sort();
        }
        for line in lines {
            writeln!(shown, "{} {line}", map.name).expect("writing to a string does not fail");
        }
    }
    Ok(shown)
}

fn elements(engine: &dyn Engine, map: Handle) -> Result<Vec<String>, Error> {
    let mut elements = Vec::new();
    let mut key = engine.map_next_key(map, None)?;
    while let Some(current) = key {
        let value = engine.map_lookup(map, &current, 0)?;
        elements.push(format!("{} = {}", show_number(&current), show_number(&value)));
        key = engine.map_next_key(map, Some(&current))?;
    }
    Ok(elements)
}

fn records(engine: &dyn Engine, map: Handle) -> Result<Vec<String>, Error> {
    let mut records = Vec::new();
    engine.map_consume(map, &mut |event| {
        if let Event::Record { data, .. } = event {
            records.push(show_bytes(data));
        }
    })?;
    Ok(records)
}

/// Four bytes as a signed number, a multiple of eight as several, others as they are.
fn show_number(bytes: &[u8]) -> String {
    match (bytes, bytes.as_chunks()) {
        ([a, b, c, d], _) => i32::from_ne_bytes([*a, *b, *c, *d]).to_string(),
        (_, (words, [])) => {
            let words: Vec<String> =
                words.iter().map(|word| i64::from_ne_bytes(*word).to_string()).collect();
            words.join(" ")
        }
        (_, _) => show_bytes(bytes),
    }
}
