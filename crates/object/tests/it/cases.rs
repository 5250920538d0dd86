//! The cases of `tests/object`: a BPF source, and what its object is found to hold.
//!
//! A section `target` is a source too, whose types the program is adapted to. The section `object`
//! then describes the object, and `code` lists the programs that were adapted.

use std::fmt::Write;

use skep_object::core::CoreTarget;
use skep_object::map::{Initial, MapDef, Pinning, SlotTarget};
use skep_object::{Object, Program, ProgramKind, Target};
use skep_spec::Insn;
use skep_spec::disasm::Listing;
use testkit::{Case, Kind, Outcome};

use crate::support::{self, compile};

#[test]
fn cases() {
    Kind { folder: "object", outputs: &["object", "code"], run }.check();
}

fn run(case: &Case) -> Outcome {
    let missing = || Outcome::Skipped("clang-19 is needed to compile it".to_owned());
    let folder = support::scratch("cases");
    let Some(path) = compile(case.name(), case.input(), &folder) else { return missing() };
    let bytes = std::fs::read(&path).expect("it was just compiled");
    let object = match Object::parse(case.name(), &bytes) {
        Ok(object) => object,
        Err(error) => return Outcome::Found(vec![("object", format!("error: {error}\n"))]),
    };
    let Some(source) = case.section("target") else {
        return Outcome::Found(vec![("object", describe(&object, None))]);
    };
    let name = format!("{}-target", case.name());
    let Some(path) = compile(&name, source, &folder) else { return missing() };
    let types = support::parse(&path).btf().expect("compiled with -g").clone();
    let target = CoreTarget::new(&types);
    Outcome::Found(vec![
        ("object", describe(&object, Some(&target))),
        ("code", listings(&object, &target)),
    ])
}

/// Everything that an object holds, in lines.
pub(crate) fn describe<'a>(object: &'a Object, target: Option<&CoreTarget<'a>>) -> String {
    let mut text = String::new();
    let out = &mut text;
    line(out, format_args!("licence {}", object.license().unwrap_or("none")));
    if let Some(version) = object.version() {
        line(out, format_args!("version {version:#x}"));
    }
    for map in object.maps() {
        line(out, format_args!("map {}: {}", map.name, definition(&map.def)));
        if map.kernel_name != map.name {
            line(out, format_args!("  kernel name {}", map.kernel_name));
        }
        match map.pinning {
            Pinning::None => {}
            Pinning::ByName => line(out, format_args!("  pinned by name")),
            Pinning::Other(scheme) => line(out, format_args!("  pinned by scheme {scheme}")),
        }
        if let Some(inner) = &map.inner {
            line(out, format_args!("  of {}", definition(inner)));
        }
        initial(out, object, &map.initial);
        for address in &map.addresses {
            line(
                out,
                format_args!("  +{} holds the address of {}", address.offset, address.symbol),
            );
        }
    }
    for symbol in object.externs() {
        let weak = if symbol.weak { ", weak" } else { "" };
        line(out, format_args!("extern {}: {:?}{weak}", symbol.name, symbol.source));
    }
    for (index, function, kind) in object.programs() {
        let (name, section) = (&function.name, &function.section);
        line(out, format_args!("program {name}: section {section}, {}", kind_words(&kind)));
        match object.program(index, target) {
            Ok(program) => describe_program(out, object, &program),
            Err(error) => line(out, format_args!("  error: {error}")),
        }
    }
    text
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("strings take everything");
}

fn definition(def: &MapDef) -> String {
    let MapDef { map_type, key_size, value_size, max_entries, .. } = def;
    let mut words =
        format!("{map_type}, key {key_size}, value {value_size}, {max_entries} entries");
    if def.flags != 0 {
        words += &format!(", flags {:#x}", def.flags);
    }
    if def.extra != 0 {
        words += &format!(", extra {:#x}", def.extra);
    }
    if let Some(node) = def.numa_node {
        words += &format!(", node {node}");
    }
    words
}

fn initial(out: &mut String, object: &Object, initial: &Initial) {
    match initial {
        Initial::Empty | Initial::Zeroes => {}
        Initial::Bytes(bytes) => {
            let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            line(out, format_args!("  bytes {}", bytes.join(" ")));
        }
        Initial::Slots(slots) => {
            for slot in slots {
                let name = match slot.target {
                    SlotTarget::Map(map) => object.map(map).map(|map| &map.name),
                    SlotTarget::Program(index) => {
                        object.functions().get(index.0).map(|function| &function.name)
                    }
                };
                let name = name.expect("slots hold what exists");
                line(out, format_args!("  [{}] {name}", slot.key));
            }
        }
    }
}

fn kind_words(kind: &ProgramKind) -> String {
    let mut words = kind.prog_type.map_or("no type".to_owned(), |found| found.name().to_owned());
    if let Some(attach_type) = kind.attach_type {
        words += &format!(" at {attach_type}");
    }
    if let Some(target) = &kind.target {
        words += &format!(" to {target}");
    }
    for (flag, word) in
        [(kind.sleepable, "sleepable"), (kind.frags, "frags"), (kind.optional, "optional")]
    {
        if flag {
            words += &format!(", {word}");
        }
    }
    words
}

fn describe_program(out: &mut String, object: &Object, program: &Program) {
    let names: Vec<_> =
        program.subprograms.iter().map(|subprogram| subprogram.name.as_str()).collect();
    if names.len() > 1 {
        line(out, format_args!("  functions {}", names.join(", ")));
    }
    let mut references: Vec<String> = program
        .references
        .iter()
        .map(|reference| match &reference.target {
            Target::Map(map) => object.map(*map).expect("maps exist").name.clone(),
            Target::MapValue { map, off } => {
                format!("{}+{off}", object.map(*map).expect("maps exist").name)
            }
            Target::Kfunc(symbol) => format!("{}()", symbol.name),
            Target::Extern(symbol) => symbol.name.clone(),
        })
        .collect();
    references.sort();
    references.dedup();
    if !references.is_empty() {
        line(out, format_args!("  refers to {}", references.join(", ")));
    }
    for relocation in &program.unresolved_core {
        line(out, format_args!("  unresolved {}: {}", relocation.spec, relocation.reason));
    }
    if let Err(error) = program.bind(|reference| match reference.target {
        Target::Map(_) | Target::MapValue { .. } => match program.code.get(reference.at) {
            Some(Insn::LoadImm64 { imm, .. }) => Some(skep_object::Binding::Imm64(*imm)),
            _ => None,
        },
        Target::Kfunc(_) | Target::Extern(_) => None,
    }) {
        line(out, format_args!("  not bound: {error}"));
    }
}

/// All programs, adapted.
fn listings<'a>(object: &'a Object, target: &CoreTarget<'a>) -> String {
    let mut text = String::new();
    for (index, function, _) in object.programs() {
        if let Ok(program) = object.program(index, Some(target)) {
            let listing = Listing::new(&program.code);
            line(&mut text, format_args!("{}:\n{listing}", function.name));
        }
    }
    text
}
