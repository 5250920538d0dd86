//! Round trips, and what the assembler says about what it cannot read.
//!
//! Each form of instruction with its text and bytes is a case under `tests/asm`.

use proptest::prelude::*;

use super::*;
use crate::decode::decode;
use crate::disasm::Listing;
use crate::encode::encode;
use crate::insn::{AluOp, Condition, Operand, Reg, Width};
use crate::strategy;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn text_reads_back(insn in strategy::insn()) {
        let text = insn.to_string();
        prop_assert_eq!(assemble(&text), Ok(Code::from_iter([insn])), "{}", text);
    }

    #[test]
    fn bytes_read_back(insn in strategy::insn()) {
        let code = Code::from_iter([insn]);
        prop_assert_eq!(decode(&encode(&code)), Ok(code));
    }
}

proptest! {
    #[test]
    fn listings_read_back(code in strategy::code()) {
        for listing in [Listing::new(&code), Listing::new(&code).source()] {
            let text = listing.to_string();
            prop_assert_eq!(assemble(&text), Ok(code.clone()), "{}", text);
            let text = listing.labels().to_string();
            prop_assert_eq!(assemble(&text), Ok(code.clone()), "{}", text);
        }
    }
}

fn check(source: &str, expected: &[Insn]) {
    assert_eq!(assemble(source), Ok(expected.iter().copied().collect()), "{source}");
}

fn check_error(source: &str, message: &str) {
    assert_eq!(assemble(source).unwrap_err().to_string(), message, "{source}");
}

const ZERO: Insn = Insn::Mov { width: Width::W64, dst: Reg::R0, src: Operand::Imm(0) };

#[test]
fn lines_of_a_kernel_log() {
    let log = "
      0: .1........ (b7) r0 = 0
      1: 0123456789 (18) r1 = 0x5
   3: (18) r1 = 0xffff888102ea6600       ; R1=map_ptr(ks=4,vs=16)
5: (05) goto pc-2
; return 0; @ drop.c:7
   (b7) r0 = 0
   95: exit
    ";
    let imm64 = |value| Insn::LoadImm64 { dst: Reg::R1, imm: Imm64::Value(value) };
    let goto = Insn::Goto { off: -2 };
    check(log, &[ZERO, imm64(5), imm64(0xffff_8881_02ea_6600), goto, ZERO, Insn::Exit]);
}

#[test]
fn comments_and_labels() {
    check("", &[]);
    check("# a comment\n  # another; exit\n; third\n// fourth\n\n", &[]);
    check("exit;exit\nexit//exit", &[Insn::Exit, Insn::Exit]);
    check("a: b: exit\nc:", &[Insn::Exit]);
    check("goto end\nr0 = 0\nend: exit", &[Insn::Goto { off: 1 }, ZERO, Insn::Exit]);
    check("x: may_goto x\ngotol x", &[Insn::MayGoto { off: -1 }, Insn::GotoLong { imm: -2 }]);
    // A two-slot instruction counts as two, and a label may stand at the end.
    let imm = |imm| Insn::LoadImm64 { dst: Reg::R1, imm };
    check("f: r1 = 1 ll\nr1 = subprog[f]", &[imm(Imm64::Value(1)), imm(Imm64::Func(-3))]);
    check("goto end\nend:", &[Insn::Goto { off: 0 }]);
}

#[test]
fn calls() {
    let check = |source, callee| check(source, &[Insn::Call(callee)]);
    check("call 1", Callee::Helper(1));
    check("call #1", Callee::Helper(1));
    check("call bpf_map_lookup_elem", Callee::Helper(1));
    check("call bpf_map_lookup_elem#1", Callee::Helper(1));
    check("call unknown#5000", Callee::Helper(5000));
    check("call pc+5", Callee::Local(5));
    check("call -5", Callee::Local(-5));
    check("bpf_map_lookup_elem: call bpf_map_lookup_elem", Callee::Local(-1));
    check("call kernel-function#7", Callee::Kfunc { btf_id: 7, module: 0 });
    check("call bpf_cpumask_create#71234", Callee::Kfunc { btf_id: 71234, module: 0 });
    check("call other#7 module:2", Callee::Kfunc { btf_id: 7, module: 2 });
    check("callx r3", Callee::Reg(Reg::R3));
    check_error(
        "call bpf_map_lookup_elem#2",
        "line 1, column 26: found `2`, expected 1, the number of bpf_map_lookup_elem",
    );
    check_error(
        "call bpf_map_lokup_elem#1",
        "line 1, column 6: found `bpf_map_lokup_elem`, expected a helper; \
         did you mean `bpf_map_lookup_elem`?",
    );
    check_error(
        "call bpf_map_lokup_elem",
        "line 1, column 6: found `bpf_map_lokup_elem`, expected a label or a helper; \
         did you mean `bpf_map_lookup_elem`?",
    );
    check_error(
        "call",
        "line 1, column 5: found end of line, expected a helper, a label or `pc+N`",
    );
}

#[test]
fn numbers() {
    let mov = |width, imm| Insn::Mov { width, dst: Reg::R1, src: Operand::Imm(imm) };
    check("r1 = -0x80000000", &[mov(Width::W64, i32::MIN)]);
    check("w1 = 0xffffffff", &[mov(Width::W32, -1)]);
    check_error(
        "r1 = 0xffffffff",
        "line 1, column 6: found 0xffffffff, expected a number from -2147483648 to 2147483647; \
         as a 64-bit immediate it is written `rN = NUMBER ll`",
    );
    check(
        "if r1 == 0xffffffff goto pc+0",
        &[Insn::Branch {
            width: Width::W64,
            cond: Condition::Eq,
            dst: Reg::R1,
            src: Operand::Imm(-1),
            off: 0,
        }],
    );
    let (op, dst) = (AluOp::Add, Reg::R1);
    check("r1 += +7", &[Insn::Alu { width: Width::W64, op, dst, src: Operand::Imm(7) }]);
    let imm = |value| Insn::LoadImm64 { dst: Reg::R1, imm: Imm64::Value(value) };
    check("r1 = -1 ll", &[imm(u64::MAX)]);
    check("r1 = 0xffffffffffffffff ll", &[imm(u64::MAX)]);
    check_error(
        "r1 = 0x10000000000000000 ll",
        "line 1, column 6: found 0x10000000000000000, expected a number from \
         -9223372036854775808 to 18446744073709551615",
    );
    check_error("r1 = 12ab", "line 1, column 6: found `12ab`, expected a number");
    check_error("r1 = 0x", "line 1, column 6: found `0x`, expected a number");
    check_error(
        "goto pc+32768",
        "line 1, column 8: found +32768, expected a number from -32768 to 32767",
    );
}

#[test]
fn errors_say_where_and_what() {
    check_error(
        "exit\n  r11 = 0",
        "line 2, column 3: found `r11`, expected a register, r0 to r10 or w0 to w10",
    );
    check_error(
        "gotto pc+1",
        "line 1, column 1: found `gotto`, expected an instruction; did you mean `goto`?",
    );
    check_error("r1 = w2", "line 1, column 6: found `w2`, expected a register, r0 to r10");
    check_error("w1 += r2", "line 1, column 7: found `r2`, expected a register, w0 to w10");
    check_error("r1 = -r2", "line 1, column 7: found `r2`, expected `r1`, the same register");
    check_error("r1 = be16 r2", "line 1, column 11: found `r2`, expected `r1`, the same register");
    check_error(
        "r1 = be61 r1",
        "line 1, column 6: found `be61`, expected a value; did you mean `be16`?",
    );
    check_error(
        "w1 = *(u8 *)(r2 +0)",
        "line 1, column 6: found `*`, expected a number or a register, \
         as the destination has 32 bits",
    );
    check_error(
        "r1 = *(s64 *)(r2 +0)",
        "line 1, column 8: found `s64`, expected a type, u8 to u64 or s8 to s32; \
         did you mean `u64`?",
    );
    check_error(
        "r1 = *(u8 *)skb[3]",
        "line 1, column 13: found `skb`, expected `(`, as packet loads go to r0",
    );
    check_error(
        "r1 = atomic64_fetch_add((u32 *)(r2 +0), r1)",
        "line 1, column 26: found `u32`, expected `u64`, as the name says",
    );
    check_error(
        "r1 = atomic_cmpxchg((u32 *)(r2 +0), r0, r1)",
        "line 1, column 1: found `r1`, expected `r0`, which cmpxchg uses",
    );
    check_error(
        "if r1 = 5 goto x",
        "line 1, column 7: found `=`, expected a comparison such as `==`, `s<` or `&`",
    );
    check_error("exit exit", "line 1, column 6: found `exit`, expected the end of the line");
    check_error("é", "line 1, column 1: found `é`, expected an instruction");
    check_error("a:\na:", "line 2, column 1: label `a` is already on line 1");
    check_error(
        "r1: exit",
        "line 1, column 1: found `r1`, expected a label, which cannot be a register",
    );
    check_error(
        "lop: goto loop",
        "line 1, column 11: found `loop`, expected a label; did you mean `lop`?",
    );
}

#[test]
fn labels_out_of_reach() {
    let source = format!("goto far\n{}far: exit", "r0 = 0\n".repeat(32768));
    check_error(
        &source,
        "line 1, column 6: label `far` is 32768 slots away, which the instruction cannot hold",
    );
    assert!(assemble(&source.replacen("goto", "gotol", 1)).is_ok());
}
