//! Instructions, told apart by their first word.

use super::super::Result;
use super::Parser;
use super::operand::{Fits, register};
use crate::insn::{Insn, Operand, Reg, Width};
use crate::syntax;

/// The words that instructions begin with, besides registers.
const MNEMONICS: [&str; 9] =
    ["if", "goto", "gotol", "may_goto", "call", "callx", "exit", "lock", "store_release"];

impl Parser<'_> {
    pub(super) fn insn(&mut self) -> Result<Insn> {
        let first = self.peek();
        if let Some((width, dst)) = register(first.text) {
            self.advance();
            return self.assignment(width, dst);
        }
        let known = MNEMONICS.contains(&first.text) || first.text == "*";
        if !known {
            return Err(self.unexpected_word(first, "an instruction", &MNEMONICS));
        }
        self.advance();
        match first.text {
            "if" => self.branch(),
            "goto" => Ok(Insn::Goto { off: self.target16()? }),
            "gotol" => Ok(Insn::GotoLong { imm: self.target32()? }),
            "may_goto" => Ok(Insn::MayGoto { off: self.target16()? }),
            "call" => self.call(),
            "callx" => self.call_register(),
            "exit" => Ok(Insn::Exit),
            "lock" => self.lock(),
            "store_release" => self.store_release(),
            _ => self.store(),
        }
    }

    /// `dst op= src` or `dst = …`.
    fn assignment(&mut self, width: Width, dst: Reg) -> Result<Insn> {
        if self.eat("=") {
            return self.value(width, dst);
        }
        let operator = self.peek();
        let found = syntax::ALU_OPS.into_iter().find(|&op| syntax::alu_op(op) == operator.text);
        let Some(op) = found else {
            return Err(self.unexpected("`=` or an operator such as `+=` or `s/=`"));
        };
        self.advance();
        let src = self.operand(width, Fits::width(width))?;
        Ok(Insn::Alu { width, op, dst, src })
    }

    /// `if dst cond src goto target`.
    fn branch(&mut self) -> Result<Insn> {
        let (width, dst) = self.any_register()?;
        let sign = self.peek();
        let found =
            syntax::CONDITIONS.into_iter().find(|&cond| syntax::condition(cond) == sign.text);
        let Some(cond) = found else {
            return Err(self.unexpected("a comparison such as `==`, `s<` or `&`"));
        };
        self.advance();
        // The kernel prints also what it sign-extends as 32 bits.
        let src = self.operand(width, Fits::Bits32)?;
        self.expect("goto")?;
        Ok(Insn::Branch { width, cond, dst, src, off: self.target16()? })
    }

    /// `*(u32 *)(r1 +8) = src`, after the star.
    fn store(&mut self) -> Result<Insn> {
        let (size, dst, off) = self.address()?;
        self.expect("=")?;
        let src = self.operand(Width::W64, Fits::size(size))?;
        Ok(Insn::Store { size, dst, off, src })
    }

    /// `store_release((u32 *)(r1 +8), r2)`, after the name.
    fn store_release(&mut self) -> Result<Insn> {
        self.expect("(")?;
        let (size, dst, off) = self.address()?;
        self.expect(",")?;
        let src = self.register64()?;
        self.expect(")")?;
        Ok(Insn::StoreRelease { size, dst, off, src })
    }

    /// The right-hand side of `dst = …`.
    fn value(&mut self, width: Width, dst: Reg) -> Result<Insn> {
        let first = self.peek();
        if first.text == "-" && register(self.peek_after().text).is_some() {
            self.advance();
            self.same_register(width, dst)?;
            return Ok(Insn::Neg { width, dst });
        }
        if register(first.text).is_some() {
            let src = Operand::Reg(self.register(width)?);
            return Ok(Insn::Mov { width, dst, src });
        }
        if first.text == "(" {
            return self.sign_extension(width, dst);
        }
        if let Some(insn) = self.special_value(width, dst)? {
            return Ok(insn);
        }
        self.number_value(width, dst)
    }

    /// `(s8)src`.
    fn sign_extension(&mut self, width: Width, dst: Reg) -> Result<Insn> {
        self.expect("(")?;
        let name = self.peek();
        let from = syntax::SIGNED_FROM.into_iter().find(|&from| {
            // A 32-bit move has nothing to extend from 32 bits.
            let narrow = width == Width::W64 || from != crate::insn::SignedFrom::S32;
            narrow && syntax::signed_from(from) == name.text
        });
        let Some(from) = from else {
            return Err(self.unexpected(match width {
                Width::W32 => "`s8` or `s16`",
                Width::W64 => "`s8`, `s16` or `s32`",
            }));
        };
        self.advance();
        self.expect(")")?;
        Ok(Insn::MovSx { width, from, dst, src: self.register(width)? })
    }
}
