//! JSON output.

use std::io::{self, Write};

use serde::Serialize;

use crate::args::Global;
use crate::failure::Failure;

/// Prints one JSON value and a line's end, on one line or, with `--pretty`, indented.
pub(crate) fn json(global: &Global, value: &impl Serialize) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if global.pretty {
        serde_json::to_writer_pretty(&mut out, value)?;
    } else {
        serde_json::to_writer(&mut out, value)?;
    }
    writeln!(out)?;
    Ok(())
}
