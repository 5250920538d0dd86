//! [`Btf`]: a checked set of types, and how one of them is read.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::bytes::index;
use crate::error::Error;
use crate::format::{self, HEADER_LEN, Kind, MAGIC, VERSION};
use crate::index::Index;
use crate::list::List;
use crate::names::Names;
use crate::raw::Raw;
use crate::types::{
    Array, Composite, Datasec, DeclTag, Enum, Float, Func, FuncLinkage, FuncProto, Fwd, FwdKind,
    Int, IntEncoding, Type, TypeId, TypeTag, Typedef, Var, VarLinkage, VariantShape,
};

/// A set of types whose every reference, offset and size has been checked.
///
/// It owns its bytes and five bytes for each type: names and members are decoded when they are
/// looked at, so that the kernel's own BTF, with 130,000 types in 5.5 MB, is ready in
/// milliseconds.
///
/// Types have the ids 1 to [`Btf::last_id`]. A split BTF, as kernel modules have it, continues
/// the ids and the strings of its base.
#[derive(Clone)]
pub struct Btf {
    pub(crate) base: Option<Arc<Btf>>,
    /// Id of the first type that is not the base's.
    pub(crate) first_id: u32,
    /// Offset of the first string that is not the base's.
    pub(crate) first_name: u32,
    /// The type section.
    pub(crate) records: Box<[u8]>,
    /// Where each record starts in `records`.
    pub(crate) starts: Vec<u32>,
    /// The kind of each type: most checks of a reference need no more, and find it in the cache.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) names: Names,
    pub(crate) index: OnceLock<Index>,
}

impl Btf {
    /// The BTF whose ids and strings this one continues.
    pub fn base(&self) -> Option<&Arc<Btf>> {
        self.base.as_ref()
    }

    /// Id of the first type that is not the base's: 1 without a base.
    pub fn first_id(&self) -> TypeId {
        TypeId(self.first_id)
    }

    /// The largest id; [`TypeId::VOID`] if there is no type.
    pub fn last_id(&self) -> TypeId {
        TypeId(self.end_id() - 1)
    }

    /// The id after the largest.
    pub(crate) fn end_id(&self) -> u32 {
        self.first_id + self.own_count()
    }

    fn own_count(&self) -> u32 {
        u32::try_from(self.starts.len()).expect("btf: parsing limits the number of types")
    }

    /// The type with this id; `void` for id 0.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`] if there is none.
    pub fn ty(&self, id: TypeId) -> Result<Type<'_>, Error> {
        match self.raw(id) {
            Some(raw) => Ok(self.decode(raw)),
            None if id.is_void() => Ok(Type::Void),
            None => Err(Error::UnknownType { id, last: self.last_id() }),
        }
    }

    /// The type with an id that parsing has checked.
    pub(crate) fn known(&self, id: TypeId) -> Type<'_> {
        self.ty(id).expect("btf: parsing checked every type id")
    }

    /// All types with their ids, those of the base included.
    pub fn types(&self) -> impl DoubleEndedIterator<Item = (TypeId, Type<'_>)> {
        (1..self.end_id()).map(|id| (TypeId(id), self.known(TypeId(id))))
    }

    /// The types that are not the base's, with their ids.
    pub fn own_types(&self) -> impl DoubleEndedIterator<Item = (TypeId, Type<'_>)> {
        (self.first_id..self.end_id()).map(|id| (TypeId(id), self.known(TypeId(id))))
    }

    /// Writes header, types and strings. A split BTF writes its own alone.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(&self.records, self.names.as_bytes())
    }

    /// The string at `offset` of the string section, with the base's strings in front.
    /// Bytes that are not UTF-8, as source lines may have, are replaced.
    pub fn string(&self, offset: u32) -> Option<std::borrow::Cow<'_, str>> {
        self.string_bytes(offset).map(String::from_utf8_lossy)
    }

    /// The bytes of the string at `offset`, without its NUL.
    pub(crate) fn string_bytes(&self, offset: u32) -> Option<&[u8]> {
        let (names, inside) = self.names_with(offset)?;
        names.bytes_at(inside)
    }

    /// Whose strings `offset` is in, and where there.
    pub(crate) fn names_with(&self, offset: u32) -> Option<(&Names, usize)> {
        let mut owner = self;
        loop {
            match (offset.checked_sub(owner.first_name), &owner.base) {
                (Some(inside), _) => return Some((&owner.names, index(inside))),
                (None, Some(base)) => owner = base,
                (None, None) => return None,
            }
        }
    }

    /// Length of all strings, those of the base included.
    pub(crate) fn names_end(&self) -> u32 {
        self.first_name.saturating_add(self.names.len())
    }

    /// The name at an offset that parsing has checked.
    pub(crate) fn name_at(&self, offset: u32) -> &str {
        if offset == 0 {
            return "";
        }
        self.names_with(offset)
            .and_then(|(names, inside)| names.text_at(inside))
            .expect("btf: parsing checked every name")
    }

    /// Whose type `id` is, and its place there.
    fn record(&self, id: TypeId) -> Option<(&Btf, usize)> {
        let mut owner = self;
        loop {
            match (id.0.checked_sub(owner.first_id), &owner.base) {
                (Some(own), _) => {
                    return (index(own) < owner.starts.len()).then_some((owner, index(own)));
                }
                (None, Some(base)) => owner = base,
                (None, None) => return None,
            }
        }
    }

    /// The kind of a type; `None` for `void` and where there is no type.
    pub fn kind_of(&self, id: TypeId) -> Option<Kind> {
        let (owner, place) = self.record(id)?;
        owner.kinds.get(place).copied()
    }

    /// The record of a type.
    pub(crate) fn raw(&self, id: TypeId) -> Option<Raw<'_>> {
        let (owner, place) = self.record(id)?;
        let start = owner.starts.get(place).copied().map(index)?;
        let kind = owner.kinds.get(place).copied()?;
        owner.records.get(start..).map(|record| Raw::new(record, kind))
    }

    /// The bytes of the record of a type.
    pub(crate) fn record_bytes(&self, id: TypeId) -> Option<&[u8]> {
        let (owner, place) = self.record(id)?;
        let start = owner.starts.get(place).copied().map(index)?;
        let end = owner.starts.get(place + 1).map_or(owner.records.len(), |&end| index(end));
        owner.records.get(start..end)
    }

    fn decode<'a>(&'a self, raw: Raw<'a>) -> Type<'a> {
        let name = self.name_at(raw.name);
        let (size, ty) = (raw.size(), raw.target());
        match raw.kind {
            Kind::Int => Type::Int(decode_int(name, size, raw.tail_word(0))),
            Kind::Ptr => Type::Ptr(ty),
            Kind::Array => Type::Array(Array {
                element: TypeId(raw.tail_word(0)),
                index: TypeId(raw.tail_word(4)),
                nelems: raw.tail_word(8),
            }),
            Kind::Struct => Type::Struct(Composite {
                name,
                size,
                members: List::new(self, raw.tail(), raw.flag),
            }),
            Kind::Union => Type::Union(Composite {
                name,
                size,
                members: List::new(self, raw.tail(), raw.flag),
            }),
            Kind::Enum => {
                let shape = VariantShape { wide: false, signed: raw.flag };
                let variants = List::new(self, raw.tail(), shape);
                Type::Enum(Enum { name, size, signed: raw.flag, variants })
            }
            Kind::Enum64 => {
                let shape = VariantShape { wide: true, signed: raw.flag };
                let variants = List::new(self, raw.tail(), shape);
                Type::Enum64(Enum { name, size, signed: raw.flag, variants })
            }
            Kind::Fwd => {
                let kind = if raw.flag { FwdKind::Union } else { FwdKind::Struct };
                Type::Fwd(Fwd { name, kind })
            }
            Kind::Typedef => Type::Typedef(Typedef { name, ty }),
            Kind::Volatile => Type::Volatile(ty),
            Kind::Const => Type::Const(ty),
            Kind::Restrict => Type::Restrict(ty),
            Kind::Func => {
                let linkage = match raw.vlen {
                    0 => FuncLinkage::Static,
                    1 => FuncLinkage::Global,
                    2.. => FuncLinkage::Extern,
                };
                Type::Func(Func { name, proto: ty, linkage })
            }
            Kind::FuncProto => {
                Type::FuncProto(FuncProto { ret: ty, params: List::new(self, raw.tail(), ()) })
            }
            Kind::Var => {
                let linkage = match raw.tail_word(0) {
                    0 => VarLinkage::Static,
                    1 => VarLinkage::Global,
                    2.. => VarLinkage::Extern,
                };
                Type::Var(Var { name, ty, linkage })
            }
            Kind::Datasec => {
                Type::Datasec(Datasec { name, size, vars: List::new(self, raw.tail(), ()) })
            }
            Kind::Float => Type::Float(Float { name, size }),
            Kind::DeclTag => Type::DeclTag(DeclTag {
                name,
                target: ty,
                component: Some(raw.tail_word(0)).filter(|&component| component != u32::MAX),
                is_attribute: raw.flag,
            }),
            Kind::TypeTag => Type::TypeTag(TypeTag { name, ty, is_attribute: raw.flag }),
        }
    }
}

impl fmt::Debug for Btf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Btf")
            .field("first_id", &self.first_id())
            .field("last_id", &self.last_id())
            .field("type_bytes", &self.records.len())
            .field("string_bytes", &self.names.len())
            .finish_non_exhaustive()
    }
}

fn decode_int(name: &str, size: u32, word: u32) -> Int<'_> {
    let [nr_bits, _, bits_offset, encoding] = word.to_le_bytes();
    let encoding = match u32::from(encoding) {
        format::INT_SIGNED => IntEncoding::Signed,
        format::INT_CHAR => IntEncoding::Char,
        format::INT_BOOL => IntEncoding::Bool,
        0.. => IntEncoding::Unsigned,
    };
    Int { name, size, encoding, bits_offset, nr_bits }
}

/// A whole BTF of these sections.
pub(crate) fn encode(records: &[u8], names: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| {
        u32::try_from(bytes.len()).expect("btf: sections were read from 32-bit lengths")
    };
    let mut bytes = Vec::with_capacity(index(HEADER_LEN) + records.len() + names.len());
    bytes.extend_from_slice(&MAGIC.to_le_bytes());
    bytes.extend_from_slice(&[VERSION, 0]);
    for word in [HEADER_LEN, 0, length(records), length(records), length(names)] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(records);
    bytes.extend_from_slice(names);
    bytes
}
