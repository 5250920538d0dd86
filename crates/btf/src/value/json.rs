//! Values as data: what `bpftool -j` prints for the same bytes.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Value;

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Signed(value) | Self::Enum { name: None, value } => integer(*value, serializer),
            Self::Unsigned(value) => match u64::try_from(*value) {
                Ok(value) => serializer.serialize_u64(value),
                Err(_) => serializer.collect_str(&format_args!("{value:#x}")),
            },
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Char(byte) => serializer.serialize_char(char::from(*byte)),
            Self::Enum { name: Some(name), .. } => serializer.serialize_str(name),
            Self::Float(value) => serializer.serialize_f32(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Bytes(bytes) => serializer.collect_seq(bytes),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(elements) => serializer.collect_seq(elements),
            Self::Struct(members) | Self::Union(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
            Self::Ptr(address) => serializer.serialize_u64(*address),
        }
    }
}

/// A number if it has up to 64 bits, else text: few readers of JSON take larger numbers.
fn integer<S: Serializer>(value: i128, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(value) = i64::try_from(value) {
        serializer.serialize_i64(value)
    } else if let Ok(value) = u64::try_from(value) {
        serializer.serialize_u64(value)
    } else {
        serializer.collect_str(&value)
    }
}
