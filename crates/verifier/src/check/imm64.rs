//! The 64-bit immediate: numbers, maps, values of maps, functions.

use skep_btf::{FuncLinkage, Type};
use skep_spec::InsnIdx;
use skep_spec::insn::{Imm64, Reg};

use super::alu::writable;
use crate::explore::Walk;
use crate::rejection::{Check, Reason, unsupported};
use crate::state::{Kind, Register};

impl Walk<'_> {
    /// `dst = imm`, in all its forms.
    pub(crate) fn check_imm64(&mut self, dst: Reg, imm: Imm64) -> Check {
        writable(dst)?;
        let loaded = match imm {
            Imm64::Value(number) => Register::constant(number),
            Imm64::MapFd(_) | Imm64::MapIdx(_) => {
                let map = self.references.map_at(self.at);
                Register::pointer(Kind::Map { map, uid: None })
            }
            Imm64::MapValue { off, .. } | Imm64::MapIdxValue { off, .. } => {
                let map = self.references.map_at(self.at);
                let off = i32::try_from(off).unwrap_or(i32::MAX);
                Register { off, ..Register::pointer(Kind::MapValue { map, uid: None }) }
            }
            Imm64::Func(distance) => self.function_address(distance)?,
            Imm64::BtfVar { .. } => return unsupported("variables of the kernel"),
        };
        self.write(dst, loaded)
    }

    /// The address of a function of this program, to be called back.
    fn function_address(&self, distance: i32) -> Check<Register> {
        let start = self.at.jump(distance).unwrap_or_default();
        let subprogram =
            self.cfg.subprogram_at(start).ok_or_else(|| Box::from(Reason::CallDestination))?;
        match self.linkage(start) {
            None => Err(Reason::NoFuncInfo.into()),
            Some(FuncLinkage::Static) => Ok(Register::pointer(Kind::Function { subprogram })),
            Some(FuncLinkage::Global | FuncLinkage::Extern) => {
                Err(Reason::CallbackNotStatic.into())
            }
        }
    }

    /// The linkage of the function that begins at an instruction, as its BTF has it.
    fn linkage(&self, start: InsnIdx) -> Option<FuncLinkage> {
        let info = self.input.func_info.iter().find(|info| info.at == start)?;
        match self.input.btf?.ty(info.type_id) {
            Ok(Type::Func(func)) => Some(func.linkage),
            Ok(_) | Err(_) => None,
        }
    }
}
