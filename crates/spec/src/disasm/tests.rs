//! Names. Each form of instruction with its text and bytes is a case under `tests/asm`.

use super::*;
use crate::asm::assemble;

struct Named;

impl Symbols for Named {
    fn imm64(&self, at: InsnIdx, imm: Imm64) -> Option<String> {
        (imm == Imm64::MapFd(3)).then(|| format!("map[packets at {at}]"))
    }

    fn kfunc(&self, btf_id: i32, _module: i16) -> Option<String> {
        (btf_id == 7).then(|| "bpf_cpumask_create".into())
    }

    fn place(&self, at: InsnIdx) -> Option<String> {
        (at == InsnIdx(6)).then(|| "parse".into())
    }
}

const SOURCE: &str = "
    r1 = map[fd:3]
    call kernel-function#7
    call kernel-function#8 module:1
    call pc+1
    exit
    if r0 == 0x7 goto pc-2
    r1 = subprog[-2]
    exit
";

fn check(listing: Listing<'_>, expected: &str) {
    assert_eq!(listing.to_string(), expected.trim_start_matches('\n'));
}

#[test]
fn names_for_numbers() {
    let code = assemble(SOURCE).unwrap();
    check(
        Listing::new(&code).symbols(&Named),
        "
   0: (18) r1 = map[packets at 0]
   2: (85) call bpf_cpumask_create#7
   3: (85) call kernel-function#8 module:1
   4: (85) call parse
   5: (95) exit
parse:
   6: (15) if r0 == 0x7 goto pc-2
   7: (18) r1 = subprog[parse]
   9: (95) exit
",
    );
}

#[test]
fn labels_where_there_is_no_name() {
    let code = assemble(SOURCE).unwrap();
    check(
        Listing::new(&code).symbols(&Named).labels().source(),
        "
    r1 = map[packets at 0]
    call bpf_cpumask_create#7
    call kernel-function#8 module:1
    call parse
l5:
    exit
parse:
    if r0 == 0x7 goto l5
    r1 = subprog[parse]
    exit
",
    );
}

#[test]
fn padding_applies() {
    assert_eq!(format!("[{:<6}]", Insn::Exit), "[exit  ]");
}
