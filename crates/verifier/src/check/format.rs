//! Formats of `bpf_snprintf`, as far as they are checked when a program is loaded.
//!
//! What is admitted is a part of what the kernel's `printf` knows (`bpf_bprintf_prepare`).

/// Whether a format, without the zero at its end, is one that asks for no more than `arguments`.
pub(super) fn is_valid(format: &[u8], arguments: u64) -> bool {
    let mut cursor = Cursor { rest: format };
    let mut asked = 0;
    while let Some(byte) = cursor.next() {
        if !is_text(byte) {
            return false;
        }
        if byte != b'%' || cursor.takes(b"%") {
            continue;
        }
        if asked >= arguments || !conversion(&mut cursor) {
            return false;
        }
        asked += 1;
    }
    true
}

/// Reads what follows `%`; `false` if it is not known.
fn conversion(cursor: &mut Cursor<'_>) -> bool {
    while cursor.takes(b"0+- ") {}
    if cursor.takes(b"123456789") {
        while cursor.takes(b"0123456789") {}
    }
    if cursor.takes(b"p") {
        return pointer(cursor);
    }
    if cursor.takes(b"s") {
        return cursor.ends_word();
    }
    if cursor.takes(b"c") {
        return true;
    }
    if cursor.takes(b"l") {
        cursor.takes(b"l");
    }
    cursor.takes(b"iduxX")
}

/// Reads what follows `%p`.
fn pointer(cursor: &mut Cursor<'_>) -> bool {
    if cursor.ends_word() {
        return true;
    }
    if let [b'k' | b'u', b's', ..] = cursor.rest {
        cursor.rest = &cursor.rest[2..];
        return cursor.ends_word();
    }
    if cursor.takes(b"KxsSB") {
        return true;
    }
    cursor.takes(b"iI") && cursor.takes(b"46")
}

/// What remains of a format.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Takes a byte that is one of these.
    fn takes(&mut self, bytes: &[u8]) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if bytes.contains(first) => {
                self.rest = rest;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Whether the end, a space or punctuation follows.
    fn ends_word(&self) -> bool {
        match self.rest.first() {
            None => true,
            Some(next) => is_space(*next) || next.is_ascii_punctuation(),
        }
    }
}

/// Whether a byte may stand in a format.
fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || is_space(byte)
}

/// Spaces as C has them.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[track_caller]
    fn check(format: &str, arguments: u64, expected: bool) {
        assert_eq!(is_valid(format.as_bytes(), arguments), expected, "{format:?}");
    }

    #[test]
    fn formats() {
        check("", 0, true);
        check("%d%%%llx", 2, true);
        check("%d %d", 1, false);
        check("%-08u, %+5i", 2, true);
        check("%5000000000d", 1, true);
        check("%", 1, false);
        check("%h", 1, false);
        check("%lld%lx", 2, true);
        check("%llld", 1, false);
        check("%s.", 1, true);
        check("%sx", 1, false);
        check("%p %pB%pKx%ps", 4, true);
        check("%pks;%pus", 2, true);
        check("%pksa", 1, false);
        check("%pI4%pi6", 2, true);
        check("%pI5", 1, false);
        check("%c%c", 2, true);
        check("\u{1}", 0, false);
        check("\u{e4}", 0, false);
    }
}
