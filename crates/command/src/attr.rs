//! The bytes of bpf(2): `union bpf_attr` and the info structs, both ways.
//!
//! Each command has a struct here with the UAPI's field names, and the fields that Linux 6.18
//! knows. [`Wire::encode`] makes the bytes of a command for the kernel; [`Wire::decode`] reads those
//! that a program meant for the kernel, by its rules: what a caller leaves out is zero, and what a
//! caller appends that is unknown must be zero. Pointers are plain numbers here: whoever makes the
//! call vouches for them.
//!
//! ```
//! use skep_command::attr::{Wire, map};
//!
//! let create = map::Create { map_type: 2, key_size: 4, value_size: 8, max_entries: 1, ..Default::default() };
//! let bytes = create.encode();
//! assert_eq!(bytes[..4], [2, 0, 0, 0]);
//! assert_eq!(map::Create::decode(&bytes[..16]), Ok(create));
//! ```
mod wire;

pub mod btf;
pub mod map;
pub mod object;
pub mod prog;

#[cfg(test)]
mod tests;

pub use wire::{TooBig, Wire};

/// The number of a command (`enum bpf_cmd`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u32)]
pub enum Cmd {
    /// `BPF_MAP_CREATE`.
    MapCreate = 0,
    /// `BPF_MAP_LOOKUP_ELEM`.
    MapLookupElem = 1,
    /// `BPF_MAP_UPDATE_ELEM`.
    MapUpdateElem = 2,
    /// `BPF_MAP_DELETE_ELEM`.
    MapDeleteElem = 3,
    /// `BPF_MAP_GET_NEXT_KEY`.
    MapGetNextKey = 4,
    /// `BPF_PROG_LOAD`.
    ProgLoad = 5,
    /// `BPF_OBJ_PIN`.
    ObjPin = 6,
    /// `BPF_OBJ_GET`.
    ObjGet = 7,
    /// `BPF_PROG_TEST_RUN`.
    ProgTestRun = 10,
    /// `BPF_OBJ_GET_INFO_BY_FD`.
    ObjGetInfoByFd = 15,
    /// `BPF_BTF_LOAD`.
    BtfLoad = 18,
    /// `BPF_MAP_FREEZE`.
    MapFreeze = 22,
}

impl Cmd {
    /// The number.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The constant's name in the UAPI header.
    pub const fn name(self) -> &'static str {
        match self {
            Cmd::MapCreate => "BPF_MAP_CREATE",
            Cmd::MapLookupElem => "BPF_MAP_LOOKUP_ELEM",
            Cmd::MapUpdateElem => "BPF_MAP_UPDATE_ELEM",
            Cmd::MapDeleteElem => "BPF_MAP_DELETE_ELEM",
            Cmd::MapGetNextKey => "BPF_MAP_GET_NEXT_KEY",
            Cmd::ProgLoad => "BPF_PROG_LOAD",
            Cmd::ObjPin => "BPF_OBJ_PIN",
            Cmd::ObjGet => "BPF_OBJ_GET",
            Cmd::ProgTestRun => "BPF_PROG_TEST_RUN",
            Cmd::ObjGetInfoByFd => "BPF_OBJ_GET_INFO_BY_FD",
            Cmd::BtfLoad => "BPF_BTF_LOAD",
            Cmd::MapFreeze => "BPF_MAP_FREEZE",
        }
    }
}

/// The size of an object's name, its final zero included (`BPF_OBJ_NAME_LEN`).
pub const NAME_BYTES: usize = 16;

/// A name as the UAPI has it: padded with zeros, of which there is at least one.
///
/// `None` where the name is too long or has characters that the kernel refuses.
pub fn name_field(name: &str) -> Option<[u8; NAME_BYTES]> {
    let fine =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
    let mut field = [0; NAME_BYTES];
    if !fine || name.len() >= NAME_BYTES {
        return None;
    }
    field.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    Some(field)
}

/// The name in a UAPI field, up to its first zero.
pub fn name_of(field: &[u8; NAME_BYTES]) -> String {
    let bytes: Vec<u8> = field.iter().copied().take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
