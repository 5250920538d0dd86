//! Instructions in order, with labels in place of distances.

use skep_spec::insn::{AluOp, Callee, Condition, Imm64, Insn, Operand, Reg, Size, Width};

/// A place that jumps and calls lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Label(usize);

/// What can be a second operand.
pub(crate) trait Source {
    /// The operand.
    fn operand(self) -> Operand;
}

impl Source for Reg {
    fn operand(self) -> Operand {
        Operand::Reg(self)
    }
}

impl Source for i32 {
    fn operand(self) -> Operand {
        Operand::Imm(self)
    }
}

impl Source for Operand {
    fn operand(self) -> Operand {
        self
    }
}

/// A program in the making.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    insns: Vec<Insn>,
    /// Instructions that lead to a label.
    uses: Vec<(usize, Label)>,
    /// The instruction that each label stands before.
    labels: Vec<Option<usize>>,
}

impl Assembler {
    /// The number of instructions so far.
    pub(crate) fn len(&self) -> usize {
        self.insns.len()
    }

    /// A new label, which has no place yet.
    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Puts a label before the next instruction.
    pub(crate) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.insns.len());
    }

    /// Adds an instruction.
    pub(crate) fn emit(&mut self, insn: Insn) {
        self.insns.push(insn);
    }

    fn emit_to(&mut self, insn: Insn, label: Label) {
        self.uses.push((self.insns.len(), label));
        self.insns.push(insn);
    }

    /// `dst = src`.
    pub(crate) fn mov(&mut self, dst: Reg, src: impl Source) {
        self.emit(Insn::Mov { width: Width::W64, dst, src: src.operand() });
    }

    /// `dst op= src`.
    pub(crate) fn alu(&mut self, op: AluOp, dst: Reg, src: impl Source) {
        self.emit(Insn::Alu { width: Width::W64, op, dst, src: src.operand() });
    }

    /// `dst = *(size *)(src + off)`.
    pub(crate) fn load(&mut self, size: Size, dst: Reg, src: Reg, off: i16) {
        self.emit(Insn::Load { size, signed: false, dst, src, off });
    }

    /// `*(size *)(dst + off) = src`.
    pub(crate) fn store(&mut self, size: Size, dst: Reg, off: i16, src: impl Source) {
        self.emit(Insn::Store { size, dst, off, src: src.operand() });
    }

    /// A 64-bit immediate.
    pub(crate) fn load_imm64(&mut self, dst: Reg, imm: Imm64) {
        self.emit(Insn::LoadImm64 { dst, imm });
    }

    /// A call of a helper.
    pub(crate) fn call(&mut self, helper: i32) {
        self.emit(Insn::Call(Callee::Helper(helper)));
    }

    /// A call of a function of the program.
    pub(crate) fn call_local(&mut self, label: Label) {
        self.emit_to(Insn::Call(Callee::Local(0)), label);
    }

    /// The address of a function of the program.
    pub(crate) fn function(&mut self, dst: Reg, label: Label) {
        self.emit_to(Insn::LoadImm64 { dst, imm: Imm64::Func(0) }, label);
    }

    /// `if dst cond src goto label`.
    pub(crate) fn branch(
        &mut self,
        width: Width,
        cond: Condition,
        dst: Reg,
        src: impl Source,
        label: Label,
    ) {
        self.emit_to(Insn::Branch { width, cond, dst, src: src.operand(), off: 0 }, label);
    }

    /// `goto label`.
    pub(crate) fn goto(&mut self, label: Label) {
        self.emit_to(Insn::Goto { off: 0 }, label);
    }

    /// `gotol label`.
    pub(crate) fn goto_long(&mut self, label: Label) {
        self.emit_to(Insn::GotoLong { imm: 0 }, label);
    }

    /// Whether anything leads to a label.
    pub(crate) fn is_used(&self, label: Label) -> bool {
        self.uses.iter().any(|(_, used)| *used == label)
    }

    /// The instructions, with distances, and the slots of some labels; `None` if a distance is too
    /// long, or a label has no place.
    pub(crate) fn finish(mut self, wanted: &[Label]) -> Option<(Vec<Insn>, Vec<u32>)> {
        let slots = slots(&self.insns);
        for (at, label) in self.uses {
            let to = *slots.get(self.labels[label.0]?)?;
            let distance = i32::try_from(i64::from(to) - i64::from(slots[at]) - 1).ok()?;
            match &mut self.insns[at] {
                Insn::Goto { off } | Insn::Branch { off, .. } => *off = distance.try_into().ok()?,
                Insn::GotoLong { imm } | Insn::Call(Callee::Local(imm)) => *imm = distance,
                Insn::LoadImm64 { imm: Imm64::Func(imm), .. } => *imm = distance,
                other => unreachable!("assembler: {other:?} leads nowhere"),
            }
        }
        let slot_of = |label: &Label| slots.get(self.labels[label.0]?).copied();
        let wanted: Option<Vec<u32>> = wanted.iter().map(slot_of).collect();
        Some((self.insns, wanted?))
    }
}

/// The slot of each instruction.
fn slots(insns: &[Insn]) -> Vec<u32> {
    let mut next = 0;
    let slot = |insn: &Insn| {
        let at = next;
        next += insn.slots();
        at
    };
    insns.iter().map(slot).collect()
}
