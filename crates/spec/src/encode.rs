//! Instructions to bytes: the inverse of [`crate::decode`].

use crate::code::Code;
use crate::insn::{
    AluOp, AtomicOp, Callee, Condition, Imm64, Insn, Operand, PacketIndex, Reg, SignedFrom, Size,
    SwapKind, SwapSize, Width,
};
use crate::opcode::*;
use crate::raw::Raw;

/// Encodes a program.
///
/// ```
/// use skep_spec::{Code, Insn, decode::decode, encode::encode};
///
/// let code = Code::from_iter([Insn::Goto { off: 0 }, Insn::Exit]);
/// assert_eq!(encode(&code), [0x05, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
/// assert_eq!(decode(&encode(&code)), Ok(code));
/// ```
pub fn encode(code: &Code) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(code.slots().len().saturating_mul(Raw::SIZE));
    for (_, insn) in code.iter() {
        let (first, second) = insn.to_slots();
        bytes.extend_from_slice(&first.to_bytes());
        bytes.extend(second.iter().flat_map(|second| second.to_bytes()));
    }
    bytes
}

impl Insn {
    /// The instruction's slot, and the second one if it has two.
    ///
    /// Every value encodes. Four combinations that this type can hold have no meaning of their
    /// own, and what they encode to does not decode: a 32-bit move that extends from 32 bits, a
    /// sign-extending load of eight bytes, a packet load of eight bytes, and a read-modify-write
    /// of fewer than four.
    pub fn to_slots(&self) -> (Raw, Option<Raw>) {
        let raw = match *self {
            Insn::Alu { width, op, dst, src } => alu(width, op, dst, src),
            Insn::Neg { width, dst } => Raw { opcode: alu_class(width) | BPF_NEG, ..to(dst) },
            Insn::Mov { width, dst, src } => {
                with_operand(Raw { opcode: alu_class(width) | BPF_MOV, ..to(dst) }, src)
            }
            Insn::MovSx { width, from, dst, src } => {
                let off = match from {
                    SignedFrom::S8 => 8,
                    SignedFrom::S16 => 16,
                    SignedFrom::S32 => 32,
                };
                Raw { opcode: alu_class(width) | BPF_MOV | BPF_X, off, ..between(dst, src) }
            }
            Insn::AddrSpaceCast { dst, src, to, from } => {
                let imm = (u32::from(to) << 16 | u32::from(from)).cast_signed();
                let opcode = BPF_ALU64 | BPF_MOV | BPF_X;
                Raw { opcode, off: BPF_ADDR_SPACE_CAST, imm, ..between(dst, src) }
            }
            Insn::Swap { kind, size, dst } => swap(kind, size, dst),
            Insn::LoadImm64 { dst, imm } => return load_imm64(dst, imm),
            Insn::LoadPacket { size, index, imm } => {
                let (mode, src) = match index {
                    PacketIndex::Abs => (BPF_ABS, 0),
                    PacketIndex::Ind(reg) => (BPF_IND, number(reg)),
                };
                Raw { opcode: BPF_LD | mode | size_bits(size), src, imm, ..Raw::default() }
            }
            Insn::Load { size, signed, dst, src, off } => {
                let mode = if signed { BPF_MEMSX } else { BPF_MEM };
                Raw { opcode: BPF_LDX | mode | size_bits(size), off, ..between(dst, src) }
            }
            Insn::Store { size, dst, off, src } => {
                let opcode = BPF_MEM | size_bits(size);
                match src {
                    Operand::Reg(src) => Raw { opcode: BPF_STX | opcode, off, ..between(dst, src) },
                    Operand::Imm(imm) => Raw { opcode: BPF_ST | opcode, off, imm, ..to(dst) },
                }
            }
            Insn::Atomic { size, op, dst, off, src } => {
                atomic(size, atomic_imm(op), between(dst, src), off)
            }
            Insn::LoadAcquire { size, dst, src, off } => {
                atomic(size, BPF_LOAD_ACQ, between(dst, src), off)
            }
            Insn::StoreRelease { size, dst, off, src } => {
                atomic(size, BPF_STORE_REL, between(dst, src), off)
            }
            Insn::Goto { off } => Raw { opcode: BPF_JMP | BPF_JA, off, ..Raw::default() },
            Insn::GotoLong { imm } => Raw { opcode: BPF_JMP32 | BPF_JA, imm, ..Raw::default() },
            Insn::Branch { width, cond, dst, src, off } => {
                let class = match width {
                    Width::W32 => BPF_JMP32,
                    Width::W64 => BPF_JMP,
                };
                with_operand(Raw { opcode: class | condition(cond), off, ..to(dst) }, src)
            }
            Insn::MayGoto { off } => {
                Raw { opcode: BPF_JMP | BPF_JCOND, src: BPF_MAY_GOTO, off, ..Raw::default() }
            }
            Insn::Call(callee) => call(callee),
            Insn::Exit => Raw { opcode: BPF_JMP | BPF_EXIT, ..Raw::default() },
        };
        (raw, None)
    }
}

fn alu(width: Width, op: AluOp, dst: Reg, src: Operand) -> Raw {
    let (op, off) = match op {
        AluOp::Add => (BPF_ADD, 0),
        AluOp::Sub => (BPF_SUB, 0),
        AluOp::Mul => (BPF_MUL, 0),
        AluOp::Div => (BPF_DIV, 0),
        AluOp::SDiv => (BPF_DIV, 1),
        AluOp::Mod => (BPF_MOD, 0),
        AluOp::SMod => (BPF_MOD, 1),
        AluOp::Or => (BPF_OR, 0),
        AluOp::And => (BPF_AND, 0),
        AluOp::Xor => (BPF_XOR, 0),
        AluOp::Lsh => (BPF_LSH, 0),
        AluOp::Rsh => (BPF_RSH, 0),
        AluOp::Arsh => (BPF_ARSH, 0),
    };
    with_operand(Raw { opcode: alu_class(width) | op, off, ..to(dst) }, src)
}

fn swap(kind: SwapKind, size: SwapSize, dst: Reg) -> Raw {
    let class = match kind {
        SwapKind::ToLe => BPF_ALU | BPF_K,
        SwapKind::ToBe => BPF_ALU | BPF_X,
        SwapKind::Always => BPF_ALU64,
    };
    let imm = match size {
        SwapSize::S16 => 16,
        SwapSize::S32 => 32,
        SwapSize::S64 => 64,
    };
    Raw { opcode: class | BPF_END, imm, ..to(dst) }
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of a 64-bit immediate")]
fn load_imm64(dst: Reg, imm: Imm64) -> (Raw, Option<Raw>) {
    let (src, low, high) = match imm {
        Imm64::Value(value) => (0, value as i32, (value >> 32) as i32),
        Imm64::MapFd(fd) => (BPF_PSEUDO_MAP_FD, fd, 0),
        Imm64::MapValue { fd, off } => (BPF_PSEUDO_MAP_VALUE, fd, off.cast_signed()),
        Imm64::BtfVar { btf_id, module_fd } => (BPF_PSEUDO_BTF_ID, btf_id, module_fd),
        Imm64::Func(distance) => (BPF_PSEUDO_FUNC, distance, 0),
        Imm64::MapIdx(idx) => (BPF_PSEUDO_MAP_IDX, idx, 0),
        Imm64::MapIdxValue { idx, off } => (BPF_PSEUDO_MAP_IDX_VALUE, idx, off.cast_signed()),
    };
    let first = Raw { opcode: BPF_LD | BPF_IMM | BPF_DW, src, imm: low, ..to(dst) };
    (first, Some(Raw { imm: high, ..Raw::default() }))
}

fn call(callee: Callee) -> Raw {
    let opcode = BPF_JMP | BPF_CALL;
    match callee {
        Callee::Helper(imm) => Raw { opcode, imm, ..Raw::default() },
        Callee::Local(imm) => Raw { opcode, src: BPF_PSEUDO_CALL, imm, ..Raw::default() },
        Callee::Kfunc { btf_id, module } => {
            let src = BPF_PSEUDO_KFUNC_CALL;
            Raw { opcode, src, off: module, imm: btf_id, ..Raw::default() }
        }
        Callee::Reg(reg) => Raw { opcode: opcode | BPF_X, ..to(reg) },
    }
}

fn atomic(size: Size, imm: i32, registers: Raw, off: i16) -> Raw {
    Raw { opcode: BPF_STX | BPF_ATOMIC | size_bits(size), off, imm, ..registers }
}

fn atomic_imm(op: AtomicOp) -> i32 {
    let (op, fetch) = match op {
        AtomicOp::Add { fetch } => (BPF_ADD, fetch),
        AtomicOp::Or { fetch } => (BPF_OR, fetch),
        AtomicOp::And { fetch } => (BPF_AND, fetch),
        AtomicOp::Xor { fetch } => (BPF_XOR, fetch),
        AtomicOp::Xchg => return BPF_XCHG,
        AtomicOp::CmpXchg => return BPF_CMPXCHG,
    };
    i32::from(op) | if fetch { BPF_FETCH } else { 0 }
}

fn condition(cond: Condition) -> u8 {
    match cond {
        Condition::Eq => BPF_JEQ,
        Condition::Ne => BPF_JNE,
        Condition::Gt => BPF_JGT,
        Condition::Ge => BPF_JGE,
        Condition::Lt => BPF_JLT,
        Condition::Le => BPF_JLE,
        Condition::Set => BPF_JSET,
        Condition::SGt => BPF_JSGT,
        Condition::SGe => BPF_JSGE,
        Condition::SLt => BPF_JSLT,
        Condition::SLe => BPF_JSLE,
    }
}

fn alu_class(width: Width) -> u8 {
    match width {
        Width::W32 => BPF_ALU,
        Width::W64 => BPF_ALU64,
    }
}

fn size_bits(size: Size) -> u8 {
    match size {
        Size::B => BPF_B,
        Size::H => BPF_H,
        Size::W => BPF_W,
        Size::DW => BPF_DW,
    }
}

fn with_operand(raw: Raw, src: Operand) -> Raw {
    match src {
        Operand::Reg(src) => Raw { opcode: raw.opcode | BPF_X, src: number(src), ..raw },
        Operand::Imm(imm) => Raw { opcode: raw.opcode | BPF_K, imm, ..raw },
    }
}

/// A slot with nothing but a destination register.
fn to(dst: Reg) -> Raw {
    Raw { dst: number(dst), ..Raw::default() }
}

/// A slot with nothing but its two registers.
fn between(dst: Reg, src: Reg) -> Raw {
    Raw { dst: number(dst), src: number(src), ..Raw::default() }
}

fn number(reg: Reg) -> u8 {
    reg as u8
}
