//! Every program must be, slot by slot, what libbpf would load.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{self, run, skip};
use skep_btf::{Btf, Kind};
use skep_object::core::CoreTarget;
use skep_object::{Binding, ExternSource, Object, Program, ProgramKind, Target};
use skep_spec::abi::AttachType as At;
use skep_spec::encode::encode;
use skep_spec::insn::{Callee, Imm64};

/// Compiles a program that asks libbpf; `None` if libbpf or a compiler is missing.
pub(crate) fn build(name: &str, folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(name);
    let source = source.with_extension("c");
    let program = folder.join(name);
    let mut command = Command::new("gcc");
    command.arg("-O1").arg("-o").arg(&program).arg(source).args(["-lbpf", "-lelf", "-lz"]);
    match run(&mut command) {
        Ok(_) => Some(program),
        Err(reason) => {
            skip("comparison with libbpf", &format!("gcc and libbpf-dev are needed: {reason}"));
            None
        }
    }
}

/// A program in the words of `libbpf_dump`, with maps for descriptors.
fn words(object: &Object, program: &Program, kernel: &Btf) -> skep_object::Result<String> {
    let settings = object.settings(|name| name.starts_with("LINUX_").then(|| "1".to_owned()))?;
    let id_of = |name: &str, kind| kernel.find_by_name(name, kind).map(|id| id.0.cast_signed());
    let code = program.bind(|reference| match &reference.target {
        Target::Map(map) => Some(Binding::Imm64(Imm64::MapFd(map.0.cast_signed()))),
        Target::MapValue { map, off } => {
            Some(Binding::Imm64(Imm64::MapValue { fd: map.0.cast_signed(), off: *off }))
        }
        // libbpf 1.1 leaves the call of a weak function that does not exist as it is.
        Target::Kfunc(symbol) => {
            let btf_id = id_of(&symbol.name, Kind::Func).unwrap_or(0);
            Some(Binding::Callee(Callee::Kfunc { btf_id, module: 0 }))
        }
        Target::Extern(symbol) => match symbol.source {
            ExternSource::Kconfig => {
                let settings = settings.as_ref()?;
                let (fd, off) = (settings.map().0.cast_signed(), settings.place(symbol)?);
                Some(Binding::Imm64(Imm64::MapValue { fd, off }))
            }
            ExternSource::KernelVariable | ExternSource::KernelFunction => {
                let kinds = [Kind::Var, Kind::Func];
                let btf_id = kinds.into_iter().find_map(|kind| id_of(&symbol.name, kind))?;
                Some(Binding::Imm64(Imm64::BtfVar { btf_id, module_fd: 0 }))
            }
            ExternSource::Unknown => None,
        },
    })?;
    let ProgramKind { prog_type, attach_type, .. } = &program.kind;
    // What is at an end of a device's queue was not said by the type before libbpf 1.3.
    let attach_type = attach_type.filter(|at| !matches!(at, At::TcxIngress | At::TcxEgress));
    let kind = (prog_type.map_or(0, |found| found.number()), attach_type.map_or(0, At::number));
    let section = program.section.trim_start_matches('?');
    let mut text = format!("program {} {section} {} {}\n", program.name, kind.0, kind.1);
    for map in object.maps() {
        // libbpf shows the whole name of sections that have two dots.
        let short = map.is_global_data() && map.name.matches('.').count() == 1;
        let name = if short { &map.kernel_name } else { &map.name };
        text += &format!("map {name}\n");
    }
    for slot in encode(&code).chunks_exact(8) {
        let raw = u64::from_le_bytes(slot.try_into().expect("chunks of eight bytes"));
        text += &format!("insn {raw:016x}\n");
    }
    for info in &program.func_info {
        text += &format!("func {} {}\n", info.at, info.type_id);
    }
    for info in &program.line_info {
        let (file, line) = (info.file_name_off, info.line_off);
        text += &format!("line {} {file} {line} {}\n", info.at, info.line_col);
    }
    Ok(text)
}

#[test]
fn programs_are_what_libbpf_loads() {
    let folder = support::scratch("libbpf");
    let (Some(dump), Some(types)) = (build("libbpf_dump", &folder), support::kernel_types()) else {
        return;
    };
    let target = CoreTarget::new(&types);
    let mut paths = support::files(&support::objects(), ".bpf.o");
    paths.extend(support::compiled_cases(&folder));
    paths.retain(|path| !UNKNOWN_TO_LIBBPF.iter().any(|name| path.ends_with(name)));
    let compared = compare(&dump, &target, &paths);
    assert!(compared.differences.is_empty(), "{:#?}", compared.differences);
    assert_eq!(compared.refused_by_us, REFUSED_BY_US);
    assert_eq!(compared.refused_by_libbpf, REFUSED_BY_LIBBPF);
    println!("{} programs are the same", compared.same);
}

/// The programs that the verifier is tested with.
#[test]
fn the_verifiers_programs_are_what_libbpf_loads() {
    let folder = support::scratch("libbpf-verify");
    let (Some(dump), Some(types)) = (build("libbpf_dump", &folder), support::kernel_types()) else {
        return;
    };
    let target = CoreTarget::new(&types);
    let compared = compare(&dump, &target, &support::compiled_verifier_sources(&folder));
    assert!(compared.differences.is_empty(), "{:#?}", compared.differences);
    assert_eq!(compared.refused_by_us, [""; 0]);
    let refused = compared.refused_by_libbpf.len();
    println!("{} programs are the same; libbpf refuses {refused}", compared.same);
    println!("{:#?}", compared.reasons);
}

/// Objects of others, in a folder that the environment variable names.
#[test]
fn objects_of_others_are_what_libbpf_loads() {
    let Some(others) = std::env::var_os("SKEP_OBJECTS") else { return };
    let folder = support::scratch("others");
    let (Some(dump), Some(types)) = (build("libbpf_dump", &folder), support::kernel_types()) else {
        return;
    };
    let paths = support::files(Path::new(&others), ".o");
    let compared = compare(&dump, &CoreTarget::new(&types), &paths);
    println!("{compared:#?}");
    assert!(compared.differences.is_empty());
}

/// The outcome of comparing programs.
#[derive(Debug, Default)]
struct Compared {
    same: usize,
    differences: Vec<String>,
    refused_by_us: Vec<String>,
    refused_by_libbpf: Vec<String>,
    /// Why, for people.
    reasons: Vec<String>,
}

fn compare(dump: &Path, target: &CoreTarget<'_>, paths: &[PathBuf]) -> Compared {
    let mut compared = Compared::default();
    for path in paths {
        let object = match support::try_parse(path) {
            Ok(object) => object,
            Err(error) => {
                compared.reasons.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        for (index, function, _) in object.programs() {
            let name = format!("{}/{}", object.name(), function.name);
            let theirs = run(Command::new(dump).arg(path).arg(&function.name));
            let ours = object.program(index, Some(target));
            match (ours.and_then(|ours| words(&object, &ours, target.btf())), theirs) {
                (Ok(ours), Ok(theirs)) => match difference(&ours, &theirs) {
                    None => compared.same += 1,
                    Some(found) => compared.differences.push(format!("{name}: {found}")),
                },
                (Err(error), Ok(_)) => {
                    compared.reasons.push(format!("{name}: skep: {error}"));
                    compared.refused_by_us.push(name);
                }
                (_, Err(error)) => {
                    compared.reasons.push(format!("{name}: libbpf: {error}"));
                    compared.refused_by_libbpf.push(name);
                }
            }
        }
    }
    compared
}

/// The kernel must take the types of every object that asks for nothing of it.
#[test]
fn the_kernel_takes_types() {
    let folder = support::scratch("types");
    let Some(load) = build("btf_load", &folder) else { return };
    let mut paths = support::files(&support::objects(), ".bpf.o");
    paths.extend(support::compiled_cases(&folder));
    for path in paths {
        let object = support::parse(&path);
        let Ok(Some(types)) = object.btf_for_kernel() else { continue };
        let file = folder.join(object.name()).with_extension("btf");
        std::fs::write(&file, types.to_bytes()).expect("the folder can be written to");
        match Command::new(&load).arg(&file).output() {
            Ok(output) if output.status.code() == Some(9) => {
                return skip("the kernel's opinion of types", "needs CAP_BPF");
            }
            Ok(output) => {
                let log = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{}: {log}", object.name());
            }
            Err(error) => panic!("{}: {error}", load.display()),
        }
    }
}

/// Every section name means what it means to libbpf, if it knows the name.
#[test]
fn section_names_are_libbpfs() {
    let Some(ask) = build("libbpf_sections", &support::scratch("sections")) else { return };
    let forms = ProgramKind::section_names().flat_map(|name| match name.strip_suffix("/…") {
        Some(name) => vec![name.to_owned(), format!("{name}/somewhere")],
        None => vec![name],
    });
    let names: Vec<String> = forms.collect();
    let theirs = run(Command::new(ask).args(&names)).expect("it was just built");
    let known = names.iter().zip(theirs.lines()).filter(|(name, line)| {
        let kind = ProgramKind::of_section(name);
        let attach_type = kind.attach_type.map_or(0, At::number);
        let ours = format!("{name} {} {attach_type}", kind.prog_type.map_or(0, |ty| ty.number()));
        let is_known = !line.ends_with("- -");
        assert!(!is_known || *line == ours, "ours `{ours}`, libbpf's `{line}`");
        is_known
    });
    let known = known.count();
    println!("{} section names, {known} of them known to libbpf", names.len());
    assert!(known > 100, "{known} names are known to libbpf");
}

/// What came after libbpf 1.1.
const UNKNOWN_TO_LIBBPF: &[&str] = &["exception-callback.bpf.o"];

/// Addresses in global data, which libbpf leaves as zeroes.
const REFUSED_BY_US: &[&str] = &["addresses/follows_pointer", "addresses/reads_names"];

/// What libbpf 1.1 cannot do: externs that this kernel does not have spoil the other programs of
/// an object, maps of the old form are gone, functions to be called are in .text alone, static maps do not exist, and a section
/// name must say the program's type. What is not defined at all, nobody can call.
const REFUSED_BY_LIBBPF: &[&str] = &[
    "externs/needs_nothing",
    "externs/needs_setting",
    "externs/needs_variable",
    "externs/needs_function",
    "legacy-maps-of-iproute2/uses_all",
    "legacy-maps-of-samples/uses_all",
    "legacy-maps/uses_both",
    "own-sections/first",
    "own-sections/second",
    "sections/fourth",
    "static-maps/uses_both",
    "static-programs/on_ipv4",
    "static-programs/on_ipv6",
    "static-programs/entry",
    "undefined-function/calls_elsewhere",
];

/// The first lines that differ. Where the kernel refuses an object's types, libbpf goes without.
fn difference(ours: &str, theirs: &str) -> Option<String> {
    let (typed, theirs) = match theirs.strip_suffix("types refused\n") {
        Some(theirs) => (false, theirs),
        None => (true, theirs),
    };
    let is_type = |line: &&str| line.starts_with("func ") || line.starts_with("line ");
    let mut left = ours.lines().filter(|line| typed || !is_type(line));
    let mut right = theirs.lines();
    for number in 0.. {
        match (left.next(), right.next()) {
            (None, None) => break,
            (ours, theirs) if ours != theirs => {
                let (ours, theirs) = (ours.unwrap_or("-"), theirs.unwrap_or("-"));
                return Some(format!("line {number}: ours `{ours}`, libbpf's `{theirs}`"));
            }
            _ => {}
        }
    }
    None
}
