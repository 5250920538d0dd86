//! Programs are verified before they run.

use skep::check::{self, KernelTypes, Options};
use skep::object::Object;
use skep::spec::abi::ProgType;
use skep::verifier::Outcome;

use crate::args::{EngineArg, Global, RunArgs};
use crate::failure::Failure;
use crate::input;

/// Why a program may run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Safe {
    /// The verifier accepts it, or the kernel will say.
    Verified,
    /// Nobody has said so, and the user wants it all the same.
    Unverified,
}

/// Verifies the programs that are to run, and those that they call through program arrays.
///
/// # Errors
///
/// If one is not accepted, after its explanation was printed.
pub(crate) fn verify(
    global: &Global,
    args: &RunArgs,
    object: &Object,
    programs: &[String],
    prog_type: Option<ProgType>,
) -> Result<Safe, Failure> {
    match global.engine {
        // The kernel verifies what it is given.
        EngineArg::Linux => return Ok(Safe::Verified),
        EngineArg::User | EngineArg::Auto => {}
    }
    if args.unverified {
        return Ok(Safe::Unverified);
    }
    let types = match &args.btf {
        Some(path) => KernelTypes::of(input::types(path)?),
        None => KernelTypes::running(),
    };
    let mut names = programs.to_vec();
    for index in input::called_programs(object) {
        let called = object.functions().get(index.0).map(|function| &function.name);
        names.extend(called.filter(|name| !programs.contains(name)).cloned());
    }
    let options = Options { programs: &names, prog_type, ..Options::new(&types) };
    let checked = check::object(object, &options)
        .map_err(|error| input::library_failure(&args.object, &error))?;
    let mut refused = Vec::new();
    for one in &checked {
        if let (false, Some(explanation)) =
            (matches!(one.report.outcome, Outcome::Accepted(_)), &one.explanation)
        {
            anstream::eprintln!("{}", explanation.styled().trim_end());
            refused.push(one.name.as_str());
        }
    }
    if refused.is_empty() {
        return Ok(Safe::Verified);
    }
    let message = format!("not run, as the verifier does not accept it: {}", refused.join(", "));
    Err(Failure::at(args.object.display(), message)
        .help("--unverified runs it all the same, in the interpreter, which checks every access"))
}
