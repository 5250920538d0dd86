//! Objects of other people: how many can be used here, and how many with other loaders.
//!
//! The objects are not part of the project. The environment variable `SKEP_SAMPLES` names a folder
//! with some, such as a checkout of the public collection vbpf/ebpf-samples; `cargo xtask samples`
//! sets it, and builds the program that asks aya-obj. Two things are counted: whether the object
//! can be read, with all of its programs joined and their references found, and whether the kernel
//! that runs here takes all of its maps and programs. What fails is listed with its reason.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ours;
mod peers;
mod tally;

use std::path::{Path, PathBuf};

use ours::Skep;
use tally::Tally;

/// How far a loader gets with an object, and why no further.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Answer {
    pub(crate) state: State,
    pub(crate) reason: String,
}

/// How far a loader gets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum State {
    /// The object, or one of its programs, means nothing to it.
    None,
    /// It understands the object.
    Read,
    /// The kernel takes the object.
    Loaded,
}

/// All objects below a folder, in order.
fn objects(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "o" || ending == "elf") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// More objects can be used here than with all other loaders together.
#[test]
fn samples() {
    let Some(folder) = std::env::var_os("SKEP_SAMPLES") else {
        return testkit::skip("objects of others: SKEP_SAMPLES names no folder");
    };
    let folder = PathBuf::from(folder);
    let paths = objects(&folder);
    let skep = Skep::here();
    let mut tally = Tally::new(&folder, &paths);
    tally.add("skep", paths.iter().map(|path| skep.answer(path)).collect());
    if let Some(answers) = peers::libbpf(&paths) {
        tally.add("libbpf", answers);
    }
    if let Some(answers) = peers::aya(&paths) {
        tally.add("aya-obj", answers);
    }
    println!("{tally}");
    for state in [State::Read, State::Loaded] {
        let (ours, others) = tally.ours_and_others(state);
        assert!(ours >= others, "{state:?}: {ours} here, {others} with others");
    }
}
