//! From a way through types to the number that was asked for.

use skep_btf::compare::essential_name;
use skep_btf::ext::RelocationKind;
use skep_btf::{Btf, IntEncoding, Type, TypeId};

use super::Reason;
use super::spec::{Spec, Step, resolve};

/// What is to be written into an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// A number.
    Value {
        /// The number that must stand there now; `None` if anything may.
        old: Option<u64>,
        /// The number to write.
        new: u64,
        /// How the access to memory changes.
        access: Access,
    },
    /// Nothing: the instruction must not be reached.
    None {
        /// Why there is no number.
        reason: String,
    },
}

/// How an instruction that loads or stores the field must change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    /// Not at all.
    Same,
    /// It accesses fewer or more bytes.
    Resized {
        /// Bytes that it must access now.
        from: u32,
        /// Bytes that it is to access.
        to: u32,
    },
    /// It cannot: the field has another size, and its value would be another.
    Impossible {
        /// Bytes that it accesses now.
        from: u32,
        /// Bytes that the field has.
        to: u32,
    },
}

impl Answer {
    /// A number that may stand in place of anything.
    pub(super) fn exact(new: u64) -> Answer {
        Answer::Value { old: None, new, access: Access::Same }
    }

    /// Whether two candidates give the same number.
    pub(super) fn agrees(&self, other: &Answer) -> bool {
        match (self, other) {
            (Answer::Value { new, .. }, Answer::Value { new: other, .. }) => new == other,
            (Answer::None { .. }, Answer::None { .. }) => true,
            (Answer::Value { .. }, Answer::None { .. })
            | (Answer::None { .. }, Answer::Value { .. }) => false,
        }
    }

    /// The same, with what is known about why there is none.
    pub(super) fn because(self, candidates: &[TypeId], spec: &Spec<'_>) -> Answer {
        let name = essential_name(spec.root_name());
        let reason = match self {
            Answer::Value { .. } => return self,
            Answer::None { .. } if candidates.is_empty() => {
                format!("the target has no type named {name}")
            }
            Answer::None { .. } if spec.kind.is_enumval() => {
                format!("no type named {name} of the target has such a value")
            }
            Answer::None { .. } => format!("no type named {name} of the target has such a field"),
        };
        Answer::None { reason }
    }
}

/// The answer that the target gives; `None` if the way does not exist there.
pub(super) fn answer(local: &Spec<'_>, target: Option<&Spec<'_>>) -> Result<Answer, Reason> {
    let kind = local.kind;
    if kind.is_field() {
        return field_answer(local, target);
    }
    let missing = || Answer::None { reason: String::new() };
    Ok(match kind {
        RelocationKind::EnumvalValue => match (variant(local), target.map(variant)) {
            ((old, certain), Some((new, _))) => {
                Answer::Value { old: certain.then_some(old), new, access: Access::Same }
            }
            (_, None) => missing(),
        },
        RelocationKind::EnumvalExists
        | RelocationKind::TypeExists
        | RelocationKind::TypeMatches => {
            Answer::Value { old: Some(1), new: u64::from(target.is_some()), access: Access::Same }
        }
        RelocationKind::TypeIdTarget => {
            Answer::exact(target.map_or(0, |target| target.root.0.into()))
        }
        RelocationKind::TypeIdLocal => Answer::exact(local.root.0.into()),
        RelocationKind::TypeSize => {
            let size = |spec: &Spec<'_>| size_of(spec.btf, spec.root);
            Answer::Value {
                old: Some(size(local)?.into()),
                new: target.map_or(Ok(0), size)?.into(),
                access: Access::Same,
            }
        }
        RelocationKind::FieldByteOffset
        | RelocationKind::FieldByteSize
        | RelocationKind::FieldExists
        | RelocationKind::FieldSigned
        | RelocationKind::FieldLshiftU64
        | RelocationKind::FieldRshiftU64 => return field_answer(local, target),
    })
}

/// The value of an enumeration: as 64 bits, and whether every compiler writes them so. Before
/// enumerations said whether they are signed (clang 15, pahole 1.24), all looked unsigned.
fn variant(spec: &Spec<'_>) -> (u64, bool) {
    let Some((of, value)) = spec.variant() else { return (0, false) };
    let bits = i64::try_from(value).map(i64::cast_unsigned).or_else(|_| u64::try_from(value));
    let doubtful = !of.signed && of.size <= 4 && value > i128::from(i32::MAX);
    (bits.unwrap_or(0), !doubtful)
}

fn size_of(btf: &Btf, id: TypeId) -> Result<u32, Reason> {
    btf.size_of(id).map_err(|error| error.to_string())
}

fn field_answer(local: &Spec<'_>, target: Option<&Spec<'_>>) -> Result<Answer, Reason> {
    if local.kind == RelocationKind::FieldExists {
        let new = u64::from(target.is_some());
        return Ok(Answer::Value { old: Some(1), new, access: Access::Same });
    }
    let Some(target) = target else { return Ok(Answer::None { reason: String::new() }) };
    let old = Field::of(local)?;
    let new = Field::of(target)?;
    Ok(Answer::Value {
        old: old.certain.then_some(old.value),
        new: new.value,
        access: access(local.btf, &old, target.btf, &new),
    })
}

/// Whether a load or store of one field can become one of the other: pointers can, as those of
/// 32-bit machines are loaded with zeroes above, and unsigned integers for the same reason.
fn access(local: &Btf, old: &Field, target: &Btf, new: &Field) -> Access {
    let (Some((from, from_type)), Some((to, to_type))) = (old.memory, new.memory) else {
        return Access::Same;
    };
    if from == to {
        return Access::Same;
    }
    match (local.ty(from_type), target.ty(to_type)) {
        (Ok(Type::Ptr(_)), Ok(Type::Ptr(_))) => Access::Resized { from, to },
        (Ok(Type::Int(mine)), Ok(Type::Int(theirs)))
            if mine.encoding != IntEncoding::Signed && theirs.encoding != IntEncoding::Signed =>
        {
            Access::Resized { from, to }
        }
        _ => Access::Impossible { from, to },
    }
}

/// What a question about a field comes to.
struct Field {
    value: u64,
    /// Whether compilers agree on the number. On how bit fields are loaded, they do not.
    certain: bool,
    /// What a load or store of the field accesses: bytes, and the field's type.
    memory: Option<(u32, TypeId)>,
}

/// Bits of a field and the bytes that are loaded to get at them.
struct Extent {
    bit_offset: u64,
    bits: u64,
    byte_offset: u64,
    bytes: u64,
}

impl Field {
    fn of(spec: &Spec<'_>) -> Result<Field, Reason> {
        let Some(step) = spec.steps.last() else { return Err("it leads nowhere".to_owned()) };
        match step.name {
            None => Field::of_element(spec, step),
            Some(_) => Field::of_member(spec, step),
        }
    }

    /// The way ends at an element of an array, or at the root itself.
    fn of_element(spec: &Spec<'_>, step: &Step<'_>) -> Result<Field, Reason> {
        match spec.kind {
            RelocationKind::FieldByteOffset => Ok(Field {
                value: spec.bit_offset / 8,
                certain: true,
                memory: Some((element_size(spec.btf, step.ty)?, step.ty)),
            }),
            RelocationKind::FieldByteSize => {
                let value = size_of(spec.btf, step.ty)?.into();
                Ok(Field { value, certain: true, memory: None })
            }
            _ => Err("it cannot be asked of an element of an array".to_owned()),
        }
    }

    /// The way ends at a member.
    fn of_member(spec: &Spec<'_>, step: &Step<'_>) -> Result<Field, Reason> {
        let composite = match spec.btf.ty(step.ty) {
            Ok(Type::Struct(composite) | Type::Union(composite)) => composite,
            _ => return Err("it leads to no member".to_owned()),
        };
        let Some(member) = composite.members.get(step.index as usize) else {
            return Err("it leads to no member".to_owned());
        };
        let (id, ty) = resolve(spec.btf, member.ty)?;
        let bitfield = member.bitfield_size.map(u64::from);
        let extent = match bitfield {
            Some(bits) => bitfield_extent(spec, bits, id)?,
            None => {
                let bytes = u64::from(size_of(spec.btf, id)?);
                let bit_offset = spec.bit_offset;
                Extent { bit_offset, bits: bytes * 8, byte_offset: bit_offset / 8, bytes }
            }
        };
        let plain = |value| Field { value, certain: bitfield.is_none(), memory: None };
        let sure = |value| Field { value, certain: true, memory: None };
        Ok(match spec.kind {
            RelocationKind::FieldByteOffset => Field {
                value: extent.byte_offset,
                certain: bitfield.is_none(),
                memory: match bitfield {
                    None => Some((element_size(spec.btf, id)?, id)),
                    Some(_) => None,
                },
            },
            RelocationKind::FieldByteSize => plain(extent.bytes),
            RelocationKind::FieldSigned => sure(u64::from(is_signed(&ty))),
            RelocationKind::FieldLshiftU64 => {
                // Modulo 2^64, as libbpf counts: fields of more than 8 bytes have no meaning here.
                let end = extent.bit_offset + extent.bits - extent.byte_offset * 8;
                plain(64u64.wrapping_sub(end))
            }
            RelocationKind::FieldRshiftU64 => sure(64u64.wrapping_sub(extent.bits)),
            RelocationKind::FieldExists
            | RelocationKind::TypeIdLocal
            | RelocationKind::TypeIdTarget
            | RelocationKind::TypeExists
            | RelocationKind::TypeSize
            | RelocationKind::EnumvalExists
            | RelocationKind::EnumvalValue
            | RelocationKind::TypeMatches => sure(1),
        })
    }
}

/// The smallest aligned load, at least as large as the field's type, that has all bits of a field.
fn bitfield_extent(spec: &Spec<'_>, bits: u64, ty: TypeId) -> Result<Extent, Reason> {
    let bit_offset = spec.bit_offset;
    let mut bytes = u64::from(size_of(spec.btf, ty)?);
    loop {
        let Some(units) = (bit_offset / 8).checked_div(bytes) else {
            return Err("the type of the bit field has no size".to_owned());
        };
        let byte_offset = units * bytes;
        if bit_offset + bits - byte_offset * 8 <= bytes * 8 {
            return Ok(Extent { bit_offset, bits, byte_offset, bytes });
        }
        if bytes >= 8 {
            return Err("no load of 8 bytes has all bits of the field".to_owned());
        }
        bytes *= 2;
    }
}

fn is_signed(ty: &Type<'_>) -> bool {
    match ty {
        Type::Int(int) => int.encoding == IntEncoding::Signed,
        Type::Enum(of) | Type::Enum64(of) => of.signed,
        _ => false,
    }
}

/// The size of what a load from a field loads: of arrays, one element.
fn element_size(btf: &Btf, id: TypeId) -> Result<u32, Reason> {
    let (mut id, mut ty) = resolve(btf, id)?;
    while let Type::Array(array) = ty {
        (id, ty) = resolve(btf, array.element)?;
    }
    size_of(btf, id)
}
