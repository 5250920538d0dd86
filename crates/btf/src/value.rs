//! Values: bytes read by type, for people and for programs.
//!
//! ```
//! use skep_btf::{BtfBuilder, IntEncoding, Member, decode_value};
//!
//! let mut builder = BtfBuilder::new();
//! let u32_ = builder.int("unsigned int", 4, IntEncoding::Unsigned);
//! let stats = builder.structure("stats", 8, &[
//!     Member { name: "packets", ty: u32_, bit_offset: 0, bitfield_size: None },
//!     Member { name: "bytes", ty: u32_, bit_offset: 32, bitfield_size: None },
//! ]);
//! let btf = builder.build()?;
//! let value = decode_value(&btf, stats, &[3, 0, 0, 0, 210, 0, 0, 0])?;
//! assert_eq!(value.to_string(), "{packets: 3, bytes: 210}");
//! assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"packets":3,"bytes":210}"#);
//! # Ok::<(), skep_btf::Error>(())
//! ```

mod decode;
mod json;
mod text;

pub use decode::decode_value;

/// A value, with names borrowed from the [`Btf`](crate::Btf) that it was read by.
///
/// Its `Display` is one line for people; serialized, it is what `bpftool` would print: a struct
/// is an object, an integer a number, an enumerator its name.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A signed integer of up to 128 bits.
    Signed(i128),
    /// An unsigned integer of up to 128 bits.
    Unsigned(u128),
    /// A truth value: any bit set is true.
    Bool(bool),
    /// A character.
    Char(u8),
    /// A value of an enumeration.
    Enum {
        /// The name of the first enumerator with this value, if there is one.
        name: Option<&'a str>,
        /// The value.
        value: i128,
    },
    /// A floating point number of 4 bytes.
    Float(f32),
    /// A floating point number of 8 bytes.
    Double(f64),
    /// An array of unsigned bytes, or what has no better form, as a floating point number of 2, 12
    /// or 16 bytes.
    Bytes(Vec<u8>),
    /// An array of `char` that is printable text up to its first NUL.
    Text(String),
    /// Any other array.
    Array(Vec<Value<'a>>),
    /// A struct, or the variables of a section. The members of an anonymous struct or union stand
    /// in its place.
    Struct(Vec<(&'a str, Value<'a>)>),
    /// A union: each member reads the same bytes.
    Union(Vec<(&'a str, Value<'a>)>),
    /// A pointer.
    Ptr(u64),
}
