//! Arithmetic and moves.
//!
//! What happens to numbers is the domain's affair ([`crate::domain::alu`]); here it is decided
//! whether an operation is one on numbers or on a pointer (`pointer`), and what becomes of the
//! names that tie registers together.

use skep_spec::insn::{AluOp, Operand, Reg, SignedFrom, SwapKind, SwapSize, Width};

use crate::domain::{Scalar, alu, cast};
use crate::explore::Walk;
use crate::rejection::{Check, Reason};
use crate::state::{Id, Register};

impl Walk<'_> {
    /// `dst = dst op src`.
    pub(crate) fn check_alu(
        &mut self,
        width: Width,
        op: AluOp,
        dst: Reg,
        operand: Operand,
    ) -> Check {
        if let Operand::Reg(reg) = operand {
            self.check_init(reg)?;
        }
        self.check_init(dst)?;
        if let Operand::Imm(imm) = operand {
            check_immediate(width, op, imm)?;
        }
        writable(dst)?;
        let left_is_scalar = self.state.register(dst).is_scalar();
        match operand {
            Operand::Imm(imm) if left_is_scalar => {
                return self.scalar_alu(width, op, dst, &Scalar::constant(extend(imm)));
            }
            Operand::Imm(imm) => {
                let pointer = *self.state.register(dst);
                let number = Register::constant(extend(imm));
                self.check_pointer_alu(width, op, dst, pointer, number)?;
            }
            Operand::Reg(reg) => {
                let (left, src) = (*self.state.register(dst), *self.state.register(reg));
                match (left_is_scalar, src.is_scalar()) {
                    (true, true) => return self.scalar_alu(width, op, dst, &src.value),
                    (true, false) => {
                        self.mark_precise(dst)?;
                        self.check_pointer_alu(width, op, dst, src, left)?;
                    }
                    (false, true) => {
                        self.mark_precise(reg)?;
                        self.check_pointer_alu(width, op, dst, left, src)?;
                    }
                    (false, false) if op == AluOp::Sub => {
                        // Sound: the difference of two addresses is some number.
                        *self.state.register_mut(dst) = Register::UNKNOWN;
                    }
                    (false, false) => {
                        return Err(Reason::PointerAndPointer { reg: dst, op }.into());
                    }
                }
            }
        }
        let result = self.state.register_mut(dst);
        result.value = result.value.settled();
        Ok(())
    }

    /// An operation on two numbers.
    #[inline]
    fn scalar_alu(&mut self, width: Width, op: AluOp, dst: Reg, src: &Scalar) -> Check {
        if matches!(op, AluOp::And | AluOp::Or)
            && src.as_constant().is_some()
            && let Some([zero, ones]) = alu::zero_or_ones(self.state.register(dst).value)
        {
            let at = self.at;
            self.put_off(at)?.register_mut(dst).value = zero;
            self.state.register_mut(dst).value = ones;
        }
        let result = self.state.register_mut(dst);
        displace(width, op, result, src);
        result.value = alu::alu(width, op, result.value, *src).settled();
        Ok(())
    }

    /// `dst = -dst`.
    pub(crate) fn check_neg(&mut self, width: Width, dst: Reg) -> Check {
        self.check_unary(dst, |value| alu::neg(width, value))
    }

    /// A change of byte order.
    pub(crate) fn check_swap(&mut self, kind: SwapKind, size: SwapSize, dst: Reg) -> Check {
        self.check_unary(dst, |value| alu::swap(kind, size, value))
    }

    /// An operation on one register. Of a pointer it makes some number, which is sound: nothing is
    /// said of it.
    fn check_unary(&mut self, dst: Reg, operation: impl FnOnce(Scalar) -> Scalar) -> Check {
        let operand = self.read(dst)?;
        let result = if operand.is_scalar() {
            Register { value: operation(operand.value).settled(), ..operand.nameless() }
        } else {
            Register::UNKNOWN
        };
        self.write(dst, result)
    }

    /// `dst = src`.
    pub(crate) fn check_mov(&mut self, width: Width, dst: Reg, operand: Operand) -> Check {
        let src = match operand {
            Operand::Imm(imm) => {
                let number = match width {
                    Width::W32 => u64::from(imm.cast_unsigned()),
                    Width::W64 => extend(imm),
                };
                return self.write(dst, Register::constant(number));
            }
            Operand::Reg(reg) => {
                self.read(reg)?;
                writable(dst)?;
                reg
            }
        };
        let result = match (width, self.state.register(src).is_scalar()) {
            (Width::W64, _) => self.copied(src),
            // Sound: half of an address is some number.
            (Width::W32, false) => {
                Register::scalar(cast::mov(Width::W32, Scalar::UNKNOWN).settled())
            }
            (Width::W32, true) => {
                let fits = self.state.register(src).value.u64.max <= u32::MAX.into();
                let copy = if fits { self.copied(src) } else { *self.state.register(src) };
                let copy = if fits { copy } else { copy.nameless() };
                Register { value: cast::mov(width, copy.value).settled(), ..copy }
            }
        };
        self.write(dst, result)
    }

    /// `dst = (s8|s16|s32)src`.
    pub(crate) fn check_mov_sx(
        &mut self,
        width: Width,
        from: SignedFrom,
        dst: Reg,
        src: Reg,
    ) -> Check {
        let operand = self.read(src)?;
        writable(dst)?;
        let result = if operand.is_scalar() {
            let sign = match from {
                SignedFrom::S8 => 7,
                SignedFrom::S16 => 15,
                SignedFrom::S32 => 31,
            };
            let unchanged = operand.value.u64.max < 1 << sign;
            let copy = if unchanged { self.copied(src) } else { operand.nameless() };
            Register { value: cast::mov_sx(width, from, copy.value).settled(), ..copy }
        } else if width == Width::W32 {
            Register::scalar(cast::mov(Width::W32, Scalar::UNKNOWN).settled())
        } else {
            Register::UNKNOWN
        };
        self.write(dst, result)
    }

    /// What a copy of a register holds; original and copy are tied together by a name.
    pub(crate) fn copied(&mut self, src: Reg) -> Register {
        let mut register = *self.state.register(src);
        if let Some(named) = tied(&register, || self.fresh_id()) {
            register = named;
            *self.state.register_mut(src) = register;
        }
        register
    }
}

/// What a number that is to be copied is called, if that has to change: a number that is known
/// needs no name, and a displaced one loses its own, as there is one displacement at most between
/// numbers of one name.
pub(crate) fn tied(register: &Register, fresh: impl FnOnce() -> Id) -> Option<Register> {
    if !register.is_scalar() {
        return None;
    }
    let mut named = if register.displaced.is_some() { register.nameless() } else { *register };
    if named.id.is_none() && named.value.as_constant().is_none() {
        named.id = Some(fresh());
    }
    (named != *register).then_some(named)
}

/// The name of a number that an operation is about to change: a sum of a named number and a
/// constant stays tied to it, at that distance; everything else is a new number.
///
/// Sound: the distance is exact. In a sum of lower halves it counts modulo 2³², which takes the
/// named number to be the lower half and nothing else.
#[inline]
fn displace(width: Width, op: AluOp, number: &mut Register, src: &Scalar) {
    if number.id.is_none() {
        number.off = 0;
        number.displaced = None;
        return;
    }
    let by = match width {
        Width::W32 => src.as_low_constant().map(|low| i64::from(low.cast_signed())),
        Width::W64 => src.as_constant().map(u64::cast_signed),
    };
    let by = by.and_then(|by| i32::try_from(by).ok());
    let off = match op {
        AluOp::Add => by,
        AluOp::Sub => by.and_then(i32::checked_neg),
        AluOp::Mul
        | AluOp::Div
        | AluOp::SDiv
        | AluOp::Mod
        | AluOp::SMod
        | AluOp::Or
        | AluOp::And
        | AluOp::Xor
        | AluOp::Lsh
        | AluOp::Rsh
        | AluOp::Arsh => None,
    };
    let whole = width == Width::W64 || number.value.u64.max <= u32::MAX.into();
    match off {
        Some(off) if number.displaced.is_none() && whole => {
            number.displaced = Some(width);
            number.off = off;
        }
        Some(_) | None => *number = number.nameless(),
    }
}

/// What the kernel refuses to do by an immediate.
fn check_immediate(width: Width, op: AluOp, imm: i32) -> Check {
    match op {
        AluOp::Div | AluOp::SDiv | AluOp::Mod | AluOp::SMod if imm == 0 => {
            Err(Reason::DivByZero.into())
        }
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => {
            let bits = match width {
                Width::W32 => 32,
                Width::W64 => 64,
            };
            if (0..bits).contains(&imm) { Ok(()) } else { Err(Reason::Shift(imm).into()) }
        }
        AluOp::Add
        | AluOp::Sub
        | AluOp::Mul
        | AluOp::Div
        | AluOp::SDiv
        | AluOp::Mod
        | AluOp::SMod
        | AluOp::Or
        | AluOp::And
        | AluOp::Xor => Ok(()),
    }
}

/// The frame pointer stays where it is.
pub(crate) fn writable(dst: Reg) -> Check {
    if dst == Reg::FP { Err(Reason::FramePointerWrite.into()) } else { Ok(()) }
}

/// An immediate, sign-extended.
pub(crate) fn extend(imm: i32) -> u64 {
    i64::from(imm).cast_unsigned()
}
