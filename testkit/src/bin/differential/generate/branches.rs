//! Branches and loops.

use skep_spec::insn::{AluOp, Condition, Insn, Operand, Reg, Width};

use super::{Generator, Kind, SAVED};

/// All comparisons.
pub(crate) const CONDITIONS: &[Condition] = &[
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

impl Generator<'_> {
    /// One or two ways by the value of a number.
    pub(super) fn branch(&mut self) {
        if self.nesting > 2 {
            return self.arithmetic();
        }
        self.nesting += 1;
        let (width, condition) = (self.width(), self.random.pick(CONDITIONS));
        let dst = self.scalar();
        let src = self.operand();
        let (other, behind) = (self.assembler.label(), self.assembler.label());
        self.assembler.branch(width, condition, dst, src, other);
        let before = self.function.clone();
        let count = 1 + self.random.below(2);
        self.steps(count);
        if self.random.chance(50) {
            self.assembler.goto(behind);
            self.assembler.place(other);
            let first = std::mem::replace(&mut self.function, before);
            let count = 1 + self.random.below(2);
            self.steps(count);
            self.assembler.place(behind);
            self.function = first.meet(&self.function);
        } else {
            self.assembler.place(other);
            self.assembler.place(behind);
            self.function = before.meet(&self.function);
        }
        self.nesting -= 1;
    }

    /// Comparisons of all kinds, one after the other, each of which skips an operation.
    pub(super) fn comparisons(&mut self) {
        for _ in 0..2 + self.random.below(3) {
            let width = self.random.pick(&[Width::W32, Width::W32, Width::W64]);
            let (dst, src) = (self.scalar(), self.scalar());
            let src = if self.random.chance(70) {
                Operand::Reg(src)
            } else {
                Operand::Imm(self.random.immediate())
            };
            let condition = self.random.pick(CONDITIONS);
            // Before the branch, as it may have to be set.
            let changed = self.scalar();
            let behind = self.assembler.label();
            self.assembler.branch(width, condition, dst, src, behind);
            self.assembler.alu(AluOp::Add, changed, 1);
            self.assembler.place(behind);
            self.function.set(changed, Kind::Scalar(u64::MAX));
        }
    }

    /// A loop with a counter.
    pub(super) fn bounded_loop(&mut self) {
        if self.nesting > 1 {
            return self.arithmetic();
        }
        let free = |reg: &Reg| !self.function.pinned.contains(reg);
        let free: Vec<Reg> = SAVED.into_iter().filter(free).collect();
        if free.is_empty() {
            return self.arithmetic();
        }
        let counter = self.random.pick(&free);
        let rounds = self.random.between(1, 8);
        let step = self.random.between(1, 2);
        let down = self.random.chance(25);
        self.assembler.mov(counter, if down { rounds * step } else { 0 });
        // What holds at the loop's head in every round: no temporary register, no bound.
        let (plain, pinned) = (self.plain, self.function.pinned.clone());
        for reg in Reg::ALL {
            match self.function.kind(reg) {
                Kind::Scalar(_) if SAVED.contains(&reg) => {
                    self.function.set(reg, Kind::Scalar(u64::MAX));
                }
                _ if reg.index() <= 5 => self.function.set(reg, Kind::Unreadable),
                _ => self.function.pinned.push(reg),
            }
        }
        // No step takes it for a number.
        self.function.set(counter, Kind::Unreadable);
        self.function.pinned.push(counter);
        self.function.forget_spills();
        self.nesting += 1;
        self.plain = plain || self.random.chance(60);
        let head = self.assembler.label();
        self.assembler.place(head);
        let may_bail = self.may_bail;
        self.may_bail &= !self.plain;
        let before = self.function.clone();
        let count = 1 + self.random.below(2);
        self.steps(count);
        self.function = before.meet(&self.function);
        self.may_bail = may_bail;
        if down {
            self.assembler.alu(AluOp::Add, counter, -step);
            let condition = self.random.pick(&[Condition::Ne, Condition::SGt, Condition::Gt]);
            self.assembler.branch(Width::W64, condition, counter, 0, head);
        } else {
            self.assembler.alu(AluOp::Add, counter, step);
            let condition = self.random.pick(&[Condition::Lt, Condition::SLt, Condition::Ne]);
            let width = self.width();
            self.assembler.branch(width, condition, counter, rounds * step, head);
        }
        self.plain = plain;
        self.nesting -= 1;
        self.function.pinned = pinned;
        self.function.set(counter, Kind::Scalar(u64::from((rounds * step).unsigned_abs())));
    }

    /// A number and a copy of it, of which one is checked and the other used.
    pub(super) fn linked(&mut self) {
        let source = self.scalar();
        let copy = self.target_not(&[source]);
        let width = if self.random.chance(80) { Width::W64 } else { Width::W32 };
        self.assembler.emit(Insn::Mov { width, dst: copy, src: Operand::Reg(source) });
        let kind = self.function.kind(source);
        self.function.set(copy, kind);
        if self.random.chance(50) {
            let delta = self.random.between(1, 16);
            self.assembler.alu(AluOp::Add, copy, delta);
            self.function.set(copy, Kind::Scalar(u64::MAX));
        }
        let (behind, condition) = (self.assembler.label(), self.random.pick(CONDITIONS));
        let limit = self.random.immediate();
        let checked = self.random.pick(&[source, copy]);
        let width = self.width();
        self.assembler.branch(width, condition, checked, limit, behind);
        let before = self.function.clone();
        self.arithmetic();
        self.assembler.place(behind);
        self.function = before.meet(&self.function);
    }

    /// A way that is never taken, as the verifier can tell, with code that would be wrong.
    pub(super) fn dead(&mut self) {
        let reg = self.target();
        let value = self.random.between(0, 100);
        let behind = self.assembler.label();
        if self.random.chance(50) {
            self.assembler.mov(reg, value);
            self.assembler.branch(Width::W64, Condition::Eq, reg, value, behind);
        } else {
            self.select(reg, [value, value + 8]);
            let limit = value + 8;
            self.assembler.branch(Width::W64, Condition::Le, reg, limit, behind);
        }
        let wrong = self.random.pick(&[Reg::R0, Reg::R3, Reg::R8]);
        self.assembler.load(skep_spec::insn::Size::DW, wrong, wrong, 0);
        self.assembler.place(behind);
        self.function.set(reg, Kind::Scalar(u64::try_from(value + 8).unwrap_or(0)));
    }
}
