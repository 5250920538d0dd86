//! Reading a value of a type out of bytes.

use std::collections::HashMap;

use super::Value;
use crate::Btf;
use crate::bytes::index;
use crate::error::Error;
use crate::types::{Array, Composite, Datasec, Enum, Int, IntEncoding, Member, Type, TypeId};

/// Values within a value that each of its bytes may stand for. Members of unions read the same
/// byte, and elements may have no byte at all, so that a small type could stand for an endless
/// value.
const VALUES_PER_BYTE: usize = 64;
/// Values within a value of however few bytes.
const VALUES_AT_LEAST: usize = 4096;

/// Values of enumerations to compare with one after the other, before a table is worth its making.
const COMPARED_IN_TURN: usize = 1 << 14;

/// Reads a value of type `id` from the start of `bytes`, in little-endian order.
///
/// A variable is read as a value of its type, and a section as a struct of its variables. Bytes
/// beyond the size of the type are not looked at.
///
/// # Errors
///
/// As [`Btf::size_of`]; [`Error::ValueLength`] if there are fewer bytes than the type has;
/// [`Error::ValueTooLarge`] if the value has more than 64 parts a byte, which no type of a C
/// program has.
pub fn decode_value<'a>(btf: &'a Btf, id: TypeId, bytes: &[u8]) -> Result<Value<'a>, Error> {
    let required = index(btf.size_of(id)?);
    let Some(value) = bytes.get(..required) else {
        return Err(Error::ValueLength { id, found: bytes.len(), required });
    };
    let limit = required.saturating_mul(VALUES_PER_BYTE).max(VALUES_AT_LEAST);
    let names = HashMap::new();
    Decoder { btf, root: id, left: limit, limit, compared: 0, names }.value(id, value)
}

struct Decoder<'a> {
    btf: &'a Btf,
    /// The type of the whole value.
    root: TypeId,
    /// How many values may still be made.
    left: usize,
    limit: usize,
    /// Values of enumerations that have been compared with one that was read.
    compared: usize,
    /// Names of values, by enumeration, once there have been many comparisons.
    names: HashMap<TypeId, HashMap<i128, &'a str>>,
}

impl<'a> Decoder<'a> {
    /// Reads a value that has exactly these bytes. Recursion is bounded by the nesting that
    /// parsing allows.
    fn value(&mut self, id: TypeId, bytes: &[u8]) -> Result<Value<'a>, Error> {
        self.spend()?;
        let btf = self.btf;
        let (id, ty) = btf.resolve(id)?;
        Ok(match ty {
            Type::Int(int) => {
                scalar(&int, bits(bytes, int.bits_offset.into(), int.nr_bits), int.nr_bits)
            }
            Type::Float(_) => float(bytes),
            Type::Ptr(_) => Value::Ptr(bytes.first_chunk().copied().map_or(0, u64::from_le_bytes)),
            Type::Enum(enumeration) | Type::Enum64(enumeration) => {
                let width = u8::try_from(enumeration.size * 8).unwrap_or(u8::MAX);
                self.enumerator(id, &enumeration, bits(bytes, 0, width), width)
            }
            Type::Array(array) => self.array(&array, bytes)?,
            Type::Struct(composite) => Value::Struct(self.members(&composite, bytes)?),
            Type::Union(composite) => Value::Union(self.members(&composite, bytes)?),
            Type::Var(var) => self.value(var.ty, bytes)?,
            Type::Datasec(datasec) => self.section(&datasec, bytes)?,
            Type::Void
            | Type::Fwd(_)
            | Type::Func(_)
            | Type::FuncProto(_)
            | Type::DeclTag(_)
            | Type::Typedef(_)
            | Type::Volatile(_)
            | Type::Const(_)
            | Type::Restrict(_)
            | Type::TypeTag(_) => return Err(Error::NoSize { id, kind: ty.kind_name() }),
        })
    }

    fn spend(&mut self) -> Result<(), Error> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(Error::ValueTooLarge { id: self.root, limit: self.limit })?;
        Ok(())
    }

    fn array(&mut self, array: &Array, bytes: &[u8]) -> Result<Value<'a>, Error> {
        if let Some(text) = self.text(array, bytes) {
            return Ok(Value::Text(text));
        }
        if self.holds_octets(array) {
            return Ok(Value::Bytes(bytes.to_vec()));
        }
        let size = index(self.btf.size_of(array.element)?);
        (0..index(array.nelems))
            .map(|number| {
                let element = bytes.get(number * size..).and_then(|rest| rest.get(..size));
                self.value(array.element, element.unwrap_or_default())
            })
            .collect::<Result<_, _>>()
            .map(Value::Array)
    }

    /// Whether the elements are bytes and nothing more: `__u8 address[16]`.
    fn holds_octets(&self, array: &Array) -> bool {
        matches!(
            self.btf.resolve(array.element),
            Ok((_, Type::Int(int)))
                if int.size == 1 && int.nr_bits == 8 && int.encoding == IntEncoding::Unsigned
        )
    }

    /// The text of an array of `char`, if it is printable and ends with a NUL. Compilers give
    /// `char` the encoding of a signed integer, so that its name counts.
    fn text(&self, array: &Array, bytes: &[u8]) -> Option<String> {
        match self.btf.resolve(array.element) {
            Ok((_, Type::Int(int)))
                if int.size == 1
                    && int.nr_bits == 8
                    && (int.encoding == IntEncoding::Char || int.name == "char") => {}
            _ => return None,
        }
        let end = bytes.iter().position(|&byte| byte == 0)?;
        let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
        (!text.contains(char::is_control)).then(|| text.to_owned())
    }

    fn members(
        &mut self,
        composite: &Composite<'a>,
        bytes: &[u8],
    ) -> Result<Vec<(&'a str, Value<'a>)>, Error> {
        let mut members = Vec::with_capacity(composite.members.len().min(self.left));
        for member in composite.members {
            if let Some(value) = self.member(&member, bytes)? {
                match value {
                    Value::Struct(inner) | Value::Union(inner) if member.name.is_empty() => {
                        members.extend(inner);
                    }
                    value => members.push((member.name, value)),
                }
            }
        }
        Ok(members)
    }

    /// The value of a member; `None` for padding, which is a bit field without a name.
    fn member(&mut self, member: &Member<'a>, bytes: &[u8]) -> Result<Option<Value<'a>>, Error> {
        if let Some(width) = member.bitfield_size {
            if member.name.is_empty() {
                return Ok(None);
            }
            self.spend()?;
            let raw = bits(bytes, member.bit_offset, width);
            return Ok(match self.btf.resolve(member.ty)? {
                (_, Type::Int(int)) => Some(scalar(&int, raw, width)),
                (id, Type::Enum(enumeration) | Type::Enum64(enumeration)) => {
                    Some(self.enumerator(id, &enumeration, raw, width))
                }
                _ => None,
            });
        }
        if let Ok((_, Type::Int(int))) = self.btf.resolve(member.ty)
            && u32::from(int.nr_bits) < int.size * 8
        {
            self.spend()?;
            let start = member.bit_offset + u32::from(int.bits_offset);
            return Ok(Some(scalar(&int, bits(bytes, start, int.nr_bits), int.nr_bits)));
        }
        let size = index(self.btf.size_of(member.ty)?);
        let start = index(member.bit_offset / 8);
        let value = bytes.get(start..).and_then(|rest| rest.get(..size)).unwrap_or_default();
        self.value(member.ty, value).map(Some)
    }

    /// A value of an enumeration, with the first name that it has.
    fn enumerator(
        &mut self,
        id: TypeId,
        enumeration: &Enum<'a>,
        raw: u128,
        width: u8,
    ) -> Value<'a> {
        let value = if enumeration.signed { signed(raw, width) } else { raw.cast_signed() };
        let mut variants = enumeration.variants.into_iter();
        if self.compared < COMPARED_IN_TURN {
            self.compared += variants.len();
            let name = variants.find(|variant| variant.value == value).map(|found| found.name);
            return Value::Enum { name, value };
        }
        let names = self.names.entry(id).or_insert_with(|| {
            // In reverse, so that the first of several names stays.
            variants.rev().map(|variant| (variant.value, variant.name)).collect()
        });
        Value::Enum { name: names.get(&value).copied(), value }
    }

    fn section(&mut self, datasec: &Datasec<'a>, bytes: &[u8]) -> Result<Value<'a>, Error> {
        let mut members = Vec::new();
        for entry in datasec.vars {
            if let Ok(Type::Var(var)) = self.btf.ty(entry.ty) {
                let required = index(self.btf.size_of(var.ty)?);
                let value = bytes
                    .get(index(entry.offset)..)
                    .and_then(|rest| rest.get(..required))
                    .ok_or(Error::ValueLength { id: entry.ty, found: bytes.len(), required })?;
                members.push((var.name, self.value(var.ty, value)?));
            }
        }
        Ok(Value::Struct(members))
    }
}

/// `width` bits from bit `start` on, the lowest first. Bits outside `bytes` are 0.
fn bits(bytes: &[u8], start: u32, width: u8) -> u128 {
    let (skip, inside) = (index(start / 8), start % 8);
    let mut value = 0u128;
    for (place, &byte) in (0u32..).zip(bytes.iter().skip(skip).take(17)) {
        let byte = u128::from(byte);
        value |= match (place * 8).checked_sub(inside) {
            None => byte >> inside,
            Some(shift) => byte.checked_shl(shift).unwrap_or(0),
        };
    }
    value & mask(width)
}

fn mask(width: u8) -> u128 {
    1u128.checked_shl(width.into()).map_or(u128::MAX, |bit| bit - 1)
}

/// The number that `width` bits mean in two's complement.
fn signed(raw: u128, width: u8) -> i128 {
    let shift = 128u32.saturating_sub(width.into()).min(127);
    (raw << shift).cast_signed() >> shift
}

fn scalar<'a>(int: &Int<'_>, raw: u128, width: u8) -> Value<'a> {
    match int.encoding {
        IntEncoding::Unsigned => Value::Unsigned(raw),
        IntEncoding::Signed => Value::Signed(signed(raw, width)),
        IntEncoding::Char => Value::Char(raw.to_le_bytes()[0]),
        IntEncoding::Bool => Value::Bool(raw != 0),
    }
}

fn float<'a>(bytes: &[u8]) -> Value<'a> {
    if let Ok(bytes) = bytes.try_into() {
        Value::Float(f32::from_le_bytes(bytes))
    } else if let Ok(bytes) = bytes.try_into() {
        Value::Double(f64::from_le_bytes(bytes))
    } else {
        Value::Bytes(bytes.to_vec())
    }
}
