//! The encoding of `linux/btf.h`: magic, header, kinds and record sizes.

use std::fmt;

/// First two bytes of every BTF and `.BTF.ext` section, little-endian.
pub(crate) const MAGIC: u16 = 0xeb9f;
/// The only version there is.
pub(crate) const VERSION: u8 = 1;
/// Bytes of `struct btf_header`.
pub(crate) const HEADER_LEN: u32 = 24;
/// Bytes of `struct btf_type`, the fixed part of each type.
pub(crate) const TYPE_LEN: usize = 12;
/// `BTF_MAX_TYPE`: no type has a larger id.
pub(crate) const MAX_TYPE: u32 = 0x000f_ffff;

/// `BTF_INT_SIGNED`.
pub(crate) const INT_SIGNED: u32 = 1;
/// `BTF_INT_CHAR`.
pub(crate) const INT_CHAR: u32 = 2;
/// `BTF_INT_BOOL`.
pub(crate) const INT_BOOL: u32 = 4;

/// Bits of `info` that have a meaning: vlen, kind, kind flag.
const INFO_MASK: u32 = 0x9f00_ffff;

/// What a type is: the `BTF_KIND_*` constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An integer, `_Bool` or `char`.
    Int,
    /// A pointer.
    Ptr,
    /// An array.
    Array,
    /// A struct.
    Struct,
    /// A union.
    Union,
    /// An enumeration of values of up to 32 bits.
    Enum,
    /// A struct or union known by name alone.
    Fwd,
    /// A typedef.
    Typedef,
    /// The qualifier `volatile`.
    Volatile,
    /// The qualifier `const`.
    Const,
    /// The qualifier `restrict`.
    Restrict,
    /// A function.
    Func,
    /// The signature of a function.
    FuncProto,
    /// A variable.
    Var,
    /// A section with its variables.
    Datasec,
    /// A floating point number.
    Float,
    /// `__attribute__((btf_decl_tag("…")))`, on a declaration.
    DeclTag,
    /// `__attribute__((btf_type_tag("…")))`, on a type.
    TypeTag,
    /// An enumeration of 64-bit values.
    Enum64,
}

impl Kind {
    /// Every kind, in the order of its number; the first is number 1.
    pub const ALL: [Self; 19] = [
        Self::Int,
        Self::Ptr,
        Self::Array,
        Self::Struct,
        Self::Union,
        Self::Enum,
        Self::Fwd,
        Self::Typedef,
        Self::Volatile,
        Self::Const,
        Self::Restrict,
        Self::Func,
        Self::FuncProto,
        Self::Var,
        Self::Datasec,
        Self::Float,
        Self::DeclTag,
        Self::TypeTag,
        Self::Enum64,
    ];

    /// The kind with this `BTF_KIND_*` number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// The `BTF_KIND_*` number.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The name that the kernel and `bpftool` use: `BTF_KIND_FUNC_PROTO` is `FUNC_PROTO`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "INT",
            Self::Ptr => "PTR",
            Self::Array => "ARRAY",
            Self::Struct => "STRUCT",
            Self::Union => "UNION",
            Self::Enum => "ENUM",
            Self::Fwd => "FWD",
            Self::Typedef => "TYPEDEF",
            Self::Volatile => "VOLATILE",
            Self::Const => "CONST",
            Self::Restrict => "RESTRICT",
            Self::Func => "FUNC",
            Self::FuncProto => "FUNC_PROTO",
            Self::Var => "VAR",
            Self::Datasec => "DATASEC",
            Self::Float => "FLOAT",
            Self::DeclTag => "DECL_TAG",
            Self::TypeTag => "TYPE_TAG",
            Self::Enum64 => "ENUM64",
        }
    }

    /// Whether the kind stands for a declaration or a section, which nothing can have as its type.
    pub fn is_declaration(self) -> bool {
        match self {
            Self::Func | Self::Var | Self::Datasec | Self::DeclTag => true,
            Self::Int
            | Self::Ptr
            | Self::Array
            | Self::Struct
            | Self::Union
            | Self::Enum
            | Self::Fwd
            | Self::Typedef
            | Self::Volatile
            | Self::Const
            | Self::Restrict
            | Self::FuncProto
            | Self::Float
            | Self::TypeTag
            | Self::Enum64 => false,
        }
    }

    /// Bytes that follow `struct btf_type`: a fixed part and a part for each of `vlen` entries.
    pub(crate) fn tail(self) -> (usize, usize) {
        TAILS[self as usize]
    }

    const fn tail_of(self) -> (usize, usize) {
        match self {
            Self::Int | Self::Var | Self::DeclTag => (4, 0),
            Self::Array => (12, 0),
            Self::Struct | Self::Union | Self::Datasec | Self::Enum64 => (0, 12),
            Self::Enum | Self::FuncProto => (0, 8),
            Self::Ptr
            | Self::Fwd
            | Self::Typedef
            | Self::Volatile
            | Self::Const
            | Self::Restrict
            | Self::Func
            | Self::Float
            | Self::TypeTag => (0, 0),
        }
    }

    /// Whether the kind flag has a meaning.
    pub(crate) fn takes_flag(self) -> bool {
        match self {
            Self::Struct
            | Self::Union
            | Self::Enum
            | Self::Enum64
            | Self::Fwd
            | Self::DeclTag
            | Self::TypeTag => true,
            Self::Int
            | Self::Ptr
            | Self::Array
            | Self::Typedef
            | Self::Volatile
            | Self::Const
            | Self::Restrict
            | Self::Func
            | Self::FuncProto
            | Self::Var
            | Self::Datasec
            | Self::Float => false,
        }
    }
}

/// [`Kind::tail_of`] each kind, in the order of its number. A branch on the kinds of the kernel's
/// types is hard to foresee, and this is asked each time that a record is looked at.
const TAILS: [(usize, usize); Kind::ALL.len()] = {
    let mut tails = [(0, 0); Kind::ALL.len()];
    let mut place = 0;
    while place < tails.len() {
        tails[place] = Kind::ALL[place].tail_of();
        place += 1;
    }
    tails
};

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The word `info` of `struct btf_type`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Info(pub(crate) u32);

impl Info {
    /// The word that has these parts.
    pub(crate) fn new(kind: Kind, vlen: u16, flag: bool) -> Self {
        Self(u32::from(flag) << 31 | u32::from(kind.number()) << 24 | u32::from(vlen))
    }

    /// The kind; `Err` holds the number of an unknown one.
    pub(crate) fn kind(self) -> Result<Kind, u8> {
        let [.., top] = self.0.to_le_bytes();
        let number = top & 0x1f;
        Kind::from_number(number).ok_or(number)
    }

    /// Number of members, values, parameters or variables; the linkage of a function.
    pub(crate) fn vlen(self) -> u16 {
        let [low, high, ..] = self.0.to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// The kind flag.
    pub(crate) fn flag(self) -> bool {
        self.0 >> 31 != 0
    }

    /// The bits that nothing defines.
    pub(crate) fn reserved(self) -> u32 {
        self.0 & !INFO_MASK
    }

    /// Bytes of the whole record, if it is of this kind.
    pub(crate) fn record_len(self, kind: Kind) -> usize {
        let (fixed, each) = kind.tail();
        TYPE_LEN + fixed + each * usize::from(self.vlen())
    }
}
