//! The strict question: does a type of the machine have all that the program declares?

use super::{Comparison, down, same_name};
use crate::error::Error;
use crate::types::{Composite, Enum, FwdKind, IntEncoding, Type, TypeId};

/// How a type was come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// Through a pointer: the name of a struct is enough.
    Pointer,
    /// By value: what is in it counts.
    Nothing,
}

impl Comparison<'_> {
    /// Whether a type of the target has all that the program's type declares.
    ///
    /// Typedefs and qualifiers do not count; names must be the same up to their flavours. Then:
    /// - a struct or union matches one of its kind that has, for each of its members, one of the
    ///   same name whose type matches; behind a pointer the name of the whole is enough, and a
    ///   forward declaration of the same kind will do on either side;
    /// - an enumeration matches one of the same size that has each of its values, by name;
    /// - integers match if they have the same size and sign, and floating point numbers if they
    ///   have the same size;
    /// - pointers match if what they point to does, arrays if they are as long and their elements
    ///   do, signatures if they have as many parameters, and these and what is returned do;
    /// - `void` matches `void`, and anything else does not match.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`]; [`Error::CompareLimit`].
    pub fn matches(&mut self, local: TypeId, target: TypeId) -> Result<bool, Error> {
        self.matches_within(local, target, Behind::Nothing, super::MAX_LEVELS)
    }

    fn matches_within(
        &mut self,
        local: TypeId,
        target: TypeId,
        behind: Behind,
        levels: u32,
    ) -> Result<bool, Error> {
        let levels = down(levels)?;
        let (mine, theirs) = self.pair(local, target)?;
        if !same_name(mine.name(), theirs.name()) {
            return Ok(false);
        }
        match (mine, theirs) {
            (Type::Void, Type::Void) => Ok(true),
            (Type::Fwd(mine), Type::Fwd(theirs)) => Ok(mine.kind == theirs.kind),
            (Type::Fwd(fwd), Type::Struct(_)) | (Type::Struct(_), Type::Fwd(fwd)) => {
                Ok(behind == Behind::Pointer && fwd.kind == FwdKind::Struct)
            }
            (Type::Fwd(fwd), Type::Union(_)) | (Type::Union(_), Type::Fwd(fwd)) => {
                Ok(behind == Behind::Pointer && fwd.kind == FwdKind::Union)
            }
            (Type::Struct(mine), Type::Struct(theirs))
            | (Type::Union(mine), Type::Union(theirs)) => match behind {
                Behind::Pointer => Ok(true),
                Behind::Nothing => self.members_match(mine, theirs, levels),
            },
            (Type::Enum(mine) | Type::Enum64(mine), Type::Enum(theirs) | Type::Enum64(theirs)) => {
                self.values_match(mine, theirs)
            }
            (Type::Int(mine), Type::Int(theirs)) => {
                let signed = |encoding| encoding == IntEncoding::Signed;
                Ok(mine.size == theirs.size && signed(mine.encoding) == signed(theirs.encoding))
            }
            (Type::Float(mine), Type::Float(theirs)) => Ok(mine.size == theirs.size),
            (Type::Ptr(mine), Type::Ptr(theirs)) => {
                self.matches_within(mine, theirs, Behind::Pointer, levels)
            }
            (Type::Array(mine), Type::Array(theirs)) => Ok(mine.nelems == theirs.nelems
                && self.matches_within(mine.element, theirs.element, behind, levels)?),
            (Type::FuncProto(mine), Type::FuncProto(theirs)) => {
                self.all_params(mine, theirs, |this, mine, theirs| {
                    this.matches_within(mine, theirs, behind, levels)
                })
            }
            _ => Ok(false),
        }
    }

    /// Whether each member of `mine` is in `theirs`.
    fn members_match(
        &mut self,
        mine: Composite<'_>,
        theirs: Composite<'_>,
        levels: u32,
    ) -> Result<bool, Error> {
        for member in mine.members {
            let mut found = false;
            for candidate in theirs.members {
                self.spend()?;
                found = same_name(member.name, candidate.name)
                    && self.matches_within(member.ty, candidate.ty, Behind::Nothing, levels)?;
                if found {
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether each value of `mine` is in `theirs`, with whatever number.
    fn values_match(&mut self, mine: Enum<'_>, theirs: Enum<'_>) -> Result<bool, Error> {
        if mine.size != theirs.size {
            return Ok(false);
        }
        for variant in mine.variants {
            let mut found = false;
            for candidate in theirs.variants {
                self.spend()?;
                found = same_name(variant.name, candidate.name);
                if found {
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
