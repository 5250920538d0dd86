//! The numbers of an opcode byte, as RFC 9669 section 3 and the UAPI (`linux/bpf.h`) name them.
//!
//! Only decoder and encoder look at these; everyone else sees an [`Insn`](crate::Insn).

/// Takes the instruction class out of an opcode.
pub const CLASS_MASK: u8 = 0x07;
/// Non-standard loads: 64-bit immediates and packet bytes.
pub const BPF_LD: u8 = 0x00;
/// Loads into a register.
pub const BPF_LDX: u8 = 0x01;
/// Stores of an immediate.
pub const BPF_ST: u8 = 0x02;
/// Stores of a register, and atomics.
pub const BPF_STX: u8 = 0x03;
/// 32-bit arithmetic.
pub const BPF_ALU: u8 = 0x04;
/// 64-bit jumps.
pub const BPF_JMP: u8 = 0x05;
/// 32-bit jumps.
pub const BPF_JMP32: u8 = 0x06;
/// 64-bit arithmetic.
pub const BPF_ALU64: u8 = 0x07;

/// Takes the operand's source out of an arithmetic or jump opcode.
pub const SOURCE_MASK: u8 = 0x08;
/// The operand is the immediate; of [`BPF_END`], "to little endian".
pub const BPF_K: u8 = 0x00;
/// The operand is the source register; of [`BPF_END`], "to big endian".
pub const BPF_X: u8 = 0x08;

/// Takes the operation out of an arithmetic or jump opcode.
pub const OP_MASK: u8 = 0xf0;

/// Addition.
pub const BPF_ADD: u8 = 0x00;
/// Subtraction.
pub const BPF_SUB: u8 = 0x10;
/// Multiplication.
pub const BPF_MUL: u8 = 0x20;
/// Division; signed where `off` is 1.
pub const BPF_DIV: u8 = 0x30;
/// Bitwise or.
pub const BPF_OR: u8 = 0x40;
/// Bitwise and.
pub const BPF_AND: u8 = 0x50;
/// Shift left.
pub const BPF_LSH: u8 = 0x60;
/// Logical shift right.
pub const BPF_RSH: u8 = 0x70;
/// Negation.
pub const BPF_NEG: u8 = 0x80;
/// Remainder; signed where `off` is 1.
pub const BPF_MOD: u8 = 0x90;
/// Bitwise exclusive or.
pub const BPF_XOR: u8 = 0xa0;
/// Move; sign-extending or an address space cast by `off`.
pub const BPF_MOV: u8 = 0xb0;
/// Arithmetic shift right.
pub const BPF_ARSH: u8 = 0xc0;
/// Byte order.
pub const BPF_END: u8 = 0xd0;

/// The `off` of [`BPF_MOV`] that makes it an address space cast.
pub const BPF_ADDR_SPACE_CAST: i16 = 1;

/// Unconditional jump.
pub const BPF_JA: u8 = 0x00;
/// Equal.
pub const BPF_JEQ: u8 = 0x10;
/// Unsigned greater.
pub const BPF_JGT: u8 = 0x20;
/// Unsigned greater or equal.
pub const BPF_JGE: u8 = 0x30;
/// Bits in common.
pub const BPF_JSET: u8 = 0x40;
/// Not equal.
pub const BPF_JNE: u8 = 0x50;
/// Signed greater.
pub const BPF_JSGT: u8 = 0x60;
/// Signed greater or equal.
pub const BPF_JSGE: u8 = 0x70;
/// Call.
pub const BPF_CALL: u8 = 0x80;
/// Return.
pub const BPF_EXIT: u8 = 0x90;
/// Unsigned less.
pub const BPF_JLT: u8 = 0xa0;
/// Unsigned less or equal.
pub const BPF_JLE: u8 = 0xb0;
/// Signed less.
pub const BPF_JSLT: u8 = 0xc0;
/// Signed less or equal.
pub const BPF_JSLE: u8 = 0xd0;
/// Jumps on conditions of the runtime, of which `may_goto` is the one there is.
pub const BPF_JCOND: u8 = 0xe0;

/// The source register of [`BPF_JCOND`] that means `may_goto`.
pub const BPF_MAY_GOTO: u8 = 0;

/// The source register of a call to a function of the program.
pub const BPF_PSEUDO_CALL: u8 = 1;
/// The source register of a call to a kernel function.
pub const BPF_PSEUDO_KFUNC_CALL: u8 = 2;

/// Takes the access size out of a load or store opcode.
pub const SIZE_MASK: u8 = 0x18;
/// Four bytes.
pub const BPF_W: u8 = 0x00;
/// Two bytes.
pub const BPF_H: u8 = 0x08;
/// One byte.
pub const BPF_B: u8 = 0x10;
/// Eight bytes.
pub const BPF_DW: u8 = 0x18;

/// Takes the mode out of a load or store opcode.
pub const MODE_MASK: u8 = 0xe0;
/// A 64-bit immediate.
pub const BPF_IMM: u8 = 0x00;
/// Packet bytes at the immediate.
pub const BPF_ABS: u8 = 0x20;
/// Packet bytes at the immediate plus a register.
pub const BPF_IND: u8 = 0x40;
/// Plain memory.
pub const BPF_MEM: u8 = 0x60;
/// Plain memory, sign-extended.
pub const BPF_MEMSX: u8 = 0x80;
/// Atomics.
pub const BPF_ATOMIC: u8 = 0xc0;

/// The `imm` flag of an atomic that returns the old value.
pub const BPF_FETCH: i32 = 0x01;
/// The `imm` of an atomic exchange.
pub const BPF_XCHG: i32 = 0xe0 | BPF_FETCH;
/// The `imm` of an atomic compare-and-exchange.
pub const BPF_CMPXCHG: i32 = 0xf0 | BPF_FETCH;
/// The `imm` of a load with acquire ordering.
pub const BPF_LOAD_ACQ: i32 = 0x100;
/// The `imm` of a store with release ordering.
pub const BPF_STORE_REL: i32 = 0x110;

/// The source register of a 64-bit load of a map's descriptor.
pub const BPF_PSEUDO_MAP_FD: u8 = 1;
/// The same of an address in the map's first value.
pub const BPF_PSEUDO_MAP_VALUE: u8 = 2;
/// The same of a kernel variable's BTF id.
pub const BPF_PSEUDO_BTF_ID: u8 = 3;
/// The same of a function of the program.
pub const BPF_PSEUDO_FUNC: u8 = 4;
/// The same of a map by index into the descriptor array.
pub const BPF_PSEUDO_MAP_IDX: u8 = 5;
/// The same of an address in that map's first value.
pub const BPF_PSEUDO_MAP_IDX_VALUE: u8 = 6;
