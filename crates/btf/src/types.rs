//! The types: what a record of the type section says.

use std::fmt;

use crate::bytes::checked_u32;
use crate::list::{Item, List, Sealed};
use crate::{Btf, Kind};

/// Number of a type. 0 is `void`, which has no record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

impl TypeId {
    /// `void`.
    pub const VOID: Self = Self(0);

    /// Whether this is `void`.
    pub fn is_void(self) -> bool {
        self == Self::VOID
    }
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A type, with names and lists borrowed from its [`Btf`].
#[derive(Clone, Copy, Debug)]
pub enum Type<'a> {
    /// `void`, the type with id 0.
    Void,
    /// An integer, `_Bool` or `char`.
    Int(Int<'a>),
    /// A pointer to a type.
    Ptr(TypeId),
    /// An array.
    Array(Array),
    /// A struct.
    Struct(Composite<'a>),
    /// A union.
    Union(Composite<'a>),
    /// An enumeration of values of up to 32 bits.
    Enum(Enum<'a>),
    /// A struct or union known by name alone.
    Fwd(Fwd<'a>),
    /// A typedef.
    Typedef(Typedef<'a>),
    /// A volatile type.
    Volatile(TypeId),
    /// A const type.
    Const(TypeId),
    /// A restrict type.
    Restrict(TypeId),
    /// A function.
    Func(Func<'a>),
    /// The signature of a function.
    FuncProto(FuncProto<'a>),
    /// A variable.
    Var(Var<'a>),
    /// A section with its variables.
    Datasec(Datasec<'a>),
    /// A floating point number.
    Float(Float<'a>),
    /// A tag on a declaration.
    DeclTag(DeclTag<'a>),
    /// A tag on a type.
    TypeTag(TypeTag<'a>),
    /// An enumeration of 64-bit values.
    Enum64(Enum<'a>),
}

impl<'a> Type<'a> {
    /// The kind, `None` for `void`.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Void => return None,
            Self::Int(_) => Kind::Int,
            Self::Ptr(_) => Kind::Ptr,
            Self::Array(_) => Kind::Array,
            Self::Struct(_) => Kind::Struct,
            Self::Union(_) => Kind::Union,
            Self::Enum(_) => Kind::Enum,
            Self::Fwd(_) => Kind::Fwd,
            Self::Typedef(_) => Kind::Typedef,
            Self::Volatile(_) => Kind::Volatile,
            Self::Const(_) => Kind::Const,
            Self::Restrict(_) => Kind::Restrict,
            Self::Func(_) => Kind::Func,
            Self::FuncProto(_) => Kind::FuncProto,
            Self::Var(_) => Kind::Var,
            Self::Datasec(_) => Kind::Datasec,
            Self::Float(_) => Kind::Float,
            Self::DeclTag(_) => Kind::DeclTag,
            Self::TypeTag(_) => Kind::TypeTag,
            Self::Enum64(_) => Kind::Enum64,
        })
    }

    /// The name of the kind as `bpftool` prints it, `void` for `void`.
    pub fn kind_name(&self) -> &'static str {
        self.kind().map_or("void", Kind::name)
    }

    /// The name; empty where there is none. The name of a tag is its text.
    pub fn name(&self) -> &'a str {
        match self {
            Self::Int(int) => int.name,
            Self::Struct(composite) | Self::Union(composite) => composite.name,
            Self::Enum(enumeration) | Self::Enum64(enumeration) => enumeration.name,
            Self::Fwd(fwd) => fwd.name,
            Self::Typedef(typedef) => typedef.name,
            Self::Func(func) => func.name,
            Self::Var(var) => var.name,
            Self::Datasec(datasec) => datasec.name,
            Self::Float(float) => float.name,
            Self::DeclTag(tag) => tag.name,
            Self::TypeTag(tag) => tag.name,
            Self::Void
            | Self::Ptr(_)
            | Self::Array(_)
            | Self::Volatile(_)
            | Self::Const(_)
            | Self::Restrict(_)
            | Self::FuncProto(_) => "",
        }
    }
}

/// An integer, `_Bool` or `char`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int<'a> {
    /// Its name.
    pub name: &'a str,
    /// Size in bytes: 1, 2, 4, 8 or 16.
    pub size: u32,
    /// How to read it.
    pub encoding: IntEncoding,
    /// First bit of the value; not zero only in bit fields of old compilers.
    pub bits_offset: u8,
    /// Number of bits of the value.
    pub nr_bits: u8,
}

/// How an integer is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntEncoding {
    /// Unsigned.
    Unsigned,
    /// Signed.
    Signed,
    /// A character.
    Char,
    /// A truth value.
    Bool,
}

/// An array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    /// Type of the elements.
    pub element: TypeId,
    /// Type of the index.
    pub index: TypeId,
    /// Number of elements; 0 for a flexible array.
    pub nelems: u32,
}

/// A struct or union.
#[derive(Clone, Copy, Debug)]
pub struct Composite<'a> {
    /// Its name, empty if anonymous.
    pub name: &'a str,
    /// Size in bytes.
    pub size: u32,
    /// The members, as declared.
    pub members: List<'a, Member<'a>>,
}

/// A member of a struct or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name, empty for an anonymous struct or union, and for padding.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// Offset of its first bit in the struct.
    pub bit_offset: u32,
    /// Number of bits, if it is a bit field.
    pub bitfield_size: Option<u8>,
}

impl Member<'_> {
    /// Offset in bytes, unless the member starts within a byte.
    pub fn byte_offset(&self) -> Option<u32> {
        self.bit_offset.is_multiple_of(8).then_some(self.bit_offset / 8)
    }
}

impl Member<'static> {
    /// A member without its name. `with_width` says whether its offset word holds the width of a
    /// bit field in its top byte.
    pub(crate) fn bare(entry: &[u8], with_width: bool) -> Self {
        let word = checked_u32(entry, 8);
        let [.., width] = word.to_le_bytes();
        Self {
            name: "",
            ty: TypeId(checked_u32(entry, 4)),
            bit_offset: if with_width { word & 0x00ff_ffff } else { word },
            bitfield_size: (with_width && width != 0).then_some(width),
        }
    }
}

impl Sealed for Member<'_> {}

impl<'a> Item<'a> for Member<'a> {
    /// Whether the offset word holds the width of a bit field in its top byte.
    type Shape = bool;

    fn stride(_: bool) -> usize {
        12
    }

    fn read(btf: &'a Btf, entry: &'a [u8], with_width: bool) -> Self {
        let Member { ty, bit_offset, bitfield_size, .. } = Member::bare(entry, with_width);
        Self { name: btf.name_at(checked_u32(entry, 0)), ty, bit_offset, bitfield_size }
    }
}

/// An enumeration.
#[derive(Clone, Copy, Debug)]
pub struct Enum<'a> {
    /// Its name, empty if anonymous.
    pub name: &'a str,
    /// Size in bytes: 1, 2, 4 or 8.
    pub size: u32,
    /// Whether its values are signed.
    pub signed: bool,
    /// Its values, as declared.
    pub variants: List<'a, Variant<'a>>,
}

/// A value of an enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number: an `i32`, `u32`, `i64` or `u64`.
    pub value: i128,
}

/// How the values of an enumeration are stored.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct VariantShape {
    pub(crate) wide: bool,
    pub(crate) signed: bool,
}

impl Sealed for Variant<'_> {}

impl<'a> Item<'a> for Variant<'a> {
    type Shape = VariantShape;

    fn stride(shape: VariantShape) -> usize {
        if shape.wide { 12 } else { 8 }
    }

    fn read(btf: &'a Btf, entry: &'a [u8], shape: VariantShape) -> Self {
        let low = checked_u32(entry, 4);
        let value = if shape.wide {
            let wide = u64::from(checked_u32(entry, 8)) << 32 | u64::from(low);
            if shape.signed { i128::from(wide.cast_signed()) } else { i128::from(wide) }
        } else if shape.signed {
            i128::from(low.cast_signed())
        } else {
            i128::from(low)
        };
        Self { name: btf.name_at(checked_u32(entry, 0)), value }
    }
}

/// A struct or union known by name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fwd<'a> {
    /// Its name.
    pub name: &'a str,
    /// Which of the two it is.
    pub kind: FwdKind,
}

/// What a forward declaration declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FwdKind {
    /// A struct.
    Struct,
    /// A union.
    Union,
}

/// A typedef.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typedef<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it stands for.
    pub ty: TypeId,
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its signature, a [`Type::FuncProto`].
    pub proto: TypeId,
    /// Who can see it.
    pub linkage: FuncLinkage,
}

/// Who can see a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FuncLinkage {
    /// This object alone.
    Static,
    /// Everyone: it is defined here.
    Global,
    /// It is defined elsewhere.
    Extern,
}

/// The signature of a function.
#[derive(Clone, Copy, Debug)]
pub struct FuncProto<'a> {
    /// What it returns.
    pub ret: TypeId,
    /// The parameters. The last one of a variadic function has no name and type `void`.
    pub params: List<'a, Param<'a>>,
}

impl FuncProto<'_> {
    /// Whether the last parameter stands for `...`.
    pub fn is_variadic(&self) -> bool {
        self.params.last().is_some_and(|param| param.is_ellipsis())
    }
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name, empty if it has none.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
}

impl Param<'_> {
    /// Whether this is `...`.
    pub fn is_ellipsis(&self) -> bool {
        self.ty.is_void() && self.name.is_empty()
    }
}

impl Sealed for Param<'_> {}

impl<'a> Item<'a> for Param<'a> {
    type Shape = ();

    fn stride((): ()) -> usize {
        8
    }

    fn read(btf: &'a Btf, entry: &'a [u8], (): ()) -> Self {
        Self { name: btf.name_at(checked_u32(entry, 0)), ty: TypeId(checked_u32(entry, 4)) }
    }
}

/// A variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Var<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// Who can see it.
    pub linkage: VarLinkage,
}

/// Who can see a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarLinkage {
    /// This object alone.
    Static,
    /// Everyone: it is defined here.
    Global,
    /// It is defined elsewhere.
    Extern,
}

/// A section with its variables.
#[derive(Clone, Copy, Debug)]
pub struct Datasec<'a> {
    /// Name of the section.
    pub name: &'a str,
    /// Size in bytes. Compilers leave 0, and the loader fills it in.
    pub size: u32,
    /// What is in it.
    pub vars: List<'a, DatasecVar>,
}

/// A variable in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatasecVar {
    /// A [`Type::Var`], or in `.ksyms` a [`Type::Func`].
    pub ty: TypeId,
    /// Offset in the section. Compilers leave 0, and the loader fills it in.
    pub offset: u32,
    /// Size in bytes.
    pub size: u32,
}

impl Sealed for DatasecVar {}

impl<'a> Item<'a> for DatasecVar {
    type Shape = ();

    fn stride((): ()) -> usize {
        12
    }

    fn read(_: &'a Btf, entry: &'a [u8], (): ()) -> Self {
        Self {
            ty: TypeId(checked_u32(entry, 0)),
            offset: checked_u32(entry, 4),
            size: checked_u32(entry, 8),
        }
    }
}

/// A floating point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Float<'a> {
    /// Its name.
    pub name: &'a str,
    /// Size in bytes: 2, 4, 8, 12 or 16.
    pub size: u32,
}

/// A tag on a declaration or on a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclTag<'a> {
    /// Its text.
    pub name: &'a str,
    /// The struct, union, function, variable or typedef that it is on.
    pub target: TypeId,
    /// The member or parameter that it is on, by number; `None` for the declaration itself.
    pub component: Option<u32>,
    /// Whether the text is a whole attribute, not the argument of `btf_decl_tag` (Linux 6.15).
    pub is_attribute: bool,
}

/// A tag on a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeTag<'a> {
    /// Its text.
    pub name: &'a str,
    /// The type that it is on.
    pub ty: TypeId,
    /// Whether the text is a whole attribute, not the argument of `btf_type_tag` (Linux 6.15).
    pub is_attribute: bool,
}
