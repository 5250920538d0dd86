//! Where C places members, and how a struct must be written so that they are where they are.

use super::Writer;
use crate::bytes::index;
use crate::types::{Composite, Member, Type, TypeId};
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

/// What a type takes in a struct.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    bits: u64,
    /// In bytes.
    align: u32,
    /// First bit and number of bits of an integer with less bits than its bytes: the bit field of
    /// an old compiler.
    narrow: Option<(u8, u8)>,
}

impl Place {
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

/// The members of a struct or union without their names, which are most of the work of reading
/// them.
pub(super) fn bare_members(btf: &Btf, id: TypeId) -> impl Iterator<Item = Member<'static>> {
    let flag = btf.raw(id).is_some_and(|raw| raw.flag);
    let entries = btf.raw(id).into_iter().flat_map(|raw| raw.entries());
    entries.map(move |entry| Member::bare(entry, flag))
}

/// The next multiple of `unit`, which is not 0.
pub(super) fn round_up(value: u64, unit: u64) -> u64 {
    value.div_ceil(unit.max(1)) * unit.max(1)
}

impl Writer<'_> {
    /// Where a member stands, and the alignment of its type in bytes.
    pub(super) fn place(&mut self, member: &Member<'_>) -> (Place, u32) {
        let Shape { bits, align, narrow } = self.shape(member.ty);
        let start = u64::from(member.bit_offset);
        let place = match (member.bitfield_size, narrow) {
            (Some(width), _) => Place { start, bits: width.into(), unit: Some(bits) },
            (None, Some((offset, width))) => {
                Place { start: start + u64::from(offset), bits: width.into(), unit: Some(bits) }
            }
            (None, None) => Place { start, bits, unit: None },
        };
        (place, align)
    }

    /// Alignment in bytes of a type as it is written.
    pub(super) fn align(&mut self, id: TypeId) -> u32 {
        self.shape(id).align
    }

    /// What a type takes. Recursion is bounded by the nesting by value that parsing allows.
    fn shape(&mut self, id: TypeId) -> Shape {
        if let Some(Some(shape)) = self.shapes.get(index(id.0)) {
            return *shape;
        }
        let shape = self.shape_now(id);
        if let Some(known) = self.shapes.get_mut(index(id.0)) {
            *known = Some(shape);
        }
        shape
    }

    fn shape_now(&mut self, id: TypeId) -> Shape {
        let bits = u64::from(self.btf.size_of(id).unwrap_or(0)) * 8;
        let plain = |align| Shape { bits, align, narrow: None };
        let Ok((id, ty)) = self.btf.resolve(id) else { return plain(1) };
        plain(match ty {
            Type::Struct(composite) => self.layout(id, &composite, Kind::Struct).align,
            Type::Union(composite) => self.layout(id, &composite, Kind::Union).align,
            Type::Array(array) => self.align(array.element),
            Type::Ptr(_) => POINTER_SIZE,
            Type::Int(int) => {
                let align = int.size.clamp(1, MAX_ALIGN);
                let narrow = u32::from(int.nr_bits) < int.size * 8;
                let narrow = narrow.then_some((int.bits_offset, int.nr_bits));
                return Shape { bits, align, narrow };
            }
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
        })
    }

    /// How a struct or union is to be written.
    pub(super) fn layout(&mut self, id: TypeId, composite: &Composite<'_>, kind: Kind) -> Layout {
        if let Some(Some(layout)) = self.layouts.get(index(id.0)) {
            return *layout;
        }
        let mut align = 1;
        let mut packed = false;
        for member in bare_members(self.btf, id) {
            let (place, own) = self.place(&member);
            align = align.max(own);
            packed |= match place.unit {
                Some(_) => place.crosses(),
                None => !place.start.is_multiple_of(u64::from(own) * 8),
            };
        }
        packed |= !composite.size.is_multiple_of(align);
        packed &= kind == Kind::Struct || align > 1;
        let layout = Layout { align: if packed { 1 } else { align }, packed };
        if let Some(known) = self.layouts.get_mut(index(id.0)) {
            *known = Some(layout);
        }
        layout
    }
}
