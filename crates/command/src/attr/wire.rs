//! Structs with a byte layout.

/// What encodes to, and decodes from, the bytes of a UAPI struct.
pub trait Wire: Sized {
    /// The size of the struct in bytes.
    const BYTES: usize;

    /// The bytes, [`Wire::BYTES`] of them.
    fn encode(&self) -> Vec<u8>;

    /// The struct, where fields that are left out at the end are zero.
    ///
    /// # Errors
    ///
    /// Where bytes behind the struct are not zero: a caller asks for what is unknown here. The
    /// kernel answers `E2BIG`.
    fn decode(bytes: &[u8]) -> Result<Self, TooBig>;
}

/// Bytes behind the end of a struct that are not zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("byte {at} is not zero, the struct has {bytes} bytes")]
pub struct TooBig {
    /// The first byte that is not zero.
    pub at: usize,
    /// The size of the struct.
    pub bytes: usize,
}

/// A field: a number or bytes.
pub(super) trait Field: Sized + Default {
    /// Writes it to its place.
    fn put(&self, to: &mut [u8]);
    /// Reads it from its place.
    fn take(from: &[u8]) -> Self;
}

macro_rules! number_field {
    ($($number:ty),*) => {$(
        impl Field for $number {
            fn put(&self, to: &mut [u8]) {
                to.copy_from_slice(&self.to_ne_bytes());
            }

            fn take(from: &[u8]) -> Self {
                from.try_into().map_or(0, Self::from_ne_bytes)
            }
        }
    )*};
}

number_field!(u32, i32, u64);

impl<const N: usize> Field for [u8; N]
where
    [u8; N]: Default,
{
    fn put(&self, to: &mut [u8]) {
        to.copy_from_slice(self);
    }

    fn take(from: &[u8]) -> Self {
        from.try_into().unwrap_or_default()
    }
}

/// The bytes of `from`, followed by zeros up to `bytes`; an error if more follow that are not zero.
pub(super) fn padded(from: &[u8], bytes: usize) -> Result<Vec<u8>, TooBig> {
    if let Some(at) = from.iter().skip(bytes).position(|byte| *byte != 0) {
        return Err(TooBig { at: bytes + at, bytes });
    }
    let mut padded: Vec<u8> = from.iter().copied().take(bytes).collect();
    padded.resize(bytes, 0);
    Ok(padded)
}

/// Defines a struct with a byte layout: `offset => field: type`, by offset.
macro_rules! wire_struct {
    (
        $(#[$meta:meta])*
        pub struct $name:ident: $bytes:literal {
            $( $(#[$field_meta:meta])* $offset:literal => $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl $crate::attr::Wire for $name {
            const BYTES: usize = $bytes;

            fn encode(&self) -> Vec<u8> {
                let mut bytes = vec![0; $bytes];
                $(
                    let place = &mut bytes[$offset..$offset + size_of::<$type>()];
                    $crate::attr::wire::Field::put(&self.$field, place);
                )*
                bytes
            }

            fn decode(bytes: &[u8]) -> Result<Self, $crate::attr::TooBig> {
                let bytes = $crate::attr::wire::padded(bytes, $bytes)?;
                Ok(Self {
                    $(
                        $field: $crate::attr::wire::Field::take(
                            &bytes[$offset..$offset + size_of::<$type>()],
                        ),
                    )*
                })
            }
        }
    };
}

pub(super) use wire_struct;
