//! Dumps are, byte for byte, those of `bpftool`.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::support::{
    Kinds, VMLINUX, bpftool, clang, compile, our_objects, output, types_in, vmlinux,
};
use skep_btf::{Btf, BtfBuilder, FuncLinkage, Kind, Member, Param, dump};
use tempfile::TempDir;

/// `options` come before what bpftool is to do.
fn check(bpftool: &str, options: &[&str], file: &Path, btf: &Btf) {
    let dump = |json: &[&str]| {
        let mut command = Command::new(bpftool);
        output(command.args(json).args(options).args(["btf", "dump", "file"]).arg(file))
    };
    same_lines(&dump(&[]), &dump::raw(btf).to_string());
    let json = serde_json::to_string(&dump::json(btf)).unwrap();
    same_lines(&unsigned_values(&dump(&["-j"])), &json.replace("},{", "},\n{"));
}

/// Breaks JSON into lines, and corrects what bpftool does with large values of an unsigned `ENUM`:
/// it extends their sign to 64 bits, in JSON alone.
fn unsigned_values(json: &str) -> String {
    let mut enumeration = false;
    let lines = json.trim_end().split("},{").map(|object| {
        if object.contains("\"kind\":") {
            enumeration = object.contains("\"kind\":\"ENUM\"");
        }
        let Some((front, value)) = object.split_once("\"val\":").filter(|_| enumeration) else {
            return object.to_owned();
        };
        let digits = value.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(value.len());
        let (number, rest) = value.split_at(digits);
        let number: u64 = number.parse().unwrap_or(0);
        match u32::try_from(number.wrapping_add(1 << 31)) {
            Ok(_) if number > i64::MAX as u64 => {
                format!("{front}\"val\":{}{rest}", number & 0xffff_ffff)
            }
            _ => object.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("},\n{")
}

/// Compares line by line: a difference in ten megabytes is to be found.
fn same_lines(expected: &str, found: &str) {
    for (number, (expected, found)) in (1..).zip(expected.lines().zip(found.lines())) {
        assert_eq!(expected, found, "line {number}");
    }
    assert_eq!(expected.lines().count(), found.lines().count());
}

#[test]
fn the_types_of_an_object() {
    let (Some(bpftool), Some(kinds)) = (bpftool(), Kinds::compile()) else { return };
    let btf = Btf::parse(&kinds.section(".BTF")).unwrap();
    check(&bpftool, &[], &kinds.folder.path().join("kinds.o"), &btf);
}

#[test]
fn the_types_of_our_objects() {
    let Some(bpftool) = bpftool() else { return };
    for path in our_objects() {
        check(&bpftool, &[], &path, &types_in(&path));
    }
}

#[test]
fn the_types_of_the_kernel() {
    let (Some(bpftool), Some(bytes)) = (bpftool(), vmlinux()) else { return };
    check(&bpftool, &[], Path::new(VMLINUX), &Btf::parse(&bytes).unwrap());
}

/// Types that continue those of the kernel, as a module has them.
fn module(base: &Arc<Btf>) -> Btf {
    let mut builder = BtfBuilder::split(base.clone());
    let task = base.find_by_name("task_struct", Kind::Struct).unwrap();
    let list = base.find_by_name("list_head", Kind::Struct).unwrap();
    let pointer = builder.ptr(task);
    let member = |name, ty, bit_offset| Member { name, ty, bit_offset, bitfield_size: None };
    let own = builder.structure(
        "module_state",
        24,
        &[member("task", pointer, 0), member("entries", list, 64)],
    );
    builder.typedef("module_state_t", own);
    // The kernel has one of this name: in C this one gets another.
    builder.structure("list_head", 8, &[member("only", pointer, 0)]);
    let proto = builder.func_proto(own, &[Param { name: "task", ty: pointer }]);
    builder.func("module_function", proto, FuncLinkage::Static);
    builder.build().unwrap()
}

#[test]
fn the_types_of_a_module() {
    let (Some(bpftool), Some(bytes)) = (bpftool(), vmlinux()) else { return };
    let base = Arc::new(Btf::parse(&bytes).unwrap());
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("module.btf");
    std::fs::write(&file, module(&base).to_bytes()).unwrap();
    let module = Btf::parse_split(base, &std::fs::read(&file).unwrap()).unwrap();
    check(&bpftool, &["-B", VMLINUX], &file, &module);

    let header = dump::c(&module).unwrap();
    let without_base = ["struct list_head {", "struct list_head___2 {", "struct module_state {"];
    assert!(without_base.iter().all(|text| header.contains(text)), "{header}");
    assert!(header.len() < 100_000, "what the module does not require is left out");
    let Some(clang) = clang() else { return };
    let source = folder.path().join("module.c");
    std::fs::write(&source, format!("{header}\nstruct list_head___2 list;module_state_t state;\n"))
        .unwrap();
    compile(&clang, &source, &folder.path().join("module.o"));
}
