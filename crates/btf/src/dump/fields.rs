//! What a dump says about a type, in the names and the order of `bpftool`.
//!
//! Text and JSON are two ways to write the same fields.

use crate::List;
use crate::types::{
    Composite, DatasecVar, Enum, FuncLinkage, FwdKind, IntEncoding, Member, Param, Type,
    VarLinkage, Variant,
};

/// The value of a field.
#[derive(Clone, Copy)]
pub(super) enum Field<'a> {
    Number(i128),
    Text(&'a str),
}

impl From<u32> for Field<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

/// The name as printed.
pub(super) fn name_or_anon(name: &str) -> &str {
    if name.is_empty() { "(anon)" } else { name }
}

/// Gives each field of a type but its id, kind and name to `put`.
pub(super) fn fields<E>(
    ty: &Type<'_>,
    mut put: impl FnMut(&'static str, Field<'_>) -> Result<(), E>,
) -> Result<(), E> {
    match ty {
        Type::Void => Ok(()),
        Type::Int(int) => {
            put("size", int.size.into())?;
            put("bits_offset", u32::from(int.bits_offset).into())?;
            put("nr_bits", u32::from(int.nr_bits).into())?;
            put("encoding", Field::Text(encoding(int.encoding)))
        }
        Type::Float(float) => put("size", float.size.into()),
        Type::Ptr(target)
        | Type::Volatile(target)
        | Type::Const(target)
        | Type::Restrict(target) => put("type_id", target.0.into()),
        Type::Typedef(typedef) => put("type_id", typedef.ty.0.into()),
        Type::TypeTag(tag) => put("type_id", tag.ty.0.into()),
        Type::Array(array) => {
            put("type_id", array.element.0.into())?;
            put("index_type_id", array.index.0.into())?;
            put("nr_elems", array.nelems.into())
        }
        Type::Struct(Composite { size, members, .. })
        | Type::Union(Composite { size, members, .. }) => {
            put("size", (*size).into())?;
            put("vlen", vlen(members.len()))
        }
        Type::Enum(Enum { size, signed, variants, .. })
        | Type::Enum64(Enum { size, signed, variants, .. }) => {
            put("encoding", Field::Text(if *signed { "SIGNED" } else { "UNSIGNED" }))?;
            put("size", (*size).into())?;
            put("vlen", vlen(variants.len()))
        }
        Type::Fwd(fwd) => put("fwd_kind", Field::Text(fwd_kind(fwd.kind))),
        Type::Func(func) => {
            put("type_id", func.proto.0.into())?;
            put("linkage", Field::Text(func_linkage(func.linkage)))
        }
        Type::FuncProto(proto) => {
            put("ret_type_id", proto.ret.0.into())?;
            put("vlen", vlen(proto.params.len()))
        }
        Type::Var(var) => {
            put("type_id", var.ty.0.into())?;
            put("linkage", Field::Text(var_linkage(var.linkage)))
        }
        Type::Datasec(datasec) => {
            put("size", datasec.size.into())?;
            put("vlen", vlen(datasec.vars.len()))
        }
        Type::DeclTag(tag) => {
            put("type_id", tag.target.0.into())?;
            put("component_idx", Field::Number(tag.component.map_or(-1, i128::from)))
        }
    }
}

/// The list of a type.
pub(super) enum Entries<'a> {
    Members(List<'a, Member<'a>>),
    Values(List<'a, Variant<'a>>),
    Params(List<'a, Param<'a>>),
    Vars(List<'a, DatasecVar>),
}

/// An entry of such a list.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    Member(Member<'a>),
    Value(Variant<'a>),
    Param(Param<'a>),
    Var(DatasecVar),
}

impl<'a> Entries<'a> {
    /// The list of a type, if its kind has one.
    pub(super) fn of(ty: &Type<'a>) -> Option<Self> {
        match ty {
            Type::Struct(composite) | Type::Union(composite) => {
                Some(Self::Members(composite.members))
            }
            Type::Enum(enumeration) | Type::Enum64(enumeration) => {
                Some(Self::Values(enumeration.variants))
            }
            Type::FuncProto(proto) => Some(Self::Params(proto.params)),
            Type::Datasec(datasec) => Some(Self::Vars(datasec.vars)),
            Type::Void
            | Type::Int(_)
            | Type::Ptr(_)
            | Type::Array(_)
            | Type::Fwd(_)
            | Type::Typedef(_)
            | Type::Volatile(_)
            | Type::Const(_)
            | Type::Restrict(_)
            | Type::Func(_)
            | Type::Var(_)
            | Type::Float(_)
            | Type::DeclTag(_)
            | Type::TypeTag(_) => None,
        }
    }

    /// What JSON calls the list.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Members(_) => "members",
            Self::Values(_) => "values",
            Self::Params(_) => "params",
            Self::Vars(_) => "vars",
        }
    }

    /// Gives each entry to `put`.
    pub(super) fn each<E>(&self, mut put: impl FnMut(Entry<'a>) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Members(list) => list.iter().map(Entry::Member).try_for_each(&mut put),
            Self::Values(list) => list.iter().map(Entry::Value).try_for_each(&mut put),
            Self::Params(list) => list.iter().map(Entry::Param).try_for_each(&mut put),
            Self::Vars(list) => list.iter().map(Entry::Var).try_for_each(&mut put),
        }
    }
}

impl<'a> Entry<'a> {
    /// The name, of entries that can have one.
    pub(super) fn name(&self) -> Option<&'a str> {
        match self {
            Self::Member(member) => Some(member.name),
            Self::Value(variant) => Some(variant.name),
            Self::Param(param) => Some(param.name),
            Self::Var(_) => None,
        }
    }

    /// Gives each field but the name to `put`.
    pub(super) fn fields<E>(
        &self,
        mut put: impl FnMut(&'static str, Field<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Member(member) => {
                put("type_id", member.ty.0.into())?;
                put("bits_offset", member.bit_offset.into())?;
                match member.bitfield_size {
                    Some(bits) => put("bitfield_size", u32::from(bits).into()),
                    None => Ok(()),
                }
            }
            Self::Value(variant) => put("val", Field::Number(variant.value)),
            Self::Param(param) => put("type_id", param.ty.0.into()),
            Self::Var(var) => {
                put("type_id", var.ty.0.into())?;
                put("offset", var.offset.into())?;
                put("size", var.size.into())
            }
        }
    }
}

fn vlen(len: usize) -> Field<'static> {
    Field::Number(i128::try_from(len).expect("btf: vlen has 16 bits"))
}

fn encoding(encoding: IntEncoding) -> &'static str {
    match encoding {
        IntEncoding::Unsigned => "(none)",
        IntEncoding::Signed => "SIGNED",
        IntEncoding::Char => "CHAR",
        IntEncoding::Bool => "BOOL",
    }
}

fn fwd_kind(kind: FwdKind) -> &'static str {
    match kind {
        FwdKind::Struct => "struct",
        FwdKind::Union => "union",
    }
}

fn func_linkage(linkage: FuncLinkage) -> &'static str {
    match linkage {
        FuncLinkage::Static => "static",
        FuncLinkage::Global => "global",
        FuncLinkage::Extern => "extern",
    }
}

fn var_linkage(linkage: VarLinkage) -> &'static str {
    match linkage {
        VarLinkage::Static => "static",
        VarLinkage::Global => "global",
        VarLinkage::Extern => "extern",
    }
}
