//! What the verifier says of a record.

use skep_btf::{Btf, TypeId};
use skep_spec::abi::{AttachType, ProgType};
use skep_spec::decode::decode;
use skep_spec::disasm::Listing;
use skep_spec::raw::Raw;
use skep_spec::{Code, InsnIdx};
use skep_verifier::input::{FuncInfo, Target};
use skep_verifier::log::Level;
use skep_verifier::{Flags, Input, Options, Outcome, Report, Statistics, kernel_words, verify};

use crate::Arguments;
use crate::record::Record;
use crate::world::{KernelTypes, World};

/// What the verifier says.
pub(crate) struct Judgement {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// The kernel's final line of a reject, or what is not supported.
    pub(crate) reason: String,
    /// The name of the reason and its error number, of a reject that has them.
    pub(crate) kind: Option<(String, i32)>,
    /// Where.
    pub(crate) at: Option<InsnIdx>,
    /// What it took.
    pub(crate) statistics: Statistics,
    /// The log, if one was asked for.
    pub(crate) log: String,
    /// The instructions, if a log was asked for.
    pub(crate) listing: String,
}

/// The verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Accepted.
    Accept,
    /// Rejected.
    Reject,
    /// Not known.
    Unsupported,
}

impl Verdict {
    /// How it is printed.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Accept => "accept",
            Verdict::Reject => "reject",
            Verdict::Unsupported => "unsupported",
        }
    }
}

impl Judgement {
    fn new(verdict: Verdict, reason: String) -> Judgement {
        Judgement {
            verdict,
            reason,
            kind: None,
            at: None,
            statistics: Statistics::default(),
            log: String::new(),
            listing: String::new(),
        }
    }

    fn unsupported(reason: impl Into<String>) -> Judgement {
        Judgement::new(Verdict::Unsupported, reason.into())
    }
}

/// Verifies a record's program.
pub(crate) fn judge(record: &Record, types: &KernelTypes, arguments: &Arguments) -> Judgement {
    prepare(record, types, arguments).unwrap_or_else(|judged| *judged)
}

fn prepare(
    record: &Record,
    types: &KernelTypes,
    arguments: &Arguments,
) -> Result<Judgement, Box<Judgement>> {
    let refuse = |reason: String| Box::new(Judgement::unsupported(reason));
    let text = record.insns.as_ref().ok_or_else(|| refuse("insns omitted".into()))?;
    let world = World::new(record, types, arguments.perfmon).map_err(refuse)?;
    let bytes = fixed_up(record, hex(text).map_err(refuse)?, types, &world).map_err(refuse)?;
    let code = decode(&bytes).map_err(|error| {
        let mut judged = Judgement::new(Verdict::Reject, kernel_words::undecodable(&bytes, &error));
        judged.at = Some(error.at);
        Box::new(judged)
    })?;
    // The kernel has no log for these.
    let silent = || Box::new(Judgement::new(Verdict::Reject, String::new()));
    let prog_type = ProgType::from_u32(record.prog_type).ok_or_else(silent)?;
    let attach_type = AttachType::from_u32(record.expected_attach_type).ok_or_else(silent)?;
    let btf = program_types(record).map_err(refuse)?;
    let func_info: Vec<FuncInfo> = (record.func_info.iter())
        .map(|&(at, type_id)| FuncInfo { at: InsnIdx(at), type_id: TypeId(type_id) })
        .collect();
    let flag = |flag| record.flags & flag != 0;
    let input = Input {
        attach_type: Some(attach_type),
        flags: Flags {
            strict_alignment: flag(Record::STRICT_ALIGNMENT),
            any_alignment: flag(Record::ANY_ALIGNMENT),
            test_state_freq: flag(Record::TEST_STATE_FREQ),
            sleepable: flag(Record::SLEEPABLE),
            xdp_has_frags: false,
        },
        btf: btf.as_ref(),
        func_info: &func_info,
        target: record.attach_func.as_deref().map(Target::KernelName),
        ..Input::new(&code, prog_type)
    };
    let log = if arguments.name.is_some() { Level::All } else { Level::Silent };
    let report = verify(&input, &world, Options { log, prune: arguments.prune });
    let (verdict, reason, at) = match &report.outcome {
        Outcome::Accepted(_) => (Verdict::Accept, String::new(), None),
        Outcome::Rejected(rejection) => {
            (Verdict::Reject, rejection.final_line.clone(), rejection.at)
        }
        Outcome::Unsupported(unsupported) => {
            (Verdict::Unsupported, unsupported.what.into(), unsupported.at)
        }
    };
    let kind = match &report.outcome {
        Outcome::Rejected(rejection) => Some((rejection.kind(), rejection.reason.errno())),
        Outcome::Accepted(_) | Outcome::Unsupported(_) => None,
    };
    let listing = if arguments.name.is_some() { listing(&code) } else { String::new() };
    let Report { statistics, log, .. } = report;
    Ok(Judgement { verdict, reason, kind, at, statistics, log, listing })
}

fn listing(code: &Code) -> String {
    Listing::new(code).to_string()
}

/// The instructions with the handles of maps and the ids of kernel functions in place.
fn fixed_up(
    record: &Record,
    mut bytes: Vec<u8>,
    types: &KernelTypes,
    world: &World<'_>,
) -> Result<Vec<u8>, String> {
    let mut set = |insn: usize, imm: i32| {
        let slot = bytes.get_mut(insn * Raw::SIZE..).and_then(|rest| rest.first_chunk_mut());
        let slot: &mut [u8; Raw::SIZE] = slot.ok_or(format!("no instruction {insn}"))?;
        *slot = Raw { imm, ..Raw::from_bytes(*slot) }.to_bytes();
        Ok::<(), String>(())
    };
    for fixup in &record.fixups {
        let handle = world.handle(&fixup.map).ok_or("a map without a handle")?;
        set(fixup.insn, handle)?;
    }
    for call in &record.kfuncs {
        let id = types.function(&call.kfunc).map_or(0, |id| id.0);
        set(call.insn, id.cast_signed())?;
    }
    Ok(bytes)
}

/// The program's own types.
fn program_types(record: &Record) -> Result<Option<Btf>, String> {
    if record.btf_types.is_empty() {
        return Ok(None);
    }
    let strings = hex(&record.btf_strings)?;
    let len = |bytes: usize| u32::try_from(bytes).map_err(|error| error.to_string());
    let types: Vec<u8> = record.btf_types.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut bytes = vec![0x9f, 0xeb, 1, 0];
    for word in [24, 0, len(types.len())?, len(types.len())?, len(strings.len())?] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(types);
    bytes.extend(strings);
    Btf::parse(&bytes).map(Some).map_err(|error| format!("types of the program: {error}"))
}

/// Bytes in hexadecimal.
fn hex(text: &str) -> Result<Vec<u8>, String> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err("an odd number of hex digits".into());
    }
    let byte = |pair: &[u8; 2]| {
        let digits = std::str::from_utf8(pair).map_err(|error| error.to_string())?;
        u8::from_str_radix(digits, 16).map_err(|error| format!("{digits:?}: {error}"))
    };
    pairs.iter().map(byte).collect()
}
