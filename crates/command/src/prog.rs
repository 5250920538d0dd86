//! Commands on programs.

use skep_btf::TypeId;
use skep_spec::abi::{AttachType, ProgType};
use skep_spec::{Code, InsnIdx};

use crate::Handle;

/// A program to load.
///
/// Its instructions refer to maps by [`Handle`] number in [`Imm64::MapFd`] and
/// [`Imm64::MapValue`].
///
/// [`Imm64::MapFd`]: skep_spec::insn::Imm64::MapFd
/// [`Imm64::MapValue`]: skep_spec::insn::Imm64::MapValue
#[derive(Clone, Debug)]
pub struct ProgLoad<'a> {
    /// Up to 15 bytes of `[A-Za-z0-9_.]`.
    pub name: &'a str,
    /// Decides context, helpers, return values and hookpoints.
    pub prog_type: ProgType,
    /// Where it will be attached, for the types that need to know at load time.
    pub expected_attach_type: Option<AttachType>,
    /// The instructions, functions joined and references bound.
    pub code: &'a Code,
    /// The licence, which decides whether GPL-only helpers may be called.
    pub license: &'a str,
    /// `BPF_F_*` load flags.
    pub flags: u32,
    /// The kernel version that old kprobe programs state, or 0.
    pub kern_version: u32,
    /// The interface for offloading, or 0.
    pub ifindex: u32,
    /// Its types and source lines.
    pub btf: Option<ProgBtf<'a>>,
    /// What it is attached to, for tracing types: a BTF type id.
    pub attach_btf_id: u32,
    /// The program that it extends or traces, or the module BTF of `attach_btf_id`.
    pub attach_to: Option<Handle>,
    /// `BPF_LOG_LEVEL*` bits; 0 for no log unless the program is rejected.
    pub log_level: u32,
}

impl<'a> ProgLoad<'a> {
    /// A program of which nothing but this is said: GPL, no flags, no types, no log.
    #[must_use]
    pub fn new(name: &'a str, prog_type: ProgType, code: &'a Code) -> ProgLoad<'a> {
        ProgLoad {
            name,
            prog_type,
            expected_attach_type: None,
            code,
            license: "GPL",
            flags: 0,
            kern_version: 0,
            ifindex: 0,
            btf: None,
            attach_btf_id: 0,
            attach_to: None,
            log_level: 0,
        }
    }
}

/// A program's BTF.
#[derive(Clone, Copy, Debug)]
pub struct ProgBtf<'a> {
    /// A loaded BTF.
    pub btf: Handle,
    /// The type of each function, by its first slot, ascending.
    pub funcs: &'a [FuncInfo],
    /// Source lines, ascending by slot.
    pub lines: &'a [LineInfo],
}

/// The type of the function that begins at a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FuncInfo {
    /// Its first slot.
    pub at: InsnIdx,
    /// Its `BTF_KIND_FUNC`.
    pub type_id: TypeId,
}

/// The source line of the instructions from a slot on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineInfo {
    /// The first slot of the line.
    pub at: InsnIdx,
    /// Offset of the file's name in the BTF's strings.
    pub file_name_off: u32,
    /// Offset of the line's text in the BTF's strings.
    pub line_off: u32,
    /// The line in the upper 22 bits and the column in the lower 10, as the UAPI packs them.
    pub line_col: u32,
}

/// A loaded program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgLoaded {
    /// The program.
    pub handle: Handle,
    /// The verifier's log, as far as it was asked for.
    pub log: String,
}

/// What an engine says of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgInfo {
    /// The engine-wide id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its type.
    pub prog_type: ProgType,
    /// Ids of the maps that it uses.
    pub map_ids: Vec<u32>,
}

/// Where BPF_PROG_TEST_RUN and a network device treat a packet differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Semantics {
    /// As BPF_PROG_TEST_RUN: frames under 14 bytes are refused, a VLAN tag stays in the data, a
    /// socket filter starts at the network header, the interface index is 1.
    #[default]
    TestRun,
    /// As a network device: any length, an outer VLAN tag is moved from the data into the context
    /// of programs above the device.
    Device,
    /// As a capture: any length, and every byte in its place, from the link header on.
    Capture(Captured),
}

/// What is known of a captured packet beside its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Captured {
    /// Its length on the wire, which is more than there are bytes if the capture cut it.
    pub wire_len: u32,
    /// Where its network header begins.
    pub network_off: u32,
    /// Its EtherType, in host byte order; 0 if the link layer has none.
    pub protocol: u16,
    /// For this host, to all, to a group (`PACKET_*`).
    pub pkt_type: u8,
}

/// One test run.
#[derive(Clone, Debug)]
pub struct TestRun<'a> {
    /// The packet, for programs that work on packets.
    pub data: &'a [u8],
    /// Room for the packet as the program leaves it; 0 to not return it.
    pub data_out_capacity: usize,
    /// The context, for programs that take one.
    pub ctx: &'a [u8],
    /// How often to run; 0 and 1 are once.
    pub repeat: u32,
    /// `BPF_F_TEST_*` flags.
    pub flags: u32,
    /// The CPU to run on, with `BPF_F_TEST_RUN_ON_CPU`.
    pub cpu: u32,
    /// How packets are treated.
    pub semantics: Semantics,
}

/// What a test run gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestRunReply {
    /// The value of `r0` at the end.
    pub retval: u32,
    /// Average time of one run.
    pub duration_ns: u32,
    /// The packet as the program left it.
    pub data: Vec<u8>,
    /// The context as the program left it.
    pub ctx: Vec<u8>,
}
