//! Whether a type of the target can be the type that a program declares.
//!
//! There are two questions. *Compatible* looks at the shape alone: a struct is a struct, whatever
//! is in it. *Matching* looks inside: each member and value that the program declares must be
//! there, with a type that matches in turn; behind pointers, names are enough.

use skep_btf::compare::essential_name;
use skep_btf::{Btf, Composite, Enum, FuncProto, Fwd, FwdKind, IntEncoding, Type, TypeId};

use super::Reason;
use super::search::Budget;
use super::spec::resolve;

/// Structs within structs, or pointers to pointers, that are followed, as in libbpf.
const MAX_DEPTH: u32 = 32;

/// A program's types, those of the target, and how much may still be looked at.
pub(super) struct Comparison<'a, 'b> {
    pub(super) local: &'a Btf,
    pub(super) target: &'a Btf,
    pub(super) budget: &'b mut Budget,
}

/// Whether names of members and values, and of the types of members, are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// A pointer leads here: names are enough.
    Pointer,
    /// It is part of the type itself.
    Nothing,
}

impl Comparison<'_, '_> {
    /// Whether two types have the same shape.
    pub(super) fn compatible(&mut self, local: TypeId, target: TypeId) -> Result<bool, Reason> {
        self.same_shape(local, target, MAX_DEPTH)
    }

    fn same_shape(&mut self, local: TypeId, target: TypeId, depth: u32) -> Result<bool, Reason> {
        let (mut local, mut target) = (local, target);
        for _ in 0..MAX_DEPTH {
            self.budget.spend()?;
            let (_, mine) = resolve(self.local, local)?;
            let (_, theirs) = resolve(self.target, target)?;
            (local, target) = match (mine, theirs) {
                (Type::Void, Type::Void)
                | (Type::Struct(_), Type::Struct(_))
                | (Type::Union(_), Type::Union(_))
                | (Type::Fwd(_), Type::Fwd(_))
                | (Type::Enum(_) | Type::Enum64(_), Type::Enum(_) | Type::Enum64(_)) => {
                    return Ok(true);
                }
                (Type::Int(mine), Type::Int(theirs)) => {
                    return Ok(mine.bits_offset == 0 && theirs.bits_offset == 0);
                }
                (Type::Ptr(mine), Type::Ptr(theirs)) => (mine, theirs),
                (Type::Array(mine), Type::Array(theirs)) => (mine.element, theirs.element),
                (Type::FuncProto(mine), Type::FuncProto(theirs)) => {
                    if !self.same_parameters(mine, theirs, depth)? {
                        return Ok(false);
                    }
                    (mine.ret, theirs.ret)
                }
                _ => return Ok(false),
            };
        }
        Err(too_deep())
    }

    fn same_parameters(
        &mut self,
        mine: FuncProto<'_>,
        theirs: FuncProto<'_>,
        depth: u32,
    ) -> Result<bool, Reason> {
        if mine.params.len() != theirs.params.len() {
            return Ok(false);
        }
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        for (mine, theirs) in mine.params.iter().zip(theirs.params) {
            if !self.same_shape(mine.ty, theirs.ty, depth)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a type of the target has all that the program declares.
    pub(super) fn matches(&mut self, local: TypeId, target: TypeId) -> Result<bool, Reason> {
        self.match_types(local, target, Behind::Nothing, MAX_DEPTH)
    }

    fn match_types(
        &mut self,
        local: TypeId,
        target: TypeId,
        behind: Behind,
        depth: u32,
    ) -> Result<bool, Reason> {
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        let (mut local, mut target, mut behind) = (local, target, behind);
        for _ in 0..MAX_DEPTH {
            self.budget.spend()?;
            let (_, mine) = resolve(self.local, local)?;
            let (_, theirs) = resolve(self.target, target)?;
            if !same_name(mine.name(), theirs.name()) {
                return Ok(false);
            }
            (local, target) = match (mine, theirs) {
                (Type::Void, Type::Void) => return Ok(true),
                (Type::Fwd(mine), theirs) => return Ok(declares(&mine, &theirs, behind)),
                (Type::Struct(_), Type::Fwd(theirs)) => {
                    return Ok(behind == Behind::Pointer && theirs.kind == FwdKind::Struct);
                }
                (Type::Union(_), Type::Fwd(theirs)) => {
                    return Ok(behind == Behind::Pointer && theirs.kind == FwdKind::Union);
                }
                (Type::Struct(mine), Type::Struct(theirs))
                | (Type::Union(mine), Type::Union(theirs)) => {
                    return match behind {
                        Behind::Pointer => Ok(true),
                        Behind::Nothing => self.match_members(mine, theirs, depth),
                    };
                }
                (
                    Type::Enum(mine) | Type::Enum64(mine),
                    Type::Enum(theirs) | Type::Enum64(theirs),
                ) => {
                    return self.match_values(mine, theirs);
                }
                (Type::Int(mine), Type::Int(theirs)) => {
                    let signed = |encoding| encoding == IntEncoding::Signed;
                    return Ok(mine.size == theirs.size
                        && signed(mine.encoding) == signed(theirs.encoding));
                }
                (Type::Ptr(mine), Type::Ptr(theirs)) => {
                    behind = Behind::Pointer;
                    (mine, theirs)
                }
                (Type::Array(mine), Type::Array(theirs)) if mine.nelems == theirs.nelems => {
                    (mine.element, theirs.element)
                }
                (Type::FuncProto(mine), Type::FuncProto(theirs)) => {
                    if !self.match_parameters(mine, theirs, behind, depth)? {
                        return Ok(false);
                    }
                    (mine.ret, theirs.ret)
                }
                _ => return Ok(false),
            };
        }
        Err(too_deep())
    }

    /// Each member that the program declares must be there.
    fn match_members(
        &mut self,
        mine: Composite<'_>,
        theirs: Composite<'_>,
        depth: u32,
    ) -> Result<bool, Reason> {
        if mine.members.len() > theirs.members.len() {
            return Ok(false);
        }
        for member in mine.members {
            let mut found = false;
            for candidate in theirs.members {
                self.budget.spend()?;
                if same_name(member.name, candidate.name)
                    && self.match_types(member.ty, candidate.ty, Behind::Nothing, depth)?
                {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Each value that the program declares must be there, whatever its number.
    fn match_values(&mut self, mine: Enum<'_>, theirs: Enum<'_>) -> Result<bool, Reason> {
        if mine.size != theirs.size || mine.variants.len() > theirs.variants.len() {
            return Ok(false);
        }
        for variant in mine.variants {
            let mut found = false;
            for candidate in theirs.variants {
                self.budget.spend()?;
                if same_name(variant.name, candidate.name) {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn match_parameters(
        &mut self,
        mine: FuncProto<'_>,
        theirs: FuncProto<'_>,
        behind: Behind,
        depth: u32,
    ) -> Result<bool, Reason> {
        if mine.params.len() != theirs.params.len() {
            return Ok(false);
        }
        for (mine, theirs) in mine.params.iter().zip(theirs.params) {
            if !self.match_types(mine.ty, theirs.ty, behind, depth)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a declaration without members stands for a type.
fn declares(mine: &Fwd<'_>, theirs: &Type<'_>, behind: Behind) -> bool {
    match theirs {
        Type::Fwd(theirs) => mine.kind == theirs.kind,
        Type::Struct(_) => behind == Behind::Pointer && mine.kind == FwdKind::Struct,
        Type::Union(_) => behind == Behind::Pointer && mine.kind == FwdKind::Union,
        _ => false,
    }
}

/// Whether two names are the same up to their flavours; what has no name matches nothing else.
fn same_name(mine: &str, theirs: &str) -> bool {
    essential_name(mine) == essential_name(theirs)
}

fn too_deep() -> Reason {
    format!("types are nested deeper than {MAX_DEPTH}")
}
