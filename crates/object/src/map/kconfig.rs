//! Kernel settings: externs of the section `.kconfig` are variables in a map of their own.
//!
//! Whoever loads the object writes the kernel's settings into the map. Until somebody does, all of
//! them are zero, which is what a weak setting is that the kernel does not have; programs refer to
//! the others as externs, so that nobody takes the zero for an answer.

use skep_btf::{Btf, Type, TypeId};
use skep_spec::abi::MapType;

use super::data::{RDONLY_PROG, data_map_name};
use super::{Initial, Map, MapDef, Pinning};
use crate::error::{Place, Problem, Result};
use crate::externs::{Extern, ExternSource};

/// The section of kernel settings, which exists in type information alone.
pub(crate) const KCONFIG_SECTION: &str = ".kconfig";

/// Gives each setting its place, and returns the map; `None` if there are no settings.
pub(crate) fn kconfig_map(
    object_name: &str,
    btf: Option<&Btf>,
    externs: &mut [Extern],
) -> Result<Option<Map>> {
    let settings = externs.iter_mut().filter(|symbol| symbol.source == ExternSource::Kconfig);
    let mut settings: Vec<(Shape, &mut Extern)> =
        settings.map(|symbol| Ok((shape(btf, symbol)?, symbol))).collect::<Result<_>>()?;
    if settings.is_empty() {
        return Ok(None);
    }
    // libbpf's order: no holes but at the end of a run of equal alignment.
    settings.sort_by(|(one, a), (other, b)| {
        let descending = other.align.cmp(&one.align);
        descending.then(one.size.cmp(&other.size)).then_with(|| a.name.cmp(&b.name))
    });
    let mut end = 0u32;
    for (shape, symbol) in settings {
        let place = end.checked_next_multiple_of(shape.align);
        let next = place.and_then(|place| place.checked_add(shape.size));
        let (Some(place), Some(next)) = (place, next) else {
            return Err(refused(symbol, "the settings before it take 4 GiB"));
        };
        symbol.kconfig_off = Some(place);
        end = next;
    }
    Ok(Some(Map {
        name: KCONFIG_SECTION.to_owned(),
        kernel_name: data_map_name(object_name, KCONFIG_SECTION),
        def: MapDef {
            map_type: MapType::Array,
            key_size: 4,
            value_size: end,
            max_entries: 1,
            flags: RDONLY_PROG,
            extra: 0,
            numa_node: None,
            key_type: None,
            value_type: btf.and_then(|btf| btf.find_datasec(KCONFIG_SECTION)).map(|(id, _)| id),
        },
        inner: None,
        pinning: Pinning::None,
        initial: Initial::Zeroes,
        section: KCONFIG_SECTION.to_owned(),
        section_index: usize::MAX,
        offset: 0,
        values: 0..0,
        addresses: Vec::new(),
    }))
}

/// How much memory a setting takes.
struct Shape {
    size: u32,
    align: u32,
}

/// Settings are truth values, characters, integers, `enum libbpf_tristate` and strings.
fn shape(btf: Option<&Btf>, symbol: &Extern) -> Result<Shape> {
    let (Some(btf), Some(id)) = (btf, symbol.type_id) else {
        return Err(refused(symbol, "has no type"));
    };
    let size = btf
        .size_of(id)
        .map_err(|error| Place::section(KCONFIG_SECTION).error(Problem::Btf(error)))?;
    match btf.ty(id) {
        Ok(Type::Var(var)) => match align(btf, var.ty) {
            Some(align) => Ok(Shape { size, align }),
            None => Err(refused(symbol, "is neither a number nor a string")),
        },
        _ => Err(refused(symbol, "is no variable")),
    }
}

fn align(btf: &Btf, id: TypeId) -> Option<u32> {
    match btf.resolve(id).ok()?.1 {
        Type::Int(int) => Some(int.size.clamp(1, 8)),
        Type::Enum(of) | Type::Enum64(of) => Some(of.size.clamp(1, 8)),
        Type::Array(array) => match btf.resolve(array.element).ok()?.1 {
            Type::Int(int) if int.size == 1 => Some(1),
            _ => None,
        },
        _ => None,
    }
}

fn refused(symbol: &Extern, reason: &'static str) -> crate::Error {
    Place::section(KCONFIG_SECTION).error(Problem::RelocationTarget {
        symbol: symbol.name.clone(),
        section: KCONFIG_SECTION.to_owned(),
        reason,
    })
}
