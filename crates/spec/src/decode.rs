//! Bytes to instructions, strictly.
//!
//! A byte pattern either means exactly one [`Insn`] or is an error. Fields that an instruction
//! does not use must be zero, as RFC 9669 section 3 demands and the kernel checks: they are how
//! the instruction set grows (signed division is division with `off` = 1), so a decoder that
//! ignores them runs tomorrow's programs wrongly. What decodes, encodes back to the same bytes.
//!
//! Decoding judges single instructions. Whether a jump lands on an instruction, whether a divisor
//! is zero, or whether a program may write to `r10` is for those who look at whole programs.

mod error;
#[cfg(test)]
mod tests;

use crate::code::{Code, InsnIdx};
use crate::insn::{
    AluOp, AtomicOp, Callee, Condition, Imm64, Insn, Operand, PacketIndex, Reg, SignedFrom, Size,
    SwapKind, SwapSize, Width,
};
use crate::opcode::*;
use crate::raw::Raw;

pub use error::{DecodeError, DecodeErrorKind, Field, Form};

type Result<T, E = DecodeErrorKind> = std::result::Result<T, E>;

/// Decodes a program: little-endian slots of eight bytes, one after the other.
///
/// ```
/// use skep_spec::decode::decode;
///
/// let code = decode(&[0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0])?;
/// assert_eq!(code.len(), 2);
///
/// let error = decode(&[0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 1, 0, 0, 0]).unwrap_err();
/// assert_eq!(error.to_string(), "insn 1: BPF_EXIT uses reserved fields: imm is 1, required 0");
/// # Ok::<(), skep_spec::decode::DecodeError>(())
/// ```
///
/// # Errors
///
/// The first slot that is no instruction, or the place where the bytes end in the middle of one.
///
/// # Panics
///
/// Past `u32::MAX` slots, which is 32 GiB of code.
pub fn decode(bytes: &[u8]) -> Result<Code, DecodeError> {
    let (slots, rest) = bytes.as_chunks::<{ Raw::SIZE }>();
    let mut slots = slots.iter().copied().map(Raw::from_bytes).peekable();
    let mut code = Code::new();
    while let Some(first) = slots.next() {
        let insn = Insn::from_slots(first, slots.peek().copied())
            .map_err(|kind| DecodeError { at: InsnIdx(code.len()), kind })?;
        for _ in 1..insn.slots() {
            slots.next();
        }
        code.push(insn);
    }
    if !rest.is_empty() {
        let kind = DecodeErrorKind::PartialSlot { bytes: rest.len() };
        return Err(DecodeError { at: InsnIdx(code.len()), kind });
    }
    Ok(code)
}

impl Insn {
    /// Decodes the instruction that begins at a slot, given the slot after it, if there is one.
    ///
    /// The second slot is looked at only where the first begins a [`Insn::LoadImm64`].
    ///
    /// # Errors
    ///
    /// The slot is no instruction; see [`DecodeErrorKind`].
    pub fn from_slots(first: Raw, second: Option<Raw>) -> Result<Insn> {
        match first.opcode & CLASS_MASK {
            BPF_LD => load_special(first, second),
            BPF_LDX => load(first),
            BPF_ST => store_imm(first),
            BPF_STX => store_reg(first),
            BPF_ALU => alu(first, Width::W32),
            BPF_ALU64 => alu(first, Width::W64),
            BPF_JMP => jump(first),
            BPF_JMP32 => jump32(first),
            _ => Err(unknown(first)),
        }
    }
}

// Arithmetic, RFC 9669 section 4.1 and 4.2.

fn alu(raw: Raw, width: Width) -> Result<Insn> {
    let op = match raw.opcode & OP_MASK {
        BPF_ADD => AluOp::Add,
        BPF_SUB => AluOp::Sub,
        BPF_MUL => AluOp::Mul,
        BPF_DIV if raw.off == 1 => AluOp::SDiv,
        BPF_DIV => AluOp::Div,
        BPF_OR => AluOp::Or,
        BPF_AND => AluOp::And,
        BPF_LSH => AluOp::Lsh,
        BPF_RSH => AluOp::Rsh,
        BPF_MOD if raw.off == 1 => AluOp::SMod,
        BPF_MOD => AluOp::Mod,
        BPF_XOR => AluOp::Xor,
        BPF_ARSH => AluOp::Arsh,
        BPF_NEG => return neg(raw, width),
        BPF_MOV => return mov(raw, width),
        BPF_END => return swap(raw, width),
        _ => return Err(unknown(raw)),
    };
    match op {
        AluOp::Div | AluOp::SDiv | AluOp::Mod | AluOp::SMod => {
            require(Form::Alu, Field::Off, raw, &[0, 1])?;
        }
        AluOp::Add
        | AluOp::Sub
        | AluOp::Mul
        | AluOp::Or
        | AluOp::And
        | AluOp::Xor
        | AluOp::Lsh
        | AluOp::Rsh
        | AluOp::Arsh => zero(Form::Alu, raw, &[Field::Off])?,
    }
    let src = operand(Form::Alu, raw)?;
    Ok(Insn::Alu { width, op, dst: dst(raw)?, src })
}

fn neg(raw: Raw, width: Width) -> Result<Insn> {
    if is_register_form(raw) {
        return Err(unknown(raw));
    }
    zero(Form::Neg, raw, &[Field::Src, Field::Off, Field::Imm])?;
    Ok(Insn::Neg { width, dst: dst(raw)? })
}

fn mov(raw: Raw, width: Width) -> Result<Insn> {
    if !is_register_form(raw) {
        zero(Form::Mov, raw, &[Field::Off])?;
        let src = operand(Form::Mov, raw)?;
        return Ok(Insn::Mov { width, dst: dst(raw)?, src });
    }
    if width == Width::W64 && raw.off == BPF_ADDR_SPACE_CAST {
        let [to, from] = halves(raw.imm);
        return Ok(Insn::AddrSpaceCast { dst: dst(raw)?, src: src(raw)?, to, from });
    }
    let from = match (raw.off, width) {
        (0, Width::W32 | Width::W64) => None,
        (8, Width::W32 | Width::W64) => Some(SignedFrom::S8),
        (16, Width::W32 | Width::W64) => Some(SignedFrom::S16),
        (32, Width::W64) => Some(SignedFrom::S32),
        (_, Width::W32) => return Err(field(Form::Mov, Field::Off, raw, &[0, 8, 16])),
        (_, Width::W64) => return Err(field(Form::Mov, Field::Off, raw, &[0, 1, 8, 16, 32])),
    };
    zero(Form::Mov, raw, &[Field::Imm])?;
    let (dst, src) = (dst(raw)?, src(raw)?);
    Ok(match from {
        Some(from) => Insn::MovSx { width, from, dst, src },
        None => Insn::Mov { width, dst, src: Operand::Reg(src) },
    })
}

fn swap(raw: Raw, width: Width) -> Result<Insn> {
    let kind = match (width, is_register_form(raw)) {
        (Width::W32, false) => SwapKind::ToLe,
        (Width::W32, true) => SwapKind::ToBe,
        (Width::W64, false) => SwapKind::Always,
        (Width::W64, true) => return Err(unknown(raw)),
    };
    zero(Form::End, raw, &[Field::Src, Field::Off])?;
    let size = match raw.imm {
        16 => SwapSize::S16,
        32 => SwapSize::S32,
        64 => SwapSize::S64,
        _ => return Err(field(Form::End, Field::Imm, raw, &[16, 32, 64])),
    };
    Ok(Insn::Swap { kind, size, dst: dst(raw)? })
}

// Jumps, RFC 9669 section 4.3.

fn jump(raw: Raw) -> Result<Insn> {
    match raw.opcode & OP_MASK {
        BPF_JA if !is_register_form(raw) => {
            zero(Form::Ja, raw, &[Field::Dst, Field::Src, Field::Imm])?;
            Ok(Insn::Goto { off: raw.off })
        }
        BPF_CALL => call(raw),
        BPF_EXIT if !is_register_form(raw) => {
            zero(Form::Exit, raw, &[Field::Dst, Field::Src, Field::Off, Field::Imm])?;
            Ok(Insn::Exit)
        }
        BPF_JCOND if !is_register_form(raw) => {
            require(Form::MayGoto, Field::Src, raw, &[BPF_MAY_GOTO as i32])?;
            zero(Form::MayGoto, raw, &[Field::Dst, Field::Imm])?;
            Ok(Insn::MayGoto { off: raw.off })
        }
        _ => branch(raw, Width::W64),
    }
}

fn jump32(raw: Raw) -> Result<Insn> {
    match raw.opcode & OP_MASK {
        BPF_JA if !is_register_form(raw) => {
            zero(Form::Ja, raw, &[Field::Dst, Field::Src, Field::Off])?;
            Ok(Insn::GotoLong { imm: raw.imm })
        }
        _ => branch(raw, Width::W32),
    }
}

fn branch(raw: Raw, width: Width) -> Result<Insn> {
    let cond = match raw.opcode & OP_MASK {
        BPF_JEQ => Condition::Eq,
        BPF_JGT => Condition::Gt,
        BPF_JGE => Condition::Ge,
        BPF_JSET => Condition::Set,
        BPF_JNE => Condition::Ne,
        BPF_JSGT => Condition::SGt,
        BPF_JSGE => Condition::SGe,
        BPF_JLT => Condition::Lt,
        BPF_JLE => Condition::Le,
        BPF_JSLT => Condition::SLt,
        BPF_JSLE => Condition::SLe,
        _ => return Err(unknown(raw)),
    };
    let src = operand(Form::Jmp, raw)?;
    Ok(Insn::Branch { width, cond, dst: dst(raw)?, src, off: raw.off })
}

fn call(raw: Raw) -> Result<Insn> {
    if is_register_form(raw) {
        zero(Form::Call, raw, &[Field::Src, Field::Off, Field::Imm])?;
        return Ok(Insn::Call(Callee::Reg(dst(raw)?)));
    }
    zero(Form::Call, raw, &[Field::Dst])?;
    let callee = match raw.src {
        BPF_PSEUDO_KFUNC_CALL => Callee::Kfunc { btf_id: raw.imm, module: raw.off },
        BPF_PSEUDO_CALL => Callee::Local(raw.imm),
        0 => Callee::Helper(raw.imm),
        _ => return Err(field(Form::Call, Field::Src, raw, &[0, 1, 2])),
    };
    match callee {
        Callee::Kfunc { .. } => {}
        Callee::Helper(_) | Callee::Local(_) | Callee::Reg(_) => {
            zero(Form::Call, raw, &[Field::Off])?;
        }
    }
    Ok(Insn::Call(callee))
}

// Loads and stores, RFC 9669 section 5.

fn load_special(raw: Raw, second: Option<Raw>) -> Result<Insn> {
    let (mode, size) = (raw.opcode & MODE_MASK, size(raw));
    match (mode, size) {
        (BPF_IMM, Size::DW) => load_imm64(raw, second),
        (BPF_ABS, Size::B | Size::H | Size::W) => {
            zero(Form::LdPacket, raw, &[Field::Dst, Field::Src, Field::Off])?;
            Ok(Insn::LoadPacket { size, index: PacketIndex::Abs, imm: raw.imm })
        }
        (BPF_IND, Size::B | Size::H | Size::W) => {
            zero(Form::LdPacket, raw, &[Field::Dst, Field::Off])?;
            Ok(Insn::LoadPacket { size, index: PacketIndex::Ind(src(raw)?), imm: raw.imm })
        }
        (_, Size::B | Size::H | Size::W | Size::DW) => Err(unknown(raw)),
    }
}

fn load_imm64(raw: Raw, second: Option<Raw>) -> Result<Insn> {
    let second = second.ok_or(DecodeErrorKind::LdImm64SecondMissing)?;
    if (Raw { imm: 0, ..second }) != Raw::default() {
        return Err(DecodeErrorKind::LdImm64Second { found: second });
    }
    let (low, high) = (raw.imm, second.imm);
    let no_high = |imm| match high {
        0 => Ok(imm),
        _ => Err(DecodeErrorKind::LdImm64Pseudo { src: raw.src, high }),
    };
    let imm = match raw.src {
        0 => Imm64::Value(u64::from(high.cast_unsigned()) << 32 | u64::from(low.cast_unsigned())),
        BPF_PSEUDO_MAP_FD => no_high(Imm64::MapFd(low))?,
        BPF_PSEUDO_MAP_VALUE => Imm64::MapValue { fd: low, off: high.cast_unsigned() },
        BPF_PSEUDO_BTF_ID => Imm64::BtfVar { btf_id: low, module_fd: high },
        BPF_PSEUDO_FUNC => no_high(Imm64::Func(low))?,
        BPF_PSEUDO_MAP_IDX => no_high(Imm64::MapIdx(low))?,
        BPF_PSEUDO_MAP_IDX_VALUE => Imm64::MapIdxValue { idx: low, off: high.cast_unsigned() },
        _ => return Err(DecodeErrorKind::LdImm64Pseudo { src: raw.src, high }),
    };
    zero(Form::LdImm64, raw, &[Field::Off])?;
    Ok(Insn::LoadImm64 { dst: dst(raw)?, imm })
}

fn load(raw: Raw) -> Result<Insn> {
    let size = size(raw);
    let signed = match (raw.opcode & MODE_MASK, size) {
        (BPF_MEM, Size::B | Size::H | Size::W | Size::DW) => false,
        (BPF_MEMSX, Size::B | Size::H | Size::W) => true,
        (_, Size::B | Size::H | Size::W | Size::DW) => return Err(unknown(raw)),
    };
    zero(Form::Ldx, raw, &[Field::Imm])?;
    Ok(Insn::Load { size, signed, dst: dst(raw)?, src: src(raw)?, off: raw.off })
}

fn store_imm(raw: Raw) -> Result<Insn> {
    if raw.opcode & MODE_MASK != BPF_MEM {
        return Err(unknown(raw));
    }
    zero(Form::St, raw, &[Field::Src])?;
    let (size, src) = (size(raw), Operand::Imm(raw.imm));
    Ok(Insn::Store { size, dst: dst(raw)?, off: raw.off, src })
}

fn store_reg(raw: Raw) -> Result<Insn> {
    match raw.opcode & MODE_MASK {
        BPF_MEM => {
            zero(Form::Stx, raw, &[Field::Imm])?;
            let (size, src) = (size(raw), Operand::Reg(src(raw)?));
            Ok(Insn::Store { size, dst: dst(raw)?, off: raw.off, src })
        }
        BPF_ATOMIC => atomic(raw),
        _ => Err(unknown(raw)),
    }
}

fn atomic(raw: Raw) -> Result<Insn> {
    const ADD: i32 = BPF_ADD as i32;
    const OR: i32 = BPF_OR as i32;
    const AND: i32 = BPF_AND as i32;
    const XOR: i32 = BPF_XOR as i32;
    let (size, off) = (size(raw), raw.off);
    let fetch = raw.imm & BPF_FETCH != 0;
    let op = match raw.imm {
        BPF_LOAD_ACQ => return Ok(Insn::LoadAcquire { size, dst: dst(raw)?, src: src(raw)?, off }),
        BPF_STORE_REL => {
            return Ok(Insn::StoreRelease { size, dst: dst(raw)?, off, src: src(raw)? });
        }
        BPF_XCHG => AtomicOp::Xchg,
        BPF_CMPXCHG => AtomicOp::CmpXchg,
        imm => match imm & !BPF_FETCH {
            ADD => AtomicOp::Add { fetch },
            OR => AtomicOp::Or { fetch },
            AND => AtomicOp::And { fetch },
            XOR => AtomicOp::Xor { fetch },
            _ => return Err(DecodeErrorKind::AtomicOperation { imm }),
        },
    };
    match size {
        Size::W | Size::DW => {
            Ok(Insn::Atomic { size, op, dst: dst(raw)?, off: raw.off, src: src(raw)? })
        }
        Size::B | Size::H => Err(DecodeErrorKind::AtomicSize { size }),
    }
}

// The fields.

fn dst(raw: Raw) -> Result<Reg> {
    let kind = DecodeErrorKind::Register { field: Field::Dst, number: raw.dst };
    Reg::new(raw.dst).ok_or(kind)
}

fn src(raw: Raw) -> Result<Reg> {
    let kind = DecodeErrorKind::Register { field: Field::Src, number: raw.src };
    Reg::new(raw.src).ok_or(kind)
}

/// The second operand, checking that the field for the other kind of operand is zero.
fn operand(form: Form, raw: Raw) -> Result<Operand> {
    if is_register_form(raw) {
        zero(form, raw, &[Field::Imm])?;
        src(raw).map(Operand::Reg)
    } else {
        zero(form, raw, &[Field::Src])?;
        Ok(Operand::Imm(raw.imm))
    }
}

fn is_register_form(raw: Raw) -> bool {
    raw.opcode & SOURCE_MASK == BPF_X
}

fn size(raw: Raw) -> Size {
    match raw.opcode & SIZE_MASK {
        BPF_B => Size::B,
        BPF_H => Size::H,
        BPF_W => Size::W,
        _ => Size::DW,
    }
}

/// The upper and the lower half of an immediate.
fn halves(imm: i32) -> [u16; 2] {
    let [a, b, c, d] = imm.to_be_bytes();
    [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}

// The errors.

fn zero(form: Form, raw: Raw, fields: &[Field]) -> Result<()> {
    fields.iter().try_for_each(|&field| require(form, field, raw, &[0]))
}

fn require(form: Form, at: Field, raw: Raw, allowed: &'static [i32]) -> Result<()> {
    if allowed.contains(&at.of(raw)) { Ok(()) } else { Err(field(form, at, raw, allowed)) }
}

fn field(form: Form, at: Field, raw: Raw, allowed: &'static [i32]) -> DecodeErrorKind {
    DecodeErrorKind::Field { form, field: at, found: at.of(raw), allowed }
}

fn unknown(raw: Raw) -> DecodeErrorKind {
    DecodeErrorKind::UnknownOpcode { opcode: raw.opcode }
}
