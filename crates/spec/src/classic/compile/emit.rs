//! Classic instructions with jumps to places, until the places are known.
//!
//! A conditional jump skips 255 instructions at most. One that leads further becomes a jump around
//! an unconditional one, which moves everything behind it: places are computed again until nothing
//! grows any more. Before that, instructions are left out whose results nothing reads.

mod live;

use std::collections::BTreeMap;

use super::state::Home;
use super::{CompileErrorKind, Result};
use crate::classic::ancillary::Ancillary;
use crate::classic::insn::{AluOp, Cell, Condition, Insn, Place, Register, Size, Source, Value};
use crate::code::InsnIdx;

/// A place that jumps lead to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Label {
    /// Where the code of an eBPF instruction begins.
    Insn(InsnIdx),
    /// A place within the code of one.
    Within(usize),
}

/// An instruction whose jumps lead to labels.
#[derive(Clone, Copy, Debug)]
enum Item {
    Insn(Insn),
    Goto(Label),
    Branch { cond: Condition, source: Source, yes: Label, no: Label },
}

/// A filter in the making.
pub(super) struct Emitter {
    items: Vec<Item>,
    labels: BTreeMap<Label, usize>,
    cells: BTreeMap<Home, Cell>,
    within: usize,
    /// What `A` and `X` hold copies of.
    a: Option<Home>,
    x: Option<Home>,
}

impl Emitter {
    pub(super) fn new() -> Emitter {
        let (items, labels, cells) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Emitter { items, labels, cells, within: 0, a: None, x: None }
    }

    /// The word that stands for something.
    fn cell(&mut self, home: Home) -> Result<Cell> {
        if let Some(cell) = self.cells.get(&home) {
            return Ok(*cell);
        }
        let next = u32::try_from(self.cells.len()).ok().and_then(Cell::new);
        let cell = next.ok_or(CompileErrorKind::TooManyValues)?;
        self.cells.insert(home, cell);
        Ok(cell)
    }

    /// Says that an eBPF instruction begins here, which jumps lead to.
    pub(super) fn bind(&mut self, at: InsnIdx) {
        self.place(Label::Insn(at));
    }

    /// A label for a place within an instruction.
    pub(super) fn label(&mut self) -> Label {
        self.within += 1;
        Label::Within(self.within)
    }

    /// Says that a label is here, which is reached from the jump right before it alone.
    pub(super) fn place_next(&mut self, label: Label) {
        self.labels.insert(label, self.items.len());
    }

    /// Says that a label is here.
    pub(super) fn place(&mut self, label: Label) {
        self.labels.insert(label, self.items.len());
        (self.a, self.x) = (None, None);
    }

    pub(super) fn emit(&mut self, insn: Insn) {
        match insn {
            Insn::LoadPacket { .. }
            | Insn::Load { to: Register::A, value: _ }
            | Insn::Alu { .. }
            | Insn::Neg => self.a = None,
            Insn::Load { to: Register::X, value: _ } | Insn::LoadHeaderLen { .. } => self.x = None,
            Insn::Tax => self.x = self.a,
            Insn::Txa => self.a = self.x,
            Insn::Store { .. } | Insn::Goto { .. } | Insn::Branch { .. } | Insn::Return(_) => {}
        }
        self.items.push(Item::Insn(insn));
    }

    /// `A op= source`.
    pub(super) fn alu(&mut self, op: AluOp, source: Source) {
        self.emit(Insn::Alu { op, source });
    }

    /// `A op= k`.
    pub(super) fn alu_k(&mut self, op: AluOp, k: u32) {
        self.alu(op, Source::K(k));
    }

    pub(super) fn load_constant(&mut self, k: u32) {
        self.emit(Insn::Load { to: Register::A, value: Value::Imm(k) });
    }

    pub(super) fn load_ancillary(&mut self, field: Ancillary) {
        self.emit(Insn::LoadPacket { size: Size::W, place: Place::Ancillary(field) });
    }

    pub(super) fn load_a(&mut self, home: Home) -> Result<()> {
        let cell = self.cell(home)?;
        if self.a != Some(home) {
            self.emit(Insn::Load { to: Register::A, value: Value::Mem(cell) });
            self.a = Some(home);
        }
        Ok(())
    }

    pub(super) fn load_x(&mut self, home: Home) -> Result<()> {
        let cell = self.cell(home)?;
        if self.x != Some(home) {
            self.emit(Insn::Load { to: Register::X, value: Value::Mem(cell) });
            self.x = Some(home);
        }
        Ok(())
    }

    pub(super) fn store_a(&mut self, home: Home) -> Result<()> {
        let cell = self.cell(home)?;
        self.emit(Insn::Store { from: Register::A, cell });
        if self.x == Some(home) {
            self.x = None;
        }
        self.a = Some(home);
        Ok(())
    }

    pub(super) fn goto(&mut self, to: InsnIdx) {
        self.goto_label(Label::Insn(to));
    }

    pub(super) fn goto_label(&mut self, to: Label) {
        self.items.push(Item::Goto(to));
    }

    pub(super) fn branch(&mut self, cond: Condition, source: Source, yes: Label, no: Label) {
        self.items.push(Item::Branch { cond, source, yes, no });
    }

    /// The filter, its jumps resolved.
    pub(super) fn finish(self) -> Vec<Insn> {
        let mut lens: Vec<usize> =
            live::needed(&self.items, &self.labels).into_iter().map(usize::from).collect();
        loop {
            let layout = Layout::new(&self.labels, &lens);
            let grown: Vec<usize> = self
                .items
                .iter()
                .enumerate()
                .zip(&lens)
                .map(|((at, item), len)| if *len == 0 { 0 } else { layout.len(at, item) })
                .collect();
            if grown == lens {
                let items = self.items.iter().enumerate();
                let kept = items.zip(lens).filter(|(_, len)| *len > 0);
                return kept.flat_map(|((at, item), _)| layout.lower(at, item)).collect();
            }
            lens = grown;
        }
    }
}

/// Where everything is, given how long each item is.
struct Layout<'a> {
    labels: &'a BTreeMap<Label, usize>,
    positions: Vec<usize>,
}

impl Layout<'_> {
    fn new<'a>(labels: &'a BTreeMap<Label, usize>, lens: &[usize]) -> Layout<'a> {
        let mut next = 0;
        let mut positions = Vec::with_capacity(lens.len() + 1);
        for len in lens {
            positions.push(next);
            next += len;
        }
        positions.push(next);
        Layout { labels, positions }
    }

    fn position(&self, label: Label) -> usize {
        let item = self.labels.get(&label).expect("compile: jumps lead to labels that are placed");
        self.positions[*item]
    }

    /// How many instructions a jump at `from` skips.
    fn skips(&self, from: usize, label: Label) -> usize {
        self.position(label) - from - 1
    }

    fn short(&self, from: usize, label: Label) -> Option<u8> {
        u8::try_from(self.skips(from, label)).ok()
    }

    /// How many instructions an item needs.
    fn len(&self, at: usize, item: &Item) -> usize {
        match item {
            Item::Insn(_) | Item::Goto(_) => 1,
            Item::Branch { cond: _, source: _, yes, no } => {
                let from = self.positions[at];
                let far = [yes, no].into_iter().filter(|label| self.short(from, **label).is_none());
                1 + far.count()
            }
        }
    }

    fn lower(&self, at: usize, item: &Item) -> Vec<Insn> {
        let from = self.positions[at];
        let goto = |from: usize, label| {
            let skips = self.skips(from, label);
            Insn::Goto { k: u32::try_from(skips).unwrap_or(u32::MAX) }
        };
        match *item {
            Item::Insn(insn) => vec![insn],
            Item::Goto(label) => vec![goto(from, label)],
            Item::Branch { cond, source, yes, no } => {
                // Jumps that do not reach lead to further jumps, right behind.
                let mut far = Vec::new();
                let mut reach = |label| {
                    self.short(from, label).unwrap_or_else(|| {
                        far.push(label);
                        u8::from(far.len() > 1)
                    })
                };
                let (jt, jf) = (reach(yes), reach(no));
                let mut insns = vec![Insn::Branch { cond, source, jt, jf }];
                insns.extend((from + 1..).zip(far).map(|(from, label)| goto(from, label)));
                insns
            }
        }
    }
}
