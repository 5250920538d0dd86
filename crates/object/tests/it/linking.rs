//! The cases of `tests/link`: two BPF sources, and what the object holds that theirs are linked to.
//!
//! What bpftool links the same objects to has to mean the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use skep_object::core::CoreTarget;
use skep_object::{Object, Program, Target, merge};
use skep_spec::disasm::Listing;
use testkit::{Case, Kind, Outcome};

use crate::cases::describe;
use crate::libbpf;
use crate::support::{self, compile, run, skip};

#[test]
fn cases() {
    Kind { folder: "link", outputs: &["object"], run: run_case }.check();
}

fn run_case(case: &Case) -> Outcome {
    let folder = support::scratch("link-cases");
    let Some(paths) = compiled(case, &folder) else {
        return Outcome::Skipped("clang-19 is needed to compile it".to_owned());
    };
    let found = match link(&paths) {
        Ok(linked) => match Object::parse(case.name(), &linked) {
            Ok(object) => {
                describe(&object, support::kernel_types().as_ref().map(CoreTarget::new).as_ref())
            }
            Err(error) => panic!("{}: what was linked cannot be read: {error}", case.name()),
        },
        Err(error) => format!("error: {error}\n"),
    };
    Outcome::Found(vec![("object", found)])
}

/// The objects of a case's sources; `None` if there is no compiler.
fn compiled(case: &Case, folder: &Path) -> Option<Vec<PathBuf>> {
    let second = case.section("second").expect("a case has two sources");
    let sources = [("first", case.input()), ("second", second)];
    let compile = |(which, source)| compile(&format!("{}-{which}", case.name()), source, folder);
    sources.into_iter().map(compile).collect()
}

/// Links files. They are called what they are called, without the folder.
fn link(paths: &[PathBuf]) -> skep_object::Result<Vec<u8>> {
    let read = |path: &PathBuf| std::fs::read(path).expect("it was just compiled");
    let bytes: Vec<_> = paths.iter().map(read).collect();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<_> = paths.iter().map(name).collect();
    let inputs = names.iter().zip(&bytes).map(|(name, bytes)| merge::Input { name, bytes });
    merge::objects(&inputs.collect::<Vec<_>>())
}

/// A program's instructions, with names for what they refer to.
fn listing(object: &Object, program: &Program) -> String {
    let mut text = Listing::new(&program.code).to_string();
    for reference in &program.references {
        let map_name = |map| object.map(map).map_or("?", |map| map.name.as_str());
        let target = match &reference.target {
            Target::Map(map) => map_name(*map).to_owned(),
            Target::MapValue { map, off } => format!("{}+{off}", map_name(*map)),
            Target::Kfunc(symbol) | Target::Extern(symbol) => symbol.name.clone(),
        };
        text += &format!("{}: {target}\n", reference.at);
    }
    for subprogram in &program.subprograms {
        let visible = if subprogram.global { "global" } else { "static" };
        text += &format!("{}: {visible} {}\n", subprogram.start, subprogram.name);
    }
    let infos = program.func_info.len();
    text + &format!("{infos} functions with types, {} lines\n", program.line_info.len())
}

/// Links the same files with bpftool, and compares all programs and maps; returns how many programs
/// there are, or why bpftool does not link them.
#[track_caller]
fn compare(
    paths: &[PathBuf],
    out: &Path,
    target: Option<&CoreTarget<'_>>,
) -> Result<usize, String> {
    run(Command::new("bpftool").args(["gen", "object"]).arg(out).args(paths))?;
    let theirs = support::parse(out);
    let linked = link(paths).expect("bpftool has linked them");
    let ours = Object::parse(theirs.name(), &linked).expect("it was just linked");
    let maps = |object: &Object| {
        let maps = object.maps().iter().map(|map| {
            let untyped =
                skep_object::MapDef { key_type: None, value_type: None, ..map.def.clone() };
            (map.name.clone(), untyped, map.initial.clone())
        });
        maps.collect::<Vec<_>>()
    };
    assert_eq!(maps(&ours), maps(&theirs), "{}", out.display());
    let mut programs = 0;
    for (index, function, _) in theirs.programs() {
        let name = &function.name;
        let own = ours.find_program(name).unwrap_or_else(|error| panic!("{error}"));
        match (ours.program(own, target), theirs.program(index, target)) {
            (Ok(mine), Ok(other)) => {
                assert_eq!(listing(&ours, &mine), listing(&theirs, &other), "{name}");
            }
            (mine, other) => assert_eq!(mine.map(drop), other.map(drop), "{name}"),
        }
        programs += 1;
    }
    assert_eq!(ours.programs().count(), programs, "{}", out.display());
    Ok(programs)
}

/// What libbpf would load of a linked object.
fn loaded_by_libbpf(dump: &Path, object: &Path) -> Vec<String> {
    let names = support::parse(object);
    let names = names.programs().map(|(_, function, _)| function.name.clone());
    let dumped = names.map(|name| run(Command::new(dump).arg(object).arg(name)));
    let text: Vec<String> = dumped.map(|text| text.unwrap_or_else(|error| error)).collect();
    // Types and lines have other numbers, as the types are in another order.
    let is_same = |line: &&str| !line.starts_with("func ") && !line.starts_with("line ");
    text.iter().flat_map(|text| text.lines().filter(is_same)).map(str::to_owned).collect()
}

/// libbpf loads what we link, as it does what bpftool links, where it does: a map that is declared
/// first and defined later is not where libbpf 1.1 looks for it.
#[test]
fn linked_objects_are_loaded_by_libbpf() {
    let folder = support::scratch("link-libbpf");
    let Some(dump) = libbpf::build("libbpf_dump", &folder) else { return };
    let mut same = 0;
    for name in ["shared", "slots", "weak"] {
        let path = testkit::root().join("tests/link").join(name).with_extension("txt");
        let text = std::fs::read_to_string(&path).expect("the case is there");
        let Some(paths) = compiled(&Case::parse(&path, &text), &folder) else { return };
        let ours = folder.join(format!("{name}.o"));
        std::fs::write(&ours, link(&paths).expect("the case has no errors")).expect("scratch");
        // Under the same name, which is part of those of its maps.
        let theirs = support::scratch("link-libbpf-theirs").join(format!("{name}.o"));
        let mut bpftool = Command::new("bpftool");
        if run(bpftool.args(["gen", "object"]).arg(&theirs).args(&paths)).is_err() {
            return skip("comparison with bpftool gen object", "bpftool is needed");
        }
        let [ours, theirs] = [ours, theirs].map(|object| loaded_by_libbpf(&dump, &object));
        assert!(ours.iter().any(|line| line.starts_with("insn ")), "{ours:#?}");
        assert!(!ours.iter().any(|line| line.contains("libbpf: ")), "{ours:#?}");
        if !theirs.iter().any(|line| line.contains("libbpf: ")) {
            assert_eq!(ours, theirs, "{name}");
            same += 1;
        }
    }
    assert!(same > 0, "libbpf loads nothing of what bpftool links");
}

/// Every case without errors, and objects of the project by twos, mean what bpftool makes of them.
#[test]
fn linked_as_bpftool_does() {
    let folder = support::scratch("link-bpftool");
    if run(Command::new("bpftool").arg("version")).is_err() {
        return skip("comparison with bpftool gen object", "bpftool is needed");
    }
    let types = support::kernel_types();
    let target = types.as_ref().map(CoreTarget::new);
    let mut groups: Vec<(String, Vec<PathBuf>)> = Vec::new();
    for path in support::files(&testkit::root().join("tests/link"), ".txt") {
        let text = std::fs::read_to_string(&path).expect("the case is there");
        let case = Case::parse(&path, &text);
        if !case.name().starts_with("error-") {
            let Some(paths) = compiled(&case, &folder) else { return };
            groups.push((case.name().to_owned(), paths));
        }
    }
    for (number, object) in support::compiled_verifier_sources(&folder).into_iter().enumerate() {
        groups.push((format!("alone-{number}"), vec![object]));
    }
    let (mut links, mut programs, mut refused) = (0, 0, Vec::new());
    for (name, paths) in groups {
        match compare(&paths, &folder.join(&name).with_extension("o"), target.as_ref()) {
            Ok(found) => {
                links += 1;
                programs += found;
            }
            Err(reason) => {
                println!("bpftool does not link {name}: {reason}");
                refused.push(name);
            }
        }
    }
    println!("{links} linked objects with {programs} programs are the same");
    // libbpf wants the size of a function that several objects declare.
    assert_eq!(refused, ["externs"]);
}
