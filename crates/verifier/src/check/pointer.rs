//! Arithmetic on pointers: moving one by a number.
//!
//! A pointer's offset has a fixed and a variable part. Known distances go to the fixed part, all
//! others to the variable part, whose ranges are kept small enough that no sum of both can wrap.

use skep_spec::insn::{AluOp, Reg, Width};

use crate::domain::alu::{pointer_add, pointer_sub};
use crate::explore::Walk;
use crate::limits::POINTER_OFFSET;
use crate::rejection::{Check, Reason};
use crate::state::register::{MemoryKind, PacketRange};
use crate::state::{Kind, Register};

impl Walk<'_> {
    /// `dst = pointer op number`, where `dst` holds one of both now.
    ///
    /// Sound: the result's offset is the pointer's plus the number, its fixed part moved by a
    /// number that is known, its variable part by [`pointer_add`] or [`pointer_sub`]. Offsets
    /// beyond [`POINTER_OFFSET`] in either direction are refused, before and after, so that the
    /// parts never wrap when they are added up.
    pub(super) fn check_pointer_alu(
        &mut self,
        width: Width,
        op: AluOp,
        dst: Reg,
        pointer: Register,
        number: Register,
    ) -> Check {
        let value = number.value;
        let known = value.as_constant().map(u64::cast_signed);
        let torn = known.is_some() && !(value.s64.is_constant() && value.u64.is_constant());
        if torn || value.s64.is_empty() || value.u64.is_empty() {
            *self.state.register_mut(dst) = Register::UNKNOWN;
            return Ok(());
        }
        if width == Width::W32 {
            if op == AluOp::Sub {
                // Sound: half of an address is some number.
                *self.state.register_mut(dst) = Register::UNKNOWN;
                return Ok(());
            }
            return Err(Reason::PointerArithmetic32(dst).into());
        }
        if pointer.nullable {
            return Err(Reason::PointerArithmeticNullable { reg: dst, pointer }.into());
        }
        if let Kind::Memory { access: MemoryKind::Untrusted, .. } = pointer.kind {
            return Ok(());
        }
        if !movable(pointer.kind, op, known) {
            return Err(Reason::PointerArithmeticKind { reg: dst, pointer }.into());
        }
        check_sane(&number, &pointer)?;
        check_sane(&pointer, &pointer)?;
        let from_number = self.state.register(dst).is_scalar();
        let result = match op {
            AluOp::Add => self.moved_up(pointer, number, known),
            AluOp::Sub if from_number => {
                return Err(Reason::PointerSubtractedFromScalar(dst).into());
            }
            AluOp::Sub if matches!(pointer.kind, Kind::Stack { .. }) => {
                return Err(Reason::StackPointerSubtraction(dst).into());
            }
            AluOp::Sub => self.moved_down(pointer, number, known),
            AluOp::And | AluOp::Or | AluOp::Xor => {
                return Err(Reason::PointerBitwise { reg: dst, op }.into());
            }
            AluOp::Mul
            | AluOp::Div
            | AluOp::SDiv
            | AluOp::Mod
            | AluOp::SMod
            | AluOp::Lsh
            | AluOp::Rsh
            | AluOp::Arsh => return Err(Reason::PointerOperator { reg: dst, op }.into()),
        };
        check_sane(&result, &pointer)?;
        *self.state.register_mut(dst) = Register { value: result.value.sync(), ..result };
        Ok(())
    }

    fn moved_up(&mut self, pointer: Register, number: Register, known: Option<i64>) -> Register {
        let off = known.and_then(|known| i64::from(pointer.off).checked_add(known));
        if let Some(off) = off.and_then(|off| i32::try_from(off).ok()) {
            return Register { off, ..pointer };
        }
        let moved = Register { value: pointer_add(pointer.value, number.value), ..pointer };
        self.based_anew(moved, true)
    }

    fn moved_down(&mut self, pointer: Register, number: Register, known: Option<i64>) -> Register {
        let off = known.and_then(|known| i64::from(pointer.off).checked_sub(known));
        if let Some(off) = off.and_then(|off| i32::try_from(off).ok()) {
            return Register { off, ..pointer };
        }
        let moved = Register { value: pointer_sub(pointer.value, number.value), ..pointer };
        // What is known to lie ahead is still there, if it moved back.
        self.based_anew(moved, number.value.s64.min < 0)
    }

    /// A packet pointer whose variable offset has changed has nothing to do with others any more,
    /// and what was known to lie ahead may not be there.
    fn based_anew(&mut self, pointer: Register, forget_range: bool) -> Register {
        let kind = match pointer.kind {
            Kind::Packet { .. } if forget_range => Kind::Packet { range: PacketRange::NONE },
            Kind::PacketMeta { .. } if forget_range => {
                Kind::PacketMeta { range: PacketRange::NONE }
            }
            kind => kind,
        };
        if kind.is_packet() {
            Register { kind, id: Some(self.fresh_id()), ..pointer }
        } else {
            Register { kind, ..pointer }
        }
    }
}

/// Whether a pointer of this kind can be moved by this number.
fn movable(kind: Kind, op: AluOp, known: Option<i64>) -> bool {
    match kind {
        Kind::Context
        | Kind::MapValue { .. }
        | Kind::MapKey { .. }
        | Kind::Stack { .. }
        | Kind::PacketMeta { .. }
        | Kind::Packet { .. }
        | Kind::TracepointBuffer
        | Kind::Kernel { .. }
        | Kind::Memory { .. }
        | Kind::Buffer { .. }
        | Kind::Function { .. } => true,
        Kind::FlowKeys => known.is_some(),
        Kind::Map { .. } => known == Some(0) && op == AluOp::Add,
        Kind::PacketEnd | Kind::Object(_) | Kind::Uninit | Kind::Scalar => false,
    }
}

/// Keeps offsets far from where sums of them would wrap. `register` is the pointer, or the number
/// that it is moved by.
fn check_sane(register: &Register, pointer: &Register) -> Check {
    let pointer = *pointer;
    let too_far = |distance: i64| distance >= POINTER_OFFSET || distance <= -POINTER_OFFSET;
    let smallest = register.value.s64.min;
    if let Some(number) = register.value.as_constant().map(u64::cast_signed)
        && too_far(number)
    {
        return Err(Reason::PointerDistance { pointer, number }.into());
    }
    if register.is_pointer() && too_far(register.off.into()) {
        return Err(Reason::PointerOffset { pointer, off: register.off }.into());
    }
    if smallest == i64::MIN {
        return Err(Reason::PointerUnbounded { pointer }.into());
    }
    if too_far(smallest) {
        return Err(Reason::PointerOutOfBounds { pointer, number: smallest }.into());
    }
    Ok(())
}
