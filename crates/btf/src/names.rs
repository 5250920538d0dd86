//! The string section: NUL-terminated names at byte offsets.

/// The bytes of the string section, which end with a NUL unless there are none.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    bytes: Box<[u8]>,
    /// Whether every byte is ASCII: then each name is UTF-8, whatever its offset.
    ascii: bool,
}

impl Names {
    /// `bytes` must be empty or end with a NUL.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self { ascii: bytes.is_ascii(), bytes: bytes.into() }
    }

    /// Bytes of the section.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.bytes.len()).expect("btf: header lengths have 32 bits")
    }

    /// The section's bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes from `offset` up to the next NUL.
    pub(crate) fn bytes_at(&self, offset: usize) -> Option<&[u8]> {
        let rest = self.bytes.get(offset..)?;
        let end = rest.iter().position(|&byte| byte == 0)?;
        rest.get(..end)
    }

    /// Whether the name at `offset`, which must be inside, is the empty one.
    pub(crate) fn is_empty_at(&self, offset: usize) -> bool {
        self.bytes.get(offset) == Some(&0)
    }

    /// Whether the name at `offset`, which must be inside, is UTF-8.
    pub(crate) fn is_utf8_at(&self, offset: usize) -> bool {
        self.ascii || self.bytes_at(offset).is_some_and(|name| std::str::from_utf8(name).is_ok())
    }
}
