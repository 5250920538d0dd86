//! Headers and sections that are wrong, and those that are only unusual.

use std::sync::Arc;

use skep_btf::{Btf, BtfBuilder, Ext, IntEncoding, dump};

/// `int`, and its id.
fn int() -> Vec<u8> {
    let mut builder = BtfBuilder::new();
    builder.int("int", 4, IntEncoding::Signed);
    builder.to_bytes().unwrap()
}

/// Parses `int` after a change, and compares what is wrong with it.
fn check(change: impl FnOnce(&mut Vec<u8>), expected: &str) {
    let mut bytes = int();
    change(&mut bytes);
    let found = match Btf::parse(&bytes) {
        Ok(btf) => dump::raw(&btf).to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found.trim_end(), expected);
}

fn put(at: usize, word: u32) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| bytes[at..at + 4].copy_from_slice(&word.to_le_bytes())
}

const INT: &str = "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED";

#[test]
fn headers() {
    check(|_| {}, INT);
    check(|bytes| bytes.clear(), "BTF header: 0 bytes found, 24 required");
    check(|bytes| bytes.truncate(23), "BTF header: 23 bytes found, 24 required");
    check(|bytes| bytes[..2].reverse(), "big-endian BTF found, little-endian required");
    check(|bytes| bytes[0] = 0x7f, "BTF header: magic 0xeb7f found, 0xeb9f required");
    check(|bytes| bytes[2] = 2, "BTF header: version 2 found, 1 required");
    check(|bytes| bytes[3] = 1, "BTF header: flags 0x01 found, 0 required");
    check(put(4, 23), "BTF header: 23 bytes found, 24 required");
    check(put(4, u32::MAX), "BTF header: 45 bytes found, 4294967295 required");
}

#[test]
fn longer_headers_are_read_if_they_say_nothing_new() {
    let longer = |tail: [u8; 4]| {
        move |bytes: &mut Vec<u8>| {
            bytes[4] += 4;
            bytes.splice(24..24, tail);
        }
    };
    check(longer([0; 4]), INT);
    check(longer([0, 0, 1, 0]), "BTF header: byte 26 is not zero, and its meaning is not known");
}

#[test]
fn sections() {
    check(put(12, 17), "type section and string section overlap");
    check(put(12, 100), "type section: 100 bytes at 0, beyond the end at 21");
    check(put(8, u32::MAX - 3), "type section: 16 bytes at 4294967292, beyond the end at 21");
    check(put(8, 2), "type section: offset 2 found, a multiple of 4 required");
    check(put(20, 4), "string section: a NUL is required as its last byte");
    check(put(20, 0), "string section: a NUL is required as its first byte");
    check(|bytes| bytes[40] = b'x', "string section: a NUL is required as its first byte");
    check(|bytes| bytes.extend([1, 2, 3]), INT);
}

#[test]
fn records() {
    check(put(12, 15), "type 1: 15 bytes found, 16 required");
    check(put(12, 7), "type 1: 7 bytes found, 12 required");
    check(put(28, 0x1400_0000), "type 1: kind 20 found, 1 to 19 required");
    check(put(28, 0), "type 1: kind 0 found, 1 to 19 required");
    check(put(28, 0x0101_0000), "type 1: reserved bits 0x00010000 of info are set");
    check(put(28, 0x8100_0000), "type 1: kind flag is set on INT");
    check(put(28, 0x0100_0001), "type 1: vlen 1 found on INT, at most 0 allowed");
    check(put(24, 5), "type 1: type: name at 5, beyond the strings' end at 5");
    check(|bytes| bytes[42] = 0xff, "type 1: type: name at 1 is not UTF-8");
    check(put(36, 0x0300_0020), "type 1: integer encoding 0x3 found, one of 0, 1, 2, 4 required");
    check(put(36, 0x0000_0021), "type 1: 33 bits at bit 0 do not fit an integer of 4 bytes");
    check(put(36, 0x0001_0020), "type 1: 32 bits at bit 1 do not fit an integer of 4 bytes");
}

#[test]
fn split_types_continue_their_base() {
    let base = Arc::new(Btf::parse(&int()).unwrap());
    let mut builder = BtfBuilder::split(base.clone());
    let pointer = builder.ptr(base.last_id());
    builder.typedef("handle", pointer);
    let bytes = builder.to_bytes().unwrap();
    let split = Btf::parse_split(base.clone(), &bytes).unwrap();
    assert_eq!(
        dump::raw(&split).to_string(),
        "[2] PTR '(anon)' type_id=1\n[3] TYPEDEF 'handle' type_id=2\n"
    );
    assert_eq!(split.types().count(), 3);
    assert_eq!(split.named("int").chain(split.named("handle")).count(), 2);
    assert_eq!(split.to_bytes(), bytes);
    // Without the base, type 1 is the pointer itself, and its name is not there.
    assert!(Btf::parse(&bytes).is_err());
    let empty = BtfBuilder::split(base.clone()).to_bytes().unwrap();
    assert_eq!(Btf::parse_split(base, &empty).unwrap().last_id().0, 1);
}

#[test]
fn later_parts_of_ext_are_ignored() {
    let btf = Btf::parse(&int()).unwrap();
    let header = |len: u32| {
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        bytes.extend(len.to_le_bytes());
        bytes.resize(24, 0);
        bytes
    };
    let check = |bytes: &[u8], expected: Result<Ext, &str>| {
        assert_eq!(
            Ext::parse(&btf, bytes).map_err(|error| error.to_string()),
            expected.map_err(str::to_owned)
        );
    };
    check(&header(24), Ok(Ext::default()));
    check(&header(23), Err(".BTF.ext header: 23 bytes found, 24 required"));
    let mut longer = header(40);
    longer.resize(60, 0xff);
    longer[24..32].fill(0);
    check(&longer, Ok(Ext::default()));
    longer[28] = 4;
    check(
        &longer,
        Err(
            ".BTF.ext core_relo at byte 0: record size 4294967295 found, a multiple of 4 and at least 16 required",
        ),
    );
}
