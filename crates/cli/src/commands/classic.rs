//! `skep asm --classic` and `skep disasm --classic`: classic filters from one form to another.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use skep::spec::classic::dump::{self, Form};
use skep::spec::classic::translate::translate;
use skep::spec::classic::{self, Raw, Rules, raw};
use skep::spec::disasm::Listing;

use super::asm::hex;
use crate::args::{AsmArgs, ClassicFormat, DisasmArgs, Global};
use crate::failure::Failure;
use crate::{input, output};

/// Text to bytes, or to another form of text.
pub(super) fn assemble(global: &Global, args: &AsmArgs) -> Result<ExitCode, Failure> {
    let text = input::text(&args.file)?;
    let raws =
        dump::parse(&text).map_err(|error| Failure::in_text(args.file.display(), &text, error))?;
    if let Some(path) = &args.output {
        let bytes = raw::to_bytes(&raws);
        fs::write(path, bytes).map_err(|error| Failure::at(path.display(), error))?;
    }
    if global.json() {
        let slots: Vec<String> = raws.iter().map(|raw| hex(&raw.to_bytes())).collect();
        output::json(global, &json!({ "insns": raws.len(), "hex": slots }))?;
    } else if args.output.is_none() || args.format.is_some() {
        print(&args.file, &raws, args.format.unwrap_or(ClassicFormat::Hex))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Bytes, or text without mnemonics, to text.
pub(super) fn disassemble(global: &Global, args: &DisasmArgs) -> Result<ExitCode, Failure> {
    let raws = input::classic_file(&args.file)?;
    if global.json() {
        output::json(global, &insns(&args.file, &raws)?)?;
    } else {
        print(&args.file, &raws, args.format.unwrap_or(ClassicFormat::Asm))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Instructions as those of eBPF are listed: a text each, with its index.
fn insns(file: &Path, raws: &[Raw]) -> Result<Vec<Value>, Failure> {
    let insns = classic::decode_all(raws).map_err(|error| Failure::at(file.display(), error))?;
    let lines = classic::Listing::new(&insns).lines().enumerate();
    Ok(lines.map(|(at, line)| json!({ "pc": at, "disasm": line })).collect())
}

fn print(file: &Path, raws: &[Raw], format: ClassicFormat) -> Result<(), Failure> {
    let form = match format {
        ClassicFormat::Hex => {
            let mut out = io::stdout().lock();
            for raw in raws {
                writeln!(out, "{}", hex(&raw.to_bytes()))?;
            }
            return Ok(());
        }
        ClassicFormat::Ebpf => return print_ebpf(file, raws),
        ClassicFormat::C => Form::Initialisers,
        ClassicFormat::Decimal => Form::Decimals,
        ClassicFormat::Listing => Form::Listing,
        ClassicFormat::Asm => Form::Assembly,
    };
    let text = dump::print(raws, form).map_err(|error| Failure::at(file.display(), error))?;
    Ok(write!(io::stdout(), "{text}")?)
}

/// The eBPF program that a filter of a socket, or else of seccomp, is translated to.
fn print_ebpf(file: &Path, raws: &[Raw]) -> Result<(), Failure> {
    let at = file.display();
    let filter = classic::check(raws, Rules::Socket)
        .map_err(|error| Failure::at(&at, format!("the kernel does not take it: {error}")))?;
    let translated = translate(&filter).map_err(|error| Failure::at(&at, error))?;
    Ok(write!(io::stdout(), "{}", Listing::new(&translated.code))?)
}
