//! Programs verified, without any engine: would Linux 6.18 take them, and if not, why.
//!
//! ```no_run
//! use skep::check::{self, KernelTypes, Options};
//! use skep::object::Object;
//!
//! let object = Object::parse("filter", &std::fs::read("filter.bpf.o")?)?;
//! let types = KernelTypes::running();
//! for checked in check::object(&object, &Options::new(&types))? {
//!     println!("{}: {:?}", checked.name, checked.report.outcome);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod world;

use skep_btf::Kind;
use skep_object::core::CoreTarget;
use skep_object::{Binding, FunctionIdx, Object, Program, ProgramKind, Target};
use skep_spec::abi::license::is_gpl_compatible;
use skep_spec::abi::{AttachType, ProgType};
use skep_spec::insn::{Callee, Imm64};
use skep_spec::{Code, decode::decode};
use skep_verifier::explain::{Explanation, explain};
use skep_verifier::input::{FuncInfo, LineInfo, NO_ATTACH_TYPE, Target as AttachTarget};
use skep_verifier::{Flags, Input, Report, verify};

use self::world::World;
use crate::attach;
use crate::error::{Error, Result};
pub use skep_runtime::KernelTypes;

/// What is verified, and how.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The programs to verify, by name; if empty, all.
    pub programs: &'a [String],
    /// The type of all programs, whatever their section names say.
    pub prog_type: Option<ProgType>,
    /// Where all programs are attached, whatever their section names say.
    pub attach_type: Option<AttachType>,
    /// The kernel's types.
    pub types: &'a KernelTypes,
    /// What goes to the log, and whether paths are ended early.
    pub verify: skep_verifier::Options,
}

impl<'a> Options<'a> {
    /// All programs, as what their sections say.
    #[must_use]
    pub fn new(types: &'a KernelTypes) -> Options<'a> {
        Options {
            programs: &[],
            prog_type: None,
            attach_type: None,
            types,
            verify: skep_verifier::Options::default(),
        }
    }
}

/// A program that was verified.
#[derive(Debug)]
pub struct Checked {
    /// Its name; empty for bare instructions.
    pub name: String,
    /// The section it came from; empty for bare instructions.
    pub section: String,
    /// The type it was verified as.
    pub prog_type: ProgType,
    /// What the verifier says.
    pub report: Report,
    /// The source line that it says it of.
    pub source: Option<Source>,
    /// Why it is not accepted, in words.
    pub explanation: Option<Explanation>,
}

/// A line of source code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The file, as the compiler was told.
    pub file: String,
    /// The number of the line, from 1.
    pub line: u32,
    /// Its text.
    pub text: String,
}

/// Verifies programs of an object.
///
/// # Errors
///
/// If the object has not the chosen programs, if one of them cannot be put together, or if nothing
/// says of which type it is.
pub fn object(object: &Object, options: &Options<'_>) -> Result<Vec<Checked>> {
    let chosen: Vec<FunctionIdx> = if options.programs.is_empty() {
        object.programs().map(|(index, _, _)| index).collect()
    } else {
        let found: skep_object::Result<_> =
            options.programs.iter().map(|name| object.find_program(name)).collect();
        found?
    };
    chosen.into_iter().map(|index| one(object, index, options)).collect()
}

/// Verifies bare instructions: no maps, no types, GPL.
#[must_use]
pub fn code(code: &Code, prog_type: ProgType, options: &Options<'_>) -> Checked {
    let input = Input {
        attach_type: Some(options.attach_type.unwrap_or(NO_ATTACH_TYPE)),
        ..Input::new(code, prog_type)
    };
    let report = verify(&input, &World::without_maps(options.types), options.verify);
    let explanation = explain(&input, &report);
    Checked { explanation, ..bare(prog_type, report) }
}

/// Verifies bare instructions that are still bytes: [`code`], or a rejection where they are no
/// instructions.
#[must_use]
pub fn bytes(bytes: &[u8], prog_type: ProgType, options: &Options<'_>) -> Checked {
    match decode(bytes) {
        Ok(decoded) => code(&decoded, prog_type, options),
        Err(error) => {
            let report = Report::undecodable(bytes, error);
            let explanation = explain(&Input::new(&Code::new(), prog_type), &report);
            Checked { explanation, ..bare(prog_type, report) }
        }
    }
}

/// What there is to say of instructions that no object says anything of.
fn bare(prog_type: ProgType, report: Report) -> Checked {
    let (name, section) = (String::new(), String::new());
    Checked { name, section, prog_type, report, source: None, explanation: None }
}

/// Verifies a program of an object.
fn one(object: &Object, index: FunctionIdx, options: &Options<'_>) -> Result<Checked> {
    let mut functions = (0..object.functions().len()).map(FunctionIdx);
    let needs_types = functions.any(|index| !object.core_relocations(index).is_empty());
    let kernel = if needs_types { options.types.get() } else { None };
    let target = kernel.map(CoreTarget::new);
    let program = object.program(index, target.as_ref())?;
    let kind = kind(&program, options);
    let prog_type = kind.prog_type.ok_or_else(|| Error::NoType {
        program: program.name.clone(),
        section: program.section.clone(),
    })?;
    let code = bind(&program, options.types)?;
    // Without types that the kernel takes, the program is loaded without.
    let btf = object.btf_for_kernel().ok().flatten();
    let attached_to = match (&kind.target, is_typed(prog_type)) {
        (Some(_), true) => {
            options.types.get().map(|types| attach::target_type(&kind, types)).transpose()?
        }
        (Some(_) | None, _) => None,
    };
    let func_info: Vec<FuncInfo> = (program.func_info.iter().filter(|_| btf.is_some()))
        .map(|info| FuncInfo { at: info.at, type_id: info.type_id })
        .collect();
    let line_info: Vec<LineInfo> = (program.line_info.iter().filter(|_| btf.is_some()))
        .map(|info| LineInfo {
            at: info.at,
            file_name_off: info.file_name_off,
            line_off: info.line_off,
            line: info.line(),
            column: info.column(),
        })
        .collect();
    let input = Input {
        code: &code,
        prog_type,
        attach_type: Some(kind.attach_type.unwrap_or(NO_ATTACH_TYPE)),
        gpl: object.license().is_some_and(is_gpl_compatible),
        flags: Flags { sleepable: kind.sleepable, xdp_has_frags: kind.frags, ..Flags::default() },
        btf: btf.as_ref(),
        func_info: &func_info,
        line_info: &line_info,
        target: attached_to.flatten().map(AttachTarget::Kernel),
    };
    let world = World::of(object, options.types);
    let report = verify(&input, &world, options.verify);
    let (source, explanation) = (source(&input, &report), explain(&input, &report));
    let Program { name, section, .. } = program;
    Ok(Checked { name, section, prog_type, report, source, explanation })
}

/// What a program is.
fn kind(program: &Program, options: &Options<'_>) -> ProgramKind {
    let mut kind = program.kind.clone();
    if let Some(prog_type) = options.prog_type.filter(|given| kind.prog_type != Some(*given)) {
        kind = ProgramKind { target: kind.target, ..ProgramKind::of_type(prog_type) };
    }
    kind.attach_type = options.attach_type.or(kind.attach_type);
    kind
}

/// Whether programs of a type attach to something that has a type of its own.
fn is_typed(prog_type: ProgType) -> bool {
    matches!(prog_type, ProgType::Tracing | ProgType::Lsm | ProgType::Ext)
}

/// The instructions with all references but those to maps, which keep their number, resolved as
/// the kernel's types say.
fn bind(program: &Program, types: &KernelTypes) -> Result<Code> {
    let find = |name: &str, kind| {
        let id = types.get()?.find_by_name(name, kind)?;
        i32::try_from(id.0).ok()
    };
    let code = program.bind(|reference| match &reference.target {
        Target::Map(map) => Some(Binding::Imm64(Imm64::MapFd(i32::try_from(map.0).ok()?))),
        Target::MapValue { map, off } => {
            Some(Binding::Imm64(Imm64::MapValue { fd: i32::try_from(map.0).ok()?, off: *off }))
        }
        Target::Kfunc(kfunc) => {
            let btf_id = find(&kfunc.name, Kind::Func)?;
            Some(Binding::Callee(Callee::Kfunc { btf_id, module: 0 }))
        }
        Target::Extern(variable) => {
            let btf_id = find(&variable.name, Kind::Var)?;
            Some(Binding::Imm64(Imm64::BtfVar { btf_id, module_fd: 0 }))
        }
    })?;
    Ok(code)
}

/// The source line of the instruction that a program fails at.
fn source(input: &Input<'_>, report: &Report) -> Option<Source> {
    use skep_verifier::Outcome;
    let at = match &report.outcome {
        Outcome::Accepted(_) => None,
        Outcome::Rejected(rejection) => rejection.at,
        Outcome::Unsupported(unsupported) => unsupported.at,
    }?;
    let after = input.line_info.partition_point(|line| line.at <= at);
    let line = input.line_info.get(after.checked_sub(1)?)?;
    let strings = input.btf?;
    Some(Source {
        file: strings.string(line.file_name_off)?.trim_start_matches("./").to_owned(),
        line: line.line,
        text: strings.string(line.line_off)?.into_owned(),
    })
}
