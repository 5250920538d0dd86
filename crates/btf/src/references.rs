//! Where a record refers to types and to names: what whoever copies records has to translate.

use crate::Kind;
use crate::format::TYPE_LEN;

/// Offset of the word that is a size or a type.
const WORD: usize = 8;

/// Offsets, in a record with `vlen` entries, of the words that are ids of types. Records of the
/// same kind and length have them at the same places.
pub(crate) fn types(kind: Kind, vlen: u16) -> impl Iterator<Item = usize> {
    let (fixed, entry): (&[usize], _) = match kind {
        Kind::Ptr
        | Kind::Typedef
        | Kind::Volatile
        | Kind::Const
        | Kind::Restrict
        | Kind::Func
        | Kind::Var
        | Kind::DeclTag
        | Kind::TypeTag => (&[WORD], None),
        Kind::Array => (&[TYPE_LEN, TYPE_LEN + 4], None),
        Kind::FuncProto => (&[WORD], Some(4)),
        Kind::Struct | Kind::Union => (&[], Some(4)),
        Kind::Datasec => (&[], Some(0)),
        Kind::Int | Kind::Enum | Kind::Enum64 | Kind::Fwd | Kind::Float => (&[], None),
    };
    fixed.iter().copied().chain(entries(kind, vlen, entry))
}

/// Offsets, in a record with `vlen` entries, of the words that are offsets of names.
pub(crate) fn names(kind: Kind, vlen: u16) -> impl Iterator<Item = usize> {
    let entry = match kind {
        Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::FuncProto => Some(0),
        Kind::Int
        | Kind::Ptr
        | Kind::Array
        | Kind::Fwd
        | Kind::Typedef
        | Kind::Volatile
        | Kind::Const
        | Kind::Restrict
        | Kind::Func
        | Kind::Var
        | Kind::Datasec
        | Kind::Float
        | Kind::DeclTag
        | Kind::TypeTag => None,
    };
    std::iter::once(0).chain(entries(kind, vlen, entry))
}

/// The word at `at` of each entry; none if it is of another sort.
fn entries(kind: Kind, vlen: u16, at: Option<usize>) -> impl Iterator<Item = usize> {
    let (_, each) = kind.tail();
    let count = if at.is_some() { usize::from(vlen) } else { 0 };
    (0..count).map(move |number| TYPE_LEN + number * each + at.unwrap_or(0))
}
