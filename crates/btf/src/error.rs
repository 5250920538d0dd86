//! What can be wrong with BTF: where, what was found, what was required.

use std::fmt;

use crate::{Kind, TypeId};

/// Why bytes are not BTF, or a question about BTF has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end inside the header.
    #[error("{what} header: {found} bytes found, {required} required")]
    HeaderTruncated {
        /// `BTF` or `.BTF.ext`.
        what: &'static str,
        /// Bytes there are.
        found: usize,
        /// Bytes there must be.
        required: usize,
    },
    /// The magic number is that of a big-endian machine.
    #[error("big-endian BTF found, little-endian required")]
    BigEndian,
    /// The magic number is another.
    #[error("{what} header: magic {found:#06x} found, 0xeb9f required")]
    Magic {
        /// `BTF` or `.BTF.ext`.
        what: &'static str,
        /// The number found.
        found: u16,
    },
    /// The version is another than 1.
    #[error("{what} header: version {found} found, 1 required")]
    Version {
        /// `BTF` or `.BTF.ext`.
        what: &'static str,
        /// The version found.
        found: u8,
    },
    /// The flags are not zero.
    #[error("{what} header: flags {found:#04x} found, 0 required")]
    Flags {
        /// `BTF` or `.BTF.ext`.
        what: &'static str,
        /// The flags found.
        found: u8,
    },
    /// The header is longer than known, and says something there.
    #[error("BTF header: byte {offset} is not zero, and its meaning is not known")]
    HeaderTail {
        /// Offset of the byte in the header.
        offset: usize,
    },
    /// A section of the header lies outside the bytes.
    #[error("{section} section: {len} bytes at {offset}, beyond the end at {available}")]
    SectionBounds {
        /// Which section.
        section: &'static str,
        /// Its offset, from the end of the header.
        offset: u32,
        /// Its length in bytes.
        len: u32,
        /// Bytes after the header.
        available: usize,
    },
    /// The type section does not start at a multiple of four.
    #[error("{section} section: offset {offset} found, a multiple of 4 required")]
    SectionAlignment {
        /// Which section.
        section: &'static str,
        /// Its offset, from the end of the header.
        offset: u32,
    },
    /// The type section and the string section share bytes.
    #[error("type section and string section overlap")]
    SectionOverlap,
    /// The string section does not begin with the empty string or does not end with a NUL.
    #[error("string section: a NUL is required as its {end} byte")]
    StringEnds {
        /// `first` or `last`.
        end: &'static str,
    },
    /// There are more types than ids.
    #[error("type section: more than {limit} types")]
    TooManyTypes {
        /// The largest id there may be.
        limit: u32,
    },
    /// A type is wrong.
    #[error("type {id}: {reason}")]
    Type {
        /// The type.
        id: TypeId,
        /// What is wrong with it.
        reason: TypeError,
    },
    /// There is no type with this id.
    #[error("type {id} not found: ids end at {last}")]
    UnknownType {
        /// The id asked for.
        id: TypeId,
        /// The largest id there is.
        last: TypeId,
    },
    /// A type is of another kind than the question needs.
    #[error("type {id} is {found}, {required} required")]
    WrongKind {
        /// The type.
        id: TypeId,
        /// Its kind, `void` for id 0.
        found: &'static str,
        /// The kinds that there is an answer for.
        required: &'static str,
    },
    /// A type to be written has more of something than the format has room for.
    #[error("type {id}: {what} is larger than {limit}")]
    TooLong {
        /// The type.
        id: TypeId,
        /// Of what there is too much.
        what: &'static str,
        /// The largest value there is room for.
        limit: u32,
    },
    /// A name to be written contains a NUL, which ends names.
    #[error("type {id}: a name contains a NUL")]
    NulInName {
        /// The type.
        id: TypeId,
    },
    /// A value has fewer bytes than its type.
    #[error("a value of type {id}: {found} bytes found, {required} required")]
    ValueLength {
        /// The type.
        id: TypeId,
        /// Bytes there are.
        found: usize,
        /// Bytes that a value of the type has.
        required: usize,
    },
    /// A value has more parts than its bytes can explain.
    #[error("a value of type {id}: more than {limit} parts")]
    ValueTooLarge {
        /// The type.
        id: TypeId,
        /// Number of parts allowed.
        limit: usize,
    },
    /// A comparison of types looks at more than any real one.
    #[error("a comparison of types needs more than {limit} {what}")]
    CompareLimit {
        /// Of what there is too much.
        what: &'static str,
        /// How much is allowed.
        limit: u32,
    },
    /// A type cannot be written in C.
    #[error("type {id} cannot be written in C: {reason}")]
    NotC {
        /// The type.
        id: TypeId,
        /// What is in the way.
        reason: &'static str,
    },
    /// Values of the type have no size.
    #[error("type {id}: {kind} has no size")]
    NoSize {
        /// The type.
        id: TypeId,
        /// Its kind.
        kind: &'static str,
    },
    /// Types are to stand for each other in a circle.
    #[error("type {id} is to be replaced by a type that it replaces itself")]
    Circle {
        /// One of them.
        id: TypeId,
    },
    /// Something refers to a type that is to go.
    #[error("type {id} refers to type {target}, which is to be removed")]
    Removed {
        /// The type that stays.
        id: TypeId,
        /// The type that is to go.
        target: TypeId,
    },
    /// Something in `.BTF.ext` is wrong.
    #[error(".BTF.ext {part} at byte {offset}: {reason}")]
    Ext {
        /// `func_info`, `line_info` or `core_relo`.
        part: &'static str,
        /// Offset in the section's data, from the end of the header.
        offset: usize,
        /// What is wrong with it.
        reason: ExtError,
    },
}

/// What is wrong with a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// The type section ends inside the type.
    #[error("{available} bytes found, {required} required")]
    Truncated {
        /// Bytes there are.
        available: usize,
        /// Bytes the type takes.
        required: usize,
    },
    /// The kind has no meaning.
    #[error("kind {found} found, 1 to 19 required")]
    UnknownKind {
        /// The number found.
        found: u8,
    },
    /// Bits of `info` without a meaning are set.
    #[error("reserved bits {bits:#010x} of info are set")]
    ReservedBits {
        /// The bits.
        bits: u32,
    },
    /// The kind flag is set where it has no meaning.
    #[error("kind flag is set on {kind}")]
    KindFlag {
        /// The type's kind.
        kind: Kind,
    },
    /// `vlen` is not what the kind allows.
    #[error("vlen {found} found on {kind}, at most {limit} allowed")]
    Vlen {
        /// The type's kind.
        kind: Kind,
        /// The value found.
        found: u16,
        /// The largest value allowed.
        limit: u16,
    },
    /// A name lies outside the string section.
    #[error("{role}: name at {offset}, beyond the strings' end at {available}")]
    NameOffset {
        /// What the name names.
        role: Role,
        /// Its offset.
        offset: u32,
        /// Length of all strings.
        available: u32,
    },
    /// A name is too long.
    #[error("{role}: name at {offset} is longer than {limit} bytes")]
    NameLength {
        /// What the name names.
        role: Role,
        /// Its offset.
        offset: u32,
        /// The limit.
        limit: usize,
    },
    /// A name is not UTF-8.
    #[error("{role}: name at {offset} is not UTF-8")]
    NameNotUtf8 {
        /// What the name names.
        role: Role,
        /// Its offset.
        offset: u32,
    },
    /// A kind that must have a name has none, or the reverse.
    #[error("{kind} {}", if *.required { "without a name" } else { "with a name" })]
    NamePresence {
        /// The type's kind.
        kind: Kind,
        /// Whether a name is required.
        required: bool,
    },
    /// An id refers to no type.
    #[error("{role}: type {target} not found, ids end at {last}")]
    TargetRange {
        /// Which reference.
        role: Role,
        /// The id found.
        target: TypeId,
        /// The largest id there is.
        last: TypeId,
    },
    /// An id refers to a type of a kind that cannot stand there.
    #[error("{role}: type {target} is {found}, {required} required")]
    TargetKind {
        /// Which reference.
        role: Role,
        /// The id found.
        target: TypeId,
        /// Its kind, `void` for id 0.
        found: &'static str,
        /// The kinds that can stand there.
        required: &'static str,
    },
    /// The encoding of an integer is not one of none, signed, char, bool.
    #[error("integer encoding {found:#x} found, one of 0, 1, 2, 4 required")]
    IntEncoding {
        /// The bits found.
        found: u8,
    },
    /// The bits of an integer do not fit its size.
    #[error("{bits} bits at bit {offset} do not fit an integer of {size} bytes")]
    IntBits {
        /// Number of bits.
        bits: u8,
        /// The first bit.
        offset: u8,
        /// Size in bytes.
        size: u32,
    },
    /// The size is not one that the kind can have.
    #[error("size {found} found on {kind}, one of {required} required")]
    Size {
        /// The type's kind.
        kind: Kind,
        /// The size found, in bytes.
        found: u32,
        /// The sizes allowed.
        required: &'static str,
    },
    /// The linkage is not static, global or extern.
    #[error("linkage {found} found, at most 2 allowed")]
    Linkage {
        /// The number found.
        found: u32,
    },
    /// A tag names a part that its target does not have.
    #[error("component {found} found, -1 or an index below {limit} required")]
    Component {
        /// The index found.
        found: i32,
        /// Number of parts that the target has.
        limit: u16,
    },
    /// The type contains itself, so that it has no size or no end.
    #[error("the type contains itself through type {through}")]
    Loop {
        /// The type on the loop that refers to it.
        through: TypeId,
    },
    /// Types are nested deeper than allowed.
    #[error("types are nested deeper than {limit}")]
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// The size does not fit 32 bits.
    #[error("the size of the array does not fit 32 bits")]
    SizeOverflow,
    /// Something must have a size and has none.
    #[error("{role}: type {target} has no size")]
    NoSize {
        /// Which reference.
        role: Role,
        /// The type without a size.
        target: TypeId,
    },
    /// A member ends behind its struct.
    #[error("{role}: bits {start} to {end} found in a type of {size} bytes")]
    MemberBounds {
        /// Which member.
        role: Role,
        /// Its first bit.
        start: u64,
        /// The bit after its last.
        end: u64,
        /// Size of the struct or union, in bytes.
        size: u32,
    },
    /// A bit field is wider than its type, or of a type that cannot be one.
    #[error("{role}: {bits} bits of type {target} cannot be a bit field")]
    Bitfield {
        /// Which member.
        role: Role,
        /// Its width.
        bits: u32,
        /// Its type.
        target: TypeId,
    },
    /// A member that is no bit field does not start at a byte.
    #[error("{role}: bit offset {offset} found, a multiple of 8 required")]
    MemberAlignment {
        /// Which member.
        role: Role,
        /// Its bit offset.
        offset: u32,
    },
    /// A variable ends behind its section.
    #[error("{role}: bytes {start} to {end} found in a section of {size} bytes")]
    VarBounds {
        /// Which entry.
        role: Role,
        /// Its first byte.
        start: u32,
        /// The byte after its last.
        end: u64,
        /// Size of the section.
        size: u32,
    },
}

/// What is wrong with a part of `.BTF.ext`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtError {
    /// The part ends inside a record.
    #[error("{available} bytes found, {required} required")]
    Truncated {
        /// Bytes there are.
        available: usize,
        /// Bytes required.
        required: usize,
    },
    /// Records are shorter than their known fields, or not of whole words.
    #[error("record size {found} found, a multiple of 4 and at least {required} required")]
    RecordSize {
        /// The size found.
        found: u32,
        /// The smallest size allowed.
        required: u32,
    },
    /// A section has no records.
    #[error("a section without records")]
    Empty,
    /// A string lies outside the string section of the BTF.
    #[error("string at {offset} not found")]
    String {
        /// Its offset.
        offset: u32,
    },
    /// The name of a section, or an access string, is too long or not UTF-8.
    #[error("string at {offset} is not UTF-8 of up to {limit} bytes")]
    Name {
        /// Its offset.
        offset: u32,
        /// The limit.
        limit: usize,
    },
    /// An id refers to no type, or to one of another kind.
    #[error("type {found} is not {required}")]
    TypeId {
        /// The id found.
        found: TypeId,
        /// What it should be.
        required: &'static str,
    },
    /// An instruction offset is not a multiple of eight.
    #[error("instruction offset {found} found, a multiple of 8 required")]
    InsnOffset {
        /// The offset in bytes.
        found: u32,
    },
    /// The kind of a CO-RE relocation has no meaning.
    #[error("CO-RE relocation kind {found} found, at most 12 allowed")]
    RelocationKind {
        /// The number found.
        found: u32,
    },
    /// The access string of a CO-RE relocation is not a list of indices.
    #[error("CO-RE access string `{found}` found, indices with `:` between them required")]
    AccessString {
        /// The string found.
        found: String,
    },
}

/// Which reference or name of a type an error speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The type itself.
    Itself,
    /// What a pointer, typedef, qualifier, tag, function or variable refers to.
    Target,
    /// The element of an array.
    Element,
    /// The index type of an array.
    Index,
    /// A member of a struct or union, by number.
    Member(u16),
    /// A value of an enumeration, by number.
    Variant(u16),
    /// What a function returns.
    Return,
    /// A parameter, by number.
    Param(u16),
    /// An entry of a section, by number.
    Variable(u16),
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself => f.write_str("type"),
            Self::Target => f.write_str("target"),
            Self::Element => f.write_str("element"),
            Self::Index => f.write_str("index"),
            Self::Member(number) => write!(f, "member {number}"),
            Self::Variant(number) => write!(f, "value {number}"),
            Self::Return => f.write_str("return type"),
            Self::Param(number) => write!(f, "parameter {number}"),
            Self::Variable(number) => write!(f, "variable {number}"),
        }
    }
}
