//! Instructions to text, in the syntax of the kernel verifier's log.
//!
//! `insn.to_string()` gives the text of one instruction; [`Listing`] that of a program, line by
//! line as the kernel prints it, or as source for the assembler. Both can be given [`Symbols`]:
//! names for what instructions refer to by number.
//!
//! ```
//! use skep_spec::insn::{AluOp, Insn, Operand, Reg, Width};
//!
//! let insn = Insn::Alu { width: Width::W32, op: AluOp::SDiv, dst: Reg::R1, src: Operand::Imm(-3) };
//! assert_eq!(insn.to_string(), "w1 s/= -3");
//! ```
//!
//! The kernel's text leaves two things out, which are added here so that every instruction reads
//! back as itself (see [`crate::asm`]): a 64-bit immediate ends in ` ll` where no opcode byte
//! stands before the text, and what a 64-bit immediate load refers to is written out
//! (`map[fd:3]`) where the kernel would print an address.

mod listing;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::code::InsnIdx;
use crate::insn::{AtomicOp, Callee, Imm64, Insn, Operand, PacketIndex, Reg, Size, Width};
use crate::syntax;

pub use listing::Listing;

/// Names for what instructions refer to by number.
///
/// Each function may answer `None`; then the number is printed. `()` knows no names.
pub trait Symbols {
    /// What to print for the operand of the 64-bit immediate load at a slot, such as
    /// `map[counters]` or `0xffff888102ea6600`.
    fn imm64(&self, _at: InsnIdx, _imm: Imm64) -> Option<String> {
        None
    }

    /// The name of a kernel function.
    fn kfunc(&self, _btf_id: i32, _module: i16) -> Option<String> {
        None
    }

    /// The name of a place in the program: a function, or the target of a jump.
    fn place(&self, _at: InsnIdx) -> Option<String> {
        None
    }
}

impl Symbols for () {}

impl fmt::Display for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text(InsnIdx(0), &()).to_string())
    }
}

impl Insn {
    /// The text of the instruction at a slot, with names.
    pub fn text<'a>(&self, at: InsnIdx, symbols: &'a dyn Symbols) -> Text<'a> {
        Text { insn: *self, at, symbols, after_opcode: false }
    }
}

/// Displays one instruction.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    insn: Insn,
    at: InsnIdx,
    symbols: &'a dyn Symbols,
    /// Whether the opcode byte stands before the text, which then need not tell a 64-bit
    /// immediate load from a move.
    after_opcode: bool,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.insn {
            Insn::Alu { width, op, dst, src } => {
                write!(f, "{} {} {}", reg(width, dst), syntax::alu_op(op), operand(width, src))
            }
            Insn::Neg { width, dst } => write!(f, "{0} = -{0}", reg(width, dst)),
            Insn::Mov { width, dst, src } => {
                write!(f, "{} = {}", reg(width, dst), operand(width, src))
            }
            Insn::MovSx { width, from, dst, src } => {
                let from = syntax::signed_from(from);
                write!(f, "{} = ({from}){}", reg(width, dst), reg(width, src))
            }
            Insn::AddrSpaceCast { dst, src, to, from } => {
                write!(f, "{dst} = addr_space_cast({src}, {to}, {from})")
            }
            Insn::Swap { kind, size, dst } => {
                write!(f, "{dst} = {} {dst}", syntax::swap(kind, size))
            }
            Insn::LoadImm64 { dst, imm } => self.load_imm64(f, dst, imm),
            Insn::LoadPacket { size, index, imm } => {
                let size = syntax::size(size, false);
                match index {
                    PacketIndex::Abs => write!(f, "r0 = *({size} *)skb[{imm}]"),
                    PacketIndex::Ind(reg) => write!(f, "r0 = *({size} *)skb[{reg} + {imm}]"),
                }
            }
            Insn::Load { size, signed, dst, src, off } => {
                write!(f, "{dst} = *{}", Address { size, signed, base: src, off })
            }
            Insn::Store { size, dst, off, src } => {
                write!(f, "*{} = {}", address(size, dst, off), operand(Width::W64, src))
            }
            Insn::Atomic { size, op, dst, off, src } => atomic(f, size, op, dst, off, src),
            Insn::LoadAcquire { size, dst, src, off } => {
                write!(f, "{dst} = load_acquire({})", address(size, src, off))
            }
            Insn::StoreRelease { size, dst, off, src } => {
                write!(f, "store_release({}, {src})", address(size, dst, off))
            }
            Insn::Goto { off } => write!(f, "goto {}", self.place(off.into())),
            Insn::GotoLong { imm } => write!(f, "gotol {}", self.place(imm)),
            Insn::Branch { width, cond, dst, src, off } => {
                write!(f, "if {} {} ", reg(width, dst), syntax::condition(cond))?;
                match src {
                    Operand::Reg(src) => write!(f, "{}", reg(width, src))?,
                    Operand::Imm(imm) => write!(f, "{imm:#x}")?,
                }
                write!(f, " goto {}", self.place(off.into()))
            }
            Insn::MayGoto { off } => write!(f, "may_goto {}", self.place(off.into())),
            Insn::Call(callee) => self.call(f, callee),
            Insn::Exit => f.write_str("exit"),
        }
    }
}

impl Text<'_> {
    /// Where a distance leads: a name, or `pc+12`.
    fn place(&self, distance: i32) -> String {
        let name = self.at.jump(distance).and_then(|target| self.symbols.place(target));
        name.unwrap_or_else(|| format!("pc{distance:+}"))
    }

    fn load_imm64(&self, f: &mut fmt::Formatter<'_>, dst: Reg, imm: Imm64) -> fmt::Result {
        write!(f, "{dst} = ")?;
        if let Some(name) = self.symbols.imm64(self.at, imm) {
            return f.write_str(&name);
        }
        match imm {
            Imm64::Value(value) if self.after_opcode => write!(f, "{value:#x}"),
            Imm64::Value(value) => write!(f, "{value:#x} ll"),
            Imm64::MapFd(fd) => write!(f, "map[fd:{fd}]"),
            Imm64::MapValue { fd, off } => write!(f, "map[fd:{fd}][0]+{off}"),
            Imm64::BtfVar { btf_id, module_fd: 0 } => write!(f, "var[btf:{btf_id}]"),
            Imm64::BtfVar { btf_id, module_fd } => {
                write!(f, "var[btf:{btf_id} module:{module_fd}]")
            }
            Imm64::Func(distance) => {
                let name = self.at.jump(distance).and_then(|target| self.symbols.place(target));
                match name {
                    Some(name) => write!(f, "subprog[{name}]"),
                    None => write!(f, "subprog[{distance:+}]"),
                }
            }
            Imm64::MapIdx(idx) => write!(f, "map[idx:{idx}]"),
            Imm64::MapIdxValue { idx, off } => write!(f, "map[idx:{idx}][0]+{off}"),
        }
    }

    fn call(&self, f: &mut fmt::Formatter<'_>, callee: Callee) -> fmt::Result {
        match callee {
            Callee::Helper(number) => {
                write!(f, "call {}#{number}", syntax::helper(number))
            }
            Callee::Local(distance) => write!(f, "call {}", self.place(distance)),
            Callee::Kfunc { btf_id, module } => {
                let name = self.symbols.kfunc(btf_id, module);
                write!(f, "call {}#{btf_id}", name.as_deref().unwrap_or(syntax::UNKNOWN_KFUNC))?;
                match module {
                    0 => Ok(()),
                    module => write!(f, " module:{module}"),
                }
            }
            Callee::Reg(reg) => write!(f, "callx {reg}"),
        }
    }
}

fn atomic(
    f: &mut fmt::Formatter<'_>,
    size: Size,
    op: AtomicOp,
    dst: Reg,
    off: i16,
    src: Reg,
) -> fmt::Result {
    let address = address(size, dst, off);
    let name = match (syntax::atomic(op), size) {
        (syntax::Atomic::Lock(operator), _) => {
            return write!(f, "lock *{address} {operator} {src}");
        }
        (syntax::Atomic::Function(_, wide), Size::DW) => wide,
        (syntax::Atomic::Function(narrow, _), Size::B | Size::H | Size::W) => narrow,
    };
    match op {
        AtomicOp::CmpXchg => write!(f, "r0 = {name}({address}, r0, {src})"),
        AtomicOp::Add { .. }
        | AtomicOp::Or { .. }
        | AtomicOp::And { .. }
        | AtomicOp::Xor { .. }
        | AtomicOp::Xchg => write!(f, "{src} = {name}({address}, {src})"),
    }
}

/// Displays `(u32 *)(r1 +8)`.
struct Address {
    size: Size,
    signed: bool,
    base: Reg,
    off: i16,
}

fn address(size: Size, base: Reg, off: i16) -> Address {
    Address { size, signed: false, base, off }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = syntax::size(self.size, self.signed);
        write!(f, "({size} *)({} {:+})", self.base, self.off)
    }
}

/// Displays `r1` or `w1`.
struct Register(Width, Reg);

fn reg(width: Width, reg: Reg) -> Register {
    Register(width, reg)
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", syntax::register_letter(self.0), self.1.index())
    }
}

fn operand(width: Width, operand: Operand) -> String {
    match operand {
        Operand::Reg(src) => reg(width, src).to_string(),
        Operand::Imm(imm) => imm.to_string(),
    }
}
