//! Jumps that the kernel can translate.
//!
//! The kernel runs a filter as eBPF, whose jumps reach over 32,767 instructions. Some classic
//! instructions become sixteen, so that a long filter can have a jump that does not fit, and then
//! the kernel takes it as little as one that breaks a rule. The kernel translates twice, the first
//! time with the positions of later instructions still unknown, as zero; a jump that starts behind
//! position 32,767 does not fit then.

use super::CheckErrorKind;
use crate::classic::ancillary::Ancillary;
use crate::classic::insn::{AluOp, Condition, Insn, Place, Returned, Size, Source};

/// The kernel's instructions before the first.
const PROLOGUE: i64 = 3;
/// The same for the addresses that packet loads need.
const PROLOGUE_OF_LOADS: i64 = 4;
/// The call that loads what is not where the packet is linear, and what becomes of its answer.
const LOAD_CALL: i64 = 8;

/// Checks a filter whose jumps lead to instructions of it.
pub(super) fn check(insns: &[Insn]) -> Result<(), (usize, CheckErrorKind)> {
    let mut positions = Vec::with_capacity(insns.len());
    let mut next =
        if insns.iter().any(reads_packet) { PROLOGUE + PROLOGUE_OF_LOADS } else { PROLOGUE };
    for insn in insns {
        positions.push(next);
        next += translated_len(insn);
    }
    for ((at, insn), from) in insns.iter().enumerate().zip(&positions) {
        let fits = |skipped: usize, earlier: i64| {
            let to = positions.get(at + 1 + skipped).copied().unwrap_or(next);
            [0, to].iter().all(|to| i16::try_from(to - from - 1 - earlier).is_ok())
        };
        let fit = match *insn {
            Insn::Goto { k } => fits(k as usize, 0),
            Insn::Branch { cond, source, jt, jf } => {
                let earlier = i64::from(needs_register(source));
                match branch_len(cond, jt, jf) {
                    1 if jf == 0 => fits(jt.into(), earlier),
                    1 => fits(jf.into(), earlier),
                    _ => fits(jt.into(), earlier) && fits(jf.into(), earlier + 1),
                }
            }
            Insn::LoadPacket { .. }
            | Insn::Load { .. }
            | Insn::LoadHeaderLen { .. }
            | Insn::Store { .. }
            | Insn::Alu { .. }
            | Insn::Neg
            | Insn::Return(_)
            | Insn::Tax
            | Insn::Txa => true,
        };
        if !fit {
            return Err((at, CheckErrorKind::JumpTooFar));
        }
    }
    Ok(())
}

fn reads_packet(insn: &Insn) -> bool {
    matches!(
        insn,
        Insn::LoadPacket { size: _, place: Place::Abs(_) | Place::Ind(_) }
            | Insn::LoadHeaderLen { .. }
    )
}

/// How many instructions the kernel makes of one.
fn translated_len(insn: &Insn) -> i64 {
    match *insn {
        Insn::LoadPacket { size: _, place: Place::Ancillary(field) } => ancillary_len(field),
        Insn::LoadPacket { size, place: Place::Abs(k) } => absolute_len(size, k),
        Insn::LoadPacket { size: _, place: Place::Ind(k) } => LOAD_CALL + i64::from(k != 0),
        Insn::LoadHeaderLen { k } => absolute_len(Size::B, k) + 6,
        Insn::Alu { op: AluOp::Div | AluOp::Mod, source: Source::X } => 5,
        Insn::Branch { cond, source, jt, jf } => {
            i64::from(needs_register(source)) + branch_len(cond, jt, jf)
        }
        Insn::Return(Returned::K(_)) => 2,
        Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Alu { .. }
        | Insn::Neg
        | Insn::Goto { .. }
        | Insn::Return(Returned::A)
        | Insn::Tax
        | Insn::Txa => 1,
    }
}

fn absolute_len(size: Size, k: u32) -> i64 {
    // Offsets from the headers go to the call at once.
    if k > i32::MAX.cast_unsigned() {
        return LOAD_CALL;
    }
    let swap = i64::from(size != Size::B);
    let load = if k <= i16::MAX as u32 { 1 } else { 3 };
    3 + i64::from(k != 0) + load + swap + LOAD_CALL
}

fn ancillary_len(field: Ancillary) -> i64 {
    match field {
        Ancillary::Mark
        | Ancillary::RxHash
        | Ancillary::Queue
        | Ancillary::VlanTag
        | Ancillary::AluXorX => 1,
        Ancillary::Protocol | Ancillary::PktType | Ancillary::VlanTpid => 2,
        Ancillary::VlanTagPresent => 3,
        Ancillary::IfIndex
        | Ancillary::HaType
        | Ancillary::PayOffset
        | Ancillary::NlAttr
        | Ancillary::NlAttrNest
        | Ancillary::Cpu
        | Ancillary::Random => 4,
    }
}

/// Immediates of eBPF are signed: larger ones go through a register.
fn needs_register(source: Source) -> bool {
    matches!(source, Source::K(k) if k > i32::MAX.cast_unsigned())
}

fn branch_len(cond: Condition, jt: u8, jf: u8) -> i64 {
    let has_opposite = match cond {
        Condition::Eq | Condition::Gt | Condition::Ge => true,
        Condition::Set => false,
    };
    if jf == 0 || (jt == 0 && has_opposite) { 1 } else { 2 }
}
