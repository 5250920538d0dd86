//! Test tools of skep.
//!
//! The library needs nothing but the standard library, so that every crate, the lowest included,
//! can use it in its tests.
//!
//! - [`Kind`] runs **text cases**: files under `tests/`, each of which holds an input and what is
//!   expected of it. Running the tests with `SKEP_BLESS=1` writes what is found into the files;
//!   `git diff` then shows what changed.
//! - [`skip`] says, counted, that a machine lacks what a test needs.
//!
//! # A case
//!
//! ```text
//! ; Anything up to the first marker is the input, comments in its own language included.
//! r0 = 2
//! exit
//!
//! --- bytes
//! b7 00 00 00 02 00 00 00
//! 95 00 00 00 00 00 00 00
//! ```
//!
//! A line `--- NAME` begins a section, which goes on to the next such line. Blank lines at the end
//! of a section do not count. A section is either an output of the kind of case, which is compared
//! and blessed, or further input.
//!
//! # A kind
//!
//! The folder names the kind: a test in the crate that the cases are about holds one [`Kind`] and
//! runs every case in the folder through it.
//!
//! ```no_run
//! use testkit::{Case, Kind, Outcome};
//!
//! fn upper(case: &Case) -> Outcome {
//!     Outcome::Found(vec![("upper", case.input().to_uppercase())])
//! }
//!
//! #[test]
//! fn cases() {
//!     Kind { folder: "upper", outputs: &["upper"], run: upper }.check();
//! }
//! ```
#![forbid(unsafe_code)]

mod case;
mod diff;
mod kind;
mod skip;

pub use case::Case;
pub use kind::{Kind, Outcome};
pub use skip::skip;

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    let testkit = Path::new(env!("CARGO_MANIFEST_DIR"));
    testkit.parent().expect("testkit: is a folder of the repository").to_owned()
}
