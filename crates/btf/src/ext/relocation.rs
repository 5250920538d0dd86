//! CO-RE relocations: what a program wants to know about types of the machine it runs on.

use std::fmt;

use super::{field, insn_off, name_at};
use crate::Btf;
use crate::error::ExtError;
use crate::types::TypeId;

/// A place in a program that depends on a type: `struct bpf_core_relo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Offset of the instruction in the code section, in bytes.
    pub insn_off: u32,
    /// The type that the access starts at.
    pub ty: TypeId,
    /// The way from there: indices of array elements and members, or of a value of an
    /// enumeration. See [`RelocationKind`].
    pub access: Vec<u32>,
    /// What is asked.
    pub kind: RelocationKind,
}

impl Relocation {
    /// The access as written, `0:1:2`.
    pub fn access_string(&self) -> String {
        let mut text = String::new();
        for (place, number) in self.access.iter().enumerate() {
            if place > 0 {
                text.push(':');
            }
            text.push_str(&number.to_string());
        }
        text
    }
}

/// What a CO-RE relocation asks: the constants of `enum bpf_core_relo_kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelocationKind {
    /// Offset of a field, in bytes.
    FieldByteOffset,
    /// Size of a field, in bytes.
    FieldByteSize,
    /// 1 if there is such a field, else 0.
    FieldExists,
    /// 1 if the field is signed, else 0.
    FieldSigned,
    /// How far to shift a 64-bit load to the left, so that a bit field ends at the top.
    FieldLshiftU64,
    /// How far to shift it to the right after that.
    FieldRshiftU64,
    /// Id of the type in the object's own BTF.
    TypeIdLocal,
    /// Id of the type in the BTF of the machine.
    TypeIdTarget,
    /// 1 if there is such a type, else 0.
    TypeExists,
    /// Size of the type, in bytes.
    TypeSize,
    /// 1 if the enumeration has such a value, else 0.
    EnumvalExists,
    /// The value of that name.
    EnumvalValue,
    /// 1 if there is a type that matches, else 0.
    TypeMatches,
}

impl RelocationKind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 13] = [
        Self::FieldByteOffset,
        Self::FieldByteSize,
        Self::FieldExists,
        Self::FieldSigned,
        Self::FieldLshiftU64,
        Self::FieldRshiftU64,
        Self::TypeIdLocal,
        Self::TypeIdTarget,
        Self::TypeExists,
        Self::TypeSize,
        Self::EnumvalExists,
        Self::EnumvalValue,
        Self::TypeMatches,
    ];

    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(crate::bytes::index(number)).copied()
    }

    /// The number of `enum bpf_core_relo_kind`.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The name that libbpf gives it in its logs, `byte_off`.
    pub fn name(self) -> &'static str {
        match self {
            Self::FieldByteOffset => "byte_off",
            Self::FieldByteSize => "byte_sz",
            Self::FieldExists => "field_exists",
            Self::FieldSigned => "signed",
            Self::FieldLshiftU64 => "lshift_u64",
            Self::FieldRshiftU64 => "rshift_u64",
            Self::TypeIdLocal => "local_type_id",
            Self::TypeIdTarget => "target_type_id",
            Self::TypeExists => "type_exists",
            Self::TypeSize => "type_size",
            Self::EnumvalExists => "enumval_exists",
            Self::EnumvalValue => "enumval_value",
            Self::TypeMatches => "type_matches",
        }
    }

    /// Whether the access names a field.
    pub fn is_field(self) -> bool {
        match self {
            Self::FieldByteOffset
            | Self::FieldByteSize
            | Self::FieldExists
            | Self::FieldSigned
            | Self::FieldLshiftU64
            | Self::FieldRshiftU64 => true,
            Self::TypeIdLocal
            | Self::TypeIdTarget
            | Self::TypeExists
            | Self::TypeSize
            | Self::EnumvalExists
            | Self::EnumvalValue
            | Self::TypeMatches => false,
        }
    }

    /// Whether the access names a value of an enumeration.
    pub fn is_enumval(self) -> bool {
        matches!(self, Self::EnumvalExists | Self::EnumvalValue)
    }

    /// Whether the question is about the type itself.
    pub fn is_type(self) -> bool {
        !self.is_field() && !self.is_enumval()
    }
}

impl fmt::Display for RelocationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

pub(super) fn read(btf: &Btf, record: &[u8]) -> Result<Relocation, ExtError> {
    let ty = TypeId(field(record, 4));
    if btf.ty(ty).is_err() {
        return Err(ExtError::TypeId { found: ty, required: "a type" });
    }
    let text = name_at(btf, field(record, 8))?;
    let number = field(record, 12);
    Ok(Relocation {
        insn_off: insn_off(record)?,
        ty,
        access: access(text).ok_or_else(|| ExtError::AccessString { found: text.to_owned() })?,
        kind: RelocationKind::from_number(number)
            .ok_or(ExtError::RelocationKind { found: number })?,
    })
}

/// Decimal numbers with `:` between them.
fn access(text: &str) -> Option<Vec<u32>> {
    text.split(':')
        .map(|number| {
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse().ok().filter(|_| digits)
        })
        .collect()
}
