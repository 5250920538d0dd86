//! `skep disasm`: bytes, or the programs of an object, to text.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};
use skep::compile;
use skep::object::core::CoreTarget;
use skep::object::{Object, Program, Target};
use skep::spec::decode::decode;
use skep::spec::disasm::{Listing, Symbols};
use skep::spec::insn::Imm64;
use skep::spec::{Code, InsnIdx};

use super::classic;
use crate::args::{DisasmArgs, Global};
use crate::failure::Failure;
use crate::{input, output};

/// Runs the command.
pub(crate) fn run(global: &Global, args: &DisasmArgs) -> Result<ExitCode, Failure> {
    if args.classic {
        return classic::disassemble(global, args);
    }
    let bytes = input::object_bytes(&args.file)?;
    if input::is_object(&bytes) || compile::is_source(&args.file) {
        return disassemble_object(global, args, &bytes);
    }
    if args.program.is_some() {
        return Err(Failure::at(
            args.file.display(),
            "it is no object, so it has no programs to choose from",
        ));
    }
    let bytes = input::from_hex(&args.file, bytes)?;
    let code = decode(&bytes).map_err(|error| Failure::at(args.file.display(), error))?;
    if global.json() {
        output::json(global, &insns(&code, &()))?;
    } else {
        write!(io::stdout(), "{}", Listing::new(&code))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn disassemble_object(
    global: &Global,
    args: &DisasmArgs,
    bytes: &[u8],
) -> Result<ExitCode, Failure> {
    let failure = |error| Failure::at(args.file.display(), error);
    let object = input::parse_object(&args.file, bytes)?;
    let types = input::core_types(&object, None)?;
    let target = types.as_ref().map(CoreTarget::new);
    let chosen = match &args.program {
        Some(name) => vec![object.find_program(name).map_err(failure)?],
        None => object.programs().map(|(index, _, _)| index).collect(),
    };
    let mut listings = Vec::new();
    let mut out = io::stdout().lock();
    for (at, index) in chosen.into_iter().enumerate() {
        let program = object.program(index, target.as_ref()).map_err(failure)?;
        let names = Names { object: &object, program: &program };
        if global.json() {
            listings.push(json!({
                "name": program.name,
                "section": program.section,
                "insns": insns(&program.code, &names),
            }));
        } else {
            let gap = if at > 0 { "\n" } else { "" };
            writeln!(out, "{gap}; {} in section {}", program.name, program.section)?;
            write!(out, "{}", Listing::new(&program.code).symbols(&names))?;
        }
    }
    drop(out);
    if global.json() {
        output::json(global, &listings)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Instructions as `bpftool -j prog dump xlated` lists them: a text each, with its slot.
fn insns(code: &Code, names: &dyn Symbols) -> Vec<Value> {
    let line = |(at, insn): (InsnIdx, &skep::spec::Insn)| json!({ "pc": at.0, "disasm": insn.text(at, names).to_string() });
    code.iter().map(line).collect()
}

/// Names of maps, externs and functions.
struct Names<'a> {
    object: &'a Object,
    program: &'a Program,
}

impl Symbols for Names<'_> {
    fn imm64(&self, at: InsnIdx, _imm: Imm64) -> Option<String> {
        let reference = self.program.references.iter().find(|reference| reference.at == at)?;
        let map_name = |index| self.object.map(index).map(|map| map.name.as_str());
        match &reference.target {
            Target::Map(map) => Some(format!("map[{}]", map_name(*map)?)),
            Target::MapValue { map, off } => Some(format!("map[{}][0]+{off}", map_name(*map)?)),
            Target::Extern(symbol) | Target::Kfunc(symbol) => {
                Some(format!("extern[{}]", symbol.name))
            }
        }
    }

    fn place(&self, at: InsnIdx) -> Option<String> {
        let subprograms = self.program.subprograms.iter();
        let mut starting = subprograms.filter(|subprogram| subprogram.start == at);
        starting.next().map(|subprogram| subprogram.name.clone())
    }
}
