//! Numbers: operations on them, and the ways to bound one.

use skep_spec::insn::{
    AluOp, Condition, Insn, Operand, Reg, SignedFrom, SwapKind, SwapSize, Width,
};

use super::{Generator, Kind};

/// All operations of two operands.
pub(crate) const OPS: &[AluOp] = &[
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

/// The ways to bound a number that need no other end: by number, the third rarely, as it tells
/// the kernel nothing.
const WAYS: &[(usize, u32)] = &[(10, 0), (10, 1), (1, 2), (10, 3)];
/// The ways to bound a number.
const CHECKS: &[(usize, u32)] =
    &[(10, 0), (10, 1), (1, 2), (10, 3), (10, 4), (10, 5), (10, 6), (10, 7), (20, 8)];

impl Generator<'_> {
    /// Some operations on numbers.
    pub(super) fn arithmetic(&mut self) {
        for _ in 0..1 + self.random.below(6) {
            self.operation();
        }
    }

    fn operation(&mut self) {
        let width = self.width();
        let dst = self.scalar();
        match self.random.below(20) {
            0 => self.assembler.emit(Insn::Neg { width, dst }),
            1 | 2 => {
                let from = self.random.pick(&[SignedFrom::S8, SignedFrom::S16, SignedFrom::S32]);
                // A 32-bit move does not extend from 32 bits.
                let width = if from == SignedFrom::S32 { Width::W64 } else { width };
                let src = self.scalar();
                self.assembler.emit(Insn::MovSx { width, from, dst, src });
            }
            3 => {
                let kind = self.random.pick(&[SwapKind::ToLe, SwapKind::ToBe, SwapKind::Always]);
                let size = self.random.pick(&[SwapSize::S16, SwapSize::S32, SwapSize::S64]);
                self.assembler.emit(Insn::Swap { kind, size, dst });
            }
            4 | 5 => {
                let src = self.operand();
                self.assembler.emit(Insn::Mov { width, dst, src });
            }
            _ => {
                let op = self.random.pick(OPS);
                let src = match (op, width) {
                    (AluOp::Lsh | AluOp::Rsh | AluOp::Arsh, Width::W64) => self.count(63),
                    (AluOp::Lsh | AluOp::Rsh | AluOp::Arsh, Width::W32) => self.count(31),
                    (AluOp::Div | AluOp::SDiv | AluOp::Mod | AluOp::SMod, _) => {
                        match self.operand() {
                            Operand::Imm(0) => Operand::Imm(3),
                            other => other,
                        }
                    }
                    _ => self.operand(),
                };
                self.assembler.emit(Insn::Alu { width, op, dst, src });
            }
        }
        let most = if width == Width::W32 { u64::from(u32::MAX) } else { u64::MAX };
        self.function.set(dst, Kind::Scalar(most));
    }

    pub(super) fn width(&mut self) -> Width {
        self.random.pick(&[Width::W64, Width::W64, Width::W32])
    }

    /// A number as second operand.
    pub(super) fn operand(&mut self) -> Operand {
        if self.random.chance(50) {
            return Operand::Imm(self.random.immediate());
        }
        Operand::Reg(self.scalar())
    }

    fn count(&mut self, most: i32) -> Operand {
        if self.random.chance(80) {
            return Operand::Imm(self.random.between(0, most));
        }
        Operand::Reg(self.scalar())
    }

    /// A number that is at most this, in a register that is none of these. `most` is below
    /// `i32::MAX`.
    pub(super) fn bounded(&mut self, most: i32, not: &[Reg]) -> Reg {
        let most = most.max(0);
        let limit = u64::from(most.unsigned_abs());
        let source = self.scalar_not(not);
        let reg = self.target_not(not);
        self.assembler.mov(reg, source);
        self.function.set(reg, Kind::Scalar(u64::MAX));
        match self.random.weighted(if self.may_bail { CHECKS } else { WAYS }) {
            0 => {
                // The largest mask that does not exceed it.
                let mask = (limit + 1).next_power_of_two() - 1;
                let mask = if mask > limit { mask >> 1 } else { mask };
                let mask = i32::try_from(mask).unwrap_or(0);
                let width = self.width();
                self.assembler.emit(Insn::Alu {
                    width,
                    op: AluOp::And,
                    dst: reg,
                    src: Operand::Imm(mask),
                });
            }
            1 => {
                let bits = 64 - (limit + 1).leading_zeros() - 1;
                let count = i32::try_from(64 - bits).unwrap_or(63);
                if count == 64 {
                    self.assembler.mov(reg, 0);
                } else {
                    self.assembler.alu(AluOp::Rsh, reg, count);
                }
            }
            2 => {
                let width = self.width();
                let src = Operand::Imm(most + 1);
                self.assembler.emit(Insn::Alu { width, op: AluOp::Mod, dst: reg, src });
            }
            3 => {
                // Replaced if it is too large.
                let behind = self.assembler.label();
                self.assembler.branch(Width::W64, Condition::Le, reg, most, behind);
                self.assembler.mov(reg, most / 2);
                self.assembler.place(behind);
            }
            4 => {
                let bail = self.bail;
                self.assembler.branch(Width::W64, Condition::SLt, reg, 0, bail);
                self.assembler.branch(Width::W64, Condition::SGt, reg, most, bail);
            }
            5 => {
                let bail = self.bail;
                self.assembler.emit(Insn::Mov {
                    width: Width::W32,
                    dst: reg,
                    src: Operand::Reg(reg),
                });
                self.assembler.branch(Width::W32, Condition::Gt, reg, most, bail);
            }
            6 => {
                // The copy is checked; both are known afterwards.
                let (bail, copy) = (self.bail, self.target_not(&[not, &[reg]].concat()));
                self.assembler.mov(copy, reg);
                self.function.set(copy, Kind::Scalar(u64::MAX));
                self.assembler.branch(Width::W64, Condition::Gt, copy, most, bail);
            }
            7 => {
                let bail = self.bail;
                self.assembler.branch(Width::W64, Condition::Ge, reg, most + 1, bail);
            }
            _ => {
                let bail = self.bail;
                self.assembler.branch(Width::W64, Condition::Gt, reg, most, bail);
            }
        }
        self.function.set(reg, Kind::Scalar(limit));
        reg
    }
}
