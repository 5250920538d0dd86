//! What is said of a program: by the kernel, and by the verifier.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use skep::check::{self, KernelTypes};
use skep::command::prog::ProgLoad;
use skep::command::{Engine, Errno};
use skep::load;
use skep::object::Object;
use skep::object::core::CoreTarget;
use skep::verifier::Outcome;

/// How lines begin that end the kernel's log and say nothing of the verdict, source lines included.
const STATISTICS: &[&str] = &["processed ", "verification time ", "stack depth ", "; "];

/// What the kernel is to tell (`BPF_LOG_STATS`): what is wrong, and no instructions.
const LOG_LEVEL: u32 = 4;

/// What is said when a million instructions have been looked at.
const TOO_LARGE: &str = "BPF program is too large. Processed ";

/// A helper that only some kernels are built with. It is not refused for what a program does.
const CONFIGURED: &str = "cannot use helper bpf_override_return#58";

/// What is said of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// It is safe.
    Accepted,
    /// It is refused, with these last words; empty where nothing is said.
    Rejected(String),
    /// It is refused because it is too large to be verified, with these words.
    TooLarge(String),
    /// It holds something that the verifier does not know.
    Unsupported(&'static str),
    /// Nobody has looked at it, for this reason.
    None(String),
}

impl Answer {
    /// What the verifier says.
    pub(crate) fn of_verifier(object: &Object, name: &str, types: &KernelTypes) -> Answer {
        let programs = [name.to_owned()];
        let options = check::Options { programs: &programs, ..check::Options::new(types) };
        match catch_unwind(AssertUnwindSafe(|| check::object(object, &options))) {
            Ok(Ok(checked)) => match checked.into_iter().next().map(|one| one.report.outcome) {
                Some(Outcome::Accepted(_)) => Answer::Accepted,
                Some(Outcome::Rejected(rejection)) => Answer::rejected(&rejection.final_line),
                Some(Outcome::Unsupported(unsupported)) => Answer::Unsupported(unsupported.what),
                None => Answer::None("no such program".to_owned()),
            },
            Ok(Err(error)) => Answer::None(error.to_string()),
            Err(_) => Answer::None("panicked".to_owned()),
        }
    }

    fn rejected(line: &str) -> Answer {
        // An instruction that is printed when the budget is spent has no end of line.
        if let Some(at) = line.find(TOO_LARGE) {
            return Answer::TooLarge(line.split_at(at).1.to_owned());
        }
        // Nor have some of the kernel's messages.
        let message = line.split_once("verification time ").map_or(line, |(message, _)| message);
        Answer::Rejected(masked(message))
    }

    /// Whether the program is taken, if there is a verdict.
    pub(crate) fn is_accepted(&self) -> Option<bool> {
        match self {
            Answer::Accepted => Some(true),
            Answer::Rejected(_) | Answer::TooLarge(_) => Some(false),
            Answer::Unsupported(_) | Answer::None(_) => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Accepted => f.write_str("accepted"),
            Answer::Rejected(line) => write!(f, "rejected: {line}"),
            Answer::TooLarge(line) => write!(f, "too large: {line}"),
            Answer::Unsupported(what) => write!(f, "unsupported: {what}"),
            Answer::None(reason) => write!(f, "no verdict: {reason}"),
        }
    }
}

/// The kernel that runs here, if it lets us ask.
pub(crate) struct Kernel<'a> {
    engine: Option<Arc<dyn Engine>>,
    types: &'a KernelTypes,
}

impl<'a> Kernel<'a> {
    /// The kernel that runs here; a skip is noted where it cannot be asked.
    pub(crate) fn here(types: &'a KernelTypes) -> Kernel<'a> {
        let engine = skep::linux().unwrap();
        let probe = Object::parse("probe", include_bytes!("../../../../bpf/obj/counters.bpf.o"));
        let loaded = load::load(&engine, &Arc::new(probe.unwrap()), &load::Options::default());
        let engine = match loaded {
            Ok(_) => Some(engine),
            Err(error) => {
                testkit::skip(&format!("comparing with the kernel needs bpf(2): {error}"));
                None
            }
        };
        Kernel { engine, types }
    }

    /// What it says of programs of an object.
    pub(crate) fn answers(&self, object: &Arc<Object>, names: &[String]) -> Vec<Answer> {
        let all = |reason: &str| vec![Answer::None(reason.to_owned()); names.len()];
        let Some(engine) = &self.engine else { return all("bpf(2) is not allowed") };
        let target = self.types.get().map(CoreTarget::new);
        let one = |name: &String| {
            let programs = std::slice::from_ref(name);
            let options = load::Options {
                programs,
                target: target.as_ref(),
                log_level: LOG_LEVEL,
                ..load::Options::default()
            };
            match load::load_each(engine, object, &options) {
                Ok(loaded) => {
                    let own = loaded.into_iter().find(|(index, _)| {
                        object.functions().get(index.0).is_some_and(|found| found.name == *name)
                    });
                    match own.map(|(_, loaded)| of_load(loaded)) {
                        Some(Answer::Rejected(words))
                            if words.is_empty() && self.lacks(object, name) =>
                        {
                            Answer::None("this kernel has no programs of this type".to_owned())
                        }
                        Some(answer) => answer,
                        None => Answer::None("no such program".to_owned()),
                    }
                }
                Err(error) => Answer::None(error.to_string()),
            }
        };
        names.iter().map(one).collect()
    }
}

impl Kernel<'_> {
    /// Whether the kernel is built without the type of a program, which it then refuses without a
    /// word, whatever the program does. Types that attach to something are not tried.
    fn lacks(&self, object: &Object, name: &str) -> bool {
        let mut programs = object.programs();
        let found = programs.find(|(_, function, _)| function.name == name);
        let (Some(engine), Some((_, _, kind))) = (&self.engine, found) else { return false };
        let Some(prog_type) = kind.prog_type.filter(|_| kind.target.is_none()) else {
            return false;
        };
        let code = skep::spec::asm::assemble("r0 = 0\nexit\n").unwrap();
        let load = ProgLoad {
            expected_attach_type: kind.attach_type,
            log_level: LOG_LEVEL,
            ..ProgLoad::new("", prog_type, &code)
        };
        engine.prog_load(&load).is_err_and(|error| error.log.is_none_or(|log| log.is_empty()))
    }
}

/// The answer that loading gave.
fn of_load(loaded: skep::Result<skep::program::Program>) -> Answer {
    match loaded {
        Ok(_) => Answer::Accepted,
        Err(skep::Error::Command(error)) => {
            let words = error.log.as_deref().map_or("", last_words);
            // The caller lacks something; that is no verdict on the program.
            if words.is_empty() && error.errno == Errno::EPERM || words.contains(CONFIGURED) {
                Answer::None(error.to_string())
            } else {
                Answer::rejected(words)
            }
        }
        Err(error) => Answer::None(error.to_string()),
    }
}

/// The last line of a log that is about the program.
fn last_words(log: &str) -> &str {
    let is_statistics = |line: &str| STATISTICS.iter().any(|start| line.starts_with(start));
    let mut lines = log.lines().rev().map(str::trim_end);
    lines.find(|line| !line.is_empty() && !is_statistics(line)).unwrap_or_default()
}

/// A line without what differs from run to run: addresses, and numbers that count references.
fn masked(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("id=") {
        let (before, after) = rest.split_at(at + "id=".len());
        out.push_str(before);
        rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
        if rest.len() < after.len() {
            out.push('#');
        }
    }
    out.push_str(rest);
    out
}
