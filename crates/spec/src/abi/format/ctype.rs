//! Character classes as the kernel's `lib/ctype.c` draws them: ASCII and Latin-1, without regard to
//! the encoding that a program meant.

/// `isspace`: ASCII white space and the no-break space.
#[must_use]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ' | 0xa0)
}

/// `ispunct`: what prints and is neither letter, digit nor space.
pub(super) fn is_punct(byte: u8) -> bool {
    byte.is_ascii_punctuation() || matches!(byte, 0xa1..=0xbf | 0xd7 | 0xf7)
}

/// `isalnum`: letters and digits, those of Latin-1 included.
pub(super) fn is_alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || (byte >= 0xc0 && !is_punct(byte))
}

/// What may stand in a format outside of directives: anything but ASCII control characters.
pub(super) fn is_text(byte: u8) -> bool {
    !byte.is_ascii_control() || is_space(byte)
}
