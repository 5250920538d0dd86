//! From instructions to operations: targets resolved, maps and helpers bound.
//!
//! What would let the interpreter itself go astray is refused here, with the slot: jumps that lead
//! nowhere, code that runs off its end, calls of what does not exist, writes to the frame pointer.
//! Everything else is found when it happens.

use std::sync::Arc;

use skep_spec::abi::MapType;
use skep_spec::code::Slot;
use skep_spec::insn::{Callee, Imm64, Operand, PacketIndex, Reg, Size, Width};
use skep_spec::{Code, Insn, InsnIdx};

use super::op::{Op, Rare};
use crate::maps::Map;
use crate::program::{Helpers, LoadError, LoadErrorKind};
use crate::run::map_addr;
use crate::world::Cpu;

/// The upper half of a function's address. No real address looks like it, so that memory is never
/// found there.
const FUNCTION: u64 = 0xb9f0_c0de << 32;

/// A program in the interpreter's form.
pub(crate) struct Translated {
    /// The operations; the last one is an exit or a jump, and every target is within.
    pub(crate) ops: Vec<Op>,
    /// The slot of each operation.
    pub(crate) slots: Vec<InsnIdx>,
    /// The operations that stand apart.
    pub(crate) rare: Vec<Rare>,
    /// The first operation of every function that is called or named, ascending.
    functions: Vec<u32>,
    /// Whether any instruction uses the frame pointer.
    pub(crate) uses_stack: bool,
}

impl Translated {
    /// The first operation of the function that a value names.
    pub(crate) fn function(&self, value: u64) -> Option<u32> {
        let index = u32::try_from(value ^ FUNCTION).ok()?;
        self.functions.binary_search(&index).is_ok().then_some(index)
    }
}

/// Finds the map behind a descriptor.
pub(crate) type FindMap<'a> = dyn Fn(i32) -> Option<Arc<Map>> + 'a;

/// Translates a program; `maps` receives each map that it uses, once.
pub(crate) fn translate(
    code: &Code,
    find_map: &FindMap<'_>,
    helpers: &Helpers,
    maps: &mut Vec<Arc<Map>>,
) -> Result<Translated, LoadError> {
    let mut translator = Translator {
        index_of: indices(code),
        find_map,
        helpers,
        maps,
        out: Translated {
            ops: Vec::new(),
            slots: Vec::new(),
            rare: Vec::new(),
            functions: Vec::new(),
            uses_stack: false,
        },
    };
    let mut last = None;
    for (at, insn) in code.iter() {
        translator.insn(at, insn)?;
        last = Some((at, insn));
    }
    match last {
        Some((_, Insn::Exit | Insn::Goto { .. } | Insn::GotoLong { .. })) => {}
        Some((at, _)) => return Err(LoadError { at, kind: LoadErrorKind::RunsOff }),
        None => return Err(LoadError { at: InsnIdx(0), kind: LoadErrorKind::Empty }),
    }
    let mut out = translator.out;
    out.functions.sort_unstable();
    out.functions.dedup();
    Ok(out)
}

/// For each slot the index of the operation that it becomes, `None` for second halves.
fn indices(code: &Code) -> Vec<Option<u32>> {
    let mut next = 0;
    let number = |slot: &Slot| match slot {
        Slot::Insn(_) => {
            next += 1;
            Some(next - 1)
        }
        Slot::Second => None,
    };
    code.slots().iter().map(number).collect()
}

struct Translator<'a> {
    index_of: Vec<Option<u32>>,
    find_map: &'a FindMap<'a>,
    helpers: &'a Helpers,
    maps: &'a mut Vec<Arc<Map>>,
    out: Translated,
}

impl Translator<'_> {
    fn insn(&mut self, at: InsnIdx, insn: &Insn) -> Result<(), LoadError> {
        if written(insn) == Some(Reg::FP) {
            return Err(LoadError { at, kind: LoadErrorKind::FramePointerWritten });
        }
        let op = self.op(at, insn)?;
        self.out.uses_stack |= uses_frame_pointer(insn);
        self.out.ops.push(op);
        self.out.slots.push(at);
        Ok(())
    }

    fn op(&mut self, at: InsnIdx, insn: &Insn) -> Result<Op, LoadError> {
        let unsupported = |what| Err(LoadError { at, kind: LoadErrorKind::Unsupported(what) });
        Ok(match *insn {
            Insn::Alu { width, op, dst, src } => Op::alu(width, op, dst, src),
            Insn::Neg { width, dst } => self.rare(Rare::Neg { width, dst: dst.into() }),
            Insn::Mov { width: Width::W64, dst, src: Operand::Reg(src) } => {
                Op::Mov64Reg { dst: dst.into(), src: src.into() }
            }
            Insn::Mov { width: Width::W32, dst, src: Operand::Reg(src) } => {
                Op::Mov32Reg { dst: dst.into(), src: src.into() }
            }
            Insn::Mov { width, dst, src: src @ Operand::Imm(_) } => {
                constant(dst, skep_spec::semantics::mov(width, src.value(|_| 0)))
            }
            Insn::MovSx { width, from, dst, src } => {
                self.rare(Rare::MovSx { width, from, dst: dst.into(), src: src.into() })
            }
            Insn::AddrSpaceCast { .. } => {
                return unsupported("casts between address spaces (arenas)");
            }
            Insn::Swap { kind, size, dst } => self.rare(Rare::Swap { kind, size, dst: dst.into() }),
            Insn::LoadImm64 { dst, imm } => constant(dst, self.imm64(at, imm)?),
            Insn::LoadPacket { size, index: PacketIndex::Abs, imm } => {
                self.rare(Rare::LoadPacketAbs { size, imm })
            }
            Insn::LoadPacket { size, index: PacketIndex::Ind(src), imm } => {
                self.rare(Rare::LoadPacketInd { size, src: src.into(), imm })
            }
            Insn::Load { size, signed, dst, src, off } => self.load(size, signed, dst, src, off),
            Insn::Store { size, dst, off, src } => self.store(size, dst, off, src),
            Insn::Atomic { size, op, dst, off, src } => {
                self.rare(Rare::Atomic { size, op, dst: dst.into(), off, src: src.into() })
            }
            Insn::LoadAcquire { size, dst, src, off } => {
                self.rare(Rare::LoadAcquire { size, dst: dst.into(), src: src.into(), off })
            }
            Insn::StoreRelease { size, dst, src, off } => {
                self.rare(Rare::StoreRelease { size, dst: dst.into(), src: src.into(), off })
            }
            Insn::Goto { off } => Op::Goto { to: self.target(at, off.into())? },
            Insn::GotoLong { imm } => Op::Goto { to: self.target(at, imm)? },
            Insn::Branch { width, cond, dst, src, off } => {
                Op::branch(width, cond, dst, src, self.target(at, off.into())?)
            }
            Insn::MayGoto { off } => {
                let to = self.target(at, off.into())?;
                self.rare(Rare::MayGoto { to })
            }
            Insn::Call(callee) => {
                let call = self.call(at, callee)?;
                self.rare(call)
            }
            Insn::Exit => self.rare(Rare::Exit),
        })
    }

    /// The operation that a distance leads to.
    fn target(&self, at: InsnIdx, distance: i32) -> Result<u32, LoadError> {
        let to = i64::from(at.0) + 1 + i64::from(distance);
        let slot = usize::try_from(to).ok().and_then(|to| self.index_of.get(to));
        match slot {
            Some(Some(index)) => Ok(*index),
            Some(None) => Err(LoadError { at, kind: LoadErrorKind::JumpIntoSecondSlot { to } }),
            None => Err(LoadError { at, kind: LoadErrorKind::JumpOut { to } }),
        }
    }

    fn function(&mut self, at: InsnIdx, distance: i32) -> Result<u32, LoadError> {
        let index = self.target(at, distance)?;
        self.out.functions.push(index);
        Ok(index)
    }

    fn imm64(&mut self, at: InsnIdx, imm: Imm64) -> Result<u64, LoadError> {
        let unsupported = |what| Err(LoadError { at, kind: LoadErrorKind::Unsupported(what) });
        match imm {
            Imm64::Value(value) => Ok(value),
            Imm64::MapFd(fd) => self.map(at, fd).map(map_addr),
            Imm64::MapValue { fd, off } => {
                let map = self.map(at, fd)?;
                let no_value =
                    |what| LoadError { at, kind: LoadErrorKind::NoMapValue { fd, what } };
                if map.map_type() != MapType::Array || map.max_entries() != 1 {
                    return Err(no_value("only an array of one element has an address"));
                }
                if off as usize >= map.value_size() {
                    return Err(no_value("the offset is past the value's end"));
                }
                let value = map.lookup(Cpu(0), &0u32.to_ne_bytes());
                value.map(|value| value + u64::from(off)).ok_or_else(|| no_value("it has no value"))
            }
            Imm64::Func(distance) => Ok(FUNCTION | u64::from(self.function(at, distance)?)),
            Imm64::BtfVar { .. } => unsupported("kernel variables"),
            Imm64::MapIdx(_) | Imm64::MapIdxValue { .. } => {
                unsupported("maps by index into a descriptor array")
            }
        }
    }

    fn map(&mut self, at: InsnIdx, fd: i32) -> Result<&Arc<Map>, LoadError> {
        let no_map = LoadError { at, kind: LoadErrorKind::NoMap { fd } };
        let map = (self.find_map)(fd).ok_or(no_map)?;
        let known = self.maps.iter().position(|known| Arc::ptr_eq(known, &map));
        let index = known.unwrap_or_else(|| {
            self.maps.push(map);
            self.maps.len() - 1
        });
        Ok(&self.maps[index])
    }

    fn call(&mut self, at: InsnIdx, callee: Callee) -> Result<Rare, LoadError> {
        Ok(match callee {
            Callee::Local(distance) => Rare::CallLocal { to: self.function(at, distance)? },
            Callee::Reg(reg) => Rare::CallReg { reg: reg.into() },
            Callee::Kfunc { btf_id, .. } => {
                return Err(LoadError { at, kind: LoadErrorKind::UnknownKfunc { btf_id } });
            }
            Callee::Helper(number) if self.helpers.is_tail_call(number) => Rare::TailCall,
            Callee::Helper(number) => {
                let unknown = LoadError { at, kind: LoadErrorKind::UnknownHelper { number } };
                let helper = self.helpers.find(number).ok_or(unknown)?;
                if self.helpers.unwinds(number) {
                    Rare::CallUnwind { helper }
                } else {
                    Rare::CallHelper { helper }
                }
            }
        })
    }

    /// Puts an operation apart.
    fn rare(&mut self, rare: Rare) -> Op {
        let index = u32::try_from(self.out.rare.len());
        self.out.rare.push(rare);
        Op::Rare { index: index.expect("translate: fewer operations than u32::MAX slots") }
    }

    fn load(&mut self, size: Size, signed: bool, dst: Reg, src: Reg, off: i16) -> Op {
        let (dst, src) = (dst.into(), src.into());
        match (size, signed) {
            (Size::B, false) => Op::Load8 { dst, src, off },
            (Size::H, false) => Op::Load16 { dst, src, off },
            (Size::W, false) => Op::Load32 { dst, src, off },
            (Size::DW, false | true) => Op::Load64 { dst, src, off },
            (Size::B | Size::H | Size::W, true) => {
                self.rare(Rare::LoadSigned { size, dst, src, off })
            }
        }
    }

    fn store(&mut self, size: Size, dst: Reg, off: i16, src: Operand) -> Op {
        let dst = dst.into();
        match (size, src) {
            (_, Operand::Imm(imm)) => self.rare(Rare::StoreImm { size, dst, off, imm }),
            (Size::B, Operand::Reg(src)) => Op::Store8 { dst, src: src.into(), off },
            (Size::H, Operand::Reg(src)) => Op::Store16 { dst, src: src.into(), off },
            (Size::W, Operand::Reg(src)) => Op::Store32 { dst, src: src.into(), off },
            (Size::DW, Operand::Reg(src)) => Op::Store64 { dst, src: src.into(), off },
        }
    }
}

/// A constant in a register.
#[expect(clippy::cast_possible_truncation, reason = "the value is taken apart")]
fn constant(dst: Reg, value: u64) -> Op {
    Op::Const { dst: dst.into(), low: value as u32, high: (value >> 32) as u32 }
}

/// The register that an instruction names as the one to write.
fn written(insn: &Insn) -> Option<Reg> {
    use skep_spec::insn::AtomicOp;
    match *insn {
        Insn::Alu { dst, .. }
        | Insn::Neg { dst, .. }
        | Insn::Mov { dst, .. }
        | Insn::MovSx { dst, .. }
        | Insn::AddrSpaceCast { dst, .. }
        | Insn::Swap { dst, .. }
        | Insn::LoadImm64 { dst, .. }
        | Insn::Load { dst, .. }
        | Insn::LoadAcquire { dst, .. } => Some(dst),
        Insn::Atomic { op, src, .. } => match op {
            AtomicOp::Add { fetch }
            | AtomicOp::Or { fetch }
            | AtomicOp::And { fetch }
            | AtomicOp::Xor { fetch } => fetch.then_some(src),
            AtomicOp::Xchg => Some(src),
            AtomicOp::CmpXchg => None,
        },
        Insn::LoadPacket { .. }
        | Insn::Store { .. }
        | Insn::StoreRelease { .. }
        | Insn::Goto { .. }
        | Insn::GotoLong { .. }
        | Insn::Branch { .. }
        | Insn::MayGoto { .. }
        | Insn::Call(_)
        | Insn::Exit => None,
    }
}

/// Whether an instruction reads `r10`.
fn uses_frame_pointer(insn: &Insn) -> bool {
    let reg = |reg: Reg| reg == Reg::FP;
    let operand = |operand: Operand| operand == Operand::Reg(Reg::FP);
    match *insn {
        Insn::Alu { src, .. } | Insn::Mov { src, .. } => operand(src),
        Insn::Store { dst, src, .. } | Insn::Branch { dst, src, .. } => reg(dst) || operand(src),
        Insn::Atomic { dst, src, .. } | Insn::StoreRelease { dst, src, .. } => reg(dst) || reg(src),
        Insn::MovSx { src, .. }
        | Insn::AddrSpaceCast { src, .. }
        | Insn::Load { src, .. }
        | Insn::LoadAcquire { src, .. }
        | Insn::LoadPacket { index: PacketIndex::Ind(src), .. }
        | Insn::Call(Callee::Reg(src)) => reg(src),
        Insn::Neg { .. }
        | Insn::Swap { .. }
        | Insn::LoadImm64 { .. }
        | Insn::LoadPacket { index: PacketIndex::Abs, .. }
        | Insn::Goto { .. }
        | Insn::GotoLong { .. }
        | Insn::MayGoto { .. }
        | Insn::Call(Callee::Helper(_) | Callee::Local(_) | Callee::Kfunc { .. })
        | Insn::Exit => false,
    }
}
