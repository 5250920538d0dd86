//! Values for people: one line, much like a C initializer.

use std::fmt;

use super::Value;

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed(value) | Self::Enum { name: None, value } => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Char(byte) => fmt::Debug::fmt(&char::from(*byte), f),
            Self::Enum { name: Some(name), .. } => f.write_str(name),
            Self::Float(value) => value.fmt(f),
            Self::Double(value) => value.fmt(f),
            Self::Bytes(bytes) => list(f, '[', bytes, ']', |f, byte| write!(f, "{byte:#04x}")),
            Self::Text(text) => fmt::Debug::fmt(text, f),
            Self::Array(elements) => {
                list(f, '[', elements, ']', |f, element| fmt::Display::fmt(element, f))
            }
            Self::Struct(members) | Self::Union(members) => {
                list(f, '{', members, '}', |f, (name, value)| write!(f, "{name}: {value}"))
            }
            Self::Ptr(address) => write!(f, "{address:#x}"),
        }
    }
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    open: char,
    items: &[T],
    close: char,
    item: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    write!(f, "{open}")?;
    for (place, each) in items.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        item(f, each)?;
    }
    write!(f, "{close}")
}
