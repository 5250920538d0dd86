//! What a 64-bit register can be set to, besides numbers and registers: memory, the results of
//! atomics, byte order, and the 64-bit immediates.

use super::super::Result;
use super::super::token::{Token, TokenKind};
use super::Parser;
use super::operand::Fits;
use crate::insn::{AluOp, AtomicOp, Imm64, Insn, Operand, PacketIndex, Reg, Size, Width};
use crate::opcode;
use crate::syntax;

impl Parser<'_> {
    /// The value of a number, as a move or a 64-bit immediate load.
    pub(super) fn number_value(&mut self, width: Width, dst: Reg) -> Result<Insn> {
        const LOAD_IMM64: u8 = opcode::BPF_LD | opcode::BPF_IMM | opcode::BPF_DW;
        let signed = matches!(self.peek().text, "-" | "+");
        let after = self.tokens.get(self.next + 1 + usize::from(signed));
        let marked = after.is_some_and(|token| token.text == "ll");
        if width == Width::W64 && (marked || self.opcode == Some(LOAD_IMM64)) {
            let imm = Imm64::Value(self.u64()?);
            self.eat("ll");
            return Ok(Insn::LoadImm64 { dst, imm });
        }
        if self.peek().kind == TokenKind::Number || signed {
            let src = Operand::Imm(self.imm32(Fits::width(width))?);
            return Ok(Insn::Mov { width, dst, src });
        }
        let known: Vec<_> = words().collect();
        Err(self.unexpected_word(self.peek(), "a value", &known))
    }

    /// A value that begins with a word or a star; none if there is something else.
    pub(super) fn special_value(&mut self, width: Width, dst: Reg) -> Result<Option<Insn>> {
        let first = self.peek();
        let known = first.text == "*" || words().any(|word| word == first.text);
        if !known {
            return Ok(None);
        }
        if width == Width::W32 {
            return Err(self.unexpected("a number or a register, as the destination has 32 bits"));
        }
        self.advance();
        self.value_of_word(first, dst).map(Some)
    }

    fn value_of_word(&mut self, first: Token<'_>, dst: Reg) -> Result<Insn> {
        let load = |imm| Ok(Insn::LoadImm64 { dst, imm });
        match first.text {
            "*" => return self.memory(dst),
            "load_acquire" => {
                self.expect("(")?;
                let (size, src, off) = self.address()?;
                self.expect(")")?;
                return Ok(Insn::LoadAcquire { size, dst, src, off });
            }
            "addr_space_cast" => {
                self.expect("(")?;
                let src = self.register64()?;
                self.expect(",")?;
                let to = self.u16()?;
                self.expect(",")?;
                let from = self.u16()?;
                self.expect(")")?;
                return Ok(Insn::AddrSpaceCast { dst, src, to, from });
            }
            "map" => return load(self.map()?),
            "subprog" => return load(self.subprog()?),
            "var" => return load(self.variable()?),
            _ => {}
        }
        for (kind, size) in syntax::SWAPS {
            if syntax::swap(kind, size) == first.text {
                self.same_register(Width::W64, dst)?;
                return Ok(Insn::Swap { kind, size, dst });
            }
        }
        for (op, size, name) in atomic_functions() {
            if name == first.text {
                return self.atomic_function(op, size, dst);
            }
        }
        Err(self.unexpected_at(first, "a value"))
    }

    /// `(u32 *)(r1 +8)` or `(u32 *)skb[12]`, after the star.
    fn memory(&mut self, dst: Reg) -> Result<Insn> {
        let (size, signed) = self.cast()?;
        let token = self.peek();
        if !self.eat("skb") {
            let (src, off) = self.base_and_offset()?;
            return Ok(Insn::Load { size, signed, dst, src, off });
        }
        if dst != Reg::R0 {
            return Err(self.unexpected_at(token, "`(`, as packet loads go to r0"));
        }
        if signed || size == Size::DW {
            return Err(self.unexpected_at(token, "`(`, as packet loads are u8, u16 or u32"));
        }
        self.expect("[")?;
        let index = match self.peek().kind {
            TokenKind::Word => PacketIndex::Ind(self.register64()?),
            TokenKind::Number | TokenKind::Sign | TokenKind::End => PacketIndex::Abs,
        };
        let imm = match index {
            PacketIndex::Abs => self.imm32(Fits::Bits32)?,
            PacketIndex::Ind(_) if self.peek().text == "]" => 0,
            PacketIndex::Ind(_) => {
                // `r2 + -4`, but also `r2 - 4`.
                if self.peek().text == "+" && self.peek_after().text == "-" {
                    self.advance();
                }
                self.imm32(Fits::Bits32)?
            }
        };
        self.expect("]")?;
        Ok(Insn::LoadPacket { size, index, imm })
    }

    /// `lock *(u64 *)(r1 +8) += r2`, after `lock`.
    pub(super) fn lock(&mut self) -> Result<Insn> {
        self.expect("*")?;
        let (size, dst, off) = self.atomic_address()?;
        let sign = self.peek();
        let operators = [
            (AluOp::Add, AtomicOp::Add { fetch: false }),
            (AluOp::Or, AtomicOp::Or { fetch: false }),
            (AluOp::And, AtomicOp::And { fetch: false }),
            (AluOp::Xor, AtomicOp::Xor { fetch: false }),
        ];
        let found = operators.into_iter().find(|(alu, _)| syntax::alu_op(*alu) == sign.text);
        let Some((_, op)) = found else {
            return Err(self.unexpected("`+=`, `|=`, `&=` or `^=`"));
        };
        self.advance();
        Ok(Insn::Atomic { size, op, dst, off, src: self.register64()? })
    }

    /// `((u64 *)(r1 +8), r2)`, after the name.
    fn atomic_function(&mut self, op: AtomicOp, size: Size, result: Reg) -> Result<Insn> {
        self.expect("(")?;
        let token = self.peek_after();
        let (found, dst, off) = self.atomic_address()?;
        if found != size {
            let name = syntax::size(size, false);
            return Err(self.unexpected_at(token, format!("`{name}`, as the name says")));
        }
        self.expect(",")?;
        let src = match op {
            AtomicOp::CmpXchg => {
                if result != Reg::R0 {
                    let first = self.tokens.iter().find(|token| token.text.starts_with('r'));
                    let at = first.copied().unwrap_or(token);
                    return Err(self.unexpected_at(at, "`r0`, which cmpxchg uses"));
                }
                self.same_register(Width::W64, Reg::R0)?;
                self.expect(",")?;
                self.register64()?
            }
            AtomicOp::Add { .. }
            | AtomicOp::Or { .. }
            | AtomicOp::And { .. }
            | AtomicOp::Xor { .. }
            | AtomicOp::Xchg => {
                self.same_register(Width::W64, result)?;
                result
            }
        };
        self.expect(")")?;
        Ok(Insn::Atomic { size, op, dst, off, src })
    }

    /// `(u64 *)(r1 +8)` of four or eight bytes.
    fn atomic_address(&mut self) -> Result<(Size, Reg, i16)> {
        let token = self.peek_after();
        match self.address()? {
            (Size::B | Size::H, _, _) => Err(self.unexpected_at(token, "`u32` or `u64`")),
            address @ (Size::W | Size::DW, _, _) => Ok(address),
        }
    }

    /// `[fd:3]`, `[fd:3][0]+8` and the same with `idx`, after `map`.
    fn map(&mut self) -> Result<Imm64> {
        self.expect("[")?;
        let by_index = match self.peek().text {
            "fd" => false,
            "idx" => true,
            _ => return Err(self.unexpected("`fd:` or `idx:`")),
        };
        self.advance();
        self.expect(":")?;
        let number = self.i32()?;
        self.expect("]")?;
        if !self.eat("[") {
            return Ok(if by_index { Imm64::MapIdx(number) } else { Imm64::MapFd(number) });
        }
        self.expect_all(["0", "]"])?;
        let off = if self.eat("+") { self.u32()? } else { 0 };
        Ok(match by_index {
            true => Imm64::MapIdxValue { idx: number, off },
            false => Imm64::MapValue { fd: number, off },
        })
    }

    /// `[+5]` or `[name]`, after `subprog`.
    fn subprog(&mut self) -> Result<Imm64> {
        self.expect("[")?;
        let distance = self.target32()?;
        self.expect("]")?;
        Ok(Imm64::Func(distance))
    }

    /// `[btf:5]` or `[btf:5 module:3]`, after `var`.
    fn variable(&mut self) -> Result<Imm64> {
        self.expect_all(["[", "btf", ":"])?;
        let btf_id = self.i32()?;
        let module_fd = if self.eat("module") {
            self.expect(":")?;
            self.i32()?
        } else {
            0
        };
        self.expect("]")?;
        Ok(Imm64::BtfVar { btf_id, module_fd })
    }
}

/// Every word that a value can begin with.
fn words() -> impl Iterator<Item = &'static str> {
    ["load_acquire", "addr_space_cast", "map", "subprog", "var"]
        .into_iter()
        .chain(syntax::SWAPS.into_iter().map(|(kind, size)| syntax::swap(kind, size)))
        .chain(atomic_functions().map(|(_, _, name)| name))
}

/// The atomics that are written as functions, for each size.
fn atomic_functions() -> impl Iterator<Item = (AtomicOp, Size, &'static str)> {
    syntax::ATOMIC_FUNCTIONS.into_iter().flat_map(|op| match syntax::atomic(op) {
        syntax::Atomic::Function(narrow, wide) => {
            vec![(op, Size::W, narrow), (op, Size::DW, wide)]
        }
        syntax::Atomic::Lock(_) => Vec::new(),
    })
}
