//! What is known of a register, or of a slot of the stack that a register was spilled to.

use std::num::NonZeroU32;

use skep_btf::TypeId;
use skep_spec::abi::context::objects::Object;
use skep_spec::insn::Width;

use crate::domain::Scalar;
use crate::maps::MapIdx;

/// A name for a value that is known to be in several places, or for a thing that is held.
///
/// Names are given once in a walk and never again. What they say is that two registers hold the
/// same; which name it is says nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Id(pub NonZeroU32);

/// What is known of a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Register {
    /// What it holds.
    pub kind: Kind,
    /// Whether a pointer may be null instead.
    pub nullable: bool,
    /// The number; of a pointer the part of its offset that is not known for certain.
    pub value: Scalar,
    /// The part of a pointer's offset that is the same on all paths, in bytes. Of a number with
    /// `displaced`, its distance from the number that `id` names.
    pub off: i32,
    /// Of a number: others with this name are equal, or a known distance away. Of a packet pointer:
    /// others with this name have the same variable offset. Of a pointer that may be null: others
    /// with this name are null together. Of a map value with a lock: which value it is.
    pub id: Option<Id>,
    /// Of a number that is `off` away from the one that `id` names: the width of the addition that
    /// made it so, as one of the lower halves wraps earlier.
    pub displaced: Option<Width>,
    /// The reference that a pointer belongs to, which ends when that is released.
    pub reference: Option<Id>,
}

/// What a register holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Nothing yet: it must not be read.
    Uninit,
    /// A number.
    Scalar,
    /// The context.
    Context,
    /// The stack of a frame, counted from its end.
    Stack {
        /// The frame, from 0.
        frame: u8,
    },
    /// A map itself.
    Map {
        /// Which.
        map: MapIdx,
        /// Of a map that came out of a map of maps, which lookup it came from.
        uid: Option<Id>,
    },
    /// A key of a map, in a callback over its elements.
    MapKey {
        /// Which map.
        map: MapIdx,
    },
    /// A value of a map.
    MapValue {
        /// Which map.
        map: MapIdx,
        /// Of a map that came out of a map of maps, which lookup it came from.
        uid: Option<Id>,
    },
    /// The packet.
    Packet {
        /// How far from here it is known to go on, in bytes.
        range: PacketRange,
    },
    /// The metadata in front of the packet.
    PacketMeta {
        /// How far from here they are known to go on, in bytes.
        range: PacketRange,
    },
    /// The end of the packet.
    PacketEnd,
    /// A structure of the UAPI whose fields are converted: a socket.
    Object(Object),
    /// The keys that a flow dissector fills in.
    FlowKeys,
    /// Memory.
    Memory {
        /// How many bytes from the beginning.
        size: u32,
        /// What may be done.
        access: MemoryKind,
    },
    /// A buffer whose size is checked where the program is attached.
    Buffer {
        /// Whether it may only be read.
        read_only: bool,
    },
    /// The record of a writable tracepoint.
    TracepointBuffer,
    /// An object of the kernel.
    Kernel {
        /// Its type in the kernel's BTF.
        type_id: TypeId,
        /// What is known of its life.
        trust: Trust,
        /// Whether it is the address of a per-CPU variable, which must be converted first.
        percpu: bool,
    },
    /// A function of this program.
    Function {
        /// Which.
        subprogram: u16,
    },
}

/// How far from where a packet pointer points the packet is known to go on, in bytes; or, where a
/// comparison with the end was for equality, that it points there, or behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketRange {
    /// At least so many bytes.
    Bytes(u16),
    /// It points to the end (`AT_PKT_END`).
    AtEnd,
    /// It points behind the end (`BEYOND_PKT_END`).
    BeyondEnd,
}

impl PacketRange {
    /// Nothing is known.
    pub const NONE: PacketRange = PacketRange::Bytes(0);

    /// The number of bytes; 0 at the end.
    #[must_use]
    pub const fn bytes(self) -> u16 {
        match self {
            PacketRange::Bytes(bytes) => bytes,
            PacketRange::AtEnd | PacketRange::BeyondEnd => 0,
        }
    }
}

/// What memory is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryKind {
    /// Loads and stores.
    Plain,
    /// Loads.
    ReadOnly,
    /// Loads, of an address that may be wrong: what is read there is zero then.
    Untrusted,
    /// A record of a ring buffer.
    Ringbuf,
}

/// What is known of the life of a kernel object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// It is alive (`PTR_TRUSTED`).
    Trusted,
    /// It is alive while RCU is held (`MEM_RCU`).
    Rcu,
    /// It can be loaded from, and nothing else is known.
    Plain,
    /// The same, and it must not be handed on (`PTR_UNTRUSTED`).
    Untrusted,
    /// It is an address of the process, which is not to be loaded from (`MEM_USER`).
    User,
}

impl Register {
    /// Holds nothing.
    pub const UNINIT: Register = Register::of(Kind::Uninit, Scalar::UNKNOWN);

    /// Holds any number.
    pub const UNKNOWN: Register = Register::of(Kind::Scalar, Scalar::UNKNOWN);

    const fn of(kind: Kind, value: Scalar) -> Register {
        Register {
            kind,
            nullable: false,
            value,
            off: 0,
            id: None,
            displaced: None,
            reference: None,
        }
    }

    /// A number.
    #[inline]
    #[must_use]
    pub const fn scalar(value: Scalar) -> Register {
        Register::of(Kind::Scalar, value)
    }

    /// A known number.
    #[inline]
    #[must_use]
    pub const fn constant(number: u64) -> Register {
        Register::scalar(Scalar::constant(number))
    }

    /// A pointer to the beginning of something.
    #[inline]
    #[must_use]
    pub const fn pointer(kind: Kind) -> Register {
        Register::of(kind, Scalar::ZERO)
    }

    /// The same, not tied to any other register.
    #[inline]
    #[must_use]
    pub const fn nameless(self) -> Register {
        Register { id: None, displaced: None, off: 0, ..self }
    }

    /// Whether it holds something.
    #[inline]
    #[must_use]
    pub fn is_init(&self) -> bool {
        !matches!(self.kind, Kind::Uninit)
    }

    /// Whether it holds a number.
    #[inline]
    #[must_use]
    pub fn is_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar)
    }

    /// Whether it holds a pointer, null or not.
    #[inline]
    #[must_use]
    pub fn is_pointer(&self) -> bool {
        self.kind.is_pointer()
    }

    /// The number, if it is known.
    #[inline]
    #[must_use]
    pub fn as_constant(&self) -> Option<u64> {
        if self.is_scalar() { self.value.as_constant() } else { None }
    }

    /// Whether it is the number zero.
    #[inline]
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_constant() == Some(0)
    }

    /// Whether the offset of a pointer has a part that is not known for certain.
    #[inline]
    #[must_use]
    pub fn has_variable_offset(&self) -> bool {
        self.value.as_constant() != Some(0)
    }
}

impl Kind {
    /// Whether it is a pointer.
    #[inline]
    #[must_use]
    pub fn is_pointer(self) -> bool {
        !matches!(self, Kind::Uninit | Kind::Scalar)
    }

    /// Whether it points into a packet.
    #[inline]
    #[must_use]
    pub fn is_packet(self) -> bool {
        matches!(self, Kind::Packet { .. } | Kind::PacketMeta { .. })
    }

    /// Whether both are the same apart from which map, frame or range they are of.
    #[inline]
    #[must_use]
    pub fn is_alike(self, other: Kind) -> bool {
        core::mem::discriminant(&self) == core::mem::discriminant(&other)
    }

    /// The same without what only the path to it says: how far a packet goes, which lookup a map
    /// came from.
    #[must_use]
    pub(crate) fn without_path(self) -> Kind {
        match self {
            Kind::Map { map, .. } => Kind::Map { map, uid: None },
            Kind::MapValue { map, .. } => Kind::MapValue { map, uid: None },
            Kind::Packet { .. } => Kind::Packet { range: PacketRange::NONE },
            Kind::PacketMeta { .. } => Kind::PacketMeta { range: PacketRange::NONE },
            Kind::Uninit
            | Kind::Scalar
            | Kind::Context
            | Kind::Stack { .. }
            | Kind::MapKey { .. }
            | Kind::PacketEnd
            | Kind::Object(_)
            | Kind::FlowKeys
            | Kind::Memory { .. }
            | Kind::Buffer { .. }
            | Kind::TracepointBuffer
            | Kind::Kernel { .. }
            | Kind::Function { .. } => self,
        }
    }
}
