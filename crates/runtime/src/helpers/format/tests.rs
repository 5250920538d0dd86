//! What the cases in `tests/format` cannot ask: answers that differ from one kernel to the next.

use skep_command::Errno;

use super::{Source, print};

/// Memory that begins at this address.
const START: u64 = 0x10_0000;

/// Memory that holds one text.
struct Text(Vec<u8>);

impl Source for Text {
    fn byte(&self, addr: u64) -> Option<u8> {
        self.0.get(usize::try_from(addr.checked_sub(START)?).ok()?).copied()
    }

    fn user_byte(&self, _addr: u64) -> Option<u8> {
        None
    }
}

fn nothing() -> Text {
    Text(Vec::new())
}

#[test]
fn a_format_needs_its_end() {
    assert_eq!(print(b"abc", &[], &nothing(), 64), Err(Errno::EINVAL));
}

#[test]
fn a_string_needs_its_end() {
    let printed = |text: &[u8]| print(b"[%s]\0", &[START], &Text(text.to_vec()), 64).unwrap().text;
    assert_eq!(printed(b"abc\0"), b"[abc]");
    assert_eq!(printed(b"abc"), b"[]");
}

#[test]
fn hashed_pointers_are_stable_and_hidden() {
    let printed = |arg| print(b"%p\0", &[arg], &nothing(), 64).unwrap().text;
    assert_eq!(printed(0x7fff_1234_5678), printed(0x7fff_1234_5678));
    assert_ne!(printed(0x7fff_1234_5678), b"00007fff12345678");
    assert!(printed(0x7fff_1234_5678).starts_with(b"00000000"));
}

#[test]
fn arguments_that_linux_would_write_past_its_area_are_refused() {
    let mut long = vec![b'x'; 510];
    long.push(0);
    let memory = Text(long);
    assert_eq!(print(b"%s%pB\0", &[START, 1], &memory, 64), Err(Errno::ENOSPC));
    assert!(print(b"%s%c\0", &[START, 1], &memory, 64).is_ok());
}
