//! A filter as an eBPF program, for verifier, interpreter and code generator.
//!
//! # Which form
//!
//! A filter of a socket becomes a program of type `socket_filter` that loads from the packet with
//! `BPF_ABS` and `BPF_IND`. Other than direct packet access, which socket filters do not have, these
//! have the classic meaning: offsets may count from a header, bytes that are not there end the
//! program with 0, and packets need not be linear. The kernel, too, makes of them what it makes of a
//! classic filter's loads, and the verifier takes them at any offset, without a check before.
//!
//! A filter of seccomp becomes a program of type `syscall`, whose context is `struct seccomp_data`.
//!
//! | classic | eBPF |
//! |---|---|
//! | `A` | `r0`, which packet loads fill |
//! | `X` | `r7` |
//! | `M[k]` | four bytes of the stack, at `r10 - 4k - 4` |
//! | the packet | `r6`, where packet loads look for it |
//!
//! Instructions that are never reached are left out: the verifier takes none.

use thiserror::Error;

use super::ancillary::Ancillary;
use super::check::{Filter, Rules};
use super::fields::{FIELDS, HELPERS};
use super::insn as classic;
use super::seccomp;
use crate::abi::{ProgType, context};
use crate::code::Code;
use crate::insn::{
    AluOp, Callee, Condition, Insn, Operand, PacketIndex, Reg, Size, SwapKind, SwapSize, Width,
};

/// `A`.
const A: Reg = Reg::R0;
/// `X`.
const X: Reg = Reg::R7;
/// The context.
const CONTEXT: Reg = Reg::R6;
/// A value for the length of one classic instruction.
const SCRATCH: Reg = Reg::R8;

/// A filter as an eBPF program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Translated {
    /// Its type.
    pub prog_type: ProgType,
    /// Its instructions.
    pub code: Code,
}

/// An instruction that has no eBPF equivalent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("insn {at}: eBPF programs on sockets cannot ask for {}", field.uapi_name())]
pub struct TranslateError {
    /// The index of the classic instruction.
    pub at: usize,
    /// What it asks for.
    pub field: Ancillary,
}

/// Translates a filter.
///
/// # Errors
///
/// If it asks for something that eBPF programs cannot learn: the device's hardware type, where the
/// payload begins, and netlink attributes.
pub fn translate(filter: &Filter) -> Result<Translated, TranslateError> {
    let prog_type = match filter.rules() {
        Rules::Socket => ProgType::SocketFilter,
        Rules::Seccomp => ProgType::Syscall,
    };
    let mut translator = Translator { rules: filter.rules(), insns: Vec::new(), jumps: Vec::new() };
    translator.emit(mov(Width::W64, CONTEXT, Operand::Reg(Reg::R1)));
    translator.emit(mov(Width::W32, A, Operand::Imm(0)));
    translator.emit(mov(Width::W32, X, Operand::Imm(0)));

    let reached = reached(filter.insns());
    let mut positions = Vec::with_capacity(reached.len());
    for ((at, insn), is_reached) in filter.insns().iter().enumerate().zip(reached) {
        positions.push(translator.insns.len());
        if is_reached {
            translator.insn(at, *insn)?;
        }
    }
    Ok(Translated { prog_type, code: translator.finish(&positions) })
}

/// Which instructions are reached: jumps lead forward only, so that once through is enough.
fn reached(insns: &[classic::Insn]) -> Vec<bool> {
    let mut reached: Vec<bool> = (0..insns.len()).map(|at| at == 0).collect();
    for (at, insn) in insns.iter().enumerate() {
        if reached.get(at) == Some(&true) {
            for skipped in successors(*insn).into_iter().flatten() {
                if let Some(place) = reached.get_mut(at + 1 + skipped) {
                    *place = true;
                }
            }
        }
    }
    reached
}

/// How many instructions are skipped to where an instruction can go on.
fn successors(insn: classic::Insn) -> [Option<usize>; 2] {
    match insn {
        classic::Insn::Goto { k } => [Some(k as usize), None],
        classic::Insn::Branch { cond: _, source: _, jt, jf } => [Some(jt.into()), Some(jf.into())],
        classic::Insn::Return(_) => [None, None],
        classic::Insn::LoadPacket { .. }
        | classic::Insn::Load { .. }
        | classic::Insn::LoadHeaderLen { .. }
        | classic::Insn::Store { .. }
        | classic::Insn::Alu { .. }
        | classic::Insn::Neg
        | classic::Insn::Tax
        | classic::Insn::Txa => [Some(0), None],
    }
}

/// A program in the making. No instruction in it takes two slots.
struct Translator {
    rules: Rules,
    insns: Vec<Insn>,
    /// Jumps to classic instructions, whose distance is 0 so far.
    jumps: Vec<(usize, usize)>,
}

impl Translator {
    fn emit(&mut self, insn: Insn) {
        self.insns.push(insn);
    }

    fn insn(&mut self, at: usize, insn: classic::Insn) -> Result<(), TranslateError> {
        match insn {
            classic::Insn::LoadPacket { size, place } => self.load_packet(at, size, place)?,
            classic::Insn::Load { to, value } => self.load(register(to), value),
            classic::Insn::LoadHeaderLen { k } => {
                self.emit(mov(Width::W64, SCRATCH, Operand::Reg(A)));
                let (index, imm) = (PacketIndex::Abs, k.cast_signed());
                self.emit(Insn::LoadPacket { size: Size::B, index, imm });
                self.emit(alu(AluOp::And, A, Operand::Imm(0xf)));
                self.emit(alu(AluOp::Lsh, A, Operand::Imm(2)));
                self.emit(mov(Width::W64, X, Operand::Reg(A)));
                self.emit(mov(Width::W64, A, Operand::Reg(SCRATCH)));
            }
            classic::Insn::Store { from, cell } => {
                let src = Operand::Reg(register(from));
                self.emit(Insn::Store { size: Size::W, dst: Reg::FP, off: stack(cell), src });
            }
            classic::Insn::Alu { op, source } => {
                if let (classic::AluOp::Div | classic::AluOp::Mod, classic::Source::X) =
                    (op, source)
                {
                    // Division by zero ends a classic filter, and not an eBPF program.
                    self.emit(branch(Condition::Ne, X, Operand::Imm(0), 2));
                    self.emit(mov(Width::W32, A, Operand::Imm(0)));
                    self.emit(Insn::Exit);
                }
                self.emit(alu(alu_op(op), A, operand(source)));
            }
            classic::Insn::Neg => self.emit(Insn::Neg { width: Width::W32, dst: A }),
            classic::Insn::Goto { k } => self.goto(at, k as usize),
            classic::Insn::Branch { cond, source, jt, jf } => {
                self.branch(at, cond, operand(source), jt.into(), jf.into());
            }
            classic::Insn::Return(classic::Returned::K(k)) => {
                self.emit(mov(Width::W32, A, Operand::Imm(k.cast_signed())));
                self.emit(Insn::Exit);
            }
            classic::Insn::Return(classic::Returned::A) => self.emit(Insn::Exit),
            classic::Insn::Tax => self.emit(mov(Width::W64, X, Operand::Reg(A))),
            classic::Insn::Txa => self.emit(mov(Width::W64, A, Operand::Reg(X))),
        }
        Ok(())
    }

    fn load_packet(
        &mut self,
        at: usize,
        size: classic::Size,
        place: classic::Place,
    ) -> Result<(), TranslateError> {
        let size = match size {
            classic::Size::W => Size::W,
            classic::Size::H => Size::H,
            classic::Size::B => Size::B,
        };
        match (place, self.rules) {
            (classic::Place::Abs(k), Rules::Seccomp) => {
                let off = i16::try_from(k).expect("classic: seccomp offsets are below 64");
                self.emit(Insn::Load { size, signed: false, dst: A, src: CONTEXT, off });
            }
            (classic::Place::Abs(k), Rules::Socket) => {
                let (index, imm) = (PacketIndex::Abs, k.cast_signed());
                self.emit(Insn::LoadPacket { size, index, imm });
            }
            (classic::Place::Ind(k), Rules::Socket | Rules::Seccomp) => {
                let (index, imm) = (PacketIndex::Ind(X), k.cast_signed());
                self.emit(Insn::LoadPacket { size, index, imm });
            }
            (classic::Place::Ancillary(field), Rules::Socket | Rules::Seccomp) => {
                self.ancillary(at, field)?;
            }
        }
        Ok(())
    }

    fn load(&mut self, to: Reg, value: classic::Value) {
        match (value, self.rules) {
            (classic::Value::Imm(k), _) => {
                self.emit(mov(Width::W32, to, Operand::Imm(k.cast_signed())));
            }
            (classic::Value::Mem(cell), _) => {
                let (size, src, off) = (Size::W, Reg::FP, stack(cell));
                self.emit(Insn::Load { size, signed: false, dst: to, src, off });
            }
            (classic::Value::Len, Rules::Socket) => self.emit(field(to, "len")),
            (classic::Value::Len, Rules::Seccomp) => {
                let len = seccomp::DATA_LEN.cast_signed();
                self.emit(mov(Width::W32, to, Operand::Imm(len)));
            }
        }
    }

    fn ancillary(&mut self, at: usize, asked: Ancillary) -> Result<(), TranslateError> {
        if let Some(answer) = FIELDS.iter().find(|field| field.answers == asked) {
            self.emit(field(A, answer.name));
            if answer.swapped {
                self.emit(Insn::Swap { kind: SwapKind::ToBe, size: SwapSize::S16, dst: A });
            }
            return Ok(());
        }
        if let Some((helper, _)) = HELPERS.iter().find(|(_, answers)| *answers == asked) {
            self.emit(Insn::Call(Callee::Helper(*helper)));
            return Ok(());
        }
        match asked {
            Ancillary::IfIndex => {
                // Without a device, a classic filter ends with what is in A. No device is number 0.
                self.emit(field(SCRATCH, "ifindex"));
                self.emit(branch(Condition::Ne, SCRATCH, Operand::Imm(0), 1));
                self.emit(Insn::Exit);
                self.emit(mov(Width::W64, A, Operand::Reg(SCRATCH)));
                Ok(())
            }
            Ancillary::AluXorX => {
                self.emit(alu(AluOp::Xor, A, Operand::Reg(X)));
                Ok(())
            }
            Ancillary::NlAttr
            | Ancillary::NlAttrNest
            | Ancillary::HaType
            | Ancillary::PayOffset
            | Ancillary::Protocol
            | Ancillary::PktType
            | Ancillary::Mark
            | Ancillary::Queue
            | Ancillary::RxHash
            | Ancillary::Cpu
            | Ancillary::VlanTag
            | Ancillary::VlanTagPresent
            | Ancillary::Random
            | Ancillary::VlanTpid => Err(TranslateError { at, field: asked }),
        }
    }

    fn goto(&mut self, at: usize, skipped: usize) {
        self.jumps.push((self.insns.len(), at + 1 + skipped));
        self.emit(Insn::Goto { off: 0 });
    }

    /// Jumps where the condition holds, or where its opposite does; else both ways.
    fn branch(&mut self, at: usize, cond: classic::Condition, src: Operand, jt: usize, jf: usize) {
        let (cond, opposite) = match cond {
            classic::Condition::Eq => (Condition::Eq, Some(Condition::Ne)),
            classic::Condition::Gt => (Condition::Gt, Some(Condition::Le)),
            classic::Condition::Ge => (Condition::Ge, Some(Condition::Lt)),
            classic::Condition::Set => (Condition::Set, None),
        };
        let (cond, to) = match opposite {
            Some(opposite) if jt == 0 => (opposite, jf),
            Some(_) | None => (cond, jt),
        };
        self.jumps.push((self.insns.len(), at + 1 + to));
        self.emit(branch(cond, A, src, 0));
        if to == jt && jf != 0 {
            self.goto(at, jf);
        }
    }

    /// The code with jumps that lead to the positions of their targets.
    fn finish(mut self, positions: &[usize]) -> Code {
        for (from, target) in &self.jumps {
            let to = positions.get(*target).expect("classic: jumps of a filter stay in it");
            let distance = i16::try_from(to - from - 1);
            let distance = distance.expect("classic: 4096 instructions become at most 6 each");
            match self.insns.get_mut(*from) {
                Some(Insn::Goto { off } | Insn::Branch { off, .. }) => *off = distance,
                Some(_) | None => unreachable!("classic: jumps are noted where they are emitted"),
            }
        }
        self.insns.into_iter().collect()
    }
}

fn register(register: classic::Register) -> Reg {
    match register {
        classic::Register::A => A,
        classic::Register::X => X,
    }
}

fn operand(source: classic::Source) -> Operand {
    match source {
        classic::Source::K(k) => Operand::Imm(k.cast_signed()),
        classic::Source::X => Operand::Reg(X),
    }
}

/// Where a word of memory is on the stack.
fn stack(cell: classic::Cell) -> i16 {
    let off = 4 * cell.number() + 4;
    -i16::try_from(off).expect("classic: sixteen words are 64 bytes")
}

fn alu_op(op: classic::AluOp) -> AluOp {
    match op {
        classic::AluOp::Add => AluOp::Add,
        classic::AluOp::Sub => AluOp::Sub,
        classic::AluOp::Mul => AluOp::Mul,
        classic::AluOp::Div => AluOp::Div,
        classic::AluOp::Mod => AluOp::Mod,
        classic::AluOp::Or => AluOp::Or,
        classic::AluOp::And => AluOp::And,
        classic::AluOp::Xor => AluOp::Xor,
        classic::AluOp::Lsh => AluOp::Lsh,
        classic::AluOp::Rsh => AluOp::Rsh,
    }
}

fn mov(width: Width, dst: Reg, src: Operand) -> Insn {
    Insn::Mov { width, dst, src }
}

fn alu(op: AluOp, dst: Reg, src: Operand) -> Insn {
    Insn::Alu { width: Width::W32, op, dst, src }
}

fn branch(cond: Condition, dst: Reg, src: Operand, off: i16) -> Insn {
    Insn::Branch { width: Width::W32, cond, dst, src, off }
}

/// The load of a field of `struct __sk_buff`.
fn field(dst: Reg, name: &str) -> Insn {
    let layout = context::of(ProgType::SocketFilter).as_struct().map(|context| context.layout);
    let field = layout.and_then(|layout| layout.field(name));
    let off = field.and_then(|field| i16::try_from(field.offset).ok());
    let off = off.expect("classic: the fields named here are in struct __sk_buff");
    Insn::Load { size: Size::W, signed: false, dst, src: CONTEXT, off }
}
