//! The few types out of many that certain programs look at.
//!
//! A program that reads two members of `task_struct` needs of the kernel's types that struct's
//! name, its size and those members. With them alone it can be adapted to a kernel that does not
//! show its types, from a file of some hundred bytes.

use crate::bytes::index;
use crate::error::Error;
use crate::types::{Array, Composite, Member, Type, TypeId};
use crate::{Btf, BtfBuilder, IdMap, Kind};

/// How much of what a type refers to is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// What it takes to have a value: elements, but nothing behind pointers.
    Value,
    /// What is behind pointers too, structs by their names alone.
    Pointers,
    /// All members besides, of structs that are not behind a pointer.
    Members,
}

/// Types that are to be kept out of a BTF.
#[derive(Clone, Debug)]
pub struct Minimal<'a> {
    btf: &'a Btf,
    /// What of each type is kept.
    kept: Vec<Kept>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    /// Whether it has been reached so far, by [`Reach`].
    reached: [bool; 3],
    /// The members that are kept, by number; empty until there is one.
    members: Vec<bool>,
}

impl Kept {
    fn is_kept(&self) -> bool {
        self.reached.contains(&true)
    }

    fn has_member(&self, number: usize) -> bool {
        self.members.get(number) == Some(&true)
    }

    fn keep_member(&mut self, number: usize, of: usize) {
        self.members.resize(of, false);
        if let Some(kept) = self.members.get_mut(number) {
            *kept = true;
        }
    }
}

impl<'a> Minimal<'a> {
    /// Nothing is kept yet.
    pub fn new(btf: &'a Btf) -> Self {
        Self { btf, kept: vec![Kept::default(); index(btf.end_id())] }
    }

    /// Keeps what the way to a field leads through: from an element of an array of `root` on,
    /// along numbers of members and elements, as in [`Relocation::access`].
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`]; [`Error::WrongKind`] where the way leads to no member.
    ///
    /// [`Relocation::access`]: crate::ext::Relocation::access
    pub fn field(&mut self, root: TypeId, access: &[u32]) -> Result<(), Error> {
        self.reach(root, Reach::Value)?;
        let mut at = root;
        for &number in access.iter().skip(1) {
            let (id, ty) = self.btf.resolve(at)?;
            at = match ty {
                Type::Struct(Composite { members, .. })
                | Type::Union(Composite { members, .. }) => {
                    let member = members.get(index(number)).ok_or(Error::WrongKind {
                        id,
                        found: ty.kind_name(),
                        required: "a struct or union with more members",
                    })?;
                    self.kept[index(id.0)].keep_member(index(number), members.len());
                    member.ty
                }
                Type::Array(Array { element, .. }) => element,
                other => {
                    let required = "STRUCT, UNION or ARRAY";
                    return Err(Error::WrongKind { id, found: other.kind_name(), required });
                }
            };
            self.reach(at, Reach::Value)?;
        }
        Ok(())
    }

    /// Keeps a type with its name and size, and what is needed to say whether it is
    /// [compatible](crate::compare::Comparison::compatible) with another. Of an enumeration that
    /// is all its values; of a struct no member.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`].
    pub fn shape(&mut self, id: TypeId) -> Result<(), Error> {
        self.reach(id, Reach::Pointers)
    }

    /// Keeps a type with all that is needed to say whether it
    /// [matches](crate::compare::Comparison::matches) another.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`].
    pub fn whole(&mut self, id: TypeId) -> Result<(), Error> {
        self.reach(id, Reach::Members)
    }

    /// Keeps a type, and what it refers to as far as is asked for. What is still to be visited is
    /// kept in a list: each type is visited three times at most.
    fn reach(&mut self, id: TypeId, reach: Reach) -> Result<(), Error> {
        let mut open = vec![(id, reach)];
        while let Some((id, reach)) = open.pop() {
            let ty = self.btf.ty(id)?;
            let Some(kept) = self.kept.get_mut(index(id.0)).filter(|_| !id.is_void()) else {
                continue;
            };
            if std::mem::replace(&mut kept.reached[reach as usize], true) {
                continue;
            }
            match ty {
                Type::Ptr(target) => match reach {
                    Reach::Value => {}
                    Reach::Pointers | Reach::Members => open.push((target, Reach::Pointers)),
                },
                Type::Typedef(typedef) => open.push((typedef.ty, reach)),
                Type::Volatile(target) | Type::Const(target) | Type::Restrict(target) => {
                    open.push((target, reach));
                }
                Type::TypeTag(tag) => open.push((tag.ty, reach)),
                Type::Array(array) => {
                    open.extend([(array.element, reach), (array.index, Reach::Value)]);
                }
                Type::FuncProto(proto) => {
                    open.push((proto.ret, reach));
                    open.extend(proto.params.iter().map(|param| (param.ty, reach)));
                }
                Type::Struct(Composite { members, .. })
                | Type::Union(Composite { members, .. })
                    if reach == Reach::Members =>
                {
                    kept.members = vec![true; members.len()];
                    open.extend(members.iter().map(|member| (member.ty, reach)));
                }
                Type::Func(func) => open.push((func.proto, reach)),
                Type::Var(var) => open.push((var.ty, reach)),
                Type::Datasec(datasec) => {
                    open.extend(datasec.vars.iter().map(|var| (var.ty, reach)));
                }
                Type::DeclTag(tag) => open.push((tag.target, Reach::Value)),
                Type::Void
                | Type::Struct(_)
                | Type::Union(_)
                | Type::Int(_)
                | Type::Float(_)
                | Type::Enum(_)
                | Type::Enum64(_)
                | Type::Fwd(_) => {}
            }
        }
        Ok(())
    }

    /// What is kept, as BTF that stands by itself, and where it is there. Pointers to what is not
    /// kept point to `void`.
    ///
    /// # Errors
    ///
    /// As [`Btf::parse`].
    pub fn build(&self) -> Result<(Btf, IdMap), Error> {
        let mut builder = BtfBuilder::new();
        let mut ids = IdMap::new(self.btf.end_id());
        let kept = || {
            let ids = (0..).map(TypeId).zip(&self.kept);
            ids.filter(|(_, kept)| kept.is_kept())
        };
        for ((id, _), now) in kept().zip(1..) {
            ids.put(id, TypeId(now));
        }
        let now = |id| ids.get(id).unwrap_or(TypeId::VOID);
        for (id, kept) in kept() {
            match (self.btf.kind_of(id), self.btf.ty(id)?) {
                (
                    Some(kind @ (Kind::Struct | Kind::Union)),
                    Type::Struct(composite) | Type::Union(composite),
                ) => {
                    let members = composite.members.iter().enumerate();
                    let members: Vec<Member<'_>> = members
                        .filter(|(number, _)| kept.has_member(*number))
                        .map(|(_, member)| Member { ty: now(member.ty), ..member })
                        .collect();
                    match kind {
                        Kind::Union => builder.union(composite.name, composite.size, &members),
                        _ => builder.structure(composite.name, composite.size, &members),
                    }
                }
                _ => builder.copy(self.btf, id, now)?,
            };
        }
        Ok((builder.build()?, ids))
    }
}
