//! The interpreter's own form of instructions: small, flat, with absolute targets.
//!
//! Operand kinds and widths are part of the operation, so that one jump through a table leads to
//! code that knows everything. What an operation computes is not said here but in
//! [`skep_spec::semantics`].

use skep_spec::insn::{
    AluOp, AtomicOp, Condition, Operand, Reg, SignedFrom, Size, SwapKind, SwapSize, Width,
};

use crate::helpers::Helper;

/// A register number, in a form that needs no bounds check ([`Registers`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct R(u8);

impl From<Reg> for R {
    fn from(reg: Reg) -> R {
        R(reg as u8)
    }
}

/// The registers; eleven of the sixteen places are in use.
#[derive(Clone, Debug)]
pub(crate) struct Registers([u64; 16]);

impl Registers {
    /// Arguments in `r1` to `r5`, the frame pointer in `r10`, zero elsewhere.
    pub(crate) fn new(args: [u64; 5], frame_pointer: u64) -> Registers {
        let mut registers = Registers([0; 16]);
        registers.0[1..6].copy_from_slice(&args);
        registers.0[10] = frame_pointer;
        registers
    }

    /// The value of a register.
    #[inline(always)]
    pub(crate) fn get(&self, reg: R) -> u64 {
        self.0[usize::from(reg.0 & 15)]
    }

    /// Sets a register.
    #[inline(always)]
    pub(crate) fn set(&mut self, reg: R, value: u64) {
        self.0[usize::from(reg.0 & 15)] = value;
    }

    /// The value of a register that is named in the code.
    #[inline(always)]
    pub(crate) fn of(&self, reg: Reg) -> u64 {
        self.0[reg.index()]
    }

    /// Sets a register that is named in the code.
    #[inline(always)]
    pub(crate) fn put(&mut self, reg: Reg, value: u64) {
        self.0[reg.index()] = value;
    }

    /// `r0` to `r10`.
    pub(crate) fn all(&self) -> [u64; 11] {
        std::array::from_fn(|number| self.0[number])
    }

    /// `r1` to `r5`.
    #[inline(always)]
    pub(crate) fn args(&self) -> [u64; 5] {
        let [_, a, b, c, d, e, ..] = self.0;
        [a, b, c, d, e]
    }

    /// `r6` to `r9`, which a callee preserves.
    #[inline(always)]
    pub(crate) fn saved(&self) -> [u64; 4] {
        let [_, _, _, _, _, _, a, b, c, d, ..] = self.0;
        [a, b, c, d]
    }

    /// Sets `r6` to `r9`.
    #[inline(always)]
    pub(crate) fn restore(&mut self, saved: [u64; 4]) {
        self.0[6..10].copy_from_slice(&saved);
    }
}

/// Calls a macro with the operations that come in four forms: 64 bits with register and with
/// immediate, 32 bits with register and with immediate.
macro_rules! operations {
    ($use:ident) => {
        $use! {
            alu {
                Add: Add64Reg Add64Imm Add32Reg Add32Imm,
                Sub: Sub64Reg Sub64Imm Sub32Reg Sub32Imm,
                Mul: Mul64Reg Mul64Imm Mul32Reg Mul32Imm,
                Div: Div64Reg Div64Imm Div32Reg Div32Imm,
                SDiv: SDiv64Reg SDiv64Imm SDiv32Reg SDiv32Imm,
                Mod: Mod64Reg Mod64Imm Mod32Reg Mod32Imm,
                SMod: SMod64Reg SMod64Imm SMod32Reg SMod32Imm,
                Or: Or64Reg Or64Imm Or32Reg Or32Imm,
                And: And64Reg And64Imm And32Reg And32Imm,
                Xor: Xor64Reg Xor64Imm Xor32Reg Xor32Imm,
                Lsh: Lsh64Reg Lsh64Imm Lsh32Reg Lsh32Imm,
                Rsh: Rsh64Reg Rsh64Imm Rsh32Reg Rsh32Imm,
                Arsh: Arsh64Reg Arsh64Imm Arsh32Reg Arsh32Imm,
            }
            branch {
                Eq: Eq64Reg Eq64Imm Eq32Reg Eq32Imm,
                Ne: Ne64Reg Ne64Imm Ne32Reg Ne32Imm,
                Gt: Gt64Reg Gt64Imm Gt32Reg Gt32Imm,
                Ge: Ge64Reg Ge64Imm Ge32Reg Ge32Imm,
                Lt: Lt64Reg Lt64Imm Lt32Reg Lt32Imm,
                Le: Le64Reg Le64Imm Le32Reg Le32Imm,
                Set: Set64Reg Set64Imm Set32Reg Set32Imm,
                SGt: SGt64Reg SGt64Imm SGt32Reg SGt32Imm,
                SGe: SGe64Reg SGe64Imm SGe32Reg SGe32Imm,
                SLt: SLt64Reg SLt64Imm SLt32Reg SLt32Imm,
                SLe: SLe64Reg SLe64Imm SLe32Reg SLe32Imm,
            }
        }
    };
}
pub(crate) use operations;

macro_rules! define {
    (
        alu { $( $alu:ident: $ar64:ident $ai64:ident $ar32:ident $ai32:ident, )* }
        branch { $( $cond:ident: $br64:ident $bi64:ident $br32:ident $bi32:ident, )* }
    ) => {
        /// One operation. Targets are indices into the program's operations.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Op {
            $(
                $ar64 { dst: R, src: R },
                $ai64 { dst: R, imm: i32 },
                $ar32 { dst: R, src: R },
                $ai32 { dst: R, imm: i32 },
            )*
            $(
                $br64 { dst: R, src: R, to: u32 },
                $bi64 { dst: R, imm: i32, to: u32 },
                $br32 { dst: R, src: R, to: u32 },
                $bi32 { dst: R, imm: i32, to: u32 },
            )*
            Mov64Reg { dst: R, src: R },
            Mov32Reg { dst: R, src: R },
            /// Every constant, from whatever instruction: the value in two halves.
            Const { dst: R, low: u32, high: u32 },
            Load8 { dst: R, src: R, off: i16 },
            Load16 { dst: R, src: R, off: i16 },
            Load32 { dst: R, src: R, off: i16 },
            Load64 { dst: R, src: R, off: i16 },
            Store8 { dst: R, src: R, off: i16 },
            Store16 { dst: R, src: R, off: i16 },
            Store32 { dst: R, src: R, off: i16 },
            Store64 { dst: R, src: R, off: i16 },
            Goto { to: u32 },
            /// Anything else, by its index in the program's rare operations.
            Rare { index: u32 },
        }

        impl Op {
            /// The operation of `dst op= src`.
            pub(crate) fn alu(width: Width, op: AluOp, dst: Reg, src: Operand) -> Op {
                let dst = R::from(dst);
                match (op, width, src) {
                    $(
                        (AluOp::$alu, Width::W64, Operand::Reg(src)) => Op::$ar64 { dst, src: src.into() },
                        (AluOp::$alu, Width::W64, Operand::Imm(imm)) => Op::$ai64 { dst, imm },
                        (AluOp::$alu, Width::W32, Operand::Reg(src)) => Op::$ar32 { dst, src: src.into() },
                        (AluOp::$alu, Width::W32, Operand::Imm(imm)) => Op::$ai32 { dst, imm },
                    )*
                }
            }

            /// The operation of `if dst cond src goto to`.
            pub(crate) fn branch(width: Width, cond: Condition, dst: Reg, src: Operand, to: u32) -> Op {
                let dst = R::from(dst);
                match (cond, width, src) {
                    $(
                        (Condition::$cond, Width::W64, Operand::Reg(src)) => Op::$br64 { dst, src: src.into(), to },
                        (Condition::$cond, Width::W64, Operand::Imm(imm)) => Op::$bi64 { dst, imm, to },
                        (Condition::$cond, Width::W32, Operand::Reg(src)) => Op::$br32 { dst, src: src.into(), to },
                        (Condition::$cond, Width::W32, Operand::Imm(imm)) => Op::$bi32 { dst, imm, to },
                    )*
                }
            }
        }
    };
}

operations!(define);

/// An operation that is not worth a place in the loop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rare {
    Neg {
        width: Width,
        dst: R,
    },
    MovSx {
        width: Width,
        from: SignedFrom,
        dst: R,
        src: R,
    },
    Swap {
        kind: SwapKind,
        size: SwapSize,
        dst: R,
    },
    LoadSigned {
        size: Size,
        dst: R,
        src: R,
        off: i16,
    },
    StoreImm {
        size: Size,
        dst: R,
        off: i16,
        imm: i32,
    },
    Atomic {
        size: Size,
        op: AtomicOp,
        dst: R,
        off: i16,
        src: R,
    },
    LoadAcquire {
        size: Size,
        dst: R,
        src: R,
        off: i16,
    },
    StoreRelease {
        size: Size,
        dst: R,
        off: i16,
        src: R,
    },
    LoadPacketAbs {
        size: Size,
        imm: i32,
    },
    LoadPacketInd {
        size: Size,
        src: R,
        imm: i32,
    },
    MayGoto {
        to: u32,
    },
    CallHelper {
        helper: Helper,
    },
    /// A helper whose result 0 ends the run.
    CallUnwind {
        helper: Helper,
    },
    TailCall,
    CallLocal {
        to: u32,
    },
    CallReg {
        reg: R,
    },
    Exit,
}

/// Every operation fits twelve bytes, five and a third in a cache line.
const _: () = assert!(size_of::<Op>() == 12);
