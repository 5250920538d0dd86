//! Verdicts, final lines and explanations of small programs: the cases in `tests/verify`. Where
//! the kernel may be asked, it must say the same, word for word.
//!
//! A case is assembly, with lines before it that say how it is to be loaded:
//!
//! ```text
//! .type xdp
//! .attach tcx_ingress
//! .map counts hash key 4 value 8 entries 1
//! .map lock array key 4 value 8 entries 1 flags 128
//! .flags strict-alignment sleepable
//! .licence none
//! r1 = map[counts]
//! ```
//!
//! A section `--- differs` gives the reason why the kernel says something else; a section
//! `--- facts` asks for what was found out about each instruction.

#[path = "verify/facts.rs"]
mod facts;
#[cfg(test)]
#[path = "verify/fuzz.rs"]
mod fuzz;
#[path = "verify/kernel.rs"]
mod kernel;
#[path = "verify/setting.rs"]
mod setting;

use kernel::Kernel;
use setting::{Setting, World};
use skep_spec::Code;
use skep_spec::asm::assemble;
use skep_verifier::explain::explain;
use skep_verifier::log::Level;
use skep_verifier::{Flags, Input, Options, Outcome, Reason, verify};
use testkit::{Case, Kind};

#[test]
fn cases() {
    Kind { folder: "verify", outputs: &["verdict", "line", "explanation", "facts"], run }.check();
}

fn run(case: &Case) -> testkit::Outcome {
    let setting =
        Setting::parse(case.input()).unwrap_or_else(|error| panic!("{}: {error}", case.name()));
    let world = World::new(&setting);
    let code = program(case, &setting, &world.handles());
    let input = input(&setting, &code);
    let report = verify(&input, &world, Options::default());
    let (verdict, line) = match &report.outcome {
        Outcome::Accepted(_) => ("accept".to_owned(), String::new()),
        Outcome::Rejected(rejection) => ("reject".to_owned(), rejection.final_line.clone()),
        Outcome::Unsupported(unsupported) => {
            (format!("unsupported: {}", unsupported.what), String::new())
        }
    };
    if !is_limit(&report.outcome) {
        let slow = verify(&input, &world, Options { log: Level::Silent, prune: false });
        let same = std::mem::discriminant(&slow.outcome) == std::mem::discriminant(&report.outcome);
        assert!(same, "{}: without pruning, {:?}", case.name(), slow.outcome);
    }
    if case.section("differs").is_none() && !verdict.starts_with("unsupported") {
        match Kernel::new(&setting) {
            Ok(kernel) => {
                if !is_limit(&report.outcome) {
                    let theirs = kernel.log(&program(case, &setting, &kernel.handles()), &setting);
                    let options = Options { log: Level::All, prune: true };
                    let ours = verify(&input, &world, options).log;
                    let (ours, theirs) = (essence(&ours), essence(&theirs));
                    assert_eq!(ours, theirs, "{}: the kernel's log differs", case.name());
                }
                let theirs = kernel.judge(&program(case, &setting, &kernel.handles()), &setting);
                let ours = match &report.outcome {
                    Outcome::Rejected(rejection) => (Some(rejection.reason.errno()), line.clone()),
                    Outcome::Accepted(_) | Outcome::Unsupported(_) => (None, String::new()),
                };
                assert_eq!(theirs, ours, "{}: the kernel says something else", case.name());
            }
            Err(reason) => testkit::skip(&format!("verify against the kernel: {reason}")),
        }
    }
    let mut found = vec![("verdict", verdict)];
    if !line.is_empty() {
        found.push(("line", line));
    }
    if let Some(explanation) = explain(&input, &report) {
        found.push(("explanation", explanation.to_string()));
    }
    if let (Outcome::Accepted(verified), Some(_)) = (&report.outcome, case.section("facts")) {
        found.push(("facts", facts::text(&report, verified)));
    }
    testkit::Outcome::Found(found)
}

/// What a log says of paths: instructions, and states between them.
///
/// The kernel has more to say: how precision spreads, what is live of the stack, which loops are
/// entered. Behind such a line, the state has a line of its own. And it has addresses for maps.
fn essence(log: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in log.lines().skip_while(|line| !line.starts_with("0: ")) {
        let own = ["mark_precise:", "SCC ", "("].iter().any(|word| line.starts_with(word));
        if own || line.is_empty() {
            continue;
        }
        if line.starts_with(kernel::SUMMARY) {
            break;
        }
        let (insn, state) = match line.split_once(" ;") {
            Some((insn, state)) => (insn.trim(), Some(state)),
            None => (line, None),
        };
        // `7: R0=1`, as against `7: (95) exit`.
        let insn = match insn.split_once(": ") {
            Some((_, state)) if state.starts_with(['R', 'f']) && !state.starts_with("func") => {
                state
            }
            Some(_) => insn,
            // `7:` alone: no register that is known has changed.
            None => insn.trim_end_matches(|c: char| c == ':' || c.is_ascii_digit()),
        };
        let insn = insn.split(" = map[").next().unwrap_or_default();
        let insn = insn.split(" = 0xffff").next().unwrap_or_default();
        lines.push(insn.trim().to_owned());
        lines.extend(state.map(|state| state.trim().to_owned()));
    }
    lines
}

/// Whether a program failed because there was too much of it: without pruning there is more.
fn is_limit(outcome: &Outcome) -> bool {
    let Outcome::Rejected(rejection) = outcome else { return false };
    matches!(
        rejection.reason,
        Reason::TooManyInsns { .. } | Reason::TooManyJumps { .. } | Reason::InfiniteLoop { .. }
    )
}

/// The program, with its maps' handles in place.
fn program(case: &Case, setting: &Setting, handles: &[i32]) -> Code {
    let mut text = setting.program.clone();
    for (map, handle) in setting.maps.iter().zip(handles) {
        text = text.replace(&format!("map[{}]", map.name), &format!("map[fd:{handle}]"));
    }
    assemble(&text).unwrap_or_else(|error| panic!("{}: {error}", case.name()))
}

fn input<'a>(setting: &Setting, code: &'a Code) -> Input<'a> {
    Input {
        attach_type: setting.attach_type,
        gpl: setting.gpl,
        flags: Flags {
            strict_alignment: setting.has("strict-alignment"),
            any_alignment: setting.has("any-alignment"),
            test_state_freq: setting.has("test-state-freq"),
            sleepable: setting.has("sleepable"),
            xdp_has_frags: setting.has("xdp-has-frags"),
        },
        ..Input::new(code, setting.prog_type)
    }
}
