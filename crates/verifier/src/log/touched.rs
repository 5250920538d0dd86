//! What an instruction has to do with: the registers it names, and the stack it accesses.

use skep_spec::insn::{AtomicOp, Insn, Operand, PacketIndex, Reg};

use super::state::Part;
use crate::limits::SLOT_BYTES;
use crate::state::stack::Position;
use crate::state::{Kind, State};

/// Registers and slots of the frame that runs that the instruction reads or writes. What a helper
/// does to memory is not among them.
pub(super) fn touched(insn: &Insn, state: &State) -> Part {
    let mut part = Part::default();
    let operand = |part: &mut Part, operand: &Operand| match operand {
        Operand::Reg(reg) => part.add(*reg),
        Operand::Imm(_) => {}
    };
    match insn {
        Insn::Alu { dst, src, .. } | Insn::Mov { dst, src, .. } | Insn::Branch { dst, src, .. } => {
            part.add(*dst);
            operand(&mut part, src);
        }
        Insn::Neg { dst, .. } | Insn::Swap { dst, .. } | Insn::LoadImm64 { dst, .. } => {
            part.add(*dst);
        }
        Insn::MovSx { dst, src, .. } | Insn::AddrSpaceCast { dst, src, .. } => {
            part.add(*dst);
            part.add(*src);
        }
        Insn::LoadPacket { index, .. } => {
            part.add(Reg::R0);
            part.add(Reg::R6);
            if let PacketIndex::Ind(reg) = index {
                part.add(*reg);
            }
        }
        Insn::Load { size, dst, src, off, .. } | Insn::LoadAcquire { size, dst, src, off } => {
            part.add(*dst);
            memory(&mut part, state, *src, *off, size.bytes());
        }
        Insn::Store { size, dst, off, src } => {
            operand(&mut part, src);
            memory(&mut part, state, *dst, *off, size.bytes());
        }
        Insn::StoreRelease { size, dst, off, src } => {
            part.add(*src);
            memory(&mut part, state, *dst, *off, size.bytes());
        }
        Insn::Atomic { size, op, dst, off, src } => {
            part.add(*src);
            if *op == AtomicOp::CmpXchg {
                part.add(Reg::R0);
            }
            memory(&mut part, state, *dst, *off, size.bytes());
        }
        Insn::Call(_) => part.add(Reg::R0),
        Insn::Goto { .. } | Insn::GotoLong { .. } | Insn::MayGoto { .. } | Insn::Exit => {}
    }
    part
}

/// A register with an address, and the slots that it leads to, if it leads to this frame's stack.
fn memory(part: &mut Part, state: &State, base: Reg, off: i16, bytes: usize) {
    part.add(base);
    let pointer = state.register(base);
    let Kind::Stack { frame } = pointer.kind else { return };
    let Some(variable) = pointer.value.as_constant() else { return };
    if usize::from(frame) != state.depth() {
        return;
    }
    let start = i64::from(pointer.off) + i64::from(off);
    let start = start.wrapping_add(variable.cast_signed());
    // The first and the last byte: nothing longer than a slot is accessed at once.
    for byte in [0, bytes.min(SLOT_BYTES) as i64 - 1] {
        let off = i32::try_from(start.wrapping_add(byte)).ok();
        if let Some(position) = off.and_then(Position::of) {
            part.add_slot(position.slot);
        }
    }
}
