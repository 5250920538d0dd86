//! Memory is written before it is read.
//!
//! The kernel goes through the filter once, from top to bottom, and keeps which words are written
//! for sure: at the end of a jump, those that are written before each jump that leads there. A
//! return does not count as an end: what stands behind one is looked at as if it came next. That is
//! stricter than needed, and the kernel's verdict (`check_load_and_stores`, `net/core/filter.c`).

use super::CheckErrorKind;
use crate::classic::insn::{Cell, Insn, Value};

/// Sets of words, a bit each.
#[derive(Clone, Copy)]
struct Cells(u16);

impl Cells {
    const ALL: Cells = Cells(u16::MAX);

    fn bit(cell: Cell) -> u16 {
        1 << cell.index()
    }

    fn has(self, cell: Cell) -> bool {
        self.0 & Self::bit(cell) != 0
    }

    fn insert(&mut self, cell: Cell) {
        self.0 |= Self::bit(cell);
    }

    fn retain(&mut self, other: Cells) {
        self.0 &= other.0;
    }
}

/// Checks a filter whose jumps lead to instructions of it.
pub(super) fn check(insns: &[Insn]) -> Result<(), (usize, CheckErrorKind)> {
    // What is written for sure wherever a jump came from; nothing jumped anywhere yet.
    let mut at_targets = vec![Cells::ALL; insns.len()];
    let mut written = Cells(0);
    for (at, insn) in insns.iter().enumerate() {
        if let Some(target) = at_targets.get(at) {
            written.retain(*target);
        }
        let mut jump = |skipped: usize| {
            if let Some(target) = at_targets.get_mut(at.saturating_add(1).saturating_add(skipped)) {
                target.retain(written);
            }
        };
        match *insn {
            Insn::Store { from: _, cell } => written.insert(cell),
            Insn::Load { to: _, value: Value::Mem(cell) } => {
                if !written.has(cell) {
                    return Err((at, CheckErrorKind::Uninitialized { cell }));
                }
            }
            Insn::Goto { k } => {
                jump(k as usize);
                written = Cells::ALL;
            }
            Insn::Branch { cond: _, source: _, jt, jf } => {
                jump(jt.into());
                jump(jf.into());
                written = Cells::ALL;
            }
            Insn::Load { to: _, value: Value::Imm(_) | Value::Len }
            | Insn::LoadPacket { .. }
            | Insn::LoadHeaderLen { .. }
            | Insn::Alu { .. }
            | Insn::Neg
            | Insn::Return(_)
            | Insn::Tax
            | Insn::Txa => {}
        }
    }
    Ok(())
}
