//! Whether a type that a program was compiled against is a type that is there now.
//!
//! A program carries its own idea of the kernel's types, often only the members that it uses. To
//! adapt it, a loader looks for types of the same name ([`candidates`]) and asks one of three
//! questions of each, from lenient to strict:
//!
//! | question | asked for | looks at |
//! |---|---|---|
//! | [`Comparison::field`] | a member that is read | kinds, names of enumerations |
//! | [`Comparison::compatible`] | existence and size of a type | kinds, signatures |
//! | [`Comparison::matches`] | `bpf_core_type_matches` | members, values, sizes, signs |
//!
//! The rules are those of libbpf, so that a program is adapted alike by both.

mod matching;

use crate::error::Error;
use crate::types::{FuncProto, Type, TypeId};
use crate::{Btf, Kind};

/// Levels that a comparison follows, through pointers too: a list leads back to itself. As in
/// libbpf.
pub const MAX_LEVELS: u32 = 32;
/// Pairs of types, members and values that a [`Comparison`] looks at. Real ones need some
/// thousand; structs that repeat each other could ask for exponentially many.
pub const MAX_PAIRS: u32 = 1 << 22;

/// The name without its flavour: `task_struct___old` is a second view of `task_struct`.
///
/// The flavour starts at the last `___` that has something other than `_` on both sides.
///
/// ```
/// use skep_btf::compare::essential_name;
///
/// assert_eq!(essential_name("task_struct___old"), "task_struct");
/// assert_eq!(essential_name("___init"), "___init");
/// ```
pub fn essential_name(name: &str) -> &str {
    let mut underscores = 0;
    for (at, byte) in name.bytes().enumerate().rev() {
        if byte == b'_' {
            underscores += 1;
            continue;
        }
        if underscores == 3 && at + 4 < name.len() {
            return name.get(..=at).unwrap_or(name);
        }
        underscores = 0;
    }
    name
}

/// The types of `target` that the type `id` of `local` may be: of the same kind, and of the same
/// name up to the flavours of both. Enumerations of either width are of the same kind.
///
/// A type without a name has no candidates.
pub fn candidates(local: &Btf, id: TypeId, target: &Btf) -> Vec<TypeId> {
    let (Some(kind), Ok(ty)) = (local.kind_of(id), local.ty(id)) else { return Vec::new() };
    let name = essential_name(ty.name());
    if name.is_empty() {
        return Vec::new();
    }
    target
        .flavours(name)
        .filter(|&found| target.kind_of(found).is_some_and(|found| same_kind(kind, found)))
        .collect()
}

fn same_kind(local: Kind, target: Kind) -> bool {
    local == target || (is_enum(local) && is_enum(target))
}

fn is_enum(kind: Kind) -> bool {
    matches!(kind, Kind::Enum | Kind::Enum64)
}

/// Compares types of a program with types of a machine.
#[derive(Debug)]
pub struct Comparison<'a> {
    local: &'a Btf,
    target: &'a Btf,
    pairs_left: u32,
}

impl<'a> Comparison<'a> {
    /// A comparison of types of `local` with types of `target`. It may be asked many questions,
    /// which together look at up to [`MAX_PAIRS`] pairs.
    pub fn new(local: &'a Btf, target: &'a Btf) -> Self {
        Self { local, target, pairs_left: MAX_PAIRS }
    }

    /// Whether a member of type `local` can be read as one of type `target`.
    ///
    /// Typedefs and qualifiers do not count. Then:
    /// - a struct or union is like any other: what is read is found by the names of members;
    /// - pointers, and floating point numbers, are alike, whatever they point to or their size;
    /// - integers are, whatever their size and sign, but for the bit fields of old compilers;
    /// - enumerations are if one has no name or both have the same up to their flavours, and so
    ///   are forward declarations;
    /// - arrays are if their elements are, whatever their length;
    /// - anything else is not.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`]; [`Error::CompareLimit`].
    pub fn field(&mut self, local: TypeId, target: TypeId) -> Result<bool, Error> {
        let (mut local, mut target) = (local, target);
        loop {
            let (mine, theirs) = self.pair(local, target)?;
            return Ok(match (mine, theirs) {
                (Type::Struct(_) | Type::Union(_), Type::Struct(_) | Type::Union(_))
                | (Type::Ptr(_), Type::Ptr(_))
                | (Type::Float(_), Type::Float(_)) => true,
                (Type::Int(mine), Type::Int(theirs)) => {
                    mine.bits_offset == 0 && theirs.bits_offset == 0
                }
                (Type::Enum(_) | Type::Enum64(_), Type::Enum(_) | Type::Enum64(_))
                | (Type::Fwd(_), Type::Fwd(_)) => {
                    let (mine, theirs) = (mine.name(), theirs.name());
                    mine.is_empty() || theirs.is_empty() || same_name(mine, theirs)
                }
                (Type::Array(mine), Type::Array(theirs)) => {
                    (local, target) = (mine.element, theirs.element);
                    continue;
                }
                _ => false,
            });
        }
    }

    /// Whether two types have the same shape; their names are taken to be the same already.
    ///
    /// Typedefs and qualifiers do not count. Then:
    /// - a struct is like any struct, a union like any union, a forward declaration like any
    ///   other, an enumeration like any other;
    /// - integers are alike, but for the bit fields of old compilers;
    /// - pointers are if what they point to is, and arrays if their elements are, whatever their
    ///   length;
    /// - signatures are if they have as many parameters, and these and what is returned are;
    /// - `void` is like `void`, and anything else is not alike.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownType`]; [`Error::CompareLimit`].
    pub fn compatible(&mut self, local: TypeId, target: TypeId) -> Result<bool, Error> {
        self.compatible_within(local, target, MAX_LEVELS)
    }

    fn compatible_within(
        &mut self,
        local: TypeId,
        target: TypeId,
        levels: u32,
    ) -> Result<bool, Error> {
        let levels = down(levels)?;
        match self.pair(local, target)? {
            (Type::Void, Type::Void)
            | (Type::Struct(_), Type::Struct(_))
            | (Type::Union(_), Type::Union(_))
            | (Type::Fwd(_), Type::Fwd(_))
            | (Type::Enum(_) | Type::Enum64(_), Type::Enum(_) | Type::Enum64(_)) => Ok(true),
            (Type::Int(mine), Type::Int(theirs)) => {
                Ok(mine.bits_offset == 0 && theirs.bits_offset == 0)
            }
            (Type::Ptr(mine), Type::Ptr(theirs)) => self.compatible_within(mine, theirs, levels),
            (Type::Array(mine), Type::Array(theirs)) => {
                self.compatible_within(mine.element, theirs.element, levels)
            }
            (Type::FuncProto(mine), Type::FuncProto(theirs)) => {
                self.all_params(mine, theirs, |this, mine, theirs| {
                    this.compatible_within(mine, theirs, levels)
                })
            }
            _ => Ok(false),
        }
    }

    /// Whether two signatures have as many parameters, and these and what is returned are `alike`.
    fn all_params(
        &mut self,
        mine: FuncProto<'_>,
        theirs: FuncProto<'_>,
        mut alike: impl FnMut(&mut Self, TypeId, TypeId) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        if mine.params.len() != theirs.params.len() {
            return Ok(false);
        }
        for (mine, theirs) in mine.params.iter().zip(theirs.params) {
            if !alike(self, mine.ty, theirs.ty)? {
                return Ok(false);
            }
        }
        alike(self, mine.ret, theirs.ret)
    }

    /// What two types are behind typedefs and qualifiers.
    fn pair(&mut self, local: TypeId, target: TypeId) -> Result<(Type<'a>, Type<'a>), Error> {
        self.spend()?;
        Ok((self.local.resolve(local)?.1, self.target.resolve(target)?.1))
    }

    fn spend(&mut self) -> Result<(), Error> {
        self.pairs_left = self
            .pairs_left
            .checked_sub(1)
            .ok_or(Error::CompareLimit { what: "pairs of types", limit: MAX_PAIRS })?;
        Ok(())
    }
}

/// One level further down.
fn down(levels: u32) -> Result<u32, Error> {
    levels.checked_sub(1).ok_or(Error::CompareLimit { what: "levels", limit: MAX_LEVELS })
}

/// Whether two names are the same up to their flavours.
fn same_name(mine: &str, theirs: &str) -> bool {
    essential_name(mine) == essential_name(theirs)
}
