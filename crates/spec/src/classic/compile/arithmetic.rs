//! Moves, arithmetic and byte order.

use super::number::Number;
use super::state::{Home, State, Value};
use super::{CompileErrorKind, Compiler, Result, missing};
use crate::classic::check::Rules;
use crate::classic::insn as classic;
use crate::insn::{AluOp, Operand, Reg, SignedFrom, SwapKind, SwapSize, Width};

/// The sign of a word.
pub(super) const SIGN: u32 = 1 << 31;

impl Compiler<'_> {
    pub(super) fn mov(
        &mut self,
        state: &mut State,
        width: Width,
        dst: Reg,
        src: Operand,
    ) -> Result<()> {
        let src = match src {
            Operand::Imm(imm) => {
                self.out.load_constant(imm.cast_unsigned());
                return self.define(state, dst, Number::immediate(width, imm));
            }
            Operand::Reg(src) => src,
        };
        let number = match (width, state.get(src)) {
            (Width::W64, value @ (Value::Context(_) | Value::Stack(_))) => {
                state.set(dst, value);
                return Ok(());
            }
            (Width::W64, _) => state.number(src)?,
            (Width::W32, _) => state.low(src)?,
        };
        if dst == src {
            state.set(dst, Value::Number(number));
            return Ok(());
        }
        self.out.load_a(Home::Reg(src))?;
        self.define(state, dst, number)
    }

    pub(super) fn mov_sx(
        &mut self,
        state: &mut State,
        width: Width,
        from: SignedFrom,
        dst: Reg,
        src: Reg,
    ) -> Result<()> {
        state.low(src)?;
        self.out.load_a(Home::Reg(src))?;
        match from {
            SignedFrom::S8 => self.sign_extend(8),
            SignedFrom::S16 => self.sign_extend(16),
            SignedFrom::S32 => {}
        }
        let number = match width {
            Width::W32 => Number::ANY32,
            Width::W64 => Number::Signed,
        };
        self.define(state, dst, number)
    }

    /// Extends the low bits of `A`, fewer than 32, by their sign.
    pub(super) fn sign_extend(&mut self, bits: u32) {
        let sign = 1 << (bits - 1);
        self.out.alu_k(classic::AluOp::And, sign | (sign - 1));
        self.out.alu_k(classic::AluOp::Xor, sign);
        self.out.alu_k(classic::AluOp::Sub, sign);
    }

    pub(super) fn neg(&mut self, state: &mut State, width: Width, dst: Reg) -> Result<()> {
        let low = state.low(dst)?;
        let negated = match width {
            Width::W32 => low.signed_bounds(),
            Width::W64 => state.number(dst)?.signed_bounds(),
        };
        let number = negated.map_or(Number::Wide, |(min, max)| Number::range(-max, -min));
        self.out.load_a(Home::Reg(dst))?;
        self.out.emit(classic::Insn::Neg);
        self.define(state, dst, in_width(width, number))
    }

    pub(super) fn alu(
        &mut self,
        state: &mut State,
        width: Width,
        op: AluOp,
        dst: Reg,
        src: Operand,
    ) -> Result<()> {
        if let Some(moved) = moved_address(state, width, op, dst, src) {
            state.set(dst, moved);
            return Ok(());
        }
        match op {
            AluOp::Add => self.plain(state, width, classic::AluOp::Add, dst, src),
            AluOp::Sub => self.plain(state, width, classic::AluOp::Sub, dst, src),
            AluOp::Mul => self.plain(state, width, classic::AluOp::Mul, dst, src),
            AluOp::Or => self.plain(state, width, classic::AluOp::Or, dst, src),
            AluOp::And => self.plain(state, width, classic::AluOp::And, dst, src),
            AluOp::Xor => self.plain(state, width, classic::AluOp::Xor, dst, src),
            AluOp::Div => self.divide(state, width, classic::AluOp::Div, dst, src),
            AluOp::Mod => self.divide(state, width, classic::AluOp::Mod, dst, src),
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => self.shift(state, width, op, dst, src),
            AluOp::SDiv | AluOp::SMod => missing("signed division"),
        }
    }

    /// Operations whose lower half depends on lower halves alone.
    fn plain(
        &mut self,
        state: &mut State,
        width: Width,
        op: classic::AluOp,
        dst: Reg,
        src: Operand,
    ) -> Result<()> {
        let (low, low_src) = (state.low(dst)?, low_operand(state, width, src)?);
        let number = match width {
            Width::W32 => result(op, low, low_src),
            Width::W64 => result(op, state.number(dst)?, Self::operand(state, width, src)?),
        };
        self.out.load_a(Home::Reg(dst))?;
        let source = self.source(src)?;
        self.out.alu(op, source);
        self.define(state, dst, in_width(width, number))
    }

    /// Division and remainder. By zero, eBPF goes on and a classic filter does not.
    fn divide(
        &mut self,
        state: &mut State,
        width: Width,
        op: classic::AluOp,
        dst: Reg,
        src: Operand,
    ) -> Result<()> {
        let (dividend, divisor) = match width {
            Width::W32 => (state.low(dst)?, low_operand(state, width, src)?),
            Width::W64 => (state.number(dst)?, Self::operand(state, width, src)?),
        };
        let wide = CompileErrorKind::Wide { reg: dst };
        let (_, max) = dividend.bounds().ok_or(wide)?;
        let wide = CompileErrorKind::Wide { reg: register_or(src, dst) };
        let (least, _) = divisor.bounds().ok_or(wide)?;
        let number = Number::Narrow { min: 0, max };
        match src {
            Operand::Imm(0) => return missing("division by the number zero"),
            Operand::Reg(src) if least == 0 => {
                let [divides, zero, end] = [(); 3].map(|()| self.out.label());
                self.out.load_a(Home::Reg(src))?;
                self.out.branch(classic::Condition::Eq, classic::Source::K(0), zero, divides);
                self.out.place_next(divides);
                self.out.emit(classic::Insn::Tax);
                self.quotient(op, dst, classic::Source::X)?;
                self.out.goto_label(end);
                self.out.place(zero);
                if op == classic::AluOp::Div {
                    self.out.load_constant(0);
                } else {
                    self.out.load_a(Home::Reg(dst))?;
                }
                self.out.place(end);
            }
            Operand::Imm(_) | Operand::Reg(_) => {
                let source = self.source(src)?;
                self.quotient(op, dst, source)?;
            }
        }
        self.define(state, dst, number)
    }

    /// A quotient or remainder in `A`. seccomp has no remainders.
    fn quotient(&mut self, op: classic::AluOp, dst: Reg, source: classic::Source) -> Result<()> {
        self.out.load_a(Home::Reg(dst))?;
        if op == classic::AluOp::Div || self.rules == Rules::Socket {
            self.out.alu(op, source);
            return Ok(());
        }
        self.out.alu(classic::AluOp::Div, source);
        self.out.alu(classic::AluOp::Mul, source);
        self.out.store_a(Home::Scratch)?;
        self.out.load_a(Home::Reg(dst))?;
        self.out.load_x(Home::Scratch)?;
        self.out.alu(classic::AluOp::Sub, classic::Source::X);
        Ok(())
    }

    pub(super) fn swap(
        &mut self,
        state: &mut State,
        kind: SwapKind,
        size: SwapSize,
        dst: Reg,
    ) -> Result<()> {
        let number = match (kind, size) {
            (SwapKind::ToLe, SwapSize::S64) => return state.number(dst).map(|_| ()),
            (SwapKind::ToBe | SwapKind::Always, SwapSize::S64) => {
                return missing("byte order of 64 bits");
            }
            (_, SwapSize::S16) => Number::bits(16),
            (_, SwapSize::S32) => Number::ANY32,
        };
        state.low(dst)?;
        self.out.load_a(Home::Reg(dst))?;
        match (kind, size) {
            (SwapKind::ToLe, SwapSize::S16) => self.out.alu_k(classic::AluOp::And, 0xffff),
            (SwapKind::ToLe, _) => {}
            (SwapKind::ToBe | SwapKind::Always, SwapSize::S16) => {
                self.swap_bytes(Home::Reg(dst), &[(0xff, 8), (0xff00, -8)])?;
            }
            (SwapKind::ToBe | SwapKind::Always, SwapSize::S32 | SwapSize::S64) => {
                let moves = [(0xff, 24), (0xff00, 8), (0xff_0000, -8), (0xff00_0000, -24)];
                self.swap_bytes(Home::Reg(dst), &moves)?;
            }
        }
        self.define(state, dst, number)
    }

    /// Collects in `A` the bytes of a value, each moved to the left by so many bits.
    pub(super) fn swap_bytes(&mut self, home: Home, moves: &[(u32, i32)]) -> Result<()> {
        for (at, (mask, left)) in moves.iter().enumerate() {
            if at > 0 {
                self.out.store_a(Home::Scratch)?;
            }
            self.out.load_a(home)?;
            self.out.alu_k(classic::AluOp::And, *mask);
            let op = if *left < 0 { classic::AluOp::Rsh } else { classic::AluOp::Lsh };
            self.out.alu_k(op, left.unsigned_abs());
            if at > 0 {
                self.out.load_x(Home::Scratch)?;
                self.out.alu(classic::AluOp::Or, classic::Source::X);
            }
        }
        Ok(())
    }

    fn shift(
        &mut self,
        state: &mut State,
        width: Width,
        op: AluOp,
        dst: Reg,
        src: Operand,
    ) -> Result<()> {
        let number = match (src, width) {
            (Operand::Imm(imm), Width::W32) => {
                let (low, bits) = (state.low(dst)?, imm.cast_unsigned() & 31);
                self.out.load_a(Home::Reg(dst))?;
                self.shift_word(op, low, bits);
                in_width(width, shifted(op, low, bits))
            }
            (Operand::Imm(imm), Width::W64) => {
                return self.shift_wide(state, op, dst, imm.cast_unsigned() & 63);
            }
            (Operand::Reg(src), _) => self.shift_by_register(state, width, op, dst, src)?,
        };
        self.define(state, dst, number)
    }

    /// Shifts `A`, a word of which something is known, by a number below 32.
    fn shift_word(&mut self, op: AluOp, word: Number, bits: u32) {
        let keeps_sign = word.bounds().is_none_or(|(_, max)| max >= SIGN);
        if op == AluOp::Lsh {
            self.out.alu_k(classic::AluOp::Lsh, bits);
        } else if op == AluOp::Arsh && keeps_sign {
            // Moves the numbers up by 2³¹, where they have no sign, and down again.
            self.out.alu_k(classic::AluOp::Xor, SIGN);
            self.out.alu_k(classic::AluOp::Rsh, bits);
            self.out.alu_k(classic::AluOp::Sub, SIGN >> bits);
        } else {
            self.out.alu_k(classic::AluOp::Rsh, bits);
        }
    }

    /// Shifts all 64 bits of a register by a number below 64.
    fn shift_wide(&mut self, state: &mut State, op: AluOp, dst: Reg, bits: u32) -> Result<()> {
        let wide = CompileErrorKind::Wide { reg: dst };
        let number = state.number(dst)?;
        let (word_bits, after) = match (op, number, bits) {
            (_, _, 0) => return Ok(()),
            // What was the lower half is the upper one now, and the word stays what it is.
            (AluOp::Lsh, Number::Narrow { .. } | Number::Signed | Number::Wide, 32..) => {
                (bits - 32, Number::High)
            }
            (AluOp::Lsh, Number::Narrow { .. }, _) => (bits, shifted(op, number, bits)),
            (AluOp::Lsh, Number::Signed | Number::Wide, _) => (bits, Number::Wide),
            (AluOp::Arsh, Number::High, 32..) => (bits - 32, Number::Signed),
            (AluOp::Rsh, Number::High, 32..) => (bits - 32, Number::bits(64 - bits)),
            (_, Number::High, _) => return Err(wide),
            (_, Number::Narrow { .. }, 32..) => {
                self.out.load_constant(0);
                return self.define(state, dst, Number::constant(0));
            }
            (_, Number::Narrow { .. }, _) => {
                self.out.load_a(Home::Reg(dst))?;
                self.out.alu_k(classic::AluOp::Rsh, bits);
                return self.define(state, dst, shifted(AluOp::Rsh, number, bits));
            }
            (AluOp::Arsh, Number::Signed, _) => (bits.min(31), Number::Signed),
            (_, Number::Signed | Number::Wide, _) => return Err(wide),
        };
        if word_bits == 0 {
            state.set(dst, Value::Number(after));
            return Ok(());
        }
        self.out.load_a(Home::Reg(dst))?;
        self.shift_word(op, Number::ANY32, word_bits);
        self.define(state, dst, after)
    }

    /// Shifts a register by another; `A` has the result.
    fn shift_by_register(
        &mut self,
        state: &State,
        width: Width,
        op: AluOp,
        dst: Reg,
        src: Reg,
    ) -> Result<Number> {
        let number = state.number(dst)?;
        let counts = state.low(src)?;
        let counts_below_32 = counts.bounds().is_some_and(|(_, max)| max < 32);
        let known = match (width, op) {
            (Width::W32, _) => state.low(dst)?,
            (Width::W64, _) if !counts_below_32 => {
                return Err(CompileErrorKind::Wide { reg: src });
            }
            (Width::W64, AluOp::Lsh) => state.low(dst)?,
            (Width::W64, AluOp::Arsh) if number.is_signed() => number,
            (Width::W64, _) => {
                let (min, max) = number.bounds().ok_or(CompileErrorKind::Wide { reg: dst })?;
                Number::Narrow { min, max }
            }
        };
        if counts_below_32 {
            self.out.load_x(Home::Reg(src))?;
        } else {
            self.out.load_a(Home::Reg(src))?;
            self.out.alu_k(classic::AluOp::And, 31);
            self.out.emit(classic::Insn::Tax);
        }
        let x = classic::Source::X;
        // All 64 bits of a number without a sign in 32 bits shift in zeros.
        let zeros_come_in = match width {
            Width::W32 => known.bounds().is_some_and(|(_, max)| max < SIGN),
            Width::W64 => known.bounds().is_some(),
        };
        if op == AluOp::Arsh && !zeros_come_in {
            self.out.load_constant(SIGN);
            self.out.alu(classic::AluOp::Rsh, x);
            self.out.store_a(Home::Scratch)?;
            self.out.load_a(Home::Reg(dst))?;
            self.out.alu_k(classic::AluOp::Xor, SIGN);
            self.out.alu(classic::AluOp::Rsh, x);
            self.out.load_x(Home::Scratch)?;
            self.out.alu(classic::AluOp::Sub, x);
            return Ok(in_width(width, Number::Signed));
        }
        self.out.load_a(Home::Reg(dst))?;
        if op == AluOp::Lsh {
            self.out.alu(classic::AluOp::Lsh, x);
            return Ok(in_width(width, Number::Wide));
        }
        self.out.alu(classic::AluOp::Rsh, x);
        let max = known.bounds().map_or(u32::MAX, |(_, max)| max);
        Ok(Number::Narrow { min: 0, max })
    }
}

/// An address that an addition moves, if it is that.
fn moved_address(state: &State, width: Width, op: AluOp, dst: Reg, src: Operand) -> Option<Value> {
    let by = match (width, op, src) {
        (Width::W64, AluOp::Add, Operand::Imm(imm)) => i64::from(imm),
        (Width::W64, AluOp::Sub, Operand::Imm(imm)) => -i64::from(imm),
        _ => return None,
    };
    match state.get(dst) {
        Value::Context(off) => off.checked_add(by).map(Value::Context),
        Value::Stack(off) => off.checked_add(by).map(Value::Stack),
        Value::Number(_) | Value::Nothing => None,
    }
}

/// What is known of the lower half of an operand.
fn low_operand(state: &State, width: Width, src: Operand) -> Result<Number> {
    match src {
        Operand::Reg(reg) => state.low(reg),
        Operand::Imm(imm) => Ok(Number::immediate(width, imm).low().unwrap_or(Number::ANY32)),
    }
}

fn register_or(src: Operand, dst: Reg) -> Reg {
    match src {
        Operand::Reg(reg) => reg,
        Operand::Imm(_) => dst,
    }
}

/// A 32-bit operation leaves an upper half of zero.
fn in_width(width: Width, number: Number) -> Number {
    match width {
        Width::W32 => number.low().unwrap_or(Number::ANY32),
        Width::W64 => number,
    }
}

/// What is known of a result in 64 bits.
fn result(op: classic::AluOp, one: Number, other: Number) -> Number {
    let bounds = one.bounds().zip(other.bounds());
    let both_signed = one.is_signed() && other.is_signed();
    match op {
        classic::AluOp::And => match (one.bounds(), other.bounds()) {
            (Some((_, one)), Some((_, other))) => Number::Narrow { min: 0, max: one.min(other) },
            (Some((_, max)), None) | (None, Some((_, max))) => Number::Narrow { min: 0, max },
            (None, None) if both_signed => Number::Signed,
            (None, None) => Number::Wide,
        },
        classic::AluOp::Or | classic::AluOp::Xor => match bounds {
            Some(((_, one), (_, other))) => Number::bits(u32::BITS - (one | other).leading_zeros()),
            None if both_signed => Number::Signed,
            None => Number::Wide,
        },
        _ => {
            let Some(((min, max), (min2, max2))) = one.signed_bounds().zip(other.signed_bounds())
            else {
                return Number::Wide;
            };
            let ends = match op {
                classic::AluOp::Add => [min + min2, max + max2, min + min2, max + max2],
                classic::AluOp::Sub => [min - max2, max - min2, min - max2, max - min2],
                classic::AluOp::Mul => [min * min2, min * max2, max * min2, max * max2],
                _ => return Number::Wide,
            };
            let [a, b, c, d] = ends;
            Number::range(a.min(b).min(c).min(d), a.max(b).max(c).max(d))
        }
    }
}

/// What is known of a number with an upper half of zero, shifted in 64 bits by fewer than 32.
fn shifted(op: AluOp, number: Number, bits: u32) -> Number {
    match (op, number.bounds()) {
        (AluOp::Lsh, Some((min, max))) => {
            Number::range(i128::from(min) << bits, i128::from(max) << bits)
        }
        (AluOp::Rsh, Some((min, max))) => Number::Narrow { min: min >> bits, max: max >> bits },
        (AluOp::Arsh, Some((min, max))) if max < SIGN => {
            Number::Narrow { min: min >> bits, max: max >> bits }
        }
        _ => Number::Wide,
    }
}
