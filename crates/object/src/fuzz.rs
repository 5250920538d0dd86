//! What fuzzing drives: functions of any bytes that must neither panic nor take long.

use object::write::{Object as Writer, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolScope};
use skep_btf::Btf;

use crate::core::CoreTarget;
use crate::merge;
use crate::object::Object;

/// Programs looked at in one object; there can be thousands, all alike.
const MAX_PROGRAMS: usize = 32;

/// Reads an object and joins its programs, without types to adapt to and with its own; binds what
/// can be bound to nothing at all.
pub fn object(bytes: &[u8]) {
    let Ok(object) = Object::parse("fuzz", bytes) else { return };
    let target = object.btf().map(CoreTarget::new);
    for (index, function, _) in object.programs().take(MAX_PROGRAMS) {
        let adapted = object.program(index, target.as_ref());
        let plain = object.program(index, None);
        for program in adapted.iter().chain(&plain) {
            let slots: u32 = program.subprograms.iter().map(|subprogram| subprogram.slots).sum();
            assert_eq!(program.code.len(), slots, "{}: slots of its functions", function.name);
            let found = program.references.iter().all(|each| program.code.get(each.at).is_some());
            assert!(found, "{}: a reference is at no instruction", function.name);
            let bound = program.bind(|_| None).map_err(|error| error.to_string());
            assert!(bound.is_ok_and(|code| code.len() == slots) || !program.references.is_empty());
        }
        for relocation in object.core_relocations(index) {
            assert!(!relocation.spec.is_empty());
        }
    }
    let _ = object.btf_for_kernel();
}

/// Adapts the programs of one object to the types of another machine: four bytes that say how long
/// the object is, the object, the types.
pub fn core(bytes: &[u8]) {
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else { return };
    let size = usize::try_from(u32::from_le_bytes(*size)).unwrap_or(usize::MAX);
    let Some((object, types)) = rest.split_at_checked(size) else { return };
    let (Ok(object), Ok(types)) = (Object::parse("fuzz", object), Btf::parse(types)) else {
        return;
    };
    let target = CoreTarget::new(&types);
    for (index, function, _) in object.programs().take(MAX_PROGRAMS) {
        let Ok(program) = object.program(index, Some(&target)) else { continue };
        let found = program.unresolved_core.iter().all(|each| program.code.get(each.at).is_some());
        assert!(found, "{}: an unresolved relocation is at no instruction", function.name);
    }
}

/// Links an object alone, and with itself.
pub fn link(bytes: &[u8]) {
    let inputs = [merge::Input { name: "a", bytes }, merge::Input { name: "b", bytes }];
    if let Ok(linked) = merge::objects(&inputs[..1]) {
        let _ = Object::parse("linked", &linked);
    }
    if let Ok(linked) = merge::objects(&inputs) {
        let _ = Object::parse("linked", &linked);
    }
}

/// Sizes of map definitions, of which the first byte chooses one.
const SIZES: [usize; 8] = [16, 20, 24, 28, 32, 36, 40, 64];

/// Reads map definitions of before type information: a byte that chooses their size, then the
/// section.
pub fn legacy_maps(bytes: &[u8]) {
    let Some((&shape, definitions)) = bytes.split_first() else { return };
    let Some(&size) = SIZES.get(usize::from(shape) % SIZES.len()) else { return };
    let mut file = Writer::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
    let section = file.add_section(Vec::new(), b"maps".to_vec(), SectionKind::Data);
    file.append_section_data(section, definitions, 4);
    for (number, _) in definitions.chunks(size).enumerate() {
        file.add_symbol(Symbol {
            name: format!("map{number}").into_bytes(),
            value: (number * size) as u64,
            size: size as u64,
            kind: object::SymbolKind::Data,
            scope: SymbolScope::Dynamic,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::None,
        });
    }
    let Ok(file) = file.write() else { return };
    let Ok(object) = Object::parse("fuzz", &file) else { return };
    assert_eq!(object.maps().len(), definitions.chunks(size).count());
}
