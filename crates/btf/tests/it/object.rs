//! What a compiler writes: every kind of type and record, and what a loader corrects.

use crate::support::Kinds;
use skep_btf::ext::RelocationKind;
use skep_btf::{Btf, Ext, Kind, Type, TypeId, VarLinkage, decode_value};

fn types(kinds: &Kinds) -> Btf {
    Btf::parse(&kinds.section(".BTF")).unwrap()
}

#[test]
fn every_kind_of_type_is_there() {
    let Some(kinds) = Kinds::compile() else { return };
    let btf = types(&kinds);
    for kind in Kind::ALL {
        assert!(btf.types().any(|(_, ty)| ty.kind() == Some(kind)), "{kind}");
    }
}

#[test]
fn tags_are_found_by_what_they_are_on() {
    let Some(kinds) = Kinds::compile() else { return };
    let btf = types(&kinds);
    let tags = |name, kind| {
        let id = btf.find_by_name(name, kind).unwrap();
        btf.decl_tags(id).map(|(_, tag)| (tag.name, tag.component)).collect::<Vec<_>>()
    };
    assert_eq!(tags("tagged", Kind::Var), [("on a variable", None)]);
    assert_eq!(tags("read", Kind::Func), [("on a parameter", Some(0))]);
    assert_eq!(tags("program", Kind::Func), []);
}

#[test]
fn records_of_instructions() {
    let Some(kinds) = Kinds::compile() else { return };
    let btf = types(&kinds);
    let ext = Ext::parse(&btf, &kinds.section(".BTF.ext")).unwrap();
    let functions: Vec<_> = ext
        .func_info
        .iter()
        .flat_map(|section| section.records.iter().map(|info| (&*section.name, info)))
        .map(|(section, info)| (section, info.insn_off, btf.ty(info.func).unwrap().name()))
        .collect();
    assert_eq!(functions, [("xdp", 0, "program"), (".text", 0, "read")]);

    let source = std::fs::read_to_string(testkit::root().join("tests/btf/kinds.bpf.c")).unwrap();
    let lines: Vec<_> = source.lines().collect();
    let mut count = 0;
    for info in ext.line_info.iter().flat_map(|section| &section.records) {
        if info.line == 0 {
            // Code that the compiler made of no line.
            continue;
        }
        assert!(btf.string(info.file_name_off).unwrap().ends_with("kinds.bpf.c"));
        let line = usize::try_from(info.line).unwrap() - 1;
        assert_eq!(btf.string(info.line_off).unwrap(), lines[line], "line {}", info.line);
        count += 1;
    }
    assert!(count > 20, "{count} lines");

    let relocations = ext.relocations.iter().flat_map(|section| &section.records);
    let kinds: Vec<_> = relocations.clone().map(|relocation| relocation.kind).collect();
    assert!(RelocationKind::ALL.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    let matrix = relocations.clone().find(|relocation| relocation.access == [0, 17, 1]).unwrap();
    assert_eq!(btf.ty(matrix.ty).unwrap().name(), "every");
    assert_eq!(matrix.access_string(), "0:17:1");
}

/// What the loader fills in: sizes and offsets of sections.
#[test]
fn sections_are_placed() {
    let Some(kinds) = Kinds::compile() else { return };
    let btf = types(&kinds);
    let (bss, found) = btf.find_datasec(".bss").unwrap();
    assert_eq!(found.size, 0);
    let vars: Vec<TypeId> = found.vars.iter().map(|var| var.ty).collect();
    let offset = |id: TypeId| {
        let after = vars.iter().rev().take_while(|var| **var != id).count();
        u32::try_from(after * 128).unwrap()
    };

    let mut edit = btf.edit();
    edit.place_datasec(bss, 4096, |var, _| Some(offset(var))).unwrap();
    let placed = edit.finish().unwrap();
    let (_, datasec) = placed.find_datasec(".bss").unwrap();
    assert_eq!(datasec.size, 4096);
    let mut reversed = vars.clone();
    reversed.reverse();
    assert_eq!(datasec.vars.iter().map(|var| var.ty).collect::<Vec<_>>(), reversed);
    assert!(datasec.vars.iter().all(|var| var.offset == offset(var.ty)));
    let value = decode_value(&placed, bss, &[0; 4096]).unwrap().to_string();
    assert!(value.contains("hidden: 0"), "{value}");

    let mut edit = btf.edit();
    let error = edit.place_datasec(vars[0], 4, |_, _| None).unwrap_err().to_string();
    assert_eq!(error, format!("type {} is VAR, DATASEC required", vars[0]));
    edit.place_datasec(bss, 4096, |_, _| Some(4096)).unwrap();
    assert!(edit.finish().unwrap_err().to_string().contains("in a section of 4096 bytes"));
}

#[test]
fn externs_become_globals() {
    let Some(kinds) = Kinds::compile() else { return };
    let btf = types(&kinds);
    let hz = btf.find_by_name("CONFIG_HZ", Kind::Var).unwrap();
    let mut edit = btf.edit();
    edit.set_var_linkage(hz, VarLinkage::Global).unwrap();
    let edited = edit.finish().unwrap();
    assert!(matches!(edited.ty(hz), Ok(Type::Var(var)) if var.linkage == VarLinkage::Global));
    assert!(matches!(btf.ty(hz), Ok(Type::Var(var)) if var.linkage == VarLinkage::Extern));
}
