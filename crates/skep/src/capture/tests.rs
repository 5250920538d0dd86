use super::*;

/// What a capture's bytes read as: a line a frame, then the error if there is one.
fn read(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return format!("error: {error}\n"),
    };
    while let Some(frame) = reader.next_frame() {
        match frame {
            Ok(frame) => {
                text += &format!(
                    "{} link {} wire {} {:02x?}\n",
                    frame.timestamp_ns, frame.link.0, frame.wire_len, frame.data
                );
            }
            Err(error) => text += &format!("error: {error}\n"),
        }
    }
    text
}

#[track_caller]
fn check(bytes: &[u8], expected: &str) {
    assert_eq!(read(bytes), expected);
}

fn pcap(magic: u32, snaplen: u32, frames: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [magic, 0x0004_0002, 0, 0, snaplen, 1] {
        bytes.extend(u32::to_le_bytes(word));
    }
    for (seconds, fraction, wire_len, data) in frames {
        let len = u32::try_from(data.len()).unwrap();
        for word in [*seconds, *fraction, len, *wire_len] {
            bytes.extend(u32::to_le_bytes(word));
        }
        bytes.extend_from_slice(data);
    }
    bytes
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = u32::try_from(body.len() + 12).unwrap();
    [&kind.to_le_bytes()[..], &len.to_le_bytes(), &body, &len.to_le_bytes()].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A pcapng file with one interface whose `if_tsresol` is given, and one enhanced packet.
fn pcapng(resolution: u8, interface: u32, ticks: u64) -> Vec<u8> {
    let header = block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, !0, !0]));
    let mut description = words(&[1, 0]);
    description.extend([9, 0, 1, 0, resolution, 0, 0, 0, 0, 0, 0, 0]);
    let high = u32::try_from(ticks >> 32).unwrap();
    let low = u32::try_from(ticks & 0xffff_ffff).unwrap();
    let mut packet = words(&[interface, high, low, 3, 60]);
    packet.extend([1, 2, 3]);
    [header, block(1, &description), block(6, &packet)].concat()
}

#[test]
fn pcap_has_micro_and_nanoseconds() {
    check(
        &pcap(0xa1b2_c3d4, 65535, &[(1, 2, 3, &[1, 2, 3]), (4, 5, 0, &[])]),
        "1000002000 link 1 wire 3 [01, 02, 03]\n4000005000 link 1 wire 0 []\n",
    );
    check(
        &pcap(0xa1b2_3c4d, 65535, &[(1, 2, 3, &[1, 2, 3])]),
        "1000000002 link 1 wire 3 [01, 02, 03]\n",
    );
}

#[test]
fn frames_may_be_cut_by_the_snapshot_length() {
    check(&pcap(0xa1b2_c3d4, 2, &[(0, 0, 1500, &[1, 2])]), "0 link 1 wire 1500 [01, 02]\n");
}

#[test]
fn pcapng_ticks_are_powers_of_ten_or_two() {
    check(&pcapng(6, 0, 1_000_002), "1000002000 link 1 wire 60 [01, 02, 03]\n");
    check(&pcapng(9, 0, 1_000_002), "1000002 link 1 wire 60 [01, 02, 03]\n");
    check(&pcapng(0x81, 0, 3), "1500000000 link 1 wire 60 [01, 02, 03]\n");
}

#[test]
fn damage_is_placed() {
    check(
        b"",
        "error: not a packet capture: begins with [], required is the magic number of pcap or pcapng\n",
    );
    check(
        b"\x7fELF....",
        "error: not a packet capture: begins with [7f, 45, 4c, 46], required is the magic number \
         of pcap or pcapng\n",
    );
    let whole = pcap(0xa1b2_c3d4, 65535, &[(0, 0, 1, &[1]), (0, 0, 3, &[1, 2, 3])]);
    check(&whole[..20], "error: the capture is cut off within its header\n");
    check(
        &whole[..whole.len() - 1],
        "0 link 1 wire 1 [01]\nerror: the capture is cut off within frame 2\n",
    );
    check(
        &pcapng(6, 7, 0),
        "error: damaged capture: frame 1: it names interface 7, the section describes 1\n",
    );
}

#[test]
fn what_is_written_reads_back() {
    let frame = Frame {
        timestamp_ns: 1_700_000_000_123_456_789,
        link: LinkType::ETHERNET,
        data: &[1, 2, 3],
        wire_len: 3,
    };
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, LinkType::ETHERNET).unwrap();
    writer.write(&frame).unwrap();
    writer.finish().unwrap();
    check(&bytes, "1700000000123456789 link 1 wire 3 [01, 02, 03]\n");
}

/// Any change of a few bytes reads to an end, without a panic.
#[test]
fn damage_never_panics() {
    let whole = [
        pcap(0xa1b2_c3d4, 65535, &[(1, 2, 3, &[1, 2, 3]), (0, 0, 1500, &[7; 100])]),
        pcapng(6, 0, 99),
    ];
    let mut seed = 1u64;
    let mut random = |limit: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % limit
    };
    for original in &whole {
        for cut in 0..original.len() {
            read(&original[..cut]);
        }
        for _ in 0..300 {
            let mut bytes = original.clone();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                bytes[at] = u8::try_from(random(256)).unwrap();
            }
            read(&bytes);
        }
    }
}
