//! Longest-prefix-match tries.

use std::sync::Arc;

use skep_command::Errno;
use skep_command::map::MapCreate;
use skep_spec::abi::MapType;

use super::{CPU, CPUS, attributes, keys, value};
use crate::maps::Map;

fn trie(entries: u32) -> Arc<Map> {
    let create = MapCreate { key_size: 8, flags: 1, ..attributes(MapType::LpmTrie, entries) };
    Map::create(1, &create, CPUS).unwrap()
}

/// `192.168.0.0/16` as a key.
fn prefix(text: &str) -> Vec<u8> {
    let (address, len) = text.split_once('/').unwrap_or((text, "32"));
    let address: std::net::Ipv4Addr = address.parse().unwrap();
    [len.parse::<u32>().unwrap().to_ne_bytes(), address.octets()].concat()
}

fn insert(map: &Map, prefixes: &[&str]) {
    for (n, text) in (0..).zip(prefixes) {
        assert_eq!(map.update(CPU, &prefix(text), &value(n), 0), Ok(()), "{text}");
    }
}

/// The longest of `prefixes` that contains an address.
fn longest<'a>(map: &Map, prefixes: &[&'a str], address: &str) -> Option<&'a str> {
    let value = map.command_lookup(&prefix(address), 0).ok()?;
    let number = u64::from_ne_bytes(value.try_into().unwrap());
    Some(prefixes[usize::try_from(number).unwrap()])
}

#[test]
fn the_longest_prefix_wins() {
    let prefixes = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "192.168.0.0/17"];
    let map = trie(10);
    insert(&map, &prefixes);
    for (address, expected) in [
        ("10.1.2.3", Some("10.1.2.3/32")),
        ("10.1.2.4", Some("10.1.2.0/24")),
        ("10.1.3.4", Some("10.1.0.0/16")),
        ("10.2.0.0", Some("10.0.0.0/8")),
        ("11.0.0.0", None),
        ("192.168.127.255", Some("192.168.0.0/17")),
        ("192.168.128.0", None),
        ("10.1.2.0/23", Some("10.1.0.0/16")),
        ("0.0.0.0/0", None),
    ] {
        assert_eq!(longest(&map, &prefixes, address), expected, "{address}");
    }
}

#[test]
fn a_prefix_of_no_bits_contains_all() {
    let prefixes = ["0.0.0.0/0", "128.0.0.0/1"];
    let map = trie(2);
    insert(&map, &prefixes);
    assert_eq!(longest(&map, &prefixes, "1.2.3.4"), Some("0.0.0.0/0"));
    assert_eq!(longest(&map, &prefixes, "200.2.3.4"), Some("128.0.0.0/1"));
    assert_eq!(map.update(CPU, &prefix("1.1.1.1"), &value(0), 0), Err(Errno::ENOSPC));
    assert_eq!(map.losses().full, 1);
    assert_eq!(map.update(CPU, &prefix("0.0.0.0/0"), &value(1), 0), Ok(()));
}

#[test]
fn longer_prefixes_come_first() {
    let map = trie(10);
    let order = ["192.168.0.0/24", "192.168.1.0/24", "192.168.128.0/24", "192.168.0.0/16"];
    insert(&map, &[order[3], order[2], order[0], order[1]]);
    assert_eq!(keys(&map), order.map(prefix));
    assert_eq!(map.next_key(Some(&prefix("1.2.3.4"))), Ok(Some(prefix(order[0]))));
}

#[test]
fn what_joined_others_goes_with_them() {
    let map = trie(3);
    for _ in 0..5000 {
        insert(&map, &["10.0.0.1/32", "10.0.0.2/32", "10.128.0.0/9"]);
        for text in ["10.0.0.1/32", "10.128.0.0/9", "10.0.0.2/32"] {
            assert_eq!(map.delete(CPU, &prefix(text)), Ok(()), "{text}");
        }
        assert_eq!(map.next_key(None), Ok(None));
    }
}

#[test]
fn keys_that_are_too_long() {
    let map = trie(3);
    let key = prefix("1.2.3.4/33");
    assert_eq!(map.update(CPU, &key, &value(0), 0), Err(Errno::EINVAL));
    assert_eq!(map.delete(CPU, &key), Err(Errno::EINVAL));
    assert_eq!(map.lookup(CPU, &key), None);
    assert_eq!(map.update(CPU, &prefix("1.2.3.4"), &value(0), 3), Err(Errno::EINVAL));
    assert_eq!(map.update(CPU, &prefix("1.2.3.4"), &value(0), 2), Err(Errno::ENOENT));
    assert_eq!(map.update(CPU, &prefix("1.2.3.4"), &value(0), 1), Ok(()));
    assert_eq!(map.update(CPU, &prefix("1.2.3.4"), &value(0), 1), Err(Errno::EEXIST));
}
