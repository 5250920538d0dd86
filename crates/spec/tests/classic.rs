//! The cases in `tests/classic`: a filter in any form, what the kernel's rules say of it, and what
//! becomes of it; in `tests/classic/compile`, eBPF programs and the filters that they become.

use skep_spec::asm::assemble;
use skep_spec::classic::compile::compile;
use skep_spec::classic::dump::{self, Form};
use skep_spec::classic::translate::translate;
use skep_spec::classic::{self, Filter, Listing, Raw, Rules};
use skep_spec::disasm;
use testkit::{Case, Kind, Outcome};

#[test]
fn filters() {
    let outputs = &["error", "decimals", "source", "socket", "seccomp", "ebpf", "back"];
    Kind { folder: "classic", outputs, run }.check();
}

fn run(case: &Case) -> Outcome {
    let raws = match dump::parse(case.input()) {
        Ok(raws) => raws,
        Err(error) => return Outcome::Found(vec![("error", error.to_string())]),
    };
    let mut found = vec![("decimals", text(&raws, Form::Decimals))];
    for form in [Form::Assembly, Form::Listing, Form::Initialisers] {
        let Ok(text) = dump::print(&raws, form) else { continue };
        let parsed = dump::parse(&text).expect("what is printed can be read");
        let used: Vec<Raw> = raws.iter().map(|raw| raw.used()).collect();
        let again: Vec<Raw> = parsed.iter().map(|raw| raw.used()).collect();
        assert_eq!(again, used, "{text}");
    }
    found.push(("source", text(&raws, Form::Assembly)));
    let socket = classic::check(&raws, Rules::Socket);
    let seccomp = classic::check(&raws, Rules::Seccomp);
    found.push(("socket", verdict(&socket)));
    found.push(("seccomp", verdict(&seccomp)));
    // Under both rules the program differs by where it loads from.
    let for_seccomp = case.name().starts_with("seccomp");
    if let Ok(filter) = if for_seccomp { seccomp } else { socket } {
        match translate(&filter) {
            Ok(translated) => {
                found.push(("ebpf", disasm::Listing::new(&translated.code).to_string()));
                found.push(("back", compiled(compile(&translated.code, filter.rules()))));
            }
            Err(error) => found.push(("ebpf", error.to_string())),
        }
    }
    Outcome::Found(found)
}

fn text(raws: &[Raw], form: Form) -> String {
    dump::print(raws, form).unwrap_or_else(|error| error.to_string())
}

fn verdict<T>(checked: &Result<Filter, T>) -> String
where
    T: std::fmt::Display,
{
    checked.as_ref().map_or_else(ToString::to_string, |_| "accepted".to_owned())
}

fn compiled<T: std::fmt::Display>(filter: Result<Filter, T>) -> String {
    match filter {
        Ok(filter) => Listing::new(filter.insns()).to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn programs() {
    Kind { folder: "classic/compile", outputs: &["socket", "seccomp"], run: run_program }.check();
}

fn run_program(case: &Case) -> Outcome {
    let code = assemble(case.input()).expect("a case is a program");
    let by = |rules| compiled(compile(&code, rules));
    Outcome::Found(vec![("socket", by(Rules::Socket)), ("seccomp", by(Rules::Seccomp))])
}
