//! What becomes of programs that the verifier does not accept: they are explained.

use std::path::Path;

use skep::check::{self, KernelTypes, Options};
use skep::object::Object;
use skep::spec::abi::ProgType;
use skep::verifier::Outcome;

use crate::args::{EngineArg, Global, RunArgs};
use crate::failure::Failure;
use crate::input;

/// The failure to load programs. If the engine's verifier is why, each of them that ours does not
/// accept either is explained, and printed.
pub(crate) fn failure(
    global: &Global,
    args: &RunArgs,
    (path, object): (&Path, &Object),
    (programs, prog_type): (&[String], Option<ProgType>),
    error: &skep::Error,
) -> Failure {
    let at = path.display();
    let failure = input::library_failure(path, error);
    if error.log().is_none_or(str::is_empty) {
        return failure;
    }
    let refused = explain(args, object, programs, prog_type);
    if refused.is_empty() {
        return failure;
    }
    match global.engine {
        EngineArg::Linux => failure,
        EngineArg::User | EngineArg::Auto => {
            let refused = refused.join(", ");
            let message = format!("not run, as the verifier does not accept it: {refused}");
            Failure::at(at, message).help(
                "--unverified runs it all the same, in the interpreter, which checks every access",
            )
        }
    }
}

/// Explains the programs that are not accepted, those among them that are called through program
/// arrays; gives their names.
fn explain(
    args: &RunArgs,
    object: &Object,
    programs: &[String],
    prog_type: Option<ProgType>,
) -> Vec<String> {
    let types = match args.btf.as_deref().map(input::types) {
        Some(Ok(types)) => KernelTypes::of(types),
        Some(Err(_)) => KernelTypes::none(),
        None => KernelTypes::running(),
    };
    let mut names = programs.to_vec();
    for index in input::called_programs(object) {
        let called = object.functions().get(index.0).map(|function| &function.name);
        names.extend(called.filter(|name| !programs.contains(name)).cloned());
    }
    let options = Options { programs: &names, prog_type, ..Options::new(&types) };
    let Ok(checked) = check::object(object, &options) else { return Vec::new() };
    let mut refused = Vec::new();
    for one in checked {
        if matches!(one.report.outcome, Outcome::Accepted(_)) {
            continue;
        }
        if let Some(explanation) = &one.explanation {
            anstream::eprintln!("{}", explanation.styled().trim_end());
        }
        refused.push(one.name);
    }
    refused
}
