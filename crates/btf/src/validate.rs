//! What must hold for every type: names, references, sizes, and an end to all nesting.
//!
//! Three passes: each record by itself; the graph of types; members and variables, whose sizes
//! are only known once nothing contains itself. After that the rest of the crate may follow
//! references without looking, and recursion along them is bounded by [`MAX_DEPTH`].

use crate::Btf;
use crate::bytes::checked_u32;
use crate::error::{Error, Role, TypeError};
use crate::format::{INT_BOOL, INT_CHAR, INT_SIGNED, Kind, TYPE_LEN};
use crate::types::{DeclTag, Type, TypeId};

mod graph;
mod sizes;

/// How deep types of one BTF may be nested, by value or through pointers and signatures, before
/// a struct or union ends it. The kernel stops at 32; C code stays below 20.
pub const MAX_DEPTH: u32 = 64;

/// The largest number of a linkage.
const LAST_LINKAGE: u16 = 2;

/// Checks everything that parsing the sections did not check already.
pub(crate) fn validate(btf: &Btf) -> Result<(), Error> {
    for id in (btf.first_id..btf.end_id()).map(TypeId) {
        Record { btf, id }.check().map_err(|reason| Error::Type { id, reason })?;
    }
    graph::check(btf)?;
    for (id, ty) in btf.own_types() {
        sizes::check(btf, &ty).map_err(|reason| Error::Type { id, reason })?;
    }
    Ok(())
}

/// A record that is whole and of a known kind; nothing else is known about it.
struct Record<'a> {
    btf: &'a Btf,
    id: TypeId,
}

impl Record<'_> {
    fn check(&self) -> Result<(), TypeError> {
        let (info, record) = self.btf.raw(self.id).expect("btf: the id is one of this BTF");
        let kind = info.kind;
        if info.flag && !kind.takes_flag() {
            return Err(TypeError::KindFlag { kind });
        }
        let (_, each) = kind.tail();
        let limit = match (kind == Kind::Func, each) {
            (true, _) => LAST_LINKAGE,
            (false, 0) => 0,
            (false, 1..) => u16::MAX,
        };
        if info.vlen > limit {
            return Err(TypeError::Vlen { kind, found: info.vlen, limit });
        }
        let name = checked_u32(record, 0);
        self.name(Role::Itself, name)?;
        let named = |required| {
            if self.btf.name_at(name).is_empty() == required {
                return Err(TypeError::NamePresence { kind, required });
            }
            Ok(())
        };
        let size = checked_u32(record, 8);
        let tail = record.get(TYPE_LEN..).unwrap_or_default();
        match kind {
            Kind::Int => {
                one_of(kind, size, &[1, 2, 4, 8, 16], "1, 2, 4, 8, 16")?;
                int(size, checked_u32(tail, 0))?;
            }
            Kind::Float => {
                named(true)?;
                one_of(kind, size, &[2, 4, 8, 12, 16], "2, 4, 8, 12, 16")?;
            }
            Kind::Enum | Kind::Enum64 => {
                one_of(kind, size, &[1, 2, 4, 8], "1, 2, 4, 8")?;
                self.entry_names(Role::Variant, tail, each)?;
            }
            Kind::Struct | Kind::Union => self.entry_names(Role::Member, tail, each)?,
            Kind::FuncProto => {
                named(false)?;
                self.entry_names(Role::Param, tail, each)?;
            }
            Kind::Typedef | Kind::Func | Kind::Fwd | Kind::Datasec => named(true)?,
            Kind::Var => {
                named(true)?;
                linkage(checked_u32(tail, 0))?;
            }
            Kind::Ptr | Kind::Array | Kind::Volatile | Kind::Const | Kind::Restrict => {
                named(false)?;
            }
            Kind::DeclTag | Kind::TypeTag => {}
        }
        self.references(&self.btf.known(self.id))
    }

    fn name(&self, role: Role, offset: u32) -> Result<(), TypeError> {
        let available = self.btf.names_end();
        if offset == 0 {
            Ok(())
        } else if offset >= available {
            Err(TypeError::NameOffset { role, offset, available })
        } else if !self.btf.is_utf8_at(offset) {
            Err(TypeError::NameNotUtf8 { role, offset })
        } else {
            Ok(())
        }
    }

    fn entry_names(
        &self,
        role: fn(u16) -> Role,
        tail: &[u8],
        each: usize,
    ) -> Result<(), TypeError> {
        (0..)
            .zip(tail.chunks_exact(each))
            .try_for_each(|(number, entry)| self.name(role(number), checked_u32(entry, 0)))
    }

    fn references(&self, ty: &Type<'_>) -> Result<(), TypeError> {
        match ty {
            Type::Void
            | Type::Int(_)
            | Type::Enum(_)
            | Type::Enum64(_)
            | Type::Fwd(_)
            | Type::Float(_) => Ok(()),
            Type::Ptr(target)
            | Type::Volatile(target)
            | Type::Const(target)
            | Type::Restrict(target) => self.target(Role::Target, *target, Place::TypeOrVoid),
            Type::Typedef(typedef) => self.target(Role::Target, typedef.ty, Place::TypeOrVoid),
            Type::TypeTag(tag) => self.target(Role::Target, tag.ty, Place::TypeOrVoid),
            Type::Array(array) => {
                self.target(Role::Element, array.element, Place::Type)?;
                self.target(Role::Index, array.index, Place::Type)
            }
            Type::Struct(composite) | Type::Union(composite) => {
                (0..).zip(composite.members).try_for_each(|(number, member)| {
                    self.target(Role::Member(number), member.ty, Place::Type)
                })
            }
            Type::Func(func) => self.target(Role::Target, func.proto, Place::Signature),
            Type::FuncProto(proto) => {
                self.target(Role::Return, proto.ret, Place::TypeOrVoid)?;
                let last = proto.params.len().saturating_sub(1);
                (0..).zip(proto.params).try_for_each(|(number, param)| {
                    let ellipsis = param.is_ellipsis() && usize::from(number) == last;
                    let place = if ellipsis { Place::TypeOrVoid } else { Place::Type };
                    self.target(Role::Param(number), param.ty, place)
                })
            }
            Type::Var(var) => self.target(Role::Target, var.ty, Place::TypeOrVoid),
            Type::Datasec(datasec) => (0..).zip(datasec.vars).try_for_each(|(number, var)| {
                self.target(Role::Variable(number), var.ty, Place::Symbol)
            }),
            Type::DeclTag(tag) => self.decl_tag(tag),
        }
    }

    fn target(&self, role: Role, target: TypeId, place: Place) -> Result<(), TypeError> {
        let kind = match self.btf.raw(target) {
            Some((info, _)) => Some(info.kind),
            None if target.is_void() => None,
            None => {
                return Err(TypeError::TargetRange { role, target, last: self.btf.last_id() });
            }
        };
        if place.fits(kind) {
            return Ok(());
        }
        let found = kind.map_or("void", Kind::name);
        Err(TypeError::TargetKind { role, target, found, required: place.describe() })
    }

    fn decl_tag(&self, tag: &DeclTag<'_>) -> Result<(), TypeError> {
        self.target(Role::Target, tag.target, Place::Taggable)?;
        let Some(found) = tag.component else { return Ok(()) };
        let limit = match self.btf.known(tag.target) {
            Type::Struct(composite) | Type::Union(composite) => composite.members.len(),
            // The signature may stand behind this record, so that nothing is known about it yet;
            // its record is whole and of a known kind all the same.
            Type::Func(func) => {
                self.target(Role::Target, func.proto, Place::Signature)?;
                self.btf.raw(func.proto).map_or(0, |(info, _)| usize::from(info.vlen))
            }
            Type::Void
            | Type::Int(_)
            | Type::Ptr(_)
            | Type::Array(_)
            | Type::Enum(_)
            | Type::Fwd(_)
            | Type::Typedef(_)
            | Type::Volatile(_)
            | Type::Const(_)
            | Type::Restrict(_)
            | Type::FuncProto(_)
            | Type::Var(_)
            | Type::Datasec(_)
            | Type::Float(_)
            | Type::DeclTag(_)
            | Type::TypeTag(_)
            | Type::Enum64(_) => 0,
        };
        let limit = u32::try_from(limit).expect("btf: vlen has 16 bits");
        if found < limit {
            return Ok(());
        }
        Err(TypeError::Component { found: found.cast_signed(), limit })
    }
}

/// What a reference may refer to.
#[derive(Clone, Copy)]
enum Place {
    Type,
    TypeOrVoid,
    Signature,
    Symbol,
    Taggable,
}

impl Place {
    /// Whether a type of this kind, `None` being `void`, can stand here.
    fn fits(self, kind: Option<Kind>) -> bool {
        let Some(kind) = kind else { return matches!(self, Self::TypeOrVoid) };
        match self {
            Self::Type | Self::TypeOrVoid => !kind.is_declaration(),
            Self::Signature => kind == Kind::FuncProto,
            Self::Symbol => matches!(kind, Kind::Var | Kind::Func),
            Self::Taggable => {
                matches!(kind, Kind::Struct | Kind::Union | Kind::Func | Kind::Var | Kind::Typedef)
            }
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Type => "a type",
            Self::TypeOrVoid => "a type or void",
            Self::Signature => "FUNC_PROTO",
            Self::Symbol => "VAR or FUNC",
            Self::Taggable => "STRUCT, UNION, FUNC, VAR or TYPEDEF",
        }
    }
}

fn one_of(
    kind: Kind,
    found: u32,
    allowed: &[u32],
    required: &'static str,
) -> Result<(), TypeError> {
    if allowed.contains(&found) {
        return Ok(());
    }
    Err(TypeError::Size { kind, found, required })
}

fn int(size: u32, word: u32) -> Result<(), TypeError> {
    let [bits, reserved, offset, encoding] = word.to_le_bytes();
    if reserved != 0 {
        return Err(TypeError::ReservedBits { bits: u32::from(reserved) << 8 });
    }
    if ![0, INT_SIGNED, INT_CHAR, INT_BOOL].contains(&u32::from(encoding)) {
        return Err(TypeError::IntEncoding { found: encoding });
    }
    if bits == 0 || u32::from(bits) + u32::from(offset) > size * 8 {
        return Err(TypeError::IntBits { bits, offset, size });
    }
    Ok(())
}

fn linkage(found: u32) -> Result<(), TypeError> {
    if found > u32::from(LAST_LINKAGE) {
        return Err(TypeError::Linkage { found });
    }
    Ok(())
}
