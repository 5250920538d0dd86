//! Words that several lines share.

use std::fmt;

use skep_spec::abi::HelperId;
use skep_spec::insn::{AluOp, Reg};

use crate::domain::Scalar;
use crate::rejection::{Direction, Leaving, Returning};
use crate::state::{Kind, Register};

/// Displays a register: `R1`.
#[derive(Clone, Copy)]
pub(super) struct R(pub(super) Reg);

impl fmt::Display for R {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R{}", self.0.index())
    }
}

/// Displays an operator: `+=`.
pub(super) struct Operator(pub(super) AluOp);

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            AluOp::Add => "+=",
            AluOp::Sub => "-=",
            AluOp::Mul => "*=",
            AluOp::Div | AluOp::SDiv => "/=",
            AluOp::Or => "|=",
            AluOp::And => "&=",
            AluOp::Lsh => "<<=",
            AluOp::Rsh => ">>=",
            AluOp::Mod | AluOp::SMod => "%=",
            AluOp::Xor => "^=",
            AluOp::Arsh => "s>>=",
        })
    }
}

/// Displays how the stack is accessed: ` read from`.
pub(super) struct AccessOf(pub(super) Option<Direction>);

impl fmt::Display for AccessOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(Direction::Read) => " read from",
            Some(Direction::Write) => " write to",
            None => " indirect access to",
        })
    }
}

/// Displays where an access is that is not aligned: the variable part of the pointer's offset, its
/// fixed part, and the instruction's offset.
pub(super) struct Address<'a> {
    /// The pointer.
    pub(super) pointer: &'a Register,
    /// The instruction's offset.
    pub(super) off: i32,
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.pointer.value.tnum, self.pointer.off, self.off)
    }
}

/// Displays what is accessed, with a blank behind; nothing, where the kernel does not say.
pub(super) struct Aligned(pub(super) Kind);

impl fmt::Display for Aligned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use skep_spec::abi::context::objects::Object;
        f.write_str(match self.0 {
            Kind::FlowKeys | Kind::Object(Object::FlowKeys) => "flow keys ",
            Kind::MapKey { .. } => "key ",
            Kind::MapValue { .. } => "value ",
            Kind::Context => "context ",
            Kind::Stack { .. } => "stack ",
            Kind::Object(Object::Socket) => "sock ",
            Kind::Object(Object::SockCommon) => "sock_common ",
            Kind::Object(Object::TcpSock) => "tcp_sock ",
            Kind::Object(Object::XdpSock) => "xdp_sock ",
            Kind::Uninit
            | Kind::Scalar
            | Kind::Map { .. }
            | Kind::Packet { .. }
            | Kind::PacketMeta { .. }
            | Kind::PacketEnd
            | Kind::Memory { .. }
            | Kind::Buffer { .. }
            | Kind::TracepointBuffer
            | Kind::Kernel { .. }
            | Kind::Function { .. } => "",
        })
    }
}

/// Displays what the kernel calls a buffer whose size is checked later.
pub(super) struct BufferName(pub(super) Kind);

impl fmt::Display for BufferName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::TracepointBuffer => "tracepoint",
            Kind::Buffer { read_only: true } => "rdonly",
            Kind::Buffer { read_only: false } => "rdwr",
            Kind::Uninit
            | Kind::Scalar
            | Kind::Context
            | Kind::Stack { .. }
            | Kind::Map { .. }
            | Kind::MapKey { .. }
            | Kind::MapValue { .. }
            | Kind::Packet { .. }
            | Kind::PacketMeta { .. }
            | Kind::PacketEnd
            | Kind::Object(_)
            | Kind::FlowKeys
            | Kind::Memory { .. }
            | Kind::Kernel { .. }
            | Kind::Function { .. } => "",
        })
    }
}

/// Displays the range of a number, as far as there is one: ` smin=0 smax=255`.
pub(super) struct Spaced(pub(super) Scalar);

impl fmt::Display for Spaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = self.0.s64;
        if range.min > i64::MIN {
            write!(f, " smin={}", range.min)?;
        }
        if range.max < i64::MAX {
            write!(f, " smax={}", range.max)?;
        }
        if range.min == i64::MIN && range.max == i64::MAX {
            f.write_str(" unknown scalar value")?;
        }
        Ok(())
    }
}

/// A helper with its number: `bpf_map_lookup_elem#1`.
pub(super) fn helper(id: HelperId) -> String {
    format!("{}#{}", id.name(), id.number())
}

/// What a path comes to.
pub(super) fn leaving(at: Leaving) -> &'static str {
    match at {
        Leaving::Exit => "BPF_EXIT instruction in main prog",
        Leaving::Callback => "BPF_EXIT instruction in callback",
        Leaving::TailCall => "tail_call",
        Leaving::PacketLoad => "BPF_LD_[ABS|IND]",
        Leaving::Throw => "bpf_throw",
    }
}

/// What returns.
pub(super) fn returning(what: Returning) -> &'static str {
    match what {
        Returning::Program => "At program exit",
        Returning::AsyncCallback => "At async callback return",
        Returning::Callback(_) => "At callback return",
    }
}

/// An access whose place is known.
pub(super) fn fixed(
    f: &mut fmt::Formatter<'_>,
    reg: R,
    pointer: Register,
    off: i64,
    size: u32,
    limit: u32,
) -> fmt::Result {
    match pointer.kind {
        Kind::MapKey { .. } => {
            write!(f, "invalid access to map key, key_size={limit} off={off} size={size}")
        }
        Kind::MapValue { .. } => {
            write!(f, "invalid access to map value, value_size={limit} off={off} size={size}")
        }
        Kind::Packet { .. } | Kind::PacketMeta { .. } | Kind::PacketEnd => {
            let id = pointer.id.map_or(0, |id| id.0.get());
            write!(
                f,
                "invalid access to packet, off={off} size={size}, {reg}(id={id},off={off},\
                 r={limit})"
            )
        }
        Kind::Uninit
        | Kind::Scalar
        | Kind::Context
        | Kind::Stack { .. }
        | Kind::Map { .. }
        | Kind::Object(_)
        | Kind::FlowKeys
        | Kind::Memory { .. }
        | Kind::Buffer { .. }
        | Kind::TracepointBuffer
        | Kind::Kernel { .. }
        | Kind::Function { .. } => {
            write!(f, "invalid access to memory, mem_size={limit} off={off} size={size}")
        }
    }
}
