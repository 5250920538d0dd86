//! The lenient view of a type: words of its record, of which only length and kind are known.

use std::slice::ChunksExact;

use crate::bytes::checked_u32;
use crate::format::{Info, Kind, TYPE_LEN};
use crate::types::TypeId;

/// The record of a type. Validation works on this view; it reads no names, which would cost more
/// than all other checks of the kernel's BTF together.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub(crate) kind: Kind,
    pub(crate) vlen: u16,
    pub(crate) flag: bool,
    /// Offset of the name.
    pub(crate) name: u32,
    /// The word that is a size or a type.
    word: u32,
    tail: &'a [u8],
}

impl<'a> Raw<'a> {
    /// The record at the start of `bytes`, which must be whole and of this kind.
    pub(crate) fn new(bytes: &'a [u8], kind: Kind) -> Self {
        let (head, rest) =
            bytes.split_first_chunk().expect("btf: parsing checked the length of every record");
        let [n0, n1, n2, n3, i0, i1, i2, i3, w0, w1, w2, w3]: [u8; TYPE_LEN] = *head;
        let info = Info(u32::from_le_bytes([i0, i1, i2, i3]));
        let tail = rest.get(..info.record_len(kind) - TYPE_LEN);
        Self {
            kind,
            vlen: info.vlen(),
            flag: info.flag(),
            name: u32::from_le_bytes([n0, n1, n2, n3]),
            word: u32::from_le_bytes([w0, w1, w2, w3]),
            tail: tail.expect("btf: parsing checked the length of every record"),
        }
    }

    /// The size, of kinds that have one.
    pub(crate) fn size(&self) -> u32 {
        self.word
    }

    /// The type referred to, by kinds that refer to one.
    pub(crate) fn target(&self) -> TypeId {
        TypeId(self.word)
    }

    /// What follows the fixed part.
    pub(crate) fn tail(&self) -> &'a [u8] {
        self.tail
    }

    /// The word at `at` of what follows the fixed part.
    pub(crate) fn tail_word(&self, at: usize) -> u32 {
        checked_u32(self.tail, at)
    }

    /// The members, values, parameters or variables.
    pub(crate) fn entries(&self) -> ChunksExact<'a, u8> {
        let (_, each) = self.kind.tail();
        self.tail.chunks_exact(each.max(1))
    }

    /// What a typedef, a qualifier or a type tag stands for or is on.
    pub(crate) fn alias(&self) -> Option<TypeId> {
        match self.kind {
            Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                Some(self.target())
            }
            Kind::Int
            | Kind::Ptr
            | Kind::Array
            | Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::Fwd
            | Kind::Func
            | Kind::FuncProto
            | Kind::Var
            | Kind::Datasec
            | Kind::Float
            | Kind::DeclTag
            | Kind::Enum64 => None,
        }
    }
}
