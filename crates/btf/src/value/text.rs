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
            Self::Bytes(bytes) => octets(f, bytes),
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

/// Bytes in pairs of digits; a run of zeroes alone by its length.
fn octets(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    if bytes.len() > 4 && bytes.iter().all(|&byte| byte == 0) {
        return write!(f, "[00; {}]", bytes.len());
    }
    f.write_str("[")?;
    for (place, byte) in bytes.iter().enumerate() {
        let space = if place > 0 { " " } else { "" };
        write!(f, "{space}{byte:02x}")?;
    }
    f.write_str("]")
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
