//! Maps that the source defines as variables in the section `.maps`, by the types of their fields.
//!
//! A number is the length of an array behind a pointer (`__uint(max_entries, 8)` declares
//! `int (*max_entries)[8]`), a type is what a pointer points to (`__type(key, __u32)`).

use std::collections::HashMap;

use skep_btf::{Btf, Member, Type, TypeId};
use skep_spec::abi::MapType;

use super::{Initial, MAX_MAPS, Map, MapDef, Pinning, kernel_name};
use crate::elf::{Elf, Home};
use crate::error::{Place, Problem, Result};

/// The section of map definitions.
pub(crate) const MAPS_SECTION: &str = ".maps";

/// All maps of the section `.maps`, in the order of their offsets.
pub(crate) fn defined_maps(elf: &Elf<'_>, btf: Option<&Btf>) -> Result<Vec<Map>> {
    let Some((index, section)) =
        elf.sections.iter().enumerate().find(|(_, section)| section.name == MAPS_SECTION)
    else {
        return Ok(Vec::new());
    };
    if section.size == 0 {
        return Ok(Vec::new());
    }
    let place = || Place::section(MAPS_SECTION);
    let datasec = btf.and_then(|btf| Some((btf, btf.find_datasec(MAPS_SECTION)?.1)));
    let Some((btf, datasec)) = datasec else {
        return Err(place().error(Problem::Missing {
            what: "type information for the maps",
            remedy: "compile with -g",
        }));
    };
    let found = datasec.vars.len() as u64;
    if found > MAX_MAPS {
        let limit = MAX_MAPS;
        return Err(place().error(Problem::TooMany { what: "maps", found, limit }));
    }
    let symbols: HashMap<&str, (u64, u64)> = elf
        .symbols
        .iter()
        .filter(|symbol| symbol.home == Home::Section(index) && !symbol.name.is_empty())
        .map(|symbol| (symbol.name, (symbol.value, symbol.size)))
        .collect();
    let mut maps = Vec::new();
    for entry in datasec.vars {
        let Ok(Type::Var(var)) = btf.ty(entry.ty) else {
            return Err(place().error(Problem::Field {
                what: "the type of an entry",
                found: entry.ty.0.into(),
                required: "a variable",
            }));
        };
        let Some(&(offset, size)) = symbols.get(var.name) else {
            return Err(Place::map(var.name).error(Problem::Missing {
                what: "symbol of this name in section .maps",
                remedy: "the object is damaged; compile it again",
            }));
        };
        // Where a linker has put a definition for a declaration, the type has less than the symbol.
        let end = offset.checked_add(size.max(entry.size.into()));
        let Some(end) = end.filter(|&end| end <= section.size) else {
            return Err(Place::map(var.name).error(Problem::Truncated {
                what: "the section of map definitions",
                found: section.size,
                required: end.unwrap_or(u64::MAX),
            }));
        };
        let mut parser =
            Parser { btf, name: var.name, inner: None, pinning: Pinning::None, values: None };
        let def = parser.definition(var.ty, Level::Outer)?;
        maps.push(Map {
            name: var.name.to_owned(),
            kernel_name: kernel_name(var.name),
            def,
            inner: parser.inner,
            pinning: parser.pinning,
            initial: Initial::Empty,
            section: MAPS_SECTION.to_owned(),
            section_index: index,
            offset,
            values: match parser.values {
                Some(values) => offset.saturating_add(values.into())..end,
                None => 0..0,
            },
            addresses: Vec::new(),
        });
    }
    maps.sort_by_key(|map| map.offset);
    Ok(maps)
}

/// What a variable of this type defines, or declares: the map, those inside it, and how it is shared.
/// The numbers of types are left out.
pub(crate) fn definition_of(
    btf: &Btf,
    name: &str,
    ty: TypeId,
) -> Result<(MapDef, Option<MapDef>, Pinning)> {
    let mut parser = Parser { btf, name, inner: None, pinning: Pinning::None, values: None };
    let def = parser.definition(ty, Level::Outer)?;
    let untyped = |def| MapDef { key_type: None, value_type: None, ..def };
    Ok((untyped(def), parser.inner.map(untyped), parser.pinning))
}

/// The fields that a definition can have.
const FIELDS: [&str; 11] = [
    "type",
    "key",
    "value",
    "key_size",
    "value_size",
    "max_entries",
    "map_flags",
    "map_extra",
    "numa_node",
    "pinning",
    "values",
];

/// Whether a definition is that of a map, or of the maps inside one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Outer,
    Inner,
}

/// Reads one map's definition.
struct Parser<'a> {
    btf: &'a Btf,
    name: &'a str,
    inner: Option<MapDef>,
    pinning: Pinning,
    /// Byte offset of the field `values`.
    values: Option<u32>,
}

/// What the fields say, before all of them are known.
#[derive(Default)]
struct Fields {
    map_type: Option<MapType>,
    key_size: Option<u32>,
    value_size: Option<u32>,
    max_entries: u32,
    flags: u32,
    extra: u64,
    numa_node: Option<u32>,
    key_type: Option<TypeId>,
    value_type: Option<TypeId>,
}

impl<'a> Parser<'a> {
    /// Reads a struct type as a definition.
    fn definition(&mut self, id: TypeId, level: Level) -> Result<MapDef> {
        let Type::Struct(composite) = self.resolved(id)? else {
            return Err(Place::map(self.name).error(Problem::MapType));
        };
        let mut fields = Fields::default();
        for (number, member) in composite.members.iter().enumerate() {
            let last = number + 1 == composite.members.len();
            self.member(member, last, level, &mut fields)?;
        }
        let Some(map_type) = fields.map_type else {
            return Err(self.field("type", "is not given"));
        };
        Ok(MapDef {
            map_type,
            key_size: fields.key_size.unwrap_or(0),
            value_size: fields.value_size.unwrap_or(0),
            max_entries: fields.max_entries,
            flags: fields.flags,
            extra: fields.extra,
            numa_node: fields.numa_node,
            key_type: fields.key_type,
            value_type: fields.value_type,
        })
    }

    fn member(
        &mut self,
        member: Member<'a>,
        last: bool,
        level: Level,
        fields: &mut Fields,
    ) -> Result<()> {
        match member.name {
            "type" => {
                let number = self.number(member)?;
                let map_type = MapType::from_u32(number).ok_or_else(|| {
                    self.field("type", &format!("is {number}, which is no map type that is known"))
                })?;
                fields.map_type = Some(map_type);
            }
            "max_entries" => fields.max_entries = self.number(member)?,
            "map_flags" => fields.flags = self.number(member)?,
            "numa_node" => fields.numa_node = Some(self.number(member)?),
            "map_extra" => fields.extra = self.long_number(member)?,
            "key_size" => {
                let size = self.number(member)?;
                self.agree("key_size", &mut fields.key_size, size)?;
            }
            "value_size" => {
                let size = self.number(member)?;
                self.agree("value_size", &mut fields.value_size, size)?;
            }
            "key" => {
                let (id, size) = self.pointee(member)?;
                self.agree("key", &mut fields.key_size, size)?;
                fields.key_type = Some(id);
            }
            "value" => {
                let (id, size) = self.pointee(member)?;
                self.agree("value", &mut fields.value_size, size)?;
                fields.value_type = Some(id);
            }
            "values" => self.values(member, last, level, fields)?,
            "pinning" => self.pinned(member, level)?,
            name => {
                let reason = format!("is not known; fields are {}", FIELDS.join(", "));
                return Err(self.field(name, &reason));
            }
        }
        Ok(())
    }

    /// `__array(values, …)`: what a map of maps or a program array holds.
    fn values(
        &mut self,
        member: Member<'a>,
        last: bool,
        level: Level,
        fields: &mut Fields,
    ) -> Result<()> {
        if level == Level::Inner {
            return Err(
                self.field("values", "is in a map inside a map: maps of maps of maps do not exist")
            );
        }
        if !last {
            return Err(self.field("values", "must be the last field"));
        }
        let Type::Array(array) = self.resolved(member.ty)? else {
            return Err(self.field("values", "is no array of pointers; use __array"));
        };
        let (true, Type::Ptr(element)) = (array.nelems == 0, self.resolved(array.element)?) else {
            return Err(self.field("values", "is no array of pointers; use __array"));
        };
        self.agree("value_size", &mut fields.value_size, 4)?;
        match fields.map_type {
            Some(MapType::ProgArray) => match self.resolved(element)? {
                Type::FuncProto(_) => {
                    self.values = member.byte_offset();
                    Ok(())
                }
                other => {
                    let reason = format!("points to {}, not to a function", other.kind_name());
                    Err(self.field("values", &reason))
                }
            },
            Some(MapType::ArrayOfMaps | MapType::HashOfMaps) => {
                self.inner = Some(self.definition(element, Level::Inner)?);
                self.values = member.byte_offset();
                Ok(())
            }
            Some(map_type) => {
                let reason =
                    format!("has no meaning: a map of type {map_type} holds no maps or programs");
                Err(self.field("values", &reason))
            }
            None => Err(self.field("values", "must come after the field `type`")),
        }
    }

    fn pinned(&mut self, member: Member<'a>, level: Level) -> Result<()> {
        if level == Level::Inner {
            return Err(self.field("pinning", "has no meaning: inner maps are not pinned"));
        }
        self.pinning = match self.number(member)? {
            0 => Pinning::None,
            1 => Pinning::ByName,
            scheme => Pinning::Other(scheme),
        };
        Ok(())
    }

    /// `__uint(field, number)`.
    fn number(&self, member: Member<'a>) -> Result<u32> {
        if let Type::Ptr(target) = self.resolved(member.ty)?
            && let Type::Array(array) = self.resolved(target)?
        {
            return Ok(array.nelems);
        }
        Err(self.field(member.name, "is no number; use __uint"))
    }

    /// `__ulong(field, number)`, the value of an anonymous enumeration, or `__uint`.
    fn long_number(&self, member: Member<'a>) -> Result<u64> {
        if let Type::Enum(of) | Type::Enum64(of) = self.resolved(member.ty)?
            && let Some(variant) = of.variants.get(0)
            && of.variants.len() == 1
        {
            // A value that the compiler took for negative keeps its 64 bits.
            let value = u64::try_from(variant.value)
                .or_else(|_| i64::try_from(variant.value).map(i64::cast_unsigned));
            return value.map_err(|_| self.field(member.name, "does not fit 64 bits"));
        }
        self.number(member).map(u64::from)
    }

    /// `__type(field, type)`: the type and its size.
    fn pointee(&self, member: Member<'a>) -> Result<(TypeId, u32)> {
        let Ok(Type::Ptr(target)) = self.btf.ty(member.ty) else {
            return Err(self.field(member.name, "is no type; use __type"));
        };
        match self.btf.size_of(target) {
            Ok(size) => Ok((target, size)),
            Err(error) => Err(self.field(member.name, &format!("has no size: {error}"))),
        }
    }

    /// Notes a size, which may be given twice if it is the same.
    fn agree(&self, field: &'static str, known: &mut Option<u32>, size: u32) -> Result<()> {
        match *known {
            Some(known) if known != size => {
                let reason = format!("gives a size of {size}, but {known} was given before");
                Err(self.field(field, &reason))
            }
            _ => {
                *known = Some(size);
                Ok(())
            }
        }
    }

    /// A type without typedefs and qualifiers.
    fn resolved(&self, id: TypeId) -> Result<Type<'a>> {
        let resolved = self.btf.resolve(id);
        let (_, ty) = resolved.map_err(|error| Place::map(self.name).error(Problem::Btf(error)))?;
        Ok(ty)
    }

    fn field(&self, field: &str, reason: &str) -> crate::Error {
        Place::map(self.name)
            .error(Problem::MapField { field: field.to_owned(), reason: reason.to_owned() })
    }
}
