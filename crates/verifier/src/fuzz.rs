//! What fuzzing drives: a function of any bytes that must neither panic nor take long.
//!
//! Coverage-guided fuzzers call it; so does a test with seeded random bytes, on every machine.
//!
//! The bytes are a whole load command ([`verifier`]). All fields are little endian:
//!
//! | part | bytes |
//! |---|---|
//! | program type, attach type, flags, what `target` is | 1 each |
//! | target: a type | 4 |
//! | the program's BTF, the kernel's: length, then content | 2, … each |
//! | number of maps, then 16 bytes a map | 1, … |
//! | number of functions' types, then place and type | 1, 8 each |
//! | number of lines, then place, file, text, line | 1, 16 each |
//! | the instructions | the rest |

use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use skep_btf::{Btf, TypeId};
use skep_spec::abi::{AttachType, MapType, ProgType};
use skep_spec::decode::decode;
use skep_spec::insn::Imm64;
use skep_spec::{Code, InsnIdx};

use crate::environment::{MapBtf, MapFacts, NoMap};
use crate::explain::explain;
use crate::input::{FuncInfo, LineInfo, Target};
use crate::log::Level;
use crate::state::State;
use crate::{
    Environment, Flags, Input, Observer, Options, Outcome, Reason, Report, fields, verify_observed,
};

/// Instructions that a walk looks at. Limits end it anyway, but so many more inputs are tried.
const STEPS: u32 = 20_000;

/// Verifies; the answer must be the same without pruning, as far as that comes, and have an
/// explanation where it is no acceptance.
pub fn verifier(bytes: &[u8]) {
    let Some(load) = Load::read(bytes) else { return };
    let Ok(code) = decode(&load.insns) else { return };
    let report = load.verify(&code, true);
    let fails = !matches!(report.outcome, Outcome::Accepted(_));
    let explanation = explain(&load.input(&code), &report);
    assert_eq!(explanation.is_some(), fails, "explain: what fails is explained");
    let _ = explanation.map(|explanation| explanation.to_string());
    let slow = load.verify(&code, false);
    let contradict = match (&report.outcome, &slow.outcome) {
        (Outcome::Accepted(_), Outcome::Rejected(slow)) => !is_limit(&slow.reason),
        (Outcome::Rejected(fast), Outcome::Accepted(_)) => !is_limit(&fast.reason),
        (Outcome::Accepted(_), Outcome::Accepted(_) | Outcome::Unsupported(_))
        | (Outcome::Rejected(_), Outcome::Rejected(_) | Outcome::Unsupported(_))
        | (Outcome::Unsupported(_), _) => false,
    };
    assert!(!contradict, "walk: {:?}, without pruning {:?}", report.outcome, slow.outcome);
}

/// Whether there was too much of a program: without pruning there is more, and endless loops are
/// not told from long ones.
fn is_limit(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::TooManyInsns { .. } | Reason::TooManyJumps { .. } | Reason::InfiniteLoop { .. }
    )
}

/// Gives a walk up after a number of steps.
struct Patience {
    left: u32,
}

impl Observer for Patience {
    fn before(&mut self, _at: InsnIdx, _state: &State) -> ControlFlow<()> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }
}

/// A load command.
struct Load {
    prog_type: ProgType,
    attach_type: Option<AttachType>,
    flags: u8,
    target: Option<Target<'static>>,
    program_types: Option<Arc<Btf>>,
    kernel_types: Option<Btf>,
    maps: Vec<MapFacts>,
    functions: Vec<FuncInfo>,
    lines: Vec<LineInfo>,
    insns: Vec<u8>,
}

impl Load {
    fn read(bytes: &[u8]) -> Option<Load> {
        let mut from = Reader(bytes);
        let prog_type = pick(ProgType::ALL, from.byte()?)?;
        let attach_type = pick(AttachType::ALL, from.byte()?);
        let flags = from.byte()?;
        let (what, id) = (from.byte()?, TypeId(from.word()?));
        let target = match what {
            1 => Some(Target::Kernel(id)),
            2 => Some(Target::Program(id)),
            _ => None,
        };
        let mut types = || {
            let len = usize::from(u16::from_le_bytes(from.take()?));
            let (types, rest) = from.0.split_at_checked(len)?;
            from.0 = rest;
            Some(Btf::parse(types).ok())
        };
        let (program_types, kernel_types) = (types()?.map(Arc::new), types()?);
        let mut maps: Vec<MapFacts> = Vec::new();
        for id in 0..from.byte()? {
            let map = read_map(&mut from, id, maps.last(), program_types.as_ref())?;
            maps.push(map);
        }
        let functions = (0..from.byte()?)
            .map(|_| Some(FuncInfo { at: InsnIdx(from.word()?), type_id: TypeId(from.word()?) }));
        let functions = functions.collect::<Option<_>>()?;
        let lines = (0..from.byte()?).map(|_| {
            let at = InsnIdx(from.word()?);
            let (file_name_off, line_off, line) = (from.word()?, from.word()?, from.word()?);
            Some(LineInfo { at, file_name_off, line_off, line, column: 1 })
        });
        let lines = lines.collect::<Option<_>>()?;
        let insns = from.0.to_vec();
        Some(Load {
            prog_type,
            attach_type,
            flags,
            target,
            program_types,
            kernel_types,
            maps,
            functions,
            lines,
            insns,
        })
    }

    fn input<'a>(&'a self, code: &'a Code) -> Input<'a> {
        let flag = |bit: u8| self.flags & 1 << bit != 0;
        Input {
            attach_type: self.attach_type,
            gpl: !flag(0),
            flags: Flags {
                strict_alignment: flag(1),
                any_alignment: flag(2),
                test_state_freq: flag(3),
                sleepable: flag(4),
                xdp_has_frags: flag(5),
            },
            btf: self.program_types.as_deref(),
            func_info: &self.functions,
            line_info: &self.lines,
            target: self.target,
            ..Input::new(code, self.prog_type)
        }
    }

    fn verify(&self, code: &Code, prune: bool) -> Report {
        let log = if self.flags & 0x40 != 0 && prune { Level::All } else { Level::Silent };
        let mut patience = Patience { left: STEPS };
        verify_observed(&self.input(code), self, Options { log, prune }, Some(&mut patience))
    }
}

impl Environment for Load {
    fn map(&self, reference: Imm64) -> Result<MapFacts, NoMap> {
        let (Imm64::MapFd(map)
        | Imm64::MapValue { fd: map, .. }
        | Imm64::MapIdx(map)
        | Imm64::MapIdxValue { idx: map, .. }) = reference
        else {
            return Err(NoMap::NotAMap);
        };
        let map = usize::try_from(map).ok().and_then(|map| self.maps.get(map));
        map.cloned().ok_or(NoMap::NotAMap)
    }

    fn kernel_btf(&self) -> Option<&Btf> {
        self.kernel_types.as_ref()
    }
}

/// Reads a map: type, flags, key's size, value's size, number of elements, the type of its values.
fn read_map(
    from: &mut Reader<'_>,
    id: u8,
    before: Option<&MapFacts>,
    types: Option<&Arc<Btf>>,
) -> Option<MapFacts> {
    let map_type = pick(MapType::ALL, from.byte()?)?;
    let shape = from.byte()?;
    let key_size = u32::from(u16::from_le_bytes(from.take()?));
    let (value_size, max_entries, value) = (from.word()?, from.word()?, TypeId(from.word()?));
    let btf = types.filter(|_| shape & 1 != 0);
    let btf = btf.map(|btf| MapBtf { btf: Arc::clone(btf), value });
    let frozen = (shape & 2 != 0).then(|| Rc::from(vec![0x5a; usize::from(shape)]));
    Some(MapFacts {
        id: u64::from(id),
        name: String::new(),
        map_type,
        key_size,
        value_size,
        max_entries,
        flags: u32::from(shape >> 2) << 4,
        frozen,
        inner: before.map(|map| Box::new(MapFacts { inner: None, ..map.clone() })),
        fields: btf.as_ref().map_or(Vec::new(), |btf| fields::of(&btf.btf, btf.value)),
        btf,
    })
}

/// One of all, by number.
fn pick<T: Copy>(all: &[T], number: u8) -> Option<T> {
    all.get(usize::from(number)).copied()
}

/// What is left of the bytes.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take().map(|[byte]| byte)
    }

    fn word(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }
}
