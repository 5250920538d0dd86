//! Round trips, and the rules for shorter and longer structs.
use super::*;

#[test]
fn what_is_encoded_decodes() {
    let load = prog::Load {
        prog_type: 6,
        insns: 0x1234_5678_9abc_def0,
        prog_name: name_field("count").unwrap(),
        prog_token_fd: -1,
        keyring_id: 7,
        ..Default::default()
    };
    let bytes = load.encode();
    assert_eq!(bytes.len(), prog::Load::BYTES);
    assert_eq!(bytes[48..54], *b"count\0");
    assert_eq!(bytes[8..16], 0x1234_5678_9abc_def0_u64.to_ne_bytes());
    assert_eq!(prog::Load::decode(&bytes), Ok(load));
}

#[test]
fn what_is_left_out_is_zero() {
    let element = map::Element::decode(&[3, 0, 0, 0]).unwrap();
    assert_eq!(element, map::Element { map_fd: 3, ..Default::default() });
    assert_eq!(map::Element::decode(&[]), Ok(map::Element::default()));
}

#[test]
fn what_is_unknown_must_be_zero() {
    let mut bytes = map::Element::default().encode();
    bytes.extend([0, 0, 0]);
    assert_eq!(map::Element::decode(&bytes), Ok(map::Element::default()));
    bytes.push(1);
    assert_eq!(map::Element::decode(&bytes), Err(TooBig { at: 35, bytes: 32 }));
}

#[test]
fn names() {
    let check = |name, expected: Option<&str>| {
        assert_eq!(name_field(name).map(|field| name_of(&field)).as_deref(), expected);
    };
    check("fifteen_letters", Some("fifteen_letters"));
    check("sixteen_letters_", None);
    check(".rodata", Some(".rodata"));
    check("a b", None);
    check("", Some(""));
}
