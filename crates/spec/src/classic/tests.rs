//! Encoding: every code that means something goes there and back.

use super::{Raw, decode};

#[test]
fn every_code_there_and_back() {
    let mut known = 0;
    for code in 0..=u16::MAX {
        for k in [0, 3, 15, 16, 0xffff_f000, 0xffff_f001, u32::MAX] {
            let raw = Raw { code, jt: 7, jf: 9, k };
            let Ok(insn) = decode(raw) else { continue };
            known += usize::from(k == 0);
            let used = insn.to_raw();
            assert_eq!(decode(used), Ok(insn), "{raw:?}");
            assert_eq!(raw.used(), used);
            assert_eq!(used.used(), used);
            assert_eq!(Raw::from_bytes(used.to_bytes()), used);
        }
    }
    // What `chk_code_allowed` in the kernel's net/core/filter.c lists.
    assert_eq!(known, 49);
}
