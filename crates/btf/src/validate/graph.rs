//! No type contains itself, and none is nested deeper than [`MAX_DEPTH`].
//!
//! Two relations must be free of loops. *By value*: what takes part in a type's size, so that a
//! loop would be of infinite size. *By spelling*: what must be written out to write a type in C,
//! where only a struct, union or enumeration can be named before it is complete.

use crate::Btf;
use crate::bytes::index;
use crate::error::{Error, TypeError};
use crate::types::{Type, TypeId};

use super::MAX_DEPTH;

/// Checks the types that are not the base's: the base refers to none of them.
pub(super) fn check(btf: &Btf) -> Result<(), Error> {
    for relation in [Relation::Value, Relation::Spelling] {
        let mut walk = Walk { btf, relation, marks: vec![Mark::Unseen; btf.starts.len()] };
        for id in (btf.first_id..btf.end_id()).map(TypeId) {
            walk.depth(id)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Value,
    Spelling,
}

#[derive(Clone, Copy)]
enum Mark {
    Unseen,
    /// On the path that is being walked.
    Open,
    /// Number of levels below, this one included.
    Done(u8),
}

struct Walk<'a> {
    btf: &'a Btf,
    relation: Relation,
    marks: Vec<Mark>,
}

impl Walk<'_> {
    /// Levels of `id` and what is below. Recursion ends after [`MAX_DEPTH`] levels: `open` types
    /// are on the path already.
    fn depth(&mut self, id: TypeId) -> Result<u8, Error> {
        self.visit(id, 0)
    }

    fn visit(&mut self, id: TypeId, open: u32) -> Result<u8, Error> {
        let Some(place) = id.0.checked_sub(self.btf.first_id).map(index) else { return Ok(0) };
        match self.marks.get(place).copied() {
            Some(Mark::Unseen) => {}
            Some(Mark::Done(depth)) => return Ok(depth),
            // Only the path itself can lead back to an open type.
            Some(Mark::Open) => return Err(wrong(id, TypeError::Loop { through: id })),
            None => return Ok(0),
        }
        if open == MAX_DEPTH {
            return Err(wrong(id, TypeError::TooDeep { limit: MAX_DEPTH }));
        }
        self.mark(place, Mark::Open);
        let mut below = 0;
        let btf = self.btf;
        match (btf.known(id), self.relation) {
            (Type::Struct(composite) | Type::Union(composite), Relation::Value) => {
                for member in composite.members {
                    below = below.max(self.next(id, member.ty, open)?);
                }
            }
            (Type::FuncProto(proto), Relation::Spelling) => {
                below = self.next(id, proto.ret, open)?;
                for param in proto.params {
                    below = below.max(self.next(id, param.ty, open)?);
                }
            }
            (Type::Ptr(target), Relation::Spelling) => below = self.next(id, target, open)?,
            (Type::Array(array), _) => below = self.next(id, array.element, open)?,
            (Type::Typedef(typedef), _) => below = self.next(id, typedef.ty, open)?,
            (Type::TypeTag(tag), _) => below = self.next(id, tag.ty, open)?,
            (Type::Volatile(target) | Type::Const(target) | Type::Restrict(target), _) => {
                below = self.next(id, target, open)?;
            }
            (Type::Struct(_) | Type::Union(_), Relation::Spelling)
            | (Type::FuncProto(_) | Type::Ptr(_), Relation::Value)
            | (
                Type::Void
                | Type::Int(_)
                | Type::Enum(_)
                | Type::Fwd(_)
                | Type::Func(_)
                | Type::Var(_)
                | Type::Datasec(_)
                | Type::Float(_)
                | Type::DeclTag(_)
                | Type::Enum64(_),
                _,
            ) => {}
        }
        let depth = below + 1;
        if u32::from(depth) > MAX_DEPTH {
            return Err(wrong(id, TypeError::TooDeep { limit: MAX_DEPTH }));
        }
        self.mark(place, Mark::Done(depth));
        Ok(depth)
    }

    /// Follows the reference from `id` to `target`, and says so if it closes a loop.
    fn next(&mut self, id: TypeId, target: TypeId, open: u32) -> Result<u8, Error> {
        self.visit(target, open + 1).map_err(|error| match error {
            Error::Type { id: at, reason: TypeError::Loop { through } }
                if at == through && at == target =>
            {
                wrong(id, TypeError::Loop { through: target })
            }
            error => error,
        })
    }

    fn mark(&mut self, place: usize, mark: Mark) {
        if let Some(slot) = self.marks.get_mut(place) {
            *slot = mark;
        }
    }
}

fn wrong(id: TypeId, reason: TypeError) -> Error {
    Error::Type { id, reason }
}
