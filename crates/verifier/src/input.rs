//! What is verified: a program, and how it is to be loaded.

use skep_btf::{Btf, TypeId};
use skep_spec::abi::{AttachType, ProgType};
use skep_spec::{Code, InsnIdx};

use crate::log::Level;

/// A program, and how it is to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The instructions.
    pub code: &'a Code,
    /// The type, which decides context, helpers and return values.
    pub prog_type: ProgType,
    /// Where it is to be attached, which narrows them (`expected_attach_type`).
    pub attach_type: Option<AttachType>,
    /// Whether its licence is compatible with the GPL.
    pub gpl: bool,
    /// Flags of the load command.
    pub flags: Flags,
    /// The program's types.
    pub btf: Option<&'a Btf>,
    /// The type of each function; empty, or one for each function, by ascending place.
    pub func_info: &'a [FuncInfo],
    /// The source lines of instructions, by ascending place.
    pub line_info: &'a [LineInfo],
    /// What a tracing program attaches to.
    pub target: Option<Target<'a>>,
}

impl<'a> Input<'a> {
    /// A program of instructions and type alone: GPL, no flags, no types.
    #[must_use]
    pub fn new(code: &'a Code, prog_type: ProgType) -> Input<'a> {
        Input {
            code,
            prog_type,
            attach_type: None,
            gpl: true,
            flags: Flags::default(),
            btf: None,
            func_info: &[],
            line_info: &[],
            target: None,
        }
    }

    /// The same with the attach type that the kernel puts in place of none, which is what programs
    /// said before there were attach types (`bpf_prog_load_fixup_attach_type`).
    #[must_use]
    pub(crate) fn with_attach_type(self) -> Input<'a> {
        let none = matches!(self.attach_type, None | Some(NO_ATTACH_TYPE));
        let attach_type = match self.prog_type {
            ProgType::CgroupSock if none => Some(AttachType::CgroupInetSockCreate),
            ProgType::SkReuseport if none => Some(AttachType::SkReuseportSelect),
            _ => self.attach_type,
        };
        Input { attach_type, ..self }
    }
}

/// What stands in a load command that names no attach type: 0.
pub const NO_ATTACH_TYPE: AttachType = AttachType::CgroupInetIngress;

/// Flags of the load command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// Accesses must be aligned (`BPF_F_STRICT_ALIGNMENT`).
    pub strict_alignment: bool,
    /// Accesses need not be aligned, on machines that otherwise ask for it
    /// (`BPF_F_ANY_ALIGNMENT`).
    pub any_alignment: bool,
    /// A checkpoint is made wherever one may be (`BPF_F_TEST_STATE_FREQ`).
    pub test_state_freq: bool,
    /// The program may sleep (`BPF_F_SLEEPABLE`).
    pub sleepable: bool,
    /// An XDP program that takes packets in fragments (`BPF_F_XDP_HAS_FRAGS`).
    pub xdp_has_frags: bool,
}

/// The type of the function that begins at an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FuncInfo {
    /// The function's first instruction.
    pub at: InsnIdx,
    /// Its type in the program's BTF.
    pub type_id: TypeId,
}

/// The source line that an instruction was made from, and those after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineInfo {
    /// The first instruction.
    pub at: InsnIdx,
    /// The file's name: an offset into the strings of the program's BTF.
    pub file_name_off: u32,
    /// The text of the line: an offset into the same strings.
    pub line_off: u32,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1; 0 if not known.
    pub column: u32,
}

/// What a tracing program attaches to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target<'a> {
    /// A function of the kernel, or a tracepoint's type, by BTF id (`attach_btf_id`).
    Kernel(TypeId),
    /// A function of the kernel by name, for callers that have no id.
    KernelName(&'a str),
    /// A function of another program.
    Program(TypeId),
}

/// How to verify.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// What goes to the log.
    pub log: Level,
    /// Whether a state that equals one seen before ends its path. Without pruning the verdict is
    /// the same, as far as the limits let the walk get.
    pub prune: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { log: Level::Silent, prune: true }
    }
}
