//! Random arithmetic against the kernel: programs that its verifier has nothing against compute the
//! same there.

use std::sync::Arc;

use skep_command::prog::{ProgLoad, Semantics, TestRun};
use skep_command::{Engine, Error};
use skep_linux::LinuxEngine;
use skep_spec::abi::ProgType;
use skep_spec::insn::{
    AluOp, AtomicOp, Callee, Condition, Operand, Reg, SignedFrom, Size, SwapKind, SwapSize, Width,
};
use skep_spec::{Code, Insn};

use super::random::Random;
use crate::engine::UserEngine;
use crate::world::FixedWorld;

/// How many programs are compared.
const PROGRAMS: u32 = 400;

/// Instructions between the constants at the beginning and the sum at the end.
const LEN: u64 = 60;

impl Random {
    fn scalar(&mut self) -> Reg {
        self.pick(&Reg::ALL[..10])
    }

    fn scalar_operand(&mut self) -> Operand {
        if self.below(2) == 0 { Operand::Reg(self.scalar()) } else { Operand::Imm(self.number()) }
    }

    /// A stack slot that was written at the beginning, as far from the frame pointer as it begins.
    fn slot(&mut self, size: Size) -> i16 {
        let slots = 8 / size.bytes() as u64 * 4;
        -i16::try_from((self.below(slots) + 1) * size.bytes() as u64).unwrap()
    }

    /// An instruction on numbers; forward jumps go over fewer than `left` instructions.
    fn computation(&mut self, left: u64) -> Insn {
        let (dst, src, width) = (self.scalar(), self.scalar(), self.width());
        match self.below(16) {
            0..6 => self.arithmetic(width, dst),
            6 => Insn::Mov { width, dst, src: self.scalar_operand() },
            7 => Insn::Neg { width, dst },
            8 => {
                let from = self.pick(&[SignedFrom::S8, SignedFrom::S16, SignedFrom::S32]);
                let width = if from == SignedFrom::S32 { Width::W64 } else { width };
                Insn::MovSx { width, from, dst, src }
            }
            9 => Insn::Swap {
                kind: self.pick(&[SwapKind::ToLe, SwapKind::ToBe, SwapKind::Always]),
                size: self.pick(&[SwapSize::S16, SwapSize::S32, SwapSize::S64]),
                dst,
            },
            10 => {
                let size = self.size();
                let signed = size != Size::DW && self.below(2) == 0;
                Insn::Load { size, signed, dst, src: Reg::R10, off: self.slot(size) }
            }
            11 => {
                let size = self.size();
                Insn::Store {
                    size,
                    dst: Reg::R10,
                    off: self.slot(size),
                    src: self.scalar_operand(),
                }
            }
            12 => {
                let size = self.pick(&[Size::W, Size::DW]);
                let op = self.pick(&[
                    AtomicOp::Add { fetch: true },
                    AtomicOp::Add { fetch: false },
                    AtomicOp::Or { fetch: true },
                    AtomicOp::And { fetch: true },
                    AtomicOp::Xor { fetch: true },
                    AtomicOp::Xor { fetch: false },
                    AtomicOp::Xchg,
                    AtomicOp::CmpXchg,
                ]);
                Insn::Atomic { size, op, dst: Reg::R10, off: self.slot(size), src }
            }
            _ => {
                let cond = self.pick(&[
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
                ]);
                let off = i16::try_from(self.below(left.min(6))).unwrap();
                Insn::Branch { width, cond, dst, src: self.scalar_operand(), off }
            }
        }
    }

    fn arithmetic(&mut self, width: Width, dst: Reg) -> Insn {
        let op = self.pick(&[
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
        ]);
        let is_shift = matches!(op, AluOp::Lsh | AluOp::Rsh | AluOp::Arsh);
        let is_division = matches!(op, AluOp::Div | AluOp::SDiv | AluOp::Mod | AluOp::SMod);
        let src = match self.scalar_operand() {
            // The verifier takes only counts below the width, and no division by a constant zero.
            Operand::Imm(imm) if is_shift => Operand::Imm(imm.rem_euclid(32)),
            Operand::Imm(0) if is_division => Operand::Imm(7),
            src @ (Operand::Imm(_) | Operand::Reg(_)) => src,
        };
        Insn::Alu { width, op, dst, src }
    }

    /// A function that computes in constants and its arguments and returns a sum of everything.
    fn function(&mut self, args: u64, call: Option<i32>) -> Code {
        let mut code = Code::new();
        for reg in Reg::ALL.into_iter().take(10) {
            let is_arg = (1..=args).contains(&(reg.index() as u64));
            if !is_arg {
                let imm = skep_spec::insn::Imm64::Value(self.next());
                code.push(Insn::LoadImm64 { dst: reg, imm });
            }
        }
        for slot in 1..5 {
            let src = Operand::Reg(self.scalar());
            code.push(Insn::Store { size: Size::DW, dst: Reg::R10, off: -8 * slot, src });
        }
        for left in (0..LEN).rev() {
            let insn = self.computation(left + 1);
            code.push(insn);
        }
        if let Some(distance) = call {
            code.push(Insn::Call(Callee::Local(distance)));
            // What a call leaves in its arguments nobody may ask.
            for dst in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
                code.push(Insn::Mov { width: Width::W64, dst, src: Operand::Imm(1) });
            }
        }
        let (width, dst) = (Width::W64, Reg::R0);
        for reg in Reg::ALL.into_iter().take(10).skip(1) {
            let mul = Insn::Alu { width, op: AluOp::Mul, dst, src: Operand::Imm(31) };
            code.push(mul);
            code.push(Insn::Alu { width, op: AluOp::Add, dst, src: Operand::Reg(reg) });
        }
        code.push(Insn::Mov { width, dst: Reg::R1, src: Operand::Reg(dst) });
        code.push(Insn::Alu { width, op: AluOp::Rsh, dst: Reg::R1, src: Operand::Imm(32) });
        code.push(Insn::Alu { width, op: AluOp::Xor, dst, src: Operand::Reg(Reg::R1) });
        code.push(Insn::Exit);
        code
    }

    /// A program whose main function calls another.
    fn computing_program(&mut self) -> Code {
        let callee = self.function(5, None);
        // Behind the call stand five constants, the sum over nine registers, and the return.
        let mut code = self.function(0, Some(5 + 2 * 9 + 4));
        code.append(&callee);
        code
    }
}

fn result(engine: &dyn Engine, code: &Code) -> Result<u32, Error> {
    let load = ProgLoad::new("random", ProgType::Xdp, code);
    let run = TestRun {
        data: &[0; 64],
        data_out_capacity: 0,
        ctx: &[],
        repeat: 1,
        flags: 0,
        cpu: 0,
        semantics: Semantics::TestRun,
    };
    let loaded = engine.prog_load(&load)?;
    let reply = engine.prog_test_run(loaded.handle, &run);
    engine.close(loaded.handle);
    reply.map(|reply| reply.retval)
}

#[test]
fn computations_as_in_the_kernel() {
    let probe = Code::from_iter([
        Insn::Mov { width: Width::W64, dst: Reg::R0, src: Operand::Imm(0) },
        Insn::Exit,
    ]);
    let kernel = match LinuxEngine::new() {
        Ok(kernel) if result(&kernel, &probe).is_ok() => kernel,
        Ok(_) | Err(_) => {
            testkit::skip("computations are not compared with the kernel: it loads no programs");
            return;
        }
    };
    let user = UserEngine::new(Arc::new(FixedWorld::new(0, 1)));
    let mut random = Random(0xc0de);
    let mut compared = 0;
    for _ in 0..PROGRAMS {
        let code = random.computing_program();
        // The verifier gives up on programs with too many ways through them.
        let Ok(expected) = result(&kernel, &code) else { continue };
        compared += 1;
        let found = result(&user, &code).unwrap_or_else(|error| panic!("{error}\n{code:?}"));
        assert_eq!(found, expected, "{code:?}");
    }
    assert!(compared > PROGRAMS / 2, "only {compared} programs could be compared");
}
