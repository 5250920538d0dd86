//! Where C places members, and how a struct must be written so that they are where they are.

use super::Writer;
use crate::types::{Composite, Int, Member, Type, TypeId};
use crate::{Btf, Kind, POINTER_SIZE};

/// The strictest alignment of a basic type, that of `__int128`.
const MAX_ALIGN: u32 = 16;

/// How a struct or union is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Alignment in bytes that C gives it then.
    pub(super) align: u32,
    /// Whether it needs the attribute `packed`.
    pub(super) packed: bool,
}

/// The bits that a member takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) start: u64,
    pub(super) bits: u64,
    /// Width of its type in bits, if it is a bit field: it may not cross a multiple of that.
    pub(super) unit: Option<u64>,
}

impl Place {
    pub(super) fn of(btf: &Btf, member: &Member<'_>) -> Self {
        let size = u64::from(btf.size_of(member.ty).unwrap_or(0)) * 8;
        let start = u64::from(member.bit_offset);
        match (member.bitfield_size, narrow_int(btf, member.ty)) {
            (Some(bits), _) => Self { start, bits: bits.into(), unit: Some(size) },
            (None, Some(int)) => Self {
                start: start + u64::from(int.bits_offset),
                bits: int.nr_bits.into(),
                unit: Some(size),
            },
            (None, None) => Self { start, bits: size, unit: None },
        }
    }

    pub(super) fn end(self) -> u64 {
        self.start + self.bits
    }

    /// Whether a bit field lies in more than one unit.
    fn crosses(self) -> bool {
        match self.unit {
            Some(unit) if unit > 0 && self.bits > 0 => self.start / unit != (self.end() - 1) / unit,
            Some(_) | None => false,
        }
    }

    /// Where C would place the member after `cursor`.
    pub(super) fn natural(self, cursor: u64, align: u32, packed: bool) -> u64 {
        match self.unit {
            Some(_) if packed => cursor,
            Some(unit) => {
                if (Self { start: cursor, ..self }).crosses() {
                    round_up(cursor, unit)
                } else {
                    cursor
                }
            }
            None => round_up(cursor, if packed { 8 } else { u64::from(align) * 8 }),
        }
    }
}

/// An integer with less bits than its bytes: the bit field of an old compiler.
fn narrow_int(btf: &Btf, id: TypeId) -> Option<Int<'_>> {
    match btf.resolve(id) {
        Ok((_, Type::Int(int))) if u32::from(int.nr_bits) < int.size * 8 => Some(int),
        _ => None,
    }
}

/// The next multiple of `unit`, which is not 0.
pub(super) fn round_up(value: u64, unit: u64) -> u64 {
    value.div_ceil(unit.max(1)) * unit.max(1)
}

impl Writer<'_> {
    /// Alignment in bytes of a type as it is written. Recursion is bounded by the nesting by
    /// value that parsing allows.
    pub(super) fn align(&mut self, id: TypeId) -> u32 {
        let Ok((id, ty)) = self.btf.resolve(id) else { return 1 };
        match ty {
            Type::Struct(composite) => self.layout(id, &composite, Kind::Struct).align,
            Type::Union(composite) => self.layout(id, &composite, Kind::Union).align,
            Type::Array(array) => self.align(array.element),
            Type::Ptr(_) => POINTER_SIZE,
            Type::Int(int) => int.size.clamp(1, MAX_ALIGN),
            Type::Enum(enumeration) | Type::Enum64(enumeration) => enumeration.size,
            // 12 bytes are the `long double` of 32-bit x86, which is aligned as its words.
            Type::Float(float) if float.size == 12 => 4,
            Type::Float(float) => float.size,
            Type::Void
            | Type::Fwd(_)
            | Type::Typedef(_)
            | Type::Volatile(_)
            | Type::Const(_)
            | Type::Restrict(_)
            | Type::Func(_)
            | Type::FuncProto(_)
            | Type::Var(_)
            | Type::Datasec(_)
            | Type::DeclTag(_)
            | Type::TypeTag(_) => 1,
        }
    }

    /// How a struct or union is to be written.
    pub(super) fn layout(&mut self, id: TypeId, composite: &Composite<'_>, kind: Kind) -> Layout {
        if let Some(layout) = self.layouts.get(&id) {
            return *layout;
        }
        let mut align = 1;
        let mut packed = false;
        for member in composite.members {
            let place = Place::of(self.btf, &member);
            let own = self.align(member.ty);
            align = align.max(own);
            packed |= match place.unit {
                Some(_) => place.crosses(),
                None => !place.start.is_multiple_of(u64::from(own) * 8),
            };
        }
        packed |= !composite.size.is_multiple_of(align);
        packed &= kind == Kind::Struct || align > 1;
        let layout = Layout { align: if packed { 1 } else { align }, packed };
        self.layouts.insert(id, layout);
        layout
    }
}
