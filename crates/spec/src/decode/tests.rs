//! Strictness, tried exhaustively: whatever decodes must encode to the bytes it came from.

use super::*;
use crate::encode::encode;

fn check(slots: &[Raw], expected: Result<Insn, &str>) {
    let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_bytes()).collect();
    let found = decode(&bytes).map(|code| *code.get(InsnIdx(0)).expect("one instruction"));
    let found = found.map_err(|error| error.to_string());
    assert_eq!(found, expected.map_err(String::from), "{slots:x?}");
    if found.is_ok() {
        assert_eq!(encode(&decode(&bytes).unwrap()), bytes);
    }
}

fn raw(opcode: u8, dst: u8, src: u8, off: i16, imm: i32) -> Raw {
    Raw { opcode, dst, src, off, imm }
}

const OFFSETS: [i16; 12] = [0, 1, 2, 7, 8, 16, 32, 64, -1, -8, i16::MIN, i16::MAX];
const IMMEDIATES: [i32; 30] = [
    0,
    1,
    2,
    8,
    16,
    17,
    31,
    32,
    33,
    63,
    64,
    65,
    -1,
    -2,
    i32::MIN,
    i32::MAX,
    0x40,
    0x41,
    0x50,
    0x51,
    0xa0,
    0xa1,
    0xe0,
    0xe1,
    0xf0,
    0xf1,
    0x100,
    0x101,
    0x110,
    0x0001_0000,
];
const SECONDS: [Option<Raw>; 8] = [
    None,
    Some(Raw { opcode: 0, dst: 0, src: 0, off: 0, imm: 0 }),
    Some(Raw { opcode: 0, dst: 0, src: 0, off: 0, imm: -1 }),
    Some(Raw { opcode: 0, dst: 0, src: 0, off: 0, imm: 1 }),
    Some(Raw { opcode: 1, dst: 0, src: 0, off: 0, imm: 0 }),
    Some(Raw { opcode: 0, dst: 1, src: 0, off: 0, imm: 0 }),
    Some(Raw { opcode: 0, dst: 0, src: 1, off: 0, imm: 0 }),
    Some(Raw { opcode: 0, dst: 0, src: 0, off: 1, imm: 0 }),
];

#[test]
fn every_slot_fails_or_encodes_to_itself() {
    let (mut tried, mut decoded) = (0u32, 0u32);
    for opcode in 0..=u8::MAX {
        for (dst, src) in
            [0, 1, 10, 11, 15].into_iter().flat_map(|dst| (0..16).map(move |src| (dst, src)))
        {
            for (off, imm) in OFFSETS.iter().flat_map(|off| IMMEDIATES.map(|imm| (*off, imm))) {
                let first = raw(opcode, dst, src, off, imm);
                for second in if opcode == 0x18 { &SECONDS[..] } else { &SECONDS[..1] } {
                    tried += 1;
                    let Ok(insn) = Insn::from_slots(first, *second) else { continue };
                    decoded += 1;
                    assert_eq!(insn.to_slots().0, first, "{insn:?}");
                    assert_eq!(insn.to_slots().1, if insn.slots() == 2 { *second } else { None });
                }
            }
        }
    }
    assert_eq!(tried, (256 + 7) * 5 * 16 * 12 * 30);
    assert!(decoded > 60_000, "{decoded}");
}

/// How many opcodes there are, so that none appears or vanishes unseen.
#[test]
fn opcodes_in_use() {
    let candidates = [0, 16, 0x100];
    let used = (0..=u8::MAX).filter(|&opcode| {
        candidates
            .iter()
            .any(|&imm| Insn::from_slots(raw(opcode, 0, 0, 0, imm), SECONDS[1]).is_ok())
    });
    // Arithmetic: 12 operations, 2 widths, 2 sources; neg ×2; byte order ×3.
    // Jumps: 11 conditions, 2 widths, 2 sources; goto, gotol, call, callx, exit, may_goto.
    // Loads: 4 + 3 signed; stores 4 + 4; atomics 4; 64-bit immediate; packet 3 + 3.
    assert_eq!(used.count(), 12 * 4 + 2 + 3 + 11 * 4 + 6 + 7 + 8 + 4 + 1 + 6);
}

#[test]
fn second_slots() {
    let insn = |imm| Ok(Insn::LoadImm64 { dst: Reg::R1, imm });
    fn check_imm64(src: u8, low: i32, high: i32, expected: Result<Insn, &str>) {
        check(&[raw(0x18, 1, src, 0, low), raw(0, 0, 0, 0, high)], expected);
    }
    check_imm64(0, 0x55_6677, 0x11_2233, insn(Imm64::Value(0x0011_2233_0055_6677)));
    check_imm64(0, -1, 0, insn(Imm64::Value(0xffff_ffff)));
    check_imm64(1, 7, 0, insn(Imm64::MapFd(7)));
    check_imm64(2, 7, 8, insn(Imm64::MapValue { fd: 7, off: 8 }));
    check_imm64(3, 7, 8, insn(Imm64::BtfVar { btf_id: 7, module_fd: 8 }));
    check_imm64(4, -7, 0, insn(Imm64::Func(-7)));
    check_imm64(5, 7, 0, insn(Imm64::MapIdx(7)));
    check_imm64(6, 7, -1, insn(Imm64::MapIdxValue { idx: 7, off: u32::MAX }));
    let error = |src, high| {
        format!(
            "insn 0: unrecognized bpf_ld_imm64 insn: src is {src}, imm of the second slot {high}, \
             required src 0 to 6, and imm 0 with src 1, 4 and 5"
        )
    };
    for (src, high) in [(1, 8), (4, 8), (5, 8), (7, 0), (15, 0)] {
        check_imm64(src, 7, high, Err(&error(src, high)));
    }
}

#[test]
fn errors_say_what_was_found() {
    let check = |slot: Raw, message: &str| check(&[slot], Err(&format!("insn 0: {message}")));
    check(raw(0xff, 0, 0, 0, 0), "unknown opcode ff");
    check(raw(0x0f, 0, 0, 5, 0), "BPF_ALU uses reserved fields: off is 5, required 0");
    check(raw(0x37, 0, 0, 2, 1), "BPF_ALU uses reserved fields: off is 2, required 0 or 1");
    check(raw(0x0f, 0, 1, 0, 9), "BPF_ALU uses reserved fields: imm is 9, required 0");
    check(raw(0x07, 0, 1, 0, 9), "BPF_ALU uses reserved fields: src is 1, required 0");
    check(raw(0xbc, 0, 1, 32, 0), "BPF_MOV uses reserved fields: off is 32, required 0, 8 or 16");
    check(raw(0xd4, 0, 0, 0, 8), "BPF_END uses reserved fields: imm is 8, required 16, 32 or 64");
    check(raw(0x87, 0, 0, 0, 1), "BPF_NEG uses reserved fields: imm is 1, required 0");
    check(raw(0x85, 0, 3, 0, 1), "BPF_CALL uses reserved fields: src is 3, required 0, 1 or 2");
    check(raw(0x85, 0, 0, 1, 1), "BPF_CALL uses reserved fields: off is 1, required 0");
    check(raw(0x8d, 1, 0, 0, 1), "BPF_CALL uses reserved fields: imm is 1, required 0");
    check(raw(0x05, 0, 0, 0, 1), "BPF_JA uses reserved fields: imm is 1, required 0");
    check(raw(0x06, 0, 0, 1, 0), "BPF_JA uses reserved fields: off is 1, required 0");
    check(raw(0xe5, 0, 1, 0, 0), "may_goto uses reserved fields: src is 1, required 0");
    check(raw(0xb7, 11, 0, 0, 0), "R11 is invalid: dst is 11, required 0 to 10");
    check(raw(0xbf, 0, 15, 0, 0), "R15 is invalid: src is 15, required 0 to 10");
    check(raw(0x18, 0, 0, 0, 0), "invalid bpf_ld_imm64 insn: second slot is missing");
    check(
        raw(0xc3, 0, 0, 0, 0x77),
        "BPF_ATOMIC uses invalid atomic opcode 77: no operation has this imm",
    );
    check(raw(0xcb, 0, 0, 0, 0), "invalid atomic operand size: 2 bytes, required 4 or 8");
}

#[test]
fn errors_say_where() {
    let check = |bytes: &[u8], message: &str| {
        assert_eq!(decode(bytes).unwrap_err().to_string(), message);
    };
    let load = [0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    check(&[&load[..], &[0x95, 0, 0]].concat(), "insn 2: incomplete slot: 3 bytes, required 8");
    check(&[&load[..], &[0xff; 8]].concat(), "insn 2: unknown opcode ff");
    check(
        &[&load[..8], &[0x95, 0, 0, 0, 0, 0, 0, 0]].concat(),
        "insn 0: invalid bpf_ld_imm64 insn: second slot has opcode 95, dst 0, src 0, off 0, \
         required 0 in all",
    );
    assert_eq!(decode(&[]), Ok(Code::new()));
}
