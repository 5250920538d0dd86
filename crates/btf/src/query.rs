//! Questions about types: what is behind a name, how large it is, what belongs to it.

use crate::Btf;
use crate::error::{Error, TypeError};
use crate::types::{Datasec, FuncProto, Type, TypeId};

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
        loop {
            let ty = self.ty(id)?;
            match ty.qualified() {
                Some(target) => id = target,
                None => match ty {
                    Type::Typedef(typedef) => id = typedef.ty,
                    ty => return Ok((id, ty)),
                },
            }
        }
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
        loop {
            let ty = self.ty(id)?;
            let size = match ty {
                Type::Int(int) => int.size,
                Type::Float(float) => float.size,
                Type::Ptr(_) => POINTER_SIZE,
                Type::Struct(composite) | Type::Union(composite) => composite.size,
                Type::Enum(enumeration) | Type::Enum64(enumeration) => enumeration.size,
                Type::Datasec(datasec) => datasec.size,
                Type::Typedef(typedef) => {
                    id = typedef.ty;
                    continue;
                }
                Type::Volatile(target) | Type::Const(target) | Type::Restrict(target) => {
                    id = target;
                    continue;
                }
                Type::TypeTag(tag) => {
                    id = tag.ty;
                    continue;
                }
                Type::Var(var) => {
                    id = var.ty;
                    continue;
                }
                Type::Array(array) => {
                    count = count.checked_mul(array.nelems).ok_or_else(|| overflow(id))?;
                    id = array.element;
                    continue;
                }
                Type::Void
                | Type::Fwd(_)
                | Type::Func(_)
                | Type::FuncProto(_)
                | Type::DeclTag(_) => {
                    return Err(Error::NoSize { id, kind: ty.kind_name() });
                }
            };
            return size.checked_mul(count).ok_or_else(|| overflow(id));
        }
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
    pub fn find_by_name(&self, name: &str, kind: crate::Kind) -> Option<TypeId> {
        self.named(name).find(|&id| self.kind_of(id) == Some(kind))
    }

    /// The kind of a type; `None` for `void` and where there is no type.
    pub fn kind_of(&self, id: TypeId) -> Option<crate::Kind> {
        self.raw(id).map(|(info, _)| info.kind)
    }

    /// The section with this name.
    pub fn find_datasec(&self, name: &str) -> Option<(TypeId, Datasec<'_>)> {
        let id = self.find_by_name(name, crate::Kind::Datasec)?;
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
