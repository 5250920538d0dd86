//! One instruction, decoded.
//!
//! [`Insn`] is the only form in which instructions travel through skep. It can hold every
//! instruction of RFC 9669 and the kernel's additions through Linux 6.18, and nothing else: a byte
//! pattern that has no meaning does not decode (see [`crate::decode`]). Every value that came from
//! bytes encodes back to exactly those. (Four combinations never come from bytes; see
//! [`Insn::to_slots`].)
//!
//! Jump and call distances stay as they stand in the bytes: relative, counted in 8-byte *slots*
//! from the slot after the instruction.

use std::fmt;

/// A register: `r0` to `r10`, `r10` being the read-only frame pointer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Reg {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

impl Reg {
    /// All registers, in order.
    pub const ALL: [Reg; 11] = [
        Reg::R0,
        Reg::R1,
        Reg::R2,
        Reg::R3,
        Reg::R4,
        Reg::R5,
        Reg::R6,
        Reg::R7,
        Reg::R8,
        Reg::R9,
        Reg::R10,
    ];
    /// The frame pointer.
    pub const FP: Reg = Reg::R10;

    /// The register with this number, if there is one.
    pub fn new(number: u8) -> Option<Reg> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number, 0 to 10.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.index())
    }
}

/// How much of a register an arithmetic or jump instruction looks at.
///
/// A 32-bit operation reads the lower halves and zeroes the upper half of its destination.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Width {
    /// The lower 32 bits.
    W32,
    /// All 64 bits.
    W64,
}

/// How many bytes of memory an instruction touches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Size {
    /// One byte.
    B,
    /// Two bytes, a half word.
    H,
    /// Four bytes, a word.
    W,
    /// Eight bytes, a double word.
    DW,
}

impl Size {
    /// The number of bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Size::B => 1,
            Size::H => 2,
            Size::W => 4,
            Size::DW => 8,
        }
    }

    /// The number of bits.
    pub const fn bits(self) -> u32 {
        match self {
            Size::B => 8,
            Size::H => 16,
            Size::W => 32,
            Size::DW => 64,
        }
    }
}

/// The second operand: a register, or an immediate that is sign-extended to the operation's width.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Operand {
    Reg(Reg),
    Imm(i32),
}

/// Arithmetic with two operands; the result goes to the first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AluOp {
    /// Wrapping addition.
    Add,
    /// Wrapping subtraction.
    Sub,
    /// Wrapping multiplication.
    Mul,
    /// Unsigned division; by zero gives zero.
    Div,
    /// Signed division, truncating; by zero gives zero, the smallest number by -1 gives itself.
    SDiv,
    /// Unsigned remainder; by zero leaves the destination.
    Mod,
    /// Signed remainder with the sign of the dividend; by zero leaves the destination.
    SMod,
    /// Bitwise or.
    Or,
    /// Bitwise and.
    And,
    /// Bitwise exclusive or.
    Xor,
    /// Shift left; the count is taken modulo the width.
    Lsh,
    /// Logical shift right; the count is taken modulo the width.
    Rsh,
    /// Arithmetic shift right; the count is taken modulo the width.
    Arsh,
}

/// The width that a sign-extending move starts from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum SignedFrom {
    S8,
    S16,
    S32,
}

/// What a byte-order instruction does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SwapKind {
    /// To little endian: truncation on a little-endian machine.
    ToLe,
    /// To big endian: a swap on a little-endian machine.
    ToBe,
    /// A swap on every machine (`bswap`).
    Always,
}

/// The number of bits that a byte-order instruction keeps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum SwapSize {
    S16,
    S32,
    S64,
}

/// A comparison of a conditional jump. Names follow the UAPI (`BPF_JSGT` is signed `>`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Condition {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Unsigned greater.
    Gt,
    /// Unsigned greater or equal.
    Ge,
    /// Unsigned less.
    Lt,
    /// Unsigned less or equal.
    Le,
    /// Bits in common (`&`).
    Set,
    /// Signed greater.
    SGt,
    /// Signed greater or equal.
    SGe,
    /// Signed less.
    SLt,
    /// Signed less or equal.
    SLe,
}

/// A read-modify-write operation on memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AtomicOp {
    /// `*mem += src`; with fetch, `src` becomes the old value.
    Add {
        /// Whether `src` receives the old value.
        fetch: bool,
    },
    /// `*mem |= src`; with fetch, `src` becomes the old value.
    Or {
        /// Whether `src` receives the old value.
        fetch: bool,
    },
    /// `*mem &= src`; with fetch, `src` becomes the old value.
    And {
        /// Whether `src` receives the old value.
        fetch: bool,
    },
    /// `*mem ^= src`; with fetch, `src` becomes the old value.
    Xor {
        /// Whether `src` receives the old value.
        fetch: bool,
    },
    /// Exchange: `src` receives the old value, memory the old `src`.
    Xchg,
    /// Compare with `r0` and exchange: `r0` receives the old value.
    CmpXchg,
}

/// The 64-bit immediate load, two slots long, in all its pseudo forms.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Imm64 {
    /// A plain number.
    Value(u64),
    /// The map behind a descriptor (`BPF_PSEUDO_MAP_FD`).
    MapFd(i32),
    /// The address of byte `off` of the first value of the map behind a descriptor
    /// (`BPF_PSEUDO_MAP_VALUE`).
    MapValue {
        /// The map's descriptor.
        fd: i32,
        /// Byte offset into the value.
        off: u32,
    },
    /// The address of a kernel variable (`BPF_PSEUDO_BTF_ID`).
    BtfVar {
        /// The variable's BTF type id.
        btf_id: i32,
        /// The descriptor of a module's BTF, or 0 for the kernel's.
        module_fd: i32,
    },
    /// The address of a function of this program (`BPF_PSEUDO_FUNC`), as a slot distance.
    Func(i32),
    /// As [`Imm64::MapFd`], by index into the load command's descriptor array.
    MapIdx(i32),
    /// As [`Imm64::MapValue`], by index into the load command's descriptor array.
    MapIdxValue {
        /// Index into the descriptor array.
        idx: i32,
        /// Byte offset into the value.
        off: u32,
    },
}

/// Who is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Callee {
    /// A helper by its number.
    Helper(i32),
    /// A function of this program, as a slot distance (`BPF_PSEUDO_CALL`).
    Local(i32),
    /// A kernel function by BTF id (`BPF_PSEUDO_KFUNC_CALL`).
    Kfunc {
        /// The function's BTF type id.
        btf_id: i32,
        /// Index into the load command's descriptor array for a module's BTF, or 0 for the kernel.
        module: i16,
    },
    /// The function whose address is in a register (`callx`).
    Reg(Reg),
}

/// How a legacy packet load finds its byte (`BPF_ABS`, `BPF_IND`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PacketIndex {
    /// At the immediate.
    Abs,
    /// At the immediate plus the register.
    Ind(Reg),
}

/// One instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "fields carry the names of RFC 9669: dst, src, off, imm")]
pub enum Insn {
    /// `dst = dst op src`.
    Alu { width: Width, op: AluOp, dst: Reg, src: Operand },
    /// `dst = -dst`.
    Neg { width: Width, dst: Reg },
    /// `dst = src`.
    Mov { width: Width, dst: Reg, src: Operand },
    /// `dst = (s8|s16|s32)src`.
    MovSx { width: Width, from: SignedFrom, dst: Reg, src: Reg },
    /// Between the kernel's and the user's view of an arena; the spaces are 16-bit numbers.
    AddrSpaceCast { dst: Reg, src: Reg, to: u16, from: u16 },
    /// Byte order.
    Swap { kind: SwapKind, size: SwapSize, dst: Reg },
    /// A 64-bit immediate; takes two slots.
    LoadImm64 { dst: Reg, imm: Imm64 },
    /// The legacy load of packet bytes, in network order, into `r0`.
    LoadPacket { size: Size, index: PacketIndex, imm: i32 },
    /// `dst = *(size *)(src + off)`.
    Load { size: Size, signed: bool, dst: Reg, src: Reg, off: i16 },
    /// `*(size *)(dst + off) = src`.
    Store { size: Size, dst: Reg, off: i16, src: Operand },
    /// Read-modify-write of `*(size *)(dst + off)`; `size` is [`Size::W`] or [`Size::DW`].
    Atomic { size: Size, op: AtomicOp, dst: Reg, off: i16, src: Reg },
    /// `dst = load_acquire((size *)(src + off))`.
    LoadAcquire { size: Size, dst: Reg, src: Reg, off: i16 },
    /// `store_release((size *)(dst + off), src)`.
    StoreRelease { size: Size, dst: Reg, off: i16, src: Reg },
    /// An unconditional jump by 16 bits (`goto`).
    Goto { off: i16 },
    /// An unconditional jump by 32 bits (`gotol`).
    GotoLong { imm: i32 },
    /// `if dst cond src goto off`.
    Branch { width: Width, cond: Condition, dst: Reg, src: Operand, off: i16 },
    /// A jump that the runtime takes once the loop's budget is used up (`may_goto`).
    MayGoto { off: i16 },
    /// A call.
    Call(Callee),
    /// Return to the caller, or end of the program.
    Exit,
}

impl Insn {
    /// How many 8-byte slots it takes: 2 for [`Insn::LoadImm64`], else 1.
    pub const fn slots(&self) -> u32 {
        match self {
            Insn::LoadImm64 { .. } => 2,
            Insn::Alu { .. }
            | Insn::Neg { .. }
            | Insn::Mov { .. }
            | Insn::MovSx { .. }
            | Insn::AddrSpaceCast { .. }
            | Insn::Swap { .. }
            | Insn::LoadPacket { .. }
            | Insn::Load { .. }
            | Insn::Store { .. }
            | Insn::Atomic { .. }
            | Insn::LoadAcquire { .. }
            | Insn::StoreRelease { .. }
            | Insn::Goto { .. }
            | Insn::GotoLong { .. }
            | Insn::Branch { .. }
            | Insn::MayGoto { .. }
            | Insn::Call(_)
            | Insn::Exit => 1,
        }
    }
}
