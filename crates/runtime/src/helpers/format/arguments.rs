//! The area into which arguments are copied before anything is printed.
//!
//! Linux stores an argument in 1, 4 or 8 bytes, aligned to 4 unless it is a character, and text
//! with its zero. Strings are read, and addresses printed, at this point. The reader of the area
//! ([`Cursor`]) does not look at what the writer meant: when text that was printed beforehand finds
//! no room in the output, Linux forgets to skip it and takes its bytes for the next argument, which
//! shows in the length that `bpf_snprintf` returns. Keeping the bytes keeps the result.

use std::fmt::Write;

use skep_command::Errno;
use skep_spec::abi::format::{AddressStyle, Conversion};

/// The bytes that all arguments together can take (`MAX_BPRINTF_BIN_ARGS`).
const AREA_LEN: usize = 512;

/// Memory that arguments point to.
pub(crate) trait Source {
    /// The byte at an address, if there is memory that the program may read.
    fn byte(&self, addr: u64) -> Option<u8>;
    /// The byte at an address of user space.
    fn user_byte(&self, addr: u64) -> Option<u8>;
}

/// Arguments as bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Area {
    bytes: Vec<u8>,
}

impl Area {
    /// Adds an argument.
    pub(super) fn push(
        &mut self,
        conversion: Conversion,
        arg: u64,
        memory: &dyn Source,
    ) -> Result<(), Errno> {
        match conversion {
            Conversion::Number { wide: false, .. } => {
                let [b0, b1, b2, b3, ..] = arg.to_le_bytes();
                self.push_word(&u32::from_le_bytes([b0, b1, b2, b3]).to_ne_bytes())
            }
            Conversion::Number { wide: true, .. }
            | Conversion::HashedPointer
            | Conversion::Pointer
            | Conversion::Symbol => self.push_word(&arg.to_ne_bytes()),
            Conversion::Char => {
                let [byte, ..] = arg.to_le_bytes();
                self.push_bytes(&[byte])
            }
            Conversion::Text | Conversion::KernelText => {
                self.push_string(|off| memory.byte(arg.wrapping_add(off)))
            }
            Conversion::UserText => self.push_string(|off| memory.user_byte(arg.wrapping_add(off))),
            Conversion::Backtrace => self.push_printed(&symbol(arg)),
            Conversion::Address(style) => {
                if AREA_LEN - self.bytes.len() < style.len() {
                    return Err(Errno::ENOSPC);
                }
                self.push_printed(&address(style, arg, memory))
            }
        }
    }

    /// Reads from the start.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor { bytes: &self.bytes, at: 0 }
    }

    fn push_word(&mut self, word: &[u8]) -> Result<(), Errno> {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.push_bytes(word)
    }

    fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        if AREA_LEN - self.bytes.len() < bytes.len() {
            return Err(Errno::ENOSPC);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Adds a string, cut to what is left. Where memory ends before the string does, the string is
    /// empty.
    fn push_string(&mut self, byte: impl Fn(u64) -> Option<u8>) -> Result<(), Errno> {
        let start = self.bytes.len();
        if start == AREA_LEN {
            return Err(Errno::ENOSPC);
        }
        for off in 0.. {
            match byte(off) {
                Some(0) => break,
                Some(_) if self.bytes.len() == AREA_LEN - 1 => break,
                Some(byte) => self.bytes.push(byte),
                None => {
                    self.bytes.truncate(start);
                    break;
                }
            }
        }
        self.push_bytes(&[0])
    }

    /// Adds text that was printed here, with its zero. Linux writes past its area when the text
    /// does not fit; that one case is `ENOSPC` here.
    fn push_printed(&mut self, text: &str) -> Result<(), Errno> {
        if AREA_LEN - self.bytes.len() <= text.len() {
            return Err(Errno::ENOSPC);
        }
        self.bytes.extend_from_slice(text.as_bytes());
        self.push_bytes(&[0])
    }
}

/// Takes arguments out again. Past the end there are zeros.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_ne_bytes(self.word())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_ne_bytes(self.word())
    }

    fn word<const N: usize>(&mut self) -> [u8; N] {
        self.at = self.at.next_multiple_of(4);
        std::array::from_fn(|_| self.byte())
    }

    /// The text at this place.
    pub(super) fn text(&mut self) -> &'a [u8] {
        let text = self.peek_text();
        self.at += text.len() + 1;
        text
    }

    fn peek_text(&self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let len = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        rest.get(..len).unwrap_or_default()
    }
}

/// The symbol at an address. No address in this engine has one that a program may know of, and
/// Linux prints the number then.
pub(super) fn symbol(addr: u64) -> String {
    format!("{addr:#x}")
}

/// The Internet address in memory; all zeros where there is no memory.
fn address(style: AddressStyle, addr: u64, memory: &dyn Source) -> String {
    let bytes: Option<Vec<u8>> =
        (0..style.len() as u64).map(|off| memory.byte(addr.wrapping_add(off))).collect();
    let bytes = bytes.unwrap_or_else(|| vec![0; style.len()]);
    let mut text = String::new();
    for (i, byte) in bytes.iter().enumerate() {
        let separator = match style {
            AddressStyle::V4 | AddressStyle::V4Padded if i > 0 => ".",
            AddressStyle::V6 if i > 0 && i % 2 == 0 => ":",
            AddressStyle::V4
            | AddressStyle::V4Padded
            | AddressStyle::V6
            | AddressStyle::V6Plain => "",
        };
        let written = match style {
            AddressStyle::V4 => write!(text, "{separator}{byte}"),
            AddressStyle::V4Padded => write!(text, "{separator}{byte:03}"),
            AddressStyle::V6 | AddressStyle::V6Plain => write!(text, "{separator}{byte:02x}"),
        };
        written.expect("format: writing to a string does not fail");
    }
    text
}
