//! The string section: NUL-terminated names at byte offsets.

/// The longest name of a type, member or section, in bytes. The kernel takes 511; the limit is
/// above what other languages make, and keeps small BTF from naming one large text many times.
pub const MAX_NAME: usize = 4096;

/// The string section, which ends with a NUL unless it is empty.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    bytes: Bytes,
    /// Whether every byte is ASCII and no string is long: then any offset inside is that of a
    /// name. So it is with BTF from the kernel and from compilers.
    plain: bool,
}

/// What the section is made of. Text is checked once, and not again for each name.
#[derive(Clone, Debug)]
enum Bytes {
    Text(Box<str>),
    Other(Box<[u8]>),
}

/// Why a string cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotName {
    /// It is longer than [`MAX_NAME`].
    TooLong,
    /// It is not UTF-8.
    NotUtf8,
}

impl Names {
    /// `bytes` must be empty or end with a NUL.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        // A string of more than two blocks would leave a whole block without a NUL.
        let short = bytes.chunks_exact(MAX_NAME / 2).all(|block| block.contains(&0));
        let plain = short && bytes.is_ascii();
        let bytes = match std::str::from_utf8(bytes) {
            Ok(text) => Bytes::Text(text.into()),
            Err(_) => Bytes::Other(bytes.into()),
        };
        Self { bytes, plain }
    }

    /// Bytes of the section.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.as_bytes().len()).expect("btf: header lengths have 32 bits")
    }

    /// The section's bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Text(text) => text.as_bytes(),
            Bytes::Other(bytes) => bytes,
        }
    }

    /// The bytes from `offset` up to the next NUL.
    pub(crate) fn bytes_at(&self, offset: usize) -> Option<&[u8]> {
        let rest = self.as_bytes().get(offset..)?;
        rest.get(..length(rest)?)
    }

    /// The string at `offset`, if it is text.
    pub(crate) fn text_at(&self, offset: usize) -> Option<&str> {
        match &self.bytes {
            Bytes::Text(text) => {
                let rest = text.get(offset..)?;
                rest.get(..length(rest.as_bytes())?)
            }
            Bytes::Other(_) => std::str::from_utf8(self.bytes_at(offset)?).ok(),
        }
    }

    /// Whether the string at `offset`, which must be inside, is empty.
    pub(crate) fn is_empty_at(&self, offset: usize) -> bool {
        self.as_bytes().get(offset) == Some(&0)
    }

    /// Whether the string at `offset`, which must be inside, can be a name.
    pub(crate) fn check_at(&self, offset: usize) -> Result<(), NotName> {
        if self.plain {
            return Ok(());
        }
        let rest = self.as_bytes().get(offset..).unwrap_or_default();
        let end = rest.iter().take(MAX_NAME + 1).position(|&byte| byte == 0);
        let name = rest.get(..end.ok_or(NotName::TooLong)?).unwrap_or_default();
        std::str::from_utf8(name).map(drop).map_err(|_| NotName::NotUtf8)
    }
}

/// The bytes in front of the first NUL. Names are short: looking at them one by one is faster
/// than what is made for long texts.
fn length(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte == 0)
}
