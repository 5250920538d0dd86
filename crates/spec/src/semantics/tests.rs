//! Edge cases by table, and every operation against wide arithmetic on a grid of edge values.

#![expect(clippy::cast_possible_truncation, reason = "lower halves are the subject")]

use super::*;

const MIN64: u64 = 1 << 63;
const MIN32: u64 = 1 << 31;
const M1: u64 = u64::MAX;
const M1_32: u64 = 0xffff_ffff;

/// Values at which something turns over.
const EDGES: [u64; 20] = [
    0,
    1,
    2,
    7,
    31,
    32,
    33,
    63,
    64,
    65,
    0x7f,
    0x80,
    0x7fff_ffff,
    MIN32,
    M1_32,
    1 << 32,
    0x0123_4567_89ab_cdef,
    MIN64 - 1,
    MIN64,
    M1,
];

fn pairs() -> impl Iterator<Item = (u64, u64)> {
    EDGES.iter().flat_map(|&a| EDGES.iter().map(move |&b| (a, b)))
}

#[test]
fn alu_edges() {
    let check = |width, op, dst, src, expected: u64| {
        let found = alu(width, op, dst, src);
        assert_eq!(found, expected, "{width:?} {op:?} {dst:#x} {src:#x}: {found:#x}");
    };
    let both = |op, dst, src, wide, narrow| {
        check(Width::W64, op, dst, src, wide);
        check(Width::W32, op, dst, src, narrow);
    };
    both(AluOp::Add, M1, 1, 0, 0);
    both(AluOp::Add, M1_32, 1, 1 << 32, 0);
    both(AluOp::Sub, 0, 1, M1, M1_32);
    both(AluOp::Mul, M1, M1, 1, 1);
    both(AluOp::Mul, 1 << 32, 1 << 32, 0, 0);
    // Division by zero, also by what is zero in the lower half alone.
    both(AluOp::Div, M1, 0, 0, 0);
    both(AluOp::SDiv, M1, 0, 0, 0);
    both(AluOp::Div, 1 << 33, 1 << 32, 2, 0);
    both(AluOp::SDiv, 1 << 33, 1 << 32, 2, 0);
    both(AluOp::Mod, M1, 0, M1, M1_32);
    both(AluOp::SMod, M1, 0, M1, M1_32);
    both(AluOp::Mod, 0x5_0000_0007, 0, 0x5_0000_0007, 7);
    both(AluOp::SMod, 0x5_0000_0007, 1 << 32, 7, 7);
    // The smallest number by -1.
    both(AluOp::SDiv, MIN64, M1, MIN64, 0);
    both(AluOp::SMod, MIN64, M1, 0, 0);
    check(Width::W32, AluOp::SDiv, MIN32, M1, MIN32);
    check(Width::W32, AluOp::SMod, MIN32, M1, 0);
    check(Width::W32, AluOp::SDiv, M1 << 31, M1_32, MIN32);
    // Truncation, and the sign of the remainder.
    both(AluOp::SDiv, 13u64.wrapping_neg(), 3, 4u64.wrapping_neg(), 0xffff_fffc);
    both(AluOp::SMod, 13u64.wrapping_neg(), 3, M1, M1_32);
    both(AluOp::SMod, 13, 3u64.wrapping_neg(), 1, 1);
    both(AluOp::Div, M1, 2, M1 >> 1, 0x7fff_ffff);
    // Shifts at and past the width.
    both(AluOp::Lsh, 1, 31, MIN32, MIN32);
    both(AluOp::Lsh, 1, 32, 1 << 32, 1);
    both(AluOp::Lsh, 1, 63, MIN64, MIN32);
    both(AluOp::Lsh, 1, 64, 1, 1);
    both(AluOp::Lsh, 1, M1, MIN64, MIN32);
    both(AluOp::Rsh, M1, 32, M1_32, M1_32);
    both(AluOp::Rsh, M1, 65, M1 >> 1, 0x7fff_ffff);
    both(AluOp::Arsh, MIN64, 63, M1, 0);
    both(AluOp::Arsh, MIN32, 31, 1, M1_32);
    both(AluOp::Arsh, MIN32, 32, 0, MIN32);
    both(AluOp::Arsh, MIN32 | MIN64, 64, MIN32 | MIN64, MIN32);
}

/// The definition once more, in numbers that cannot overflow.
#[test]
fn alu_against_wide_arithmetic() {
    let ops = [
        AluOp::Add,
        AluOp::Sub,
        AluOp::Mul,
        AluOp::Div,
        AluOp::SDiv,
        AluOp::Mod,
        AluOp::SMod,
        AluOp::Or,
        AluOp::And,
        AluOp::Xor,
        AluOp::Lsh,
        AluOp::Rsh,
        AluOp::Arsh,
    ];
    for (dst, src) in pairs() {
        for (width, bits) in [(Width::W32, 32u32), (Width::W64, 64)] {
            let modulus = 1i128 << bits;
            let unsigned = |v: u64| i128::from(v).rem_euclid(modulus);
            let signed = |v: u64| match unsigned(v) {
                v if v >= modulus / 2 => v - modulus,
                v => v,
            };
            let (a, b, sa, sb) = (unsigned(dst), unsigned(src), signed(dst), signed(src));
            let count = b.rem_euclid(i128::from(bits)) as u32;
            for op in ops {
                let wide = match op {
                    AluOp::Add => a + b,
                    AluOp::Sub => a - b,
                    AluOp::Mul => (a as u128).wrapping_mul(b as u128) as i128,
                    AluOp::Div => a.checked_div(b).unwrap_or(0),
                    AluOp::SDiv => sa.checked_div(sb).unwrap_or(0),
                    AluOp::Mod => a.checked_rem(b).unwrap_or(a),
                    AluOp::SMod => sa.checked_rem(sb).unwrap_or(a),
                    AluOp::Or => a | b,
                    AluOp::And => a & b,
                    AluOp::Xor => a ^ b,
                    AluOp::Lsh => a << count,
                    AluOp::Rsh => a >> count,
                    AluOp::Arsh => sa >> count,
                };
                let expected = wide.rem_euclid(modulus) as u64;
                let found = alu(width, op, dst, src);
                assert_eq!(found, expected, "{width:?} {op:?} {dst:#x} {src:#x}");
            }
        }
    }
}

#[test]
fn moves() {
    assert_eq!(neg(Width::W64, MIN64), MIN64);
    assert_eq!(neg(Width::W64, 1), M1);
    assert_eq!(neg(Width::W32, MIN32), MIN32);
    assert_eq!(neg(Width::W32, 1 << 32 | 1), M1_32);
    assert_eq!(mov(Width::W64, M1), M1);
    assert_eq!(mov(Width::W32, M1), M1_32);
    for value in EDGES {
        let cases = [
            (SignedFrom::S8, i64::from(value as i8), i32::from(value as i8)),
            (SignedFrom::S16, i64::from(value as i16), i32::from(value as i16)),
            (SignedFrom::S32, i64::from(value as i32), value as i32),
        ];
        for (from, wide, narrow) in cases {
            assert_eq!(mov_sx(Width::W64, from, value), wide as u64);
            assert_eq!(mov_sx(Width::W32, from, value), u64::from(narrow as u32));
        }
    }
}

#[test]
fn immediates_are_sign_extended() {
    let register = |reg: Reg| reg.index() as u64 + 100;
    assert_eq!(Operand::Reg(Reg::R7).value(register), 107);
    assert_eq!(Operand::Imm(-1).value(register), M1);
    assert_eq!(Operand::Imm(i32::MIN).value(register), 0xffff_ffff_8000_0000);
    let minus_one = Operand::Imm(-1).value(register);
    assert_eq!(mov(Width::W32, minus_one), M1_32);
    assert!(!condition(Width::W64, Condition::Eq, M1_32, minus_one));
    assert!(condition(Width::W32, Condition::Eq, M1_32, minus_one));
}

#[test]
fn byte_order() {
    let check = |kind, expected: [u64; 3]| {
        let sizes = [SwapSize::S16, SwapSize::S32, SwapSize::S64];
        assert_eq!(sizes.map(|size| swap(kind, size, 0x0123_4567_89ab_cdef)), expected);
    };
    check(SwapKind::ToLe, [0xcdef, 0x89ab_cdef, 0x0123_4567_89ab_cdef]);
    check(SwapKind::ToBe, [0xefcd, 0xefcd_ab89, 0xefcd_ab89_6745_2301]);
    check(SwapKind::Always, [0xefcd, 0xefcd_ab89, 0xefcd_ab89_6745_2301]);
}

#[test]
fn conditions() {
    let conditions = [
        Condition::Eq,
        Condition::Ne,
        Condition::Gt,
        Condition::Ge,
        Condition::Lt,
        Condition::Le,
        Condition::Set,
        Condition::SGt,
        Condition::SGe,
        Condition::SLt,
        Condition::SLe,
    ];
    for (a, b) in pairs() {
        let (a32, b32) = (a as u32, b as u32);
        for cond in conditions {
            let (wide, narrow) = match cond {
                Condition::Eq => (a == b, a32 == b32),
                Condition::Ne => (a != b, a32 != b32),
                Condition::Gt => (a > b, a32 > b32),
                Condition::Ge => (a >= b, a32 >= b32),
                Condition::Lt => (a < b, a32 < b32),
                Condition::Le => (a <= b, a32 <= b32),
                Condition::Set => (a & b != 0, a32 & b32 != 0),
                Condition::SGt => ((a as i64) > b as i64, (a32 as i32) > b32 as i32),
                Condition::SGe => ((a as i64) >= b as i64, (a32 as i32) >= b32 as i32),
                Condition::SLt => ((a as i64) < b as i64, (a32 as i32) < b32 as i32),
                Condition::SLe => ((a as i64) <= b as i64, (a32 as i32) <= b32 as i32),
            };
            assert_eq!(condition(Width::W64, cond, a, b), wide, "{cond:?} {a:#x} {b:#x}");
            assert_eq!(condition(Width::W32, cond, a, b), narrow, "w {cond:?} {a:#x} {b:#x}");
        }
    }
}

#[test]
fn loads() {
    let memory = u64::from_le_bytes([0x80, 0x91, 0xa2, 0xb3, 0xc4, 0xd5, 0xe6, 0xf7]);
    let check = |size, zeros, signs, network| {
        assert_eq!(load(size, false, memory), zeros);
        assert_eq!(load(size, true, memory), signs);
        assert_eq!(packet(size, memory), network);
    };
    check(Size::B, 0x80, 0xffff_ffff_ffff_ff80, 0x80);
    check(Size::H, 0x9180, 0xffff_ffff_ffff_9180, 0x8091);
    check(Size::W, 0xb3a2_9180, 0xffff_ffff_b3a2_9180, 0x8091_a2b3);
    check(Size::DW, 0xf7e6_d5c4_b3a2_9180, 0xf7e6_d5c4_b3a2_9180, 0x8091_a2b3_c4d5_e6f7);
    assert_eq!(load(Size::B, true, 0x7f), 0x7f);
}

#[test]
fn atomics() {
    // Upper halves that a 32-bit operation must not look at.
    let (old, src, r0) = (0xaaaa_aaaa_ffff_fff0, 0xbbbb_bbbb_0000_0013, 0xcccc_cccc_ffff_fff0);
    let check = |size, op, memory, fetched| {
        assert_eq!(atomic(size, op, old, src, r0), Atomic { memory, fetched }, "{size:?} {op:?}");
    };
    let whole = Some(Fetched::Src(old));
    let half = Some(Fetched::Src(0xffff_fff0));
    for (fetch, whole, half) in [(false, None, None), (true, whole, half)] {
        check(Size::DW, AtomicOp::Add { fetch }, 0x6666_6666_0000_0003, whole);
        check(Size::W, AtomicOp::Add { fetch }, 3, half);
        check(Size::DW, AtomicOp::Or { fetch }, 0xbbbb_bbbb_ffff_fff3, whole);
        check(Size::W, AtomicOp::Or { fetch }, 0xffff_fff3, half);
        check(Size::DW, AtomicOp::And { fetch }, 0xaaaa_aaaa_0000_0010, whole);
        check(Size::W, AtomicOp::And { fetch }, 0x10, half);
        check(Size::DW, AtomicOp::Xor { fetch }, 0x1111_1111_ffff_ffe3, whole);
        check(Size::W, AtomicOp::Xor { fetch }, 0xffff_ffe3, half);
    }
    check(Size::DW, AtomicOp::Xchg, src, whole);
    check(Size::W, AtomicOp::Xchg, 0x13, half);
    // r0 equals memory in the lower half alone.
    check(Size::DW, AtomicOp::CmpXchg, old, Some(Fetched::R0(old)));
    check(Size::W, AtomicOp::CmpXchg, 0x13, Some(Fetched::R0(0xffff_fff0)));
    let equal = Atomic { memory: src, fetched: Some(Fetched::R0(old)) };
    assert_eq!(atomic(Size::DW, AtomicOp::CmpXchg, old, src, old), equal);
}
