//! Questions about types: what is behind a name, how large it is, what belongs to it.

use crate::error::{Error, TypeError};
use crate::types::{Datasec, FuncProto, Type, TypeId};
use crate::{Btf, Kind};

/// Bytes of a pointer, in BPF and on every machine that skep runs on.
pub const POINTER_SIZE: u32 = 8;

impl Btf {
    /// What stands behind typedefs, qualifiers and type tags.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`].
    pub fn resolve(&self, id: TypeId) -> Result<(TypeId, Type<'_>), Error> {
        let mut id = id;
        while let Some(target) = self.raw(id).and_then(|raw| raw.alias()) {
            id = target;
        }
        Ok((id, self.ty(id)?))
    }

    /// What stands behind qualifiers and type tags; a typedef stays.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`].
    pub fn unqualified(&self, id: TypeId) -> Result<(TypeId, Type<'_>), Error> {
        let mut id = id;
        loop {
            let ty = self.ty(id)?;
            match ty.qualified() {
                Some(target) => id = target,
                None => return Ok((id, ty)),
            }
        }
    }

    /// Size in bytes of a value of this type. A variable has the size of its type, and a section
    /// its own.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`]; [`Error::NoSize`] for `void`, signatures, functions, tags on
    /// declarations, and structs that are only declared; [`TypeError::SizeOverflow`] where arrays
    /// multiply beyond 32 bits.
    pub fn size_of(&self, id: TypeId) -> Result<u32, Error> {
        let mut id = id;
        let mut count = 1u32;
        let size = loop {
            // Most members are pointers, and their record is not needed.
            if self.kind_of(id) == Some(Kind::Ptr) {
                break POINTER_SIZE;
            }
            let Some(raw) = self.raw(id) else {
                return Err(match id {
                    TypeId::VOID => Error::NoSize { id, kind: "void" },
                    id => Error::UnknownType { id, last: self.last_id() },
                });
            };
            match raw.kind {
                Kind::Int
                | Kind::Float
                | Kind::Struct
                | Kind::Union
                | Kind::Enum
                | Kind::Enum64
                | Kind::Datasec => break raw.size(),
                Kind::Ptr => break POINTER_SIZE,
                Kind::Typedef
                | Kind::Volatile
                | Kind::Const
                | Kind::Restrict
                | Kind::TypeTag
                | Kind::Var => id = raw.target(),
                Kind::Array => {
                    count = count.checked_mul(raw.tail_word(8)).ok_or_else(|| overflow(id))?;
                    id = TypeId(raw.tail_word(0));
                }
                Kind::Fwd | Kind::Func | Kind::FuncProto | Kind::DeclTag => {
                    return Err(Error::NoSize { id, kind: raw.kind.name() });
                }
            }
        };
        size.checked_mul(count).ok_or_else(|| overflow(id))
    }

    /// What a pointer points to. Typedefs and qualifiers of the pointer are skipped; `None` if it
    /// is none.
    pub fn pointee(&self, id: TypeId) -> Option<TypeId> {
        match self.resolve(id) {
            Ok((_, Type::Ptr(target))) => Some(target),
            _ => None,
        }
    }

    /// The type with this name and kind: the one with the smallest id, if there are several.
    pub fn find_by_name(&self, name: &str, kind: Kind) -> Option<TypeId> {
        self.named(name).find(|&id| self.kind_of(id) == Some(kind))
    }

    /// The section with this name.
    pub fn find_datasec(&self, name: &str) -> Option<(TypeId, Datasec<'_>)> {
        let id = self.find_by_name(name, Kind::Datasec)?;
        match self.ty(id) {
            Ok(Type::Datasec(datasec)) => Some((id, datasec)),
            _ => None,
        }
    }

    /// All sections.
    pub fn datasecs(&self) -> impl Iterator<Item = (TypeId, Datasec<'_>)> {
        self.types().filter_map(|(id, ty)| match ty {
            Type::Datasec(datasec) => Some((id, datasec)),
            _ => None,
        })
    }

    /// The signature of a function, of a signature, or of what a pointer points to.
    pub fn signature(&self, id: TypeId) -> Option<FuncProto<'_>> {
        match self.resolve(id).ok()?.1 {
            Type::FuncProto(proto) => Some(proto),
            Type::Func(func) => self.signature_behind(func.proto),
            Type::Ptr(target) => self.signature_behind(target),
            _ => None,
        }
    }

    fn signature_behind(&self, id: TypeId) -> Option<FuncProto<'_>> {
        match self.resolve(id).ok()?.1 {
            Type::FuncProto(proto) => Some(proto),
            _ => None,
        }
    }
}

impl Type<'_> {
    /// What a qualifier or type tag is on.
    pub fn qualified(&self) -> Option<TypeId> {
        match self {
            Self::Volatile(target) | Self::Const(target) | Self::Restrict(target) => Some(*target),
            Self::TypeTag(tag) => Some(tag.ty),
            Self::Void
            | Self::Int(_)
            | Self::Ptr(_)
            | Self::Array(_)
            | Self::Struct(_)
            | Self::Union(_)
            | Self::Enum(_)
            | Self::Fwd(_)
            | Self::Typedef(_)
            | Self::Func(_)
            | Self::FuncProto(_)
            | Self::Var(_)
            | Self::Datasec(_)
            | Self::Float(_)
            | Self::DeclTag(_)
            | Self::Enum64(_) => None,
        }
    }
}

fn overflow(id: TypeId) -> Error {
    Error::Type { id, reason: TypeError::SizeOverflow }
}
