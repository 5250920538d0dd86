//! No type contains itself, and none is nested deeper than [`MAX_DEPTH`].
//!
//! Two relations must be free of loops. *By value*: what takes part in a type's size, so that a
//! loop would be of infinite size. *By spelling*: what must be written out to write a type in C,
//! where only a struct, a union or an enumeration can be named before it is complete.

use super::MAX_DEPTH;
use crate::bytes::{checked_u32, index};
use crate::error::{Error, TypeError};
use crate::raw::Raw;
use crate::types::TypeId;
use crate::{Btf, Kind};

/// Checks the types that are not the base's.
pub(super) fn check(btf: &Btf) -> Result<(), Error> {
    for relation in [Relation::Value, Relation::Spelling] {
        let mut walk = Walk { btf, relation, marks: vec![Mark::Unseen; btf.starts.len()] };
        for id in (btf.first_id..btf.end_id()).map(TypeId) {
            walk.visit(id, id, 0)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Relation {
    Value,
    Spelling,
}

impl Relation {
    /// Where the relation leads from a type of this kind.
    fn follows(self, kind: Kind) -> Follow {
        match (kind, self) {
            (Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag, _)
            | (Kind::Ptr, Self::Spelling) => Follow::Target,
            (Kind::Array, _) => Follow::Element,
            (Kind::Struct | Kind::Union, Self::Value) => Follow::Members,
            (Kind::FuncProto, Self::Spelling) => Follow::Signature,
            (Kind::Ptr | Kind::FuncProto, Self::Value)
            | (Kind::Struct | Kind::Union, Self::Spelling)
            | (
                Kind::Int
                | Kind::Enum
                | Kind::Fwd
                | Kind::Func
                | Kind::Var
                | Kind::Datasec
                | Kind::Float
                | Kind::DeclTag
                | Kind::Enum64,
                _,
            ) => Follow::Nothing,
        }
    }
}

/// Which references of a type a relation follows.
enum Follow {
    Nothing,
    Target,
    Element,
    Members,
    /// What is returned, and the parameters.
    Signature,
}

#[derive(Clone, Copy)]
enum Mark {
    Unseen,
    /// On the path that is being walked.
    Open,
    /// Number of levels from here down, this one included.
    Done(u8),
}

struct Walk<'a> {
    btf: &'a Btf,
    relation: Relation,
    /// One for each type that is not the base's.
    marks: Vec<Mark>,
}

impl Walk<'_> {
    /// Levels from `id` down. `from` refers to it, at the end of a path of `open` types: the
    /// recursion ends when that path, or what is below, reaches [`MAX_DEPTH`].
    fn visit(&mut self, id: TypeId, from: TypeId, open: u32) -> Result<u32, Error> {
        let Some(kind) = self.btf.kind_of(id) else { return Ok(0) };
        if let Follow::Nothing = self.relation.follows(kind) {
            return Ok(0);
        }
        let too_deep = || Error::Type { id, reason: TypeError::TooDeep { limit: MAX_DEPTH } };
        let place = id.0.checked_sub(self.btf.first_id).map(index);
        match place.and_then(|place| self.marks.get(place)) {
            // `void`, or a type of the base.
            None => return Ok(0),
            Some(Mark::Done(depth)) => return Ok(u32::from(*depth)),
            Some(Mark::Open) => {
                return Err(Error::Type { id, reason: TypeError::Loop { through: from } });
            }
            Some(Mark::Unseen) if open == MAX_DEPTH => return Err(too_deep()),
            Some(Mark::Unseen) => {}
        }
        self.mark(place, Mark::Open);
        let below = self.below(id, open + 1)?;
        let depth = below + 1;
        match u8::try_from(depth) {
            Ok(mark) if depth <= MAX_DEPTH => self.mark(place, Mark::Done(mark)),
            _ => return Err(too_deep()),
        }
        Ok(depth)
    }

    /// Levels of the deepest type that `id` refers to.
    fn below(&mut self, id: TypeId, open: u32) -> Result<u32, Error> {
        let btf = self.btf;
        let Some(raw) = btf.raw(id) else { return Ok(0) };
        match self.relation.follows(raw.kind) {
            Follow::Nothing => Ok(0),
            Follow::Target => self.visit(raw.target(), id, open),
            Follow::Element => self.visit(TypeId(raw.tail_word(0)), id, open),
            Follow::Members => self.entries(raw, id, open),
            Follow::Signature => {
                let ret = self.visit(raw.target(), id, open)?;
                Ok(ret.max(self.entries(raw, id, open)?))
            }
        }
    }

    /// Levels of the deepest member or parameter: both have their type in the second word.
    fn entries(&mut self, raw: Raw<'_>, id: TypeId, open: u32) -> Result<u32, Error> {
        let mut below = 0;
        for entry in raw.entries() {
            below = below.max(self.visit(TypeId(checked_u32(entry, 4)), id, open)?);
        }
        Ok(below)
    }

    fn mark(&mut self, place: Option<usize>, mark: Mark) {
        if let Some(slot) = place.and_then(|place| self.marks.get_mut(place)) {
            *slot = mark;
        }
    }
}
