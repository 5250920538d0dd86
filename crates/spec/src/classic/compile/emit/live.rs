//! Which instructions matter: those that end the filter, or decide where it goes, and those whose
//! results something reads that matters.
//!
//! Jumps lead forward only, so that going through the items once, from the last to the first, tells
//! what is read behind each of them.

use std::collections::BTreeMap;

use super::{Item, Label};
use crate::classic::ancillary::Ancillary;
use crate::classic::insn::{AluOp, Cell, Insn, Place, Register, Returned, Source, Value};

/// What is read later: the registers, and words of memory, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Live(u32);

impl Live {
    const A: Live = Live(1 << 16);
    const X: Live = Live(1 << 17);

    fn cell(cell: Cell) -> Live {
        Live(1 << cell.index())
    }

    fn register(register: Register) -> Live {
        match register {
            Register::A => Live::A,
            Register::X => Live::X,
        }
    }

    fn source(source: Source) -> Live {
        match source {
            Source::K(_) => Live(0),
            Source::X => Live::X,
        }
    }

    fn with(self, other: Live) -> Live {
        Live(self.0 | other.0)
    }

    fn without(self, other: Live) -> Live {
        Live(self.0 & !other.0)
    }

    fn has(self, other: Live) -> bool {
        self.0 & other.0 != 0
    }
}

/// What an instruction does: what it reads, what it writes, and whether it can end the filter.
struct Effect {
    reads: Live,
    writes: Live,
    ends: bool,
}

/// Which items are needed.
pub(super) fn needed(items: &[Item], labels: &BTreeMap<Label, usize>) -> Vec<bool> {
    let mut needed = vec![true; items.len()];
    // What is read from each item on.
    let mut live = vec![Live::default(); items.len() + 1];
    for (at, item) in items.iter().enumerate().rev() {
        let at_label = |label: &Label| {
            let target = labels.get(label).expect("compile: jumps lead to labels that are placed");
            live[*target]
        };
        let behind = live[at + 1];
        live[at] = match item {
            Item::Goto(to) => {
                // A jump to the next item that is needed is none.
                let target = labels.get(to).copied().unwrap_or(0);
                let between = needed.get(at + 1..target).unwrap_or_default();
                needed[at] = between.iter().any(|needed| *needed);
                at_label(to)
            }
            Item::Branch { cond: _, source, yes, no } => {
                let both = at_label(yes).with(at_label(no));
                both.with(Live::A).with(Live::source(*source))
            }
            Item::Insn(Insn::Return(returned)) => match returned {
                Returned::A => Live::A,
                Returned::K(_) => Live::default(),
            },
            Item::Insn(insn) => {
                let Effect { reads, writes, ends } = effect(*insn);
                needed[at] = ends || behind.has(writes);
                if needed[at] { behind.without(writes).with(reads) } else { behind }
            }
        };
    }
    needed
}

fn effect(insn: Insn) -> Effect {
    let pure = |reads, writes| Effect { reads, writes, ends: false };
    match insn {
        Insn::LoadPacket { size: _, place } => match place {
            Place::Abs(_) => Effect { ends: true, ..pure(Live(0), Live::A) },
            Place::Ind(_) => Effect { ends: true, ..pure(Live::X, Live::A) },
            Place::Ancillary(Ancillary::IfIndex | Ancillary::HaType) => {
                Effect { ends: true, ..pure(Live::A, Live::A) }
            }
            Place::Ancillary(_) => pure(Live::A.with(Live::X), Live::A),
        },
        Insn::Load { to, value } => {
            let reads = match value {
                Value::Mem(cell) => Live::cell(cell),
                Value::Imm(_) | Value::Len => Live(0),
            };
            pure(reads, Live::register(to))
        }
        Insn::LoadHeaderLen { .. } => Effect { ends: true, ..pure(Live(0), Live::X) },
        Insn::Store { from, cell } => pure(Live::register(from), Live::cell(cell)),
        Insn::Alu { op, source } => Effect {
            ends: matches!(op, AluOp::Div | AluOp::Mod) && source == Source::X,
            ..pure(Live::A.with(Live::source(source)), Live::A)
        },
        Insn::Neg => pure(Live::A, Live::A),
        Insn::Tax => pure(Live::A, Live::X),
        Insn::Txa => pure(Live::X, Live::A),
        // These are items of their own, or the end.
        Insn::Goto { .. } | Insn::Branch { .. } | Insn::Return(_) => {
            Effect { ends: true, ..pure(Live(0), Live(0)) }
        }
    }
}
