//! The words of the assembly language, for those who write it and those who read it.
//!
//! It is the language of the kernel verifier's log (`print_bpf_insn` in `kernel/bpf/disasm.c`,
//! Linux 6.18), which bpftool and LLVM speak with small differences.

use crate::abi::HelperId;
use crate::insn::{AluOp, AtomicOp, Condition, SignedFrom, Size, SwapKind, SwapSize, Width};

pub(crate) const ALU_OPS: [AluOp; 13] = [
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

pub(crate) const fn alu_op(op: AluOp) -> &'static str {
    match op {
        AluOp::Add => "+=",
        AluOp::Sub => "-=",
        AluOp::Mul => "*=",
        AluOp::Div => "/=",
        AluOp::SDiv => "s/=",
        AluOp::Mod => "%=",
        AluOp::SMod => "s%=",
        AluOp::Or => "|=",
        AluOp::And => "&=",
        AluOp::Xor => "^=",
        AluOp::Lsh => "<<=",
        AluOp::Rsh => ">>=",
        AluOp::Arsh => "s>>=",
    }
}

pub(crate) const CONDITIONS: [Condition; 11] = [
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

pub(crate) const fn condition(cond: Condition) -> &'static str {
    match cond {
        Condition::Eq => "==",
        Condition::Ne => "!=",
        Condition::Gt => ">",
        Condition::Ge => ">=",
        Condition::Lt => "<",
        Condition::Le => "<=",
        Condition::Set => "&",
        Condition::SGt => "s>",
        Condition::SGe => "s>=",
        Condition::SLt => "s<",
        Condition::SLe => "s<=",
    }
}

pub(crate) const SIZES: [Size; 4] = [Size::B, Size::H, Size::W, Size::DW];

/// The type that a memory access of this size names.
pub(crate) const fn size(size: Size, signed: bool) -> &'static str {
    match (size, signed) {
        (Size::B, false) => "u8",
        (Size::H, false) => "u16",
        (Size::W, false) => "u32",
        (Size::DW, false) => "u64",
        (Size::B, true) => "s8",
        (Size::H, true) => "s16",
        (Size::W, true) => "s32",
        (Size::DW, true) => "s64",
    }
}

pub(crate) const SIGNED_FROM: [SignedFrom; 3] = [SignedFrom::S8, SignedFrom::S16, SignedFrom::S32];

pub(crate) const fn signed_from(from: SignedFrom) -> &'static str {
    match from {
        SignedFrom::S8 => "s8",
        SignedFrom::S16 => "s16",
        SignedFrom::S32 => "s32",
    }
}

pub(crate) const SWAPS: [(SwapKind, SwapSize); 9] = [
    (SwapKind::ToLe, SwapSize::S16),
    (SwapKind::ToLe, SwapSize::S32),
    (SwapKind::ToLe, SwapSize::S64),
    (SwapKind::ToBe, SwapSize::S16),
    (SwapKind::ToBe, SwapSize::S32),
    (SwapKind::ToBe, SwapSize::S64),
    (SwapKind::Always, SwapSize::S16),
    (SwapKind::Always, SwapSize::S32),
    (SwapKind::Always, SwapSize::S64),
];

pub(crate) const fn swap(kind: SwapKind, size: SwapSize) -> &'static str {
    match (kind, size) {
        (SwapKind::ToLe, SwapSize::S16) => "le16",
        (SwapKind::ToLe, SwapSize::S32) => "le32",
        (SwapKind::ToLe, SwapSize::S64) => "le64",
        (SwapKind::ToBe, SwapSize::S16) => "be16",
        (SwapKind::ToBe, SwapSize::S32) => "be32",
        (SwapKind::ToBe, SwapSize::S64) => "be64",
        (SwapKind::Always, SwapSize::S16) => "bswap16",
        (SwapKind::Always, SwapSize::S32) => "bswap32",
        (SwapKind::Always, SwapSize::S64) => "bswap64",
    }
}

/// The atomic operations that are written as functions of an address.
pub(crate) const ATOMIC_FUNCTIONS: [AtomicOp; 6] = [
    AtomicOp::Add { fetch: true },
    AtomicOp::Or { fetch: true },
    AtomicOp::And { fetch: true },
    AtomicOp::Xor { fetch: true },
    AtomicOp::Xchg,
    AtomicOp::CmpXchg,
];

/// How an atomic operation is written.
pub(crate) enum Atomic {
    /// `lock *(u64 *)(dst +0) += src`.
    Lock(&'static str),
    /// `src = atomic64_fetch_add((u64 *)(dst +0), src)`, named for four and for eight bytes.
    Function(&'static str, &'static str),
}

pub(crate) const fn atomic(op: AtomicOp) -> Atomic {
    match op {
        AtomicOp::Add { fetch: false } => Atomic::Lock(alu_op(AluOp::Add)),
        AtomicOp::Or { fetch: false } => Atomic::Lock(alu_op(AluOp::Or)),
        AtomicOp::And { fetch: false } => Atomic::Lock(alu_op(AluOp::And)),
        AtomicOp::Xor { fetch: false } => Atomic::Lock(alu_op(AluOp::Xor)),
        AtomicOp::Add { fetch: true } => Atomic::Function("atomic_fetch_add", "atomic64_fetch_add"),
        AtomicOp::Or { fetch: true } => Atomic::Function("atomic_fetch_or", "atomic64_fetch_or"),
        AtomicOp::And { fetch: true } => Atomic::Function("atomic_fetch_and", "atomic64_fetch_and"),
        AtomicOp::Xor { fetch: true } => Atomic::Function("atomic_fetch_xor", "atomic64_fetch_xor"),
        AtomicOp::Xchg => Atomic::Function("atomic_xchg", "atomic64_xchg"),
        AtomicOp::CmpXchg => Atomic::Function("atomic_cmpxchg", "atomic64_cmpxchg"),
    }
}

/// The letter before a register's number.
pub(crate) const fn register_letter(width: Width) -> char {
    match width {
        Width::W32 => 'w',
        Width::W64 => 'r',
    }
}

/// The name of a helper, in the words of the kernel also where there is none.
pub(crate) fn helper(number: i32) -> &'static str {
    match u32::try_from(number) {
        Ok(0) => UNSPEC_HELPER,
        Ok(number) => HelperId::from_u32(number).map_or(UNKNOWN_HELPER, HelperId::name),
        Err(_) => UNKNOWN_HELPER,
    }
}

/// How the kernel names a helper that it does not know.
pub(crate) const UNKNOWN_HELPER: &str = "unknown";
/// How the kernel names helper 0, which no helper is.
pub(crate) const UNSPEC_HELPER: &str = "bpf_unspec";
/// How the kernel names a kernel function where nobody gives it a name.
pub(crate) const UNKNOWN_KFUNC: &str = "kernel-function";
