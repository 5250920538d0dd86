//! The project's own objects, and objects made of small sources at test time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{self, objects, parse};
use skep_object::Target;
use skep_object::map::{Initial, SlotTarget};
use skep_spec::abi::ProgType;

#[test]
fn every_object_of_ours_parses_and_links() {
    let mut programs = 0;
    for path in support::files(&objects(), ".bpf.o") {
        let object = parse(&path);
        assert_eq!(object.license(), Some("Dual BSD/GPL"));
        for (index, function, kind) in object.programs() {
            assert!(kind.prog_type.is_some(), "{}", function.section);
            if !object.core_relocations(index).is_empty() {
                continue;
            }
            let program = object.program(index, None).unwrap();
            assert_eq!(program.func_info.len(), program.subprograms.len());
            assert!(!program.line_info.is_empty());
            programs += 1;
        }
    }
    assert!(programs >= 8, "{programs} programs");
}

#[test]
fn program_array_begins_with_programs() {
    let object = parse(&objects().join("tailcall.bpf.o"));
    let (_, map) = object.find_map("protocols").unwrap();
    let Initial::Slots(slots) = &map.initial else { panic!("{map:?}") };
    let names: Vec<_> = slots
        .iter()
        .map(|slot| match slot.target {
            SlotTarget::Program(index) => (slot.key, object.functions()[index.0].name.as_str()),
            SlotTarget::Map(_) => panic!("{slot:?}"),
        })
        .collect();
    assert_eq!(names, [(0, "on_arp"), (1, "on_ipv4"), (2, "on_ipv6")]);
}

#[test]
fn references_name_maps_and_bytes_of_global_data() {
    let object = parse(&objects().join("firewall.bpf.o"));
    let index = object.find_program("firewall").unwrap();
    let program = object.program(index, None).unwrap();
    assert_eq!(program.kind.prog_type, Some(ProgType::Xdp));
    let mut maps: Vec<_> = program
        .references
        .iter()
        .map(|reference| match reference.target {
            Target::Map(map) | Target::MapValue { map, .. } => {
                object.map(map).unwrap().name.as_str()
            }
            Target::Kfunc(_) | Target::Extern(_) => panic!("{reference:?}"),
        })
        .collect();
    maps.sort_unstable();
    maps.dedup();
    let expected = [".bss", ".rodata", "drops", "hits", "ports", "prefixes_v4", "prefixes_v6"];
    assert_eq!(maps, expected);
}

#[test]
fn types_know_where_global_variables_are() {
    let object = parse(&objects().join("firewall.bpf.o"));
    let btf = object.btf().unwrap();
    for map in object.maps().iter().filter(|map| map.is_global_data()) {
        let (_, datasec) = btf.find_datasec(&map.name).unwrap();
        assert_eq!(datasec.size, map.def.value_size, "{}", map.name);
        let mut end = 0;
        for entry in datasec.vars {
            assert!(entry.offset >= end, "{}: variables overlap", map.name);
            end = entry.offset + entry.size;
        }
        assert!(end <= datasec.size, "{}", map.name);
    }
    assert!(object.btf_for_kernel().unwrap().is_some());
}

/// Compilers of before LLVM 9 gave functions neither type nor size; others gave them no name.
#[test]
fn functions_without_symbols_of_their_own() {
    let bytes = std::fs::read(objects().join("counters.bpf.o")).unwrap();
    let expected = code_of(&bytes, "counters");
    let symbol = symbol(&bytes, "counters");

    let mut untyped = bytes.clone();
    untyped[symbol + 4] &= 0xf0;
    untyped[symbol + 16..symbol + 24].fill(0);
    assert_eq!(code_of(&untyped, "counters"), expected);

    let mut nameless = untyped.clone();
    nameless[symbol..symbol + 4].fill(0);
    assert_eq!(code_of(&nameless, "xdp"), expected);

    let mut local = untyped;
    local[symbol + 4] &= 0x0f;
    assert_eq!(code_of(&local, "xdp"), expected);
}

fn code_of(bytes: &[u8], name: &str) -> skep_spec::Code {
    let object = skep_object::Object::parse("counters", bytes).unwrap();
    let names: Vec<_> = object.programs().map(|(_, function, _)| function.name.clone()).collect();
    assert_eq!(names, [name]);
    object.program(object.find_program(name).unwrap(), None).unwrap().code
}

/// Where in the file the entry of a symbol is.
fn symbol(bytes: &[u8], name: &str) -> usize {
    let header = |at: usize| {
        usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap()
    };
    let object = skep_object::Object::parse("counters", bytes).unwrap();
    let section = |wanted: &str| {
        let index = object.sections().iter().position(|section| section.name == wanted).unwrap();
        let entry = header(40) + 64 * index;
        (header(entry + 24), header(entry + 32))
    };
    let ((symbols, size), (strings, _)) = (section(".symtab"), section(".strtab"));
    let mut entries = (symbols..symbols + size).step_by(24);
    let of_name = |entry: &usize| {
        let offset = u32::from_le_bytes(bytes[*entry..entry + 4].try_into().unwrap()) as usize;
        bytes[strings + offset..].starts_with(format!("{name}\0").as_bytes())
    };
    entries.find(of_name).unwrap()
}
