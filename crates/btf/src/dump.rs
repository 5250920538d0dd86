//! Types printed: as `bpftool btf dump` lists them, as JSON, and as C.

mod c;
mod fields;
mod json;
mod raw;

pub use c::c;
pub use json::{Json, json};
pub use raw::{Raw, raw};
