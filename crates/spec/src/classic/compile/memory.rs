//! Loads and stores: packet, context, stack.

use super::number::Number;
use super::state::{Home, State, Value};
use super::{CompileErrorKind, Compiler, Result, missing};
use crate::abi::ProgType;
use crate::abi::context::{self, Access};
use crate::classic::ancillary::AD_OFF;
use crate::classic::check::Rules;
use crate::classic::fields::FIELDS;
use crate::classic::insn as classic;
use crate::classic::seccomp;
use crate::insn::{Operand, PacketIndex, Reg, Size};

impl Compiler<'_> {
    /// A legacy packet load, which means in eBPF what it means in classic BPF.
    pub(super) fn load_packet(
        &mut self,
        state: &mut State,
        size: Size,
        index: PacketIndex,
        imm: i32,
    ) -> Result<()> {
        if self.rules == Rules::Seccomp {
            return missing("packet under seccomp");
        }
        if state.get(Reg::R6) != Value::Context(0) {
            return Err(CompileErrorKind::NoAddress { reg: Reg::R6 });
        }
        let (size, number) = match size {
            Size::B => (classic::Size::B, Number::bits(8)),
            Size::H => (classic::Size::H, Number::bits(16)),
            Size::W => (classic::Size::W, Number::ANY32),
            Size::DW => return missing("packet loads of eight bytes"),
        };
        let k = imm.cast_unsigned();
        let place = match index {
            PacketIndex::Abs if k >= AD_OFF => return missing("packet from SKF_AD_OFF on"),
            PacketIndex::Abs => classic::Place::Abs(k),
            PacketIndex::Ind(reg) => {
                state.low(reg)?;
                self.out.load_x(Home::Reg(reg))?;
                classic::Place::Ind(k)
            }
        };
        self.out.emit(classic::Insn::LoadPacket { size, place });
        state.forget_arguments();
        self.define(state, Reg::R0, number)
    }

    pub(super) fn load(
        &mut self,
        state: &mut State,
        size: Size,
        signed: bool,
        dst: Reg,
        src: Reg,
        off: i16,
    ) -> Result<()> {
        match state.get(src) {
            Value::Context(base) => {
                let off = base.saturating_add(off.into());
                match self.rules {
                    Rules::Socket => self.load_field(size, off)?,
                    Rules::Seccomp => self.load_seccomp_data(size, off)?,
                }
                let number = self.extend(size, signed);
                self.define(state, dst, number)
            }
            Value::Stack(base) => {
                self.load_stack(state, size, signed, dst, base.saturating_add(off.into()))
            }
            Value::Number(_) | Value::Nothing => Err(CompileErrorKind::NoAddress { reg: src }),
        }
    }

    /// Makes what a load gives of `A`, whose low bytes are the ones that are loaded.
    fn extend(&mut self, size: Size, signed: bool) -> Number {
        match (size, signed) {
            (Size::DW, _) => Number::Wide,
            (Size::W, false) => Number::ANY32,
            (Size::W, true) => Number::Signed,
            (Size::B | Size::H, false) => {
                let bits = size.bits();
                self.out.alu_k(classic::AluOp::And, (1 << bits) - 1);
                Number::bits(bits)
            }
            (Size::B | Size::H, true) => {
                self.sign_extend(size.bits());
                Number::Signed
            }
        }
    }

    /// Loads a field of `struct __sk_buff` into `A`, from the byte at an offset on.
    fn load_field(&mut self, size: Size, off: i64) -> Result<()> {
        let error = |why| CompileErrorKind::Context { off, bytes: size.bytes(), why };
        let bytes = u32::try_from(size.bytes()).map_err(|_| error(""))?;
        let access = Access::load(u32::try_from(off).map_err(|_| error(""))?, bytes);
        let hit = context::of(ProgType::SocketFilter).access(access, None);
        // What parts behind the first give depends on how many bytes the kernel keeps.
        let hit = hit.ok().filter(|hit| hit.offset == 0).ok_or(error(""))?;
        if hit.field.name == "ifindex" {
            return Err(error(": where there is no device, it ends the filter"));
        }
        if hit.field.name == "len" {
            let (to, value) = (classic::Register::A, classic::Value::Len);
            self.out.emit(classic::Insn::Load { to, value });
        } else {
            let field = FIELDS.iter().find(|field| field.name == hit.field.name);
            let field = field.ok_or(error(""))?;
            self.out.load_ancillary(field.answers);
            if field.swapped {
                // Memory has it in network byte order.
                self.out.store_a(Home::Scratch2)?;
                self.swap_bytes(Home::Scratch2, &[(0xff, 8), (0xff00, -8)])?;
            }
        }
        Ok(())
    }

    /// Loads from `struct seccomp_data` into `A`: of eight bytes, the lower four.
    fn load_seccomp_data(&mut self, size: Size, off: i64) -> Result<()> {
        let error = CompileErrorKind::Context { off, bytes: size.bytes(), why: "" };
        let at = u32::try_from(off).map_err(|_| error)?;
        let bytes = u32::try_from(size.bytes()).map_err(|_| error)?;
        let end = at.checked_add(bytes).filter(|end| *end <= seccomp::DATA_LEN);
        if end.is_none() || !at.is_multiple_of(bytes) {
            return Err(error);
        }
        let place = classic::Place::Abs(at & !3);
        self.out.emit(classic::Insn::LoadPacket { size: classic::Size::W, place });
        if at & 3 > 0 {
            self.out.alu_k(classic::AluOp::Rsh, 8 * (at & 3));
        }
        Ok(())
    }

    fn load_stack(
        &mut self,
        state: &mut State,
        size: Size,
        signed: bool,
        dst: Reg,
        off: i64,
    ) -> Result<()> {
        let error = CompileErrorKind::Stack { off, bytes: size.bytes() };
        let (stored, value) = state.stored(off).ok_or(error)?;
        match value {
            Value::Number(number) if stored == size && size == Size::DW => {
                self.out.load_a(Home::Stack(off))?;
                self.define(state, dst, number)
            }
            Value::Number(number) if stored >= size => {
                let low = number.low().ok_or(error)?;
                self.out.load_a(Home::Stack(off))?;
                let number = match self.extend(size, signed) {
                    // What was stored may be known better.
                    Number::Narrow { .. } if size == Size::W => low,
                    extended => extended,
                };
                self.define(state, dst, number)
            }
            Value::Context(_) | Value::Stack(_) if stored == size => {
                state.set(dst, value);
                Ok(())
            }
            Value::Number(_) | Value::Context(_) | Value::Stack(_) | Value::Nothing => Err(error),
        }
    }

    pub(super) fn store(
        &mut self,
        state: &mut State,
        size: Size,
        dst: Reg,
        off: i16,
        src: Operand,
    ) -> Result<()> {
        let off = match state.get(dst) {
            Value::Stack(base) => base.saturating_add(off.into()),
            Value::Context(_) => return missing("stores to the context"),
            Value::Number(_) | Value::Nothing => {
                return Err(CompileErrorKind::NoAddress { reg: dst });
            }
        };
        let value = match (src, size) {
            (_, Size::B | Size::H) => return missing("stores of less than four bytes"),
            (Operand::Imm(imm), Size::W | Size::DW) => {
                self.out.load_constant(imm.cast_unsigned());
                let number = Number::constant(i64::from(imm).cast_unsigned());
                Value::Number(if size == Size::W {
                    Number::constant(imm.cast_unsigned().into())
                } else {
                    number
                })
            }
            (Operand::Reg(src), Size::W) => {
                let number = state.low(src)?;
                self.out.load_a(Home::Reg(src))?;
                Value::Number(number)
            }
            (Operand::Reg(src), Size::DW) => match state.get(src) {
                address @ (Value::Context(_) | Value::Stack(_)) => {
                    state.put(off, size, address);
                    return Ok(());
                }
                Value::Number(_) | Value::Nothing => {
                    let number = state.number(src)?;
                    self.out.load_a(Home::Reg(src))?;
                    Value::Number(number)
                }
            },
        };
        self.out.store_a(Home::Stack(off))?;
        state.put(off, size, value);
        Ok(())
    }
}
