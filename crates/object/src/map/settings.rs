//! The values of kernel settings, from the text of a kernel's configuration to the bytes of the
//! map of settings.
//!
//! The text is that of a `.config` file: `y`, `n` and `m`, numbers, strings in double quotes. What
//! each may become is up to the type of the variable, by libbpf's rules.

use std::collections::HashMap;

use skep_btf::{Btf, Enum, Int, IntEncoding, Type};

use super::MapIdx;
use super::kconfig::KCONFIG_SECTION;
use crate::error::{Place, Problem, Result};
use crate::externs::Extern;
use crate::object::Object;

/// The name of the enumeration of `n`, `y` and `m`.
const TRISTATE: &str = "libbpf_tristate";

/// The kernel settings that an object asks for, as far as they are known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    map: MapIdx,
    bytes: Vec<u8>,
    /// Where the settings are that have a value, by symbol.
    known: HashMap<u32, u32>,
}

impl Settings {
    /// The map that holds them.
    pub fn map(&self) -> MapIdx {
        self.map
    }

    /// The map's one value.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where in the map's value a setting is; `None` if it has no value, or is no setting.
    pub fn place(&self, symbol: &Extern) -> Option<u32> {
        self.known.get(&symbol.symbol).copied()
    }
}

impl Object {
    /// Asks for the value of each setting that the object uses; `None` if it uses none.
    ///
    /// # Errors
    ///
    /// [`Problem::Setting`] if a value does not fit the variable's type.
    pub fn settings(
        &self,
        mut value: impl FnMut(&str) -> Option<String>,
    ) -> Result<Option<Settings>> {
        let (Some(map), Some(btf)) = (self.kconfig_map(), self.btf()) else { return Ok(None) };
        let size = self.map(map).map_or(0, |map| map.def.value_size);
        let size = usize::try_from(size).unwrap_or(0);
        let mut settings = Settings { map, bytes: vec![0; size], known: HashMap::new() };
        for symbol in self.externs() {
            let Some(place) = symbol.kconfig_off else { continue };
            let Some(text) = value(&symbol.name) else { continue };
            let start = usize::try_from(place).unwrap_or(size);
            let bytes = settings.bytes.get_mut(start..).unwrap_or_default();
            write(btf, symbol, text.trim(), bytes).map_err(|reason| {
                let (name, value) = (symbol.name.clone(), text.clone());
                let place = Place::section(KCONFIG_SECTION);
                place.error(Problem::Setting { name, value, reason })
            })?;
            settings.known.insert(symbol.symbol, place);
        }
        Ok(Some(settings))
    }
}

/// Why a value cannot be had.
type Reason = &'static str;

/// Writes one value at the beginning of `bytes`.
fn write(
    btf: &Btf,
    symbol: &Extern,
    text: &str,
    bytes: &mut [u8],
) -> std::result::Result<(), Reason> {
    let var = symbol.type_id.and_then(|id| btf.ty(id).ok());
    let Some(Type::Var(var)) = var else { return Err("is of no known type") };
    let Ok((_, ty)) = btf.resolve(var.ty) else { return Err("is of no known type") };
    match ty {
        Type::Int(int) => put(bytes, int.size, number(&int, text)?),
        Type::Enum(of) | Type::Enum64(of) => put(bytes, of.size, tristate(&of, text)?),
        Type::Array(array) => string(text, array.nelems, bytes),
        _ => Err("is neither a number nor a string"),
    }
}

/// Writes the low bytes of a number.
fn put(bytes: &mut [u8], size: u32, value: u64) -> std::result::Result<(), Reason> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let target = bytes.get_mut(..size).ok_or("is outside of its map")?;
    let value = value.to_le_bytes();
    let source = value.get(..size).ok_or("has more than 8 bytes")?;
    target.copy_from_slice(source);
    Ok(())
}

/// The value of an integer variable. One of the type `char` keeps the letter, one of `bool` its
/// meaning.
fn number(int: &Int<'_>, text: &str) -> std::result::Result<u64, Reason> {
    let is_char = int.size == 1 && int.encoding != IntEncoding::Bool;
    match (text, int.encoding) {
        ("y" | "n" | "m", _) if is_char => Ok(text.bytes().map(u64::from).sum()),
        ("y", IntEncoding::Bool) => Ok(1),
        ("n", IntEncoding::Bool) => Ok(0),
        (_, IntEncoding::Bool) => Err("is a bool, which takes `y` and `n`"),
        ("y" | "n" | "m", _) => Err("is a number; declare it bool or enum libbpf_tristate"),
        (_, IntEncoding::Unsigned | IntEncoding::Signed | IntEncoding::Char) => {
            let value = parse(text).ok_or("is a number")?;
            fits(int, value).then_some(value.1).ok_or("is of a type that is too small")
        }
    }
}

/// A number as C writes it, and whether it is negative: decimal, `0x…`, or octal.
fn parse(text: &str) -> Option<(bool, u64)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let magnitude = match hex {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None if digits.len() > 1 && digits.starts_with('0') => {
            u64::from_str_radix(digits, 8).ok()?
        }
        None => digits.parse().ok()?,
    };
    match negative {
        true if magnitude > 1 << 63 => None,
        true => Some((true, magnitude.wrapping_neg())),
        false => Some((false, magnitude)),
    }
}

/// Whether a number is one of a type's.
fn fits(int: &Int<'_>, (negative, value): (bool, u64)) -> bool {
    let bits = int.size.saturating_mul(8).min(64);
    let signed = int.encoding == IntEncoding::Signed;
    match (negative, signed) {
        (true, false) => value == 0,
        (true, true) => bits == 64 || value.cast_signed() >= -(1i64 << (bits - 1)),
        (false, true) => value < 1u64 << (bits - 1),
        (false, false) => bits == 64 || value >> bits == 0,
    }
}

/// `enum libbpf_tristate`, as `linux/kconfig.h` numbers it.
fn tristate(of: &Enum<'_>, text: &str) -> std::result::Result<u64, Reason> {
    match text {
        _ if of.name != TRISTATE => Err("is an enumeration other than enum libbpf_tristate"),
        "n" => Ok(0),
        "y" => Ok(1),
        "m" => Ok(2),
        _ => Err("is an enum libbpf_tristate, which takes `y`, `n` and `m`"),
    }
}

/// A string, cut so that a zero ends it.
fn string(text: &str, size: u32, bytes: &mut [u8]) -> std::result::Result<(), Reason> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let inner = inner.ok_or("is a string, which stands in double quotes")?;
    let room = usize::try_from(size).unwrap_or(0).saturating_sub(1);
    for (target, byte) in bytes.iter_mut().zip(inner.bytes().take(room)) {
        *target = byte;
    }
    Ok(())
}
