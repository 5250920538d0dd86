//! A loaded program.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use skep_spec::abi::{AttachType, HelperId, ProgType};
use skep_spec::{Code, InsnIdx};

use crate::context::View;
use crate::fault::Fault;
use crate::helpers;
use crate::interp::{self, FindMap, Translated};
use crate::maps::Map;
use crate::memory::MapSpans;
use crate::run::Run;

/// The most instructions that a program may have (`BPF_COMPLEXITY_LIMIT_INSNS`).
pub const INSNS_MAX: u32 = 1_000_000;

/// The implementation of a helper: from its five arguments to what it leaves in `r0`. An error is
/// for what no verified program does; everything else is told in `r0`.
pub type HelperFn = fn(&mut Run<'_>, [u64; 5]) -> Result<u64, Fault>;

/// The helpers that a program can call.
#[derive(Clone, Debug, Default)]
pub enum Helpers {
    /// Those of Linux.
    #[default]
    Linux,
    /// Those of the host, by number. They can be called through a register (`callx`) too.
    Own {
        /// The helpers.
        helpers: BTreeMap<i32, HelperFn>,
        /// The helper whose result 0 ends the program, with that result.
        unwind: Option<i32>,
    },
}

impl Helpers {
    /// The helper with this number.
    pub(crate) fn find(&self, number: i32) -> Option<HelperFn> {
        match self {
            Helpers::Linux => helpers::find(HelperId::from_u32(u32::try_from(number).ok()?)?),
            Helpers::Own { helpers, .. } => helpers.get(&number).copied(),
        }
    }

    /// Whether this is the helper that goes on in another program.
    pub(crate) fn is_tail_call(&self, number: i32) -> bool {
        match self {
            Helpers::Linux => number == HelperId::TailCall.number().cast_signed(),
            Helpers::Own { .. } => false,
        }
    }

    /// Whether a result of 0 of this helper ends the program.
    pub(crate) fn unwinds(&self, number: i32) -> bool {
        match self {
            Helpers::Linux => false,
            Helpers::Own { unwind, .. } => *unwind == Some(number),
        }
    }
}

/// Why a program cannot be loaded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("instruction {at}: {kind}")]
pub struct LoadError {
    /// The slot of the instruction.
    pub at: InsnIdx,
    /// What is wrong with it.
    pub kind: LoadErrorKind,
}

/// What is wrong with an instruction.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadErrorKind {
    /// There is none.
    #[error("the program is empty")]
    Empty,
    /// There are too many.
    #[error("the program has {len} slots, more than {INSNS_MAX}")]
    TooLong {
        /// How many slots there are.
        len: u32,
    },
    /// A jump leaves the program.
    #[error("jump to slot {to}, which is outside of the program")]
    JumpOut {
        /// Where it leads.
        to: i64,
    },
    /// A jump leads into the middle of a 64-bit immediate load.
    #[error("jump to slot {to}, the second half of a 64-bit immediate load")]
    JumpIntoSecondSlot {
        /// Where it leads.
        to: i64,
    },
    /// The last instruction lets control run off the end.
    #[error("the last instruction is neither exit nor an unconditional jump")]
    RunsOff,
    /// `r10` is written.
    #[error("the frame pointer r10 is read-only")]
    FramePointerWritten,
    /// There is no such helper, or it is not implemented.
    #[error("helper {number}{} is not known to the user engine", helper_name(*.number))]
    UnknownHelper {
        /// Its number.
        number: i32,
    },
    /// There is no such kernel function.
    #[error("kernel function with BTF id {btf_id} is not known to the user engine")]
    UnknownKfunc {
        /// Its BTF type id.
        btf_id: i32,
    },
    /// A descriptor is not that of a map.
    #[error("descriptor {fd} is not a map")]
    NoMap {
        /// The descriptor.
        fd: i32,
    },
    /// The address of a map's value cannot be taken.
    #[error("map with descriptor {fd}: {what}")]
    NoMapValue {
        /// The map's descriptor.
        fd: i32,
        /// Why not.
        what: &'static str,
    },
    /// The user engine lacks something.
    #[error("{0} are not supported by the user engine")]
    Unsupported(&'static str),
}

/// The name of a helper in parentheses, if it has one.
fn helper_name(number: i32) -> String {
    let id = u32::try_from(number).ok().and_then(HelperId::from_u32);
    id.map(|id| format!(" ({})", id.name())).unwrap_or_default()
}

/// What a program is made from.
#[derive(Clone, Debug)]
pub struct NewProgram<'a> {
    /// The engine-wide id.
    pub id: u32,
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub prog_type: ProgType,
    /// Where it is meant to be attached.
    pub expected_attach_type: Option<AttachType>,
    /// Its licence.
    pub license: &'a str,
    /// Its instructions.
    pub code: &'a Code,
    /// The helpers that it can call.
    pub helpers: Helpers,
}

/// A loaded program: bound to its maps and helpers, translated for the interpreter.
pub struct Program {
    id: u32,
    name: String,
    prog_type: ProgType,
    expected_attach_type: Option<AttachType>,
    license: String,
    code: Code,
    helpers: Helpers,
    maps: Vec<Arc<Map>>,
    spans: Arc<MapSpans>,
    view: View,
    translated: Translated,
}

impl Program {
    /// Loads a program. `find_map` finds the map behind a descriptor.
    pub fn load(new: &NewProgram<'_>, find_map: &FindMap<'_>) -> Result<Arc<Program>, LoadError> {
        let len = new.code.len();
        if len > INSNS_MAX {
            let kind = LoadErrorKind::TooLong { len };
            return Err(LoadError { at: InsnIdx(INSNS_MAX), kind });
        }
        let mut maps = Vec::new();
        let translated = interp::translate(new.code, find_map, &new.helpers, &mut maps)?;
        let spans = maps.iter().enumerate();
        let spans = spans.flat_map(|(index, map)| map.spans().into_iter().map(move |s| (s, index)));
        let spans = Arc::new(MapSpans::new(spans.collect()));
        Ok(Arc::new(Program {
            id: new.id,
            name: new.name.to_owned(),
            prog_type: new.prog_type,
            expected_attach_type: new.expected_attach_type,
            license: new.license.to_owned(),
            code: new.code.clone(),
            helpers: new.helpers.clone(),
            maps,
            spans,
            view: View::new(new.prog_type, new.expected_attach_type),
            translated,
        }))
    }

    /// The engine-wide id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn prog_type(&self) -> ProgType {
        self.prog_type
    }

    /// Where it is meant to be attached.
    pub fn expected_attach_type(&self) -> Option<AttachType> {
        self.expected_attach_type
    }

    /// Its licence.
    pub fn license(&self) -> &str {
        &self.license
    }

    /// Its instructions, as they were loaded.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// The maps that it uses.
    pub fn maps(&self) -> &[Arc<Map>] {
        &self.maps
    }

    /// The values of its maps.
    pub(crate) fn spans(&self) -> &Arc<MapSpans> {
        &self.spans
    }

    /// What it sees of its context.
    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// Its form for the interpreter.
    #[inline]
    pub(crate) fn translated(&self) -> &Translated {
        &self.translated
    }

    /// The helper of its host with this number.
    pub(crate) fn own_helper(&self, number: i32) -> Option<HelperFn> {
        match &self.helpers {
            Helpers::Linux => None,
            Helpers::Own { .. } => self.helpers.find(number),
        }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({:?}, {}, {} slots)", self.name, self.prog_type, self.code.len())
    }
}
