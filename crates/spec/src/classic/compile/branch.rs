//! Conditional jumps.

use super::arithmetic::SIGN;
use super::emit::Label;
use super::number::Number;
use super::state::{Home, State};
use super::{CompileErrorKind, Compiler, Result};
use crate::classic::insn as classic;
use crate::code::InsnIdx;
use crate::insn::{Condition, Operand, Reg, Width};

/// What is tested.
#[derive(Clone, Copy)]
pub(super) struct Test {
    pub(super) width: Width,
    pub(super) cond: Condition,
    pub(super) dst: Reg,
    pub(super) src: Operand,
}

/// How a test is decided.
enum Decided {
    /// Always so.
    Always(bool),
    /// By comparing the words, without signs.
    Words,
    /// By comparing the words as numbers with signs.
    SignedWords,
}

impl Compiler<'_> {
    /// Compiles a conditional jump, and tells whether the next instruction is reached from it.
    pub(super) fn branch(
        &mut self,
        at: InsnIdx,
        state: &State,
        test: Test,
        off: i16,
    ) -> Result<bool> {
        if off == 0 {
            return Ok(true);
        }
        let signed = match test.decide(state)? {
            Decided::Always(true) => return self.goto(at, off.into(), state),
            Decided::Always(false) => return Ok(true),
            Decided::Words => false,
            Decided::SignedWords => true,
        };
        let target = Label::Insn(self.jump_to(at, off.into(), state)?);
        let (cond, is_opposite) = match test.cond {
            Condition::Eq => (classic::Condition::Eq, false),
            Condition::Ne => (classic::Condition::Eq, true),
            Condition::Gt | Condition::SGt => (classic::Condition::Gt, false),
            Condition::Ge | Condition::SGe => (classic::Condition::Ge, false),
            Condition::Lt | Condition::SLt => (classic::Condition::Ge, true),
            Condition::Le | Condition::SLe => (classic::Condition::Gt, true),
            Condition::Set => (classic::Condition::Set, false),
        };
        let source = self.load_words(test, signed)?;
        let next = self.out.label();
        let (yes, no) = if is_opposite { (next, target) } else { (target, next) };
        self.out.branch(cond, source, yes, no);
        self.out.place_next(next);
        Ok(true)
    }

    /// Loads what is compared into `A` and, if it is a register, `X`. Words with signs are moved up
    /// by 2³¹: their order then is that of words without.
    fn load_words(&mut self, test: Test, signed: bool) -> Result<classic::Source> {
        if !signed {
            self.out.load_a(Home::Reg(test.dst))?;
            return self.source(test.src);
        }
        let source = match test.src {
            Operand::Imm(imm) => classic::Source::K(imm.cast_unsigned() ^ SIGN),
            Operand::Reg(src) => {
                self.out.load_a(Home::Reg(src))?;
                self.out.alu_k(classic::AluOp::Xor, SIGN);
                self.out.emit(classic::Insn::Tax);
                classic::Source::X
            }
        };
        self.out.load_a(Home::Reg(test.dst))?;
        self.out.alu_k(classic::AluOp::Xor, SIGN);
        Ok(source)
    }
}

impl Test {
    /// Decides a test by what is known.
    ///
    /// In 64 bits, words can be compared in the place of numbers if both have an upper half of zero,
    /// or both have one that repeats the sign of the lower: both keep the order, with signs and
    /// without. Bits in common are in the lower half if either upper half is zero.
    fn decide(self, state: &State) -> Result<Decided> {
        let by_words = if self.is_signed() { Decided::SignedWords } else { Decided::Words };
        let one = state.number(self.dst)?;
        let other = Compiler::operand(state, self.width, self.src)?;
        if self.width == Width::W32 {
            state.low(self.dst)?;
            if let Operand::Reg(src) = self.src {
                state.low(src)?;
            }
            return Ok(by_words);
        }
        match (one, other) {
            (Number::High, Number::High) => Ok(by_words),
            (Number::High, other) if other.low_constant() == Some(0) => Ok(by_words),
            (Number::Narrow { .. }, Number::Narrow { .. }) => Ok(Decided::Words),
            (one, other) if one.is_signed() && other.is_signed() => Ok(by_words),
            (Number::Narrow { .. }, Number::Signed | Number::Wide)
            | (Number::Signed | Number::Wide, Number::Narrow { .. })
                if self.cond == Condition::Set =>
            {
                Ok(Decided::Words)
            }
            // A negative immediate is, without its sign, above all numbers of 32 bits.
            (Number::Narrow { .. }, Number::Signed) if matches!(self.src, Operand::Imm(_)) => {
                Ok(Decided::Always(match self.cond {
                    Condition::Ne | Condition::Lt | Condition::Le => true,
                    Condition::SGt | Condition::SGe => true,
                    Condition::Eq | Condition::Gt | Condition::Ge => false,
                    Condition::SLt | Condition::SLe | Condition::Set => false,
                }))
            }
            (Number::Narrow { .. }, _) => {
                let reg = match self.src {
                    Operand::Reg(src) => src,
                    Operand::Imm(_) => self.dst,
                };
                Err(CompileErrorKind::Wide { reg })
            }
            (Number::Signed | Number::Wide | Number::High, _) => {
                Err(CompileErrorKind::Wide { reg: self.dst })
            }
        }
    }

    fn is_signed(self) -> bool {
        match self.cond {
            Condition::SGt | Condition::SGe | Condition::SLt | Condition::SLe => true,
            Condition::Eq
            | Condition::Ne
            | Condition::Gt
            | Condition::Ge
            | Condition::Lt
            | Condition::Le
            | Condition::Set => false,
        }
    }
}
