//! Little-endian integers at offsets of a byte slice.

/// The `u16` at `at`, if it lies inside.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

/// The `u32` at `at`, if it lies inside.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// The `u32` at `at` of a record whose length was checked when its BTF was parsed.
pub(crate) fn checked_u32(record: &[u8], at: usize) -> u32 {
    u32_at(record, at).expect("btf: parsing checked the length of every record")
}

/// A `u32` offset or length as an index. Every target of this crate has at least 32-bit pointers.
pub(crate) fn index(value: u32) -> usize {
    value as usize
}
