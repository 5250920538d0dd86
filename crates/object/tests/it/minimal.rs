//! The types that objects look at are as good as all of the kernel's.

use std::path::{Path, PathBuf};
use std::process::Command;

use skep_btf::{Btf, TypeId, dump};
use skep_object::core::{CoreTarget, Needs};
use skep_object::{Object, Program};
use skep_spec::Insn;
use skep_spec::insn::{Imm64, Operand};

use crate::support::{self, run, skip};

const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// All objects of the project, and those of the tests that a compiler is there for.
fn objects(folder: &Path) -> Vec<PathBuf> {
    let mut paths = support::files(&support::objects(), ".bpf.o");
    paths.extend(support::compiled_cases(folder));
    for source in ["min/reads", "kinds"] {
        let path = testkit::root().join(format!("tests/btf/{source}.bpf.c"));
        let text = std::fs::read_to_string(path).expect("the source is there");
        paths.extend(support::compile(&source.replace('/', "-"), &text, folder));
    }
    paths
}

fn minimal(objects: &[&Object], all: &Btf) -> Btf {
    let mut needs = Needs::new(&CoreTarget::new(all));
    objects.iter().for_each(|object| needs.add(object).expect("its relocations make sense"));
    needs.build().expect("what is right stays right")
}

/// How many instructions hold the number of a type in both programs, which are the same else.
fn numbers_of_types(name: &str, all: (&Btf, &Program), few: (&Btf, &Program)) -> usize {
    let number = |insn: &Insn| match insn {
        Insn::Mov { src: Operand::Imm(imm), .. } => u32::try_from(*imm).ok(),
        Insn::LoadImm64 { imm: Imm64::Value(value), .. } => u32::try_from(*value).ok(),
        _ => None,
    };
    let shown = |btf: &Btf, insn| {
        let ty = btf.ty(TypeId(number(insn)?)).ok()?;
        Some((ty.kind_name(), ty.name().to_owned()))
    };
    assert_eq!(all.1.code.len(), few.1.code.len(), "{name}");
    let mut count = 0;
    for ((at, mine), (_, theirs)) in all.1.code.iter().zip(few.1.code.iter()) {
        if mine != theirs {
            let (mine, theirs) = (shown(all.0, mine), shown(few.0, theirs));
            assert!(mine.is_some(), "{name}, {at}");
            assert_eq!(mine, theirs, "{name}, {at}");
            count += 1;
        }
    }
    let unresolved = |program: &Program| {
        program.unresolved_core.iter().map(|it| (it.at, it.spec.clone())).collect::<Vec<_>>()
    };
    assert_eq!(unresolved(all.1), unresolved(few.1), "{name}");
    count
}

#[test]
fn programs_are_the_same() {
    let Some(all) = support::kernel_types() else { return };
    let folder = support::scratch("minimal");
    let paths = objects(&folder);
    let objects: Vec<Object> =
        paths.iter().filter_map(|path| support::try_parse(path).ok()).collect();
    let together = minimal(&objects.iter().collect::<Vec<_>>(), &all);
    let (mut same, mut numbers, mut adapted) = (0, 0, 0);
    for object in &objects {
        let alone = minimal(&[object], &all);
        for (index, function, _) in object.programs() {
            let name = format!("{}/{}", object.name(), function.name);
            let program = |btf: &Btf| object.program(index, Some(&CoreTarget::new(btf))).ok();
            let Some(expected) = object.program(index, Some(&CoreTarget::new(&all))).ok() else {
                assert!(program(&alone).is_none(), "{name}");
                continue;
            };
            for few in [&alone, &together] {
                let found = object.program(index, Some(&CoreTarget::new(few)));
                let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
                numbers += numbers_of_types(&name, (&all, &expected), (few, &found));
            }
            adapted += usize::from(!object.core_relocations(index).is_empty());
            same += 1;
        }
    }
    println!(
        "{same} programs are the same, {adapted} of them adapted; {numbers} numbers of types; \
         {} bytes for all objects",
        together.to_bytes().len()
    );
    assert!(adapted > 0 || same == 0, "some program is adapted");
}

/// The types must be those that bpftool finds, in the same order.
#[test]
fn types_are_those_of_bpftool() {
    let Some(all) = support::kernel_types() else { return };
    let folder = support::scratch("minimal-bpftool");
    let out = folder.join("min.btf");
    let mut same = 0;
    let paths = objects(&folder);
    for path in &paths {
        let Ok(object) = support::try_parse(path) else { continue };
        let mut bpftool = Command::new("bpftool");
        bpftool.args(["gen", "min_core_btf", VMLINUX]).arg(&out).arg(path);
        match run(&mut bpftool) {
            Err(reason) if reason.contains("No such file") => {
                return skip("minimal types of bpftool", &reason);
            }
            // What its libbpf does not open.
            Err(_) => continue,
            Ok(_) => {}
        }
        let theirs = std::fs::read(&out).expect("bpftool wrote it");
        let ours = minimal(&[&object], &all);
        let theirs = Btf::parse(&theirs).expect("bpftool's types are right");
        assert_eq!(
            dump::raw(&ours).to_string(),
            dump::raw(&theirs).to_string(),
            "{}",
            path.display()
        );
        assert_eq!(ours.to_bytes().len(), theirs.to_bytes().len(), "{}", path.display());
        same += 1;
    }
    println!("{same} of {} objects look at the same types", paths.len());
}
