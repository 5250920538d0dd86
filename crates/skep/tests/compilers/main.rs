//! Our programs, compiled by several versions of clang for several processors, more and less
//! optimised: all of them have to load, and to do the same.
//!
//! The compilers take turns with the programs, so that each of them compiles some, and each program
//! is compiled by some. What a compiler is missing for is a counted skip.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use skep::capture::Reader;
use skep::check::KernelTypes;
use skep::command::prog::{Semantics, TestRun};
use skep::command::{Engine, Errno};
use skep::load::{self, Loaded};
use skep::object::Object;
use skep::object::core::CoreTarget;
use skep::runtime::{FixedWorld, UserEngine};
use skep::spec::abi::MapType;

/// Sources and the programs that packets go to.
const PROGRAMS: &[(&str, &str)] = &[
    ("balancer", "balancer"),
    ("counters", "counters"),
    ("dns", "dns"),
    ("firewall", "firewall"),
    ("layout", "report_layout"),
    ("parser", "parser"),
    ("ratelimit", "ratelimit"),
    ("tailcall", "dispatch"),
    ("tunnel", "tunnel"),
];

/// Compilers, and the processors that each knows.
const COMPILERS: &[(&str, &[&str])] = &[
    ("clang-14", &["v1", "v2", "v3"]),
    ("clang-16", &["v1", "v2", "v3"]),
    ("clang-19", &["v1", "v2", "v3", "v4"]),
];

const LEVELS: &[&str] = &["-O1", "-O2", "-O3"];

/// Programs that each compiler, with each of its settings, compiles.
const TURNS: usize = 2;

/// How many frames of the capture each program sees.
const FRAMES: usize = 300;

/// A frame and when it was captured.
struct Frame {
    timestamp_ns: u64,
    data: Vec<u8>,
}

fn frames() -> Vec<Frame> {
    let bytes = std::fs::read(testkit::root().join("tests/captures/sample.pcap")).unwrap();
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().filter(|_| frames.len() < FRAMES) {
        let frame = frame.unwrap();
        frames.push(Frame { timestamp_ns: frame.timestamp_ns, data: frame.data.to_vec() });
    }
    frames
}

/// The entries of a map: keys and values.
type Entries = Vec<(Vec<u8>, Vec<Vec<u8>>)>;

/// What a program does: verdicts and packets, then what is in the maps.
#[derive(PartialEq, Eq)]
struct Deeds {
    runs: Vec<(u32, Vec<u8>)>,
    maps: Vec<(String, Entries)>,
}

/// Loads an object and runs one of its programs.
fn deeds(
    bytes: &[u8],
    program: &str,
    types: &KernelTypes,
    frames: &[Frame],
) -> skep::Result<Deeds> {
    let world = Arc::new(FixedWorld::new(0, 1));
    let engine: Arc<dyn Engine> = Arc::new(UserEngine::new(world.clone()));
    let object = Arc::new(Object::parse("compiled", bytes)?);
    let target = types.get().map(CoreTarget::new);
    let options = load::Options { target: target.as_ref(), ..load::Options::default() };
    let loaded = load::load(&engine, &object, &options)?;
    let main = loaded.program(program).unwrap();
    let mut runs = Vec::with_capacity(frames.len());
    for frame in frames {
        world.set_time_ns(frame.timestamp_ns);
        let reply = main.test_run(&TestRun {
            data: &frame.data,
            data_out_capacity: frame.data.len() + 4096,
            ctx: &[],
            repeat: 1,
            flags: 0,
            cpu: 0,
            semantics: Semantics::TestRun,
        })?;
        runs.push((reply.retval, reply.data));
    }
    Ok(Deeds { runs, maps: maps(&loaded) })
}

/// The maps that the source defines. Where global variables are is up to the compiler, and what is
/// in a program array up to the engine.
fn maps(loaded: &Loaded) -> Vec<(String, Entries)> {
    let comparable = loaded.maps.iter().filter(|map| {
        !map.is_global_data() && !map.is_event_ring() && map.def().map_type != MapType::ProgArray
    });
    let contents = comparable.map(|map| {
        let entries = map.entries().unwrap().into_iter();
        let mut entries: Vec<_> = entries.map(|entry| (entry.key, entry.values)).collect();
        entries.sort();
        (map.name().to_owned(), entries)
    });
    contents.collect()
}

/// Compiles a source; the compiler's errors, if it does not.
fn compile(clang: &str, cpu: &str, level: &str, source: &Path) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compilers");
    std::fs::create_dir_all(&folder).unwrap();
    let name = source.file_name().unwrap().to_string_lossy();
    let object = folder.join(format!("{name}-{clang}-{cpu}{level}.o"));
    let mut command = Command::new(clang);
    command.args([level, &format!("-mcpu={cpu}"), "-g", "-target", "bpf", "-w", "-c", "-o"]);
    command.arg(&object).args(["-idirafter", "/usr/include/x86_64-linux-gnu"]).arg(source);
    let output = command.output().map_err(|error| error.to_string())?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(object) } else { Err(errors) }
}

/// Whether the kernel refuses for the same reason what the verifier refused: what a compiler makes
/// at a low level of optimisation is not always what can be verified.
fn is_refused_by_kernel(error: &skep::Error, object: &Path, types: &KernelTypes) -> bool {
    let engine = skep::linux().unwrap();
    let object = Arc::new(Object::parse("compiled", &std::fs::read(object).unwrap()).unwrap());
    let target = types.get().map(CoreTarget::new);
    let options =
        load::Options { target: target.as_ref(), log_level: 4, ..load::Options::default() };
    let Err(theirs) = load::load(&engine, &object, &options) else { return false };
    if matches!(&theirs, skep::Error::Command(error) if error.errno == Errno::EPERM) {
        testkit::skip("what the kernel says of refused objects needs bpf(2)");
        return true;
    }
    let words = |error: &skep::Error| {
        let log = error.log().unwrap_or_default().to_owned();
        let lines = log.lines().filter(|line| line.ends_with("!read_ok")).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    !words(error).is_empty() && words(error) == words(&theirs)
}

#[test]
fn all_compilers_make_the_same() {
    let (frames, types) = (frames(), KernelTypes::running());
    let committed = |source: &str| testkit::root().join(format!("bpf/obj/{source}.bpf.o"));
    let expected: Vec<Deeds> = PROGRAMS
        .iter()
        .map(|(source, program)| {
            deeds(&std::fs::read(committed(source)).unwrap(), program, &types, &frames).unwrap()
        })
        .collect();
    let mut turns = (0..PROGRAMS.len()).cycle();
    let (mut alike, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for (clang, cpus) in COMPILERS {
        if Command::new(clang).arg("--version").output().is_err() {
            testkit::skip(&format!("our programs compiled by {clang}: it is not here"));
            continue;
        }
        for (cpu, level) in cpus.iter().flat_map(|cpu| LEVELS.iter().map(move |level| (cpu, level)))
        {
            for turn in turns.by_ref().take(TURNS) {
                let (source, program) = PROGRAMS[turn];
                let label = format!("{source} by {clang} -mcpu={cpu} {level}");
                let path = testkit::root().join(format!("bpf/{source}.bpf.c"));
                let object = match compile(clang, cpu, level, &path) {
                    Ok(object) => object,
                    Err(errors) => {
                        wrong.push(format!("{label}: {errors}"));
                        continue;
                    }
                };
                match deeds(&std::fs::read(&object).unwrap(), program, &types, &frames) {
                    Ok(found) if found == expected[turn] => alike += 1,
                    Ok(found) => {
                        let runs = found.runs.iter().zip(&expected[turn].runs);
                        let first = runs.enumerate().find(|(_, (one, other))| one != other);
                        wrong.push(format!("{label}: frame {:?}", first.map(|(number, _)| number)));
                    }
                    Err(error) if is_refused_by_kernel(&error, &object, &types) => {
                        refused.push(label);
                    }
                    Err(error) => wrong.push(format!("{label}: {error}\n{:?}", error.log())),
                }
            }
        }
    }
    println!("{alike} objects do the same; refused by the kernel as well: {refused:#?}");
    assert_eq!(wrong, [""; 0]);
}
