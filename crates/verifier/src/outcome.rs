//! The three answers.

use std::time::Duration;

use skep_spec::abi::{AttachType, ProgType};
use skep_spec::decode::DecodeError;
use skep_spec::{Code, InsnIdx};

use crate::cfg::ZeroExtensions;
use crate::facts::Facts;
use crate::input::Input;
use crate::kernel_words;
use crate::maps::Maps;
use crate::rejection::{Reason, Rejection};

/// What [`verify`](crate::verify) has found.
#[derive(Debug)]
pub struct Report {
    /// The answer.
    pub outcome: Outcome,
    /// What it took.
    pub statistics: Statistics,
    /// The log, in the kernel's format, as far as [`Options::log`](crate::Options) asks for one.
    pub log: String,
    /// The maps that the program names, which registers refer to by number.
    pub maps: Maps,
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The program is safe.
    Accepted(Verified),
    /// The kernel refuses it.
    Rejected(Box<Rejection>),
    /// It holds something that this verifier does not know.
    Unsupported(Unsupported),
}

/// A program that is safe, and what was found on the way. Only [`verify`](crate::verify) makes it,
/// so that to hold one is the proof.
#[derive(Clone, Debug)]
pub struct Verified {
    code: Code,
    prog_type: ProgType,
    attach_type: Option<AttachType>,
    facts: Facts,
}

impl Verified {
    pub(crate) fn new(input: &Input<'_>, facts: Facts) -> Verified {
        let Input { code, prog_type, attach_type, .. } = *input;
        Verified { code: code.clone(), prog_type, attach_type, facts }
    }

    /// The instructions.
    #[must_use]
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// The type that they were verified for.
    #[must_use]
    pub fn prog_type(&self) -> ProgType {
        self.prog_type
    }

    /// The attach type that they were verified for.
    #[must_use]
    pub fn attach_type(&self) -> Option<AttachType> {
        self.attach_type
    }

    /// What is known of each instruction.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Which instructions write a register's lower half whose upper half matters later: where a
    /// machine does not clear it by itself, they need to.
    #[must_use]
    pub fn zero_extensions(&self) -> ZeroExtensions {
        ZeroExtensions::of(&self.code)
    }
}

/// Something that this verifier does not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unsupported {
    /// What it is, as a noun: "open-coded iterators".
    pub what: &'static str,
    /// Where.
    pub at: Option<InsnIdx>,
}

/// What a verification took. The names are those of the kernel's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Instructions looked at, over all paths.
    pub processed: u32,
    /// The most checkpoints at one instruction.
    pub max_states_per_insn: u32,
    /// Checkpoints made.
    pub total_states: u32,
    /// The most checkpoints held at once.
    pub peak_states: u32,
    /// Bytes of stack of each function.
    pub stack_depth: Vec<u32>,
    /// How long it took.
    pub time: Duration,
}

impl Report {
    /// The report on bytes that are no instructions.
    #[must_use]
    pub fn undecodable(bytes: &[u8], error: DecodeError) -> Report {
        let rejection = Rejection {
            at: Some(error.at),
            reason: Reason::Undecodable(error),
            final_line: kernel_words::undecodable(bytes, &error),
            state: None,
            path: Vec::new(),
        };
        Report {
            outcome: Outcome::Rejected(Box::new(rejection)),
            statistics: Statistics::default(),
            log: String::new(),
            maps: Maps::default(),
        }
    }
}
