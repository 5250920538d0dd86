//! Cases of `tests/format`, whose expectations were given by a kernel.

use std::path::Path;

use skep_command::Errno;

use super::{Source, print};

/// Arguments that are text live at these made-up addresses.
const FIRST_TEXT: u64 = 0x10_0000;
const TEXT_STRIDE: u64 = 0x1_0000;

#[derive(Default)]
struct Texts(Vec<Vec<u8>>);

impl Texts {
    fn add(&mut self, bytes: Vec<u8>) -> u64 {
        self.0.push(bytes);
        FIRST_TEXT + TEXT_STRIDE * (self.0.len() as u64 - 1)
    }
}

impl Source for Texts {
    fn byte(&self, addr: u64) -> Option<u8> {
        let off = addr.checked_sub(FIRST_TEXT)?;
        let text = self.0.get(usize::try_from(off / TEXT_STRIDE).ok()?)?;
        text.get(usize::try_from(off % TEXT_STRIDE).ok()?).copied()
    }

    fn user_byte(&self, _addr: u64) -> Option<u8> {
        None
    }
}

/// A case: the capacity, the format, its arguments, what comes out.
struct Case {
    capacity: usize,
    format: Vec<u8>,
    args: Vec<u64>,
    memory: Texts,
    expected: Result<(Vec<u8>, u64), Errno>,
}

/// `64 "%d|%s" -1 "text" = 7 "-1|text"` or `… = EINVAL`.
fn parse(line: &str) -> Case {
    let mut words = words(line).into_iter();
    let capacity = words.next().and_then(|word| word.parse().ok()).expect("capacity");
    let mut format = text(&words.next().expect("format")).expect("a quoted format");
    format.push(0);
    let mut memory = Texts::default();
    let mut args = Vec::new();
    for word in words.by_ref().take_while(|word| word != "=") {
        args.push(match text(&word) {
            Some(mut bytes) => {
                bytes.push(0);
                memory.add(bytes)
            }
            None => number(&word),
        });
    }
    let result = words.next().expect("a result");
    let expected = match result.as_str() {
        "EINVAL" => Err(Errno::EINVAL),
        "ENOSPC" => Err(Errno::ENOSPC),
        len => Ok((text(&words.next().expect("text")).expect("quoted"), len.parse().expect("len"))),
    };
    Case { capacity, format, args, memory, expected }
}

fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == ' ' && !quoted {
            words.push(String::new());
            continue;
        }
        let word = words.last_mut().unwrap();
        word.push(c);
        match c {
            '"' => quoted = !quoted,
            '\\' => word.extend(chars.next()),
            _ => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn number(word: &str) -> u64 {
    match word.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).expect("a number"),
        None => word.parse::<i64>().expect("a number").cast_unsigned(),
    }
}

/// `"abc\n\x01"`, or `"x"*200` for repetition.
fn text(word: &str) -> Option<Vec<u8>> {
    let (quoted, times) = word.rsplit_once('*').unwrap_or((word, "1"));
    let (quoted, times) = match times.parse::<usize>() {
        Ok(times) => (quoted, times),
        Err(_) => (word, 1),
    };
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => bytes.push(b'\n'),
                Some('t') => bytes.push(b'\t'),
                Some('x') => {
                    let hex: String = chars.by_ref().take(2).collect();
                    bytes.push(u8::from_str_radix(&hex, 16).expect("\\xHH"));
                }
                Some(c) => bytes.push(u8::try_from(c).expect("an ASCII escape")),
                None => panic!("text ends in a backslash"),
            },
            c => bytes.push(u8::try_from(c).expect("ASCII; the rest is written \\xHH")),
        }
    }
    Some(bytes.repeat(times))
}

fn check(line: &str) {
    let case = parse(line);
    let found = print(&case.format, &case.args, &case.memory, case.capacity);
    let found = found.map(|printed| (printed.text, printed.len));
    let show = |result: &Result<(Vec<u8>, u64), Errno>| match result {
        Ok((text, len)) => format!("{len} \"{}\"", text.escape_ascii()),
        Err(errno) => format!("{errno:?}"),
    };
    assert_eq!(show(&found), show(&case.expected), "{line}");
}

#[test]
fn formats_agree_with_the_kernel() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/format");
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let cases = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            check(line);
            count += 1;
        }
    }
    assert!(count > 100, "only {count} cases");
}

#[test]
fn a_format_needs_its_end() {
    assert_eq!(print(b"abc", &[], &Texts::default(), 64), Err(Errno::EINVAL));
}

#[test]
fn hashed_pointers_are_stable_and_hidden() {
    let printed = |arg| print(b"%p\0", &[arg], &Texts::default(), 64).unwrap().text;
    assert_eq!(printed(0x7fff_1234_5678), printed(0x7fff_1234_5678));
    assert_ne!(printed(0x7fff_1234_5678), b"00007fff12345678");
    assert!(printed(0x7fff_1234_5678).starts_with(b"00000000"));
}

#[test]
fn arguments_that_linux_would_write_past_its_area_are_refused() {
    let mut memory = Texts::default();
    let long = memory.add([b'x'; 510].iter().copied().chain([0]).collect());
    assert_eq!(print(b"%s%pB\0", &[long, 1], &memory, 64), Err(Errno::ENOSPC));
    assert!(print(b"%s%c\0", &[long, 1], &memory, 64).is_ok());
}
