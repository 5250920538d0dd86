//! What instructions compute, as pure functions.
//!
//! Meaning is written here and nowhere else: the interpreter and constant folding call these
//! functions; the verifier's abstract operations and the code generators are tested against them.
//! Registers are `u64` throughout; what an operation makes of their bits is its own business.
//!
//! | function | instructions | RFC 9669 |
//! |---|---|---|
//! | [`alu`] | `dst op= src` | section 4.1 |
//! | [`neg`], [`mov`], [`mov_sx`] | `dst = -dst`, `dst = src`, `dst = (s8)src` | section 4.1 |
//! | [`swap`] | `dst = be16 dst` and the like | section 4.2 |
//! | [`condition`] | the condition of a branch | section 4.3 |
//! | [`load`] | what a load makes of the bytes in memory | sections 5.1 and 5.2 |
//! | [`atomic`] | read-modify-write | section 5.3 |
//! | [`packet`] | the legacy packet load | section 5.5 |
//! | [`Operand::value`] | an immediate as an operand | section 4 |
//!
//! Two things are no function of values alone. Jumps and calls move the program counter, by a
//! distance that [`InsnIdx::jump`](crate::InsnIdx::jump) adds. And what
//! [`Insn::AddrSpaceCast`](crate::Insn::AddrSpaceCast) does depends on where an arena lies in the
//! process: from address space 1 to 0 it turns a 32-bit arena offset into an address that loads
//! and stores accept, from 0 to 1 it forms the address that user space knows, null staying null
//! both ways. Arenas define it.

#[cfg(test)]
mod tests;

use crate::insn::{
    AluOp, AtomicOp, Condition, Operand, Reg, SignedFrom, Size, SwapKind, SwapSize, Width,
};

impl Operand {
    /// The value of the operand; `register` gives that of a register.
    ///
    /// Immediates are sign-extended to 64 bits, also where a 32-bit operation then looks at the
    /// lower half only.
    #[inline]
    pub fn value(self, register: impl FnOnce(Reg) -> u64) -> u64 {
        match self {
            Operand::Reg(reg) => register(reg),
            Operand::Imm(imm) => i64::from(imm).cast_unsigned(),
        }
    }
}

/// `dst op src`; the result of a 32-bit operation is zero-extended.
///
/// - Addition, subtraction and multiplication wrap.
/// - Division by zero gives 0; the remainder by zero is the dividend, of which a 32-bit operation
///   keeps the lower half.
/// - Signed division truncates towards zero, so that a remainder has the sign of its dividend; the
///   smallest number divided by -1 is itself, with remainder 0.
/// - Shifts take their count modulo the width.
///
/// ```
/// use skep_spec::{insn::{AluOp, Width}, semantics::alu};
///
/// assert_eq!(alu(Width::W64, AluOp::SDiv, -13i64 as u64, 3), -4i64 as u64);
/// assert_eq!(alu(Width::W32, AluOp::SDiv, -13i64 as u64, 3), 0xffff_fffc);
/// assert_eq!(alu(Width::W64, AluOp::Div, 7, 0), 0);
/// ```
#[inline]
pub fn alu(width: Width, op: AluOp, dst: u64, src: u64) -> u64 {
    match width {
        Width::W32 => alu32(op, low32(dst), low32(src)).into(),
        Width::W64 => alu64(op, dst, src),
    }
}

#[inline]
fn alu64(op: AluOp, dst: u64, src: u64) -> u64 {
    let (signed_dst, signed_src) = (dst.cast_signed(), src.cast_signed());
    match op {
        AluOp::Add => dst.wrapping_add(src),
        AluOp::Sub => dst.wrapping_sub(src),
        AluOp::Mul => dst.wrapping_mul(src),
        AluOp::Div => dst.checked_div(src).unwrap_or(0),
        AluOp::SDiv if src == 0 => 0,
        AluOp::SDiv => signed_dst.wrapping_div(signed_src).cast_unsigned(),
        AluOp::Mod => dst.checked_rem(src).unwrap_or(dst),
        AluOp::SMod if src == 0 => dst,
        AluOp::SMod => signed_dst.wrapping_rem(signed_src).cast_unsigned(),
        AluOp::Or => dst | src,
        AluOp::And => dst & src,
        AluOp::Xor => dst ^ src,
        AluOp::Lsh => dst.wrapping_shl(low32(src)),
        AluOp::Rsh => dst.wrapping_shr(low32(src)),
        AluOp::Arsh => signed_dst.wrapping_shr(low32(src)).cast_unsigned(),
    }
}

#[inline]
fn alu32(op: AluOp, dst: u32, src: u32) -> u32 {
    let (signed_dst, signed_src) = (dst.cast_signed(), src.cast_signed());
    match op {
        AluOp::Add => dst.wrapping_add(src),
        AluOp::Sub => dst.wrapping_sub(src),
        AluOp::Mul => dst.wrapping_mul(src),
        AluOp::Div => dst.checked_div(src).unwrap_or(0),
        AluOp::SDiv if src == 0 => 0,
        AluOp::SDiv => signed_dst.wrapping_div(signed_src).cast_unsigned(),
        AluOp::Mod => dst.checked_rem(src).unwrap_or(dst),
        AluOp::SMod if src == 0 => dst,
        AluOp::SMod => signed_dst.wrapping_rem(signed_src).cast_unsigned(),
        AluOp::Or => dst | src,
        AluOp::And => dst & src,
        AluOp::Xor => dst ^ src,
        AluOp::Lsh => dst.wrapping_shl(src),
        AluOp::Rsh => dst.wrapping_shr(src),
        AluOp::Arsh => signed_dst.wrapping_shr(src).cast_unsigned(),
    }
}

/// `-dst`, wrapping; the result of a 32-bit operation is zero-extended.
#[inline]
pub fn neg(width: Width, dst: u64) -> u64 {
    match width {
        Width::W32 => low32(dst).wrapping_neg().into(),
        Width::W64 => dst.wrapping_neg(),
    }
}

/// `src`, of which a 32-bit move keeps the lower half.
#[inline]
pub fn mov(width: Width, src: u64) -> u64 {
    match width {
        Width::W32 => low32(src).into(),
        Width::W64 => src,
    }
}

/// The low bits of `src`, sign-extended to the width; the result of a 32-bit move is zero-extended
/// from there.
#[inline]
pub fn mov_sx(width: Width, from: SignedFrom, src: u64) -> u64 {
    let bits = match from {
        SignedFrom::S8 => 8,
        SignedFrom::S16 => 16,
        SignedFrom::S32 => 32,
    };
    mov(width, sign_extend(src, bits))
}

/// The low bits of `dst` in another byte order, zero-extended.
///
/// `kind` is meant as on a little-endian machine, which is the only kind that skep runs programs
/// for: to little endian is truncation, to big endian a swap.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the upper bits are to go")]
pub fn swap(kind: SwapKind, size: SwapSize, dst: u64) -> u64 {
    match (kind, size) {
        (SwapKind::ToLe, SwapSize::S16) => (dst as u16).into(),
        (SwapKind::ToLe, SwapSize::S32) => (dst as u32).into(),
        (SwapKind::ToLe, SwapSize::S64) => dst,
        (SwapKind::ToBe | SwapKind::Always, SwapSize::S16) => (dst as u16).swap_bytes().into(),
        (SwapKind::ToBe | SwapKind::Always, SwapSize::S32) => (dst as u32).swap_bytes().into(),
        (SwapKind::ToBe | SwapKind::Always, SwapSize::S64) => dst.swap_bytes(),
    }
}

/// Whether `dst cond src` holds, looking at the lower halves where the width is 32 bits.
#[inline]
pub fn condition(width: Width, cond: Condition, dst: u64, src: u64) -> bool {
    // Sign extension keeps the order of signed numbers, and of unsigned ones too: it moves those
    // from 2³¹ on upwards together. It also keeps whether bits meet.
    let (dst, src) = match width {
        Width::W32 => (sign_extend(dst, 32), sign_extend(src, 32)),
        Width::W64 => (dst, src),
    };
    match cond {
        Condition::Eq => dst == src,
        Condition::Ne => dst != src,
        Condition::Gt => dst > src,
        Condition::Ge => dst >= src,
        Condition::Lt => dst < src,
        Condition::Le => dst <= src,
        Condition::Set => dst & src != 0,
        Condition::SGt => dst.cast_signed() > src.cast_signed(),
        Condition::SGe => dst.cast_signed() >= src.cast_signed(),
        Condition::SLt => dst.cast_signed() < src.cast_signed(),
        Condition::SLe => dst.cast_signed() <= src.cast_signed(),
    }
}

/// What a load puts into its register, given the little-endian number in memory: of that, the low
/// `size` bytes, extended by zeros or by the sign.
#[inline]
pub fn load(size: Size, signed: bool, memory: u64) -> u64 {
    if signed { sign_extend(memory, size.bits()) } else { zero_extend(memory, size.bits()) }
}

/// What a legacy packet load puts into `r0`, given the little-endian number in the packet: of
/// that, the low `size` bytes, which stand there in network order.
#[inline]
pub fn packet(size: Size, memory: u64) -> u64 {
    let unused = u64::BITS - size.bits();
    memory.swap_bytes() >> unused
}

/// What a read-modify-write operation leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Atomic {
    /// The new number in memory, of which the low `size` bytes count.
    pub memory: u64,
    /// The register that changes, and its new value.
    pub fetched: Option<Fetched>,
}

/// The register that receives the old number in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Fetched {
    Src(u64),
    R0(u64),
}

/// One atomic operation, as if nothing else ran: from the old number in memory, `src` and `r0` to
/// what is there afterwards.
///
/// A 32-bit operation reads the lower halves of the registers and zero-extends what it fetches.
/// Compare-and-exchange replaces `r0` also where the comparison fails, and then leaves memory as
/// it is.
///
/// How an engine makes it atomic is its own affair; the numbers must be these.
#[inline]
pub fn atomic(size: Size, op: AtomicOp, old: u64, src: u64, r0: u64) -> Atomic {
    let [old, src, r0] = [old, src, r0].map(|value| zero_extend(value, size.bits()));
    let fetch_if = |fetch: bool| fetch.then_some(Fetched::Src(old));
    let (memory, fetched) = match op {
        AtomicOp::Add { fetch } => (old.wrapping_add(src), fetch_if(fetch)),
        AtomicOp::Or { fetch } => (old | src, fetch_if(fetch)),
        AtomicOp::And { fetch } => (old & src, fetch_if(fetch)),
        AtomicOp::Xor { fetch } => (old ^ src, fetch_if(fetch)),
        AtomicOp::Xchg => (src, fetch_if(true)),
        AtomicOp::CmpXchg => (if old == r0 { src } else { old }, Some(Fetched::R0(old))),
    };
    Atomic { memory: zero_extend(memory, size.bits()), fetched }
}

/// The lower half of a register.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the upper half is to go")]
fn low32(value: u64) -> u32 {
    value as u32
}

/// The low `bits` of a value, 1 to 64, with zeros above.
#[inline]
fn zero_extend(value: u64, bits: u32) -> u64 {
    let unused = u64::BITS - bits;
    value << unused >> unused
}

/// The low `bits` of a value, 1 to 64, with copies of their highest above.
#[inline]
fn sign_extend(value: u64, bits: u32) -> u64 {
    let unused = u64::BITS - bits;
    ((value << unused).cast_signed() >> unused).cast_unsigned()
}
