//! `skep asm`: text to bytes.

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;
use skep::spec::asm;
use skep::spec::encode::encode;

use super::classic;
use crate::args::{AsmArgs, Global};
use crate::failure::Failure;
use crate::{input, output};

/// Runs the command.
pub(crate) fn run(global: &Global, args: &AsmArgs) -> Result<ExitCode, Failure> {
    if args.classic {
        return classic::assemble(global, args);
    }
    let text = input::text(&args.file)?;
    let code = asm::assemble(&text)
        .map_err(|error| Failure::in_text(args.file.display(), &text, error))?;
    let bytes = encode(&code);
    if let Some(path) = &args.output {
        fs::write(path, &bytes).map_err(|error| Failure::at(path.display(), error))?;
    }
    let slots: Vec<String> = bytes.chunks(8).map(hex).collect();
    if global.json() {
        output::json(global, &json!({ "insns": code.len(), "hex": slots }))?;
    } else if args.output.is_none() {
        let mut out = io::stdout().lock();
        for slot in slots {
            writeln!(out, "{slot}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Bytes in pairs of digits, a space between them.
pub(super) fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}
