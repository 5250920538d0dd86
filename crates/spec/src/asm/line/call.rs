//! Calls: helpers, functions of the program, kernel functions, registers.

use super::super::Result;
use super::super::suggest;
use super::super::token::{Token, TokenKind};
use super::Parser;
use crate::abi::HelperId;
use crate::insn::{Callee, Insn};
use crate::syntax;

impl Parser<'_> {
    /// What follows `call`.
    pub(super) fn call(&mut self) -> Result<Insn> {
        let first = self.peek();
        let callee = match first.kind {
            TokenKind::Number => Callee::Helper(self.i32()?),
            TokenKind::Sign if first.text == "#" => {
                self.advance();
                Callee::Helper(self.i32()?)
            }
            TokenKind::Sign if first.text == "+" || first.text == "-" => {
                Callee::Local(self.target32()?)
            }
            TokenKind::Word if self.eat_kernel_function() => {
                self.expect("#")?;
                self.kfunc()?
            }
            TokenKind::Word if self.peek_after().text == "#" => {
                self.advance();
                self.advance();
                self.named(first)?
            }
            TokenKind::Word => Callee::Local(self.target32()?),
            TokenKind::Sign | TokenKind::End => {
                return Err(self.unexpected("a helper, a label or `pc+N`"));
            }
        };
        Ok(Insn::Call(callee))
    }

    /// What follows `callx`.
    pub(super) fn call_register(&mut self) -> Result<Insn> {
        Ok(Insn::Call(Callee::Reg(self.register64()?)))
    }

    /// Passes the three tokens of `kernel-function`.
    fn eat_kernel_function(&mut self) -> bool {
        let words = self.tokens.iter().skip(self.next).take(3).map(|token| token.text);
        let found = words.eq(["kernel", "-", "function"]);
        debug_assert_eq!(syntax::UNKNOWN_KFUNC, "kernel-function");
        if found {
            self.next += 3;
        }
        found
    }

    /// What follows `name#`: a helper's number, or the BTF id of a kernel function.
    fn named(&mut self, name: Token<'_>) -> Result<Callee> {
        let number = self.peek();
        if [syntax::UNKNOWN_HELPER, syntax::UNSPEC_HELPER].contains(&name.text) {
            return Ok(Callee::Helper(self.i32()?));
        }
        if let Some(helper) = HelperId::from_name(name.text) {
            let id = helper.number().cast_signed();
            if self.i32()? == id {
                return Ok(Callee::Helper(id));
            }
            let expected = format!("{id}, the number of {}", name.text);
            return Err(self.unexpected_at(number, expected));
        }
        let callee = self.kfunc()?;
        // Not every unknown name is a kernel function: this one has a helper's number.
        if let Callee::Kfunc { btf_id, module: 0 } = callee
            && let Some(helper) = u32::try_from(btf_id).ok().and_then(HelperId::from_u32)
            && suggest::nearest(name.text, [helper.name()]).is_some()
        {
            return Err(self.unexpected_word(name, "a helper", &[helper.name()]));
        }
        Ok(callee)
    }

    /// `1234` or `1234 module:2`.
    fn kfunc(&mut self) -> Result<Callee> {
        let btf_id = self.i32()?;
        let module = if self.eat("module") {
            self.expect(":")?;
            self.i16()?
        } else {
            0
        };
        Ok(Callee::Kfunc { btf_id, module })
    }
}
