//! Verdicts on compiled programs: the verifier against the kernel that runs here.
//!
//! Every program of `tests/verify/objects` is compiled, loaded into the kernel, and verified here.
//! Both have to say the same, and, where they refuse it, in the same words. A program whose name
//! begins with `bad_` is one that is refused; the name is all there is to compare with on a machine
//! without the right to call bpf(2).
//!
//! The programs of `tests/verify/unasked` are for the verifier alone: the kernel may come to harm.
//!
//! The objects of other people are not part of the project. The environment variable `SKEP_OBJECTS`
//! names a folder with some, to which the same is done:
//!
//! ```sh
//! SKEP_OBJECTS=/tmp/objects cargo test -p skep --test verdicts -- --nocapture
//! ```
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answer;
mod sources;
mod tally;

use std::path::Path;
use std::sync::Arc;

use skep::check::KernelTypes;
use skep::object::Object;

use answer::{Answer, Kernel};
use tally::Tally;

/// Programs whose names begin so are refused.
const REFUSED: &str = "bad_";

/// What both say of every program of an object.
fn compare(label: &str, bytes: &[u8], kernel: &Kernel, types: &KernelTypes, tally: &mut Tally) {
    let object = match Object::parse(label, bytes) {
        Ok(object) => Arc::new(object),
        Err(error) => return tally.unreadable(label, &error.to_string()),
    };
    let mut names: Vec<String> =
        object.programs().map(|(_, function, _)| function.name.clone()).collect();
    names.dedup();
    for (name, theirs) in names.iter().zip(kernel.answers(&object, &names)) {
        let ours = Answer::of_verifier(&object, name, types);
        tally.add(&format!("{label} {name}"), &theirs, &ours);
    }
}

/// Compares all of our sources.
#[test]
fn sources_of_ours() {
    let types = KernelTypes::running();
    let kernel = Kernel::here(&types);
    let mut tally = Tally::default();
    let mut misnamed = Vec::new();
    for object in sources::compiled("objects") {
        let parsed = Arc::new(Object::parse(&object.label, &object.bytes).unwrap());
        let names: Vec<String> =
            parsed.programs().map(|(_, function, _)| function.name.clone()).collect();
        for (name, theirs) in names.iter().zip(kernel.answers(&parsed, &names)) {
            let label = format!("{} {name}", object.label);
            if theirs.is_accepted().is_some_and(|taken| taken == name.starts_with(REFUSED)) {
                misnamed.push(format!("{label}: {theirs}"));
            }
            tally.add(&label, &theirs, &Answer::of_verifier(&parsed, name, &types));
        }
    }
    println!("sources of ours\n{tally}");
    assert_eq!(misnamed, [""; 0], "the kernel says otherwise than the program's name");
    assert_eq!(tally.differences(), [""; 0], "the kernel's verdict is another");
}

/// Programs that the kernel is not asked about are judged as their names say.
#[test]
fn sources_for_the_verifier_alone() {
    let types = KernelTypes::running();
    for object in sources::compiled("unasked") {
        let parsed = Object::parse(&object.label, &object.bytes).unwrap();
        for (_, function, _) in parsed.programs() {
            let ours = Answer::of_verifier(&parsed, &function.name, &types);
            let accepted = !function.name.starts_with(REFUSED);
            assert_eq!(ours.is_accepted(), Some(accepted), "{}: {ours}", function.name);
        }
    }
}

/// Compares the objects of a folder that `SKEP_OBJECTS` names.
#[test]
fn objects_of_others() {
    let Some(folder) = std::env::var_os("SKEP_OBJECTS") else {
        return testkit::skip("verdicts on objects of others: SKEP_OBJECTS names no folder");
    };
    let types = KernelTypes::running();
    let kernel = Kernel::here(&types);
    let mut tally = Tally::default();
    let folder = Path::new(&folder);
    for path in sources::files_below(folder) {
        if path.extension().is_some_and(|ending| ending == "o" || ending == "elf") {
            let label = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            let bytes = std::fs::read(&path).unwrap();
            compare(&label, &bytes, &kernel, &types, &mut tally);
        }
    }
    println!("objects of others\n{tally}");
    assert_eq!(tally.accepted_wrongly(), [""; 0], "accepted, and refused by the kernel");
}
