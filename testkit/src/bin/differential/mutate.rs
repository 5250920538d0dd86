//! One step off: what turns a valid program into its neighbour.

use skep_spec::insn::{Callee, Condition, Imm64, Insn, Operand, Reg, Size, Width};

use crate::generate::CONDITIONS;
use crate::random::Random;

/// Changes one instruction; all keep their places. Gives `false` where the change that was picked
/// does not fit the program.
pub(crate) fn mutate(insns: &mut [Insn], random: &mut Random) -> bool {
    let at = random.below(insns.len());
    match random.below(12) {
        0..3 => offset(insns, at, random),
        3..5 => condition(insns, at, random),
        5 => remove(insns, at),
        6 => register(insns, at, random),
        7 | 8 => immediate(insns, at, random),
        9 => width(insns, at, random),
        10 => swap(insns, at),
        _ => check(insns, at),
    }
}

/// The first instruction from a place on, around the end, that a change takes.
fn from(insns: &mut [Insn], at: usize, mut change: impl FnMut(&mut Insn) -> bool) -> bool {
    let (before, after) = insns.split_at_mut(at);
    after.iter_mut().chain(before).any(&mut change)
}

/// An access a few bytes further, or wider.
fn offset(insns: &mut [Insn], at: usize, random: &mut Random) -> bool {
    let step = random.pick(&[1_i16, -1, 4, 8, -8, 64, 1000]);
    let widen = random.chance(30);
    from(insns, at, |insn| match insn {
        Insn::Load { size, signed: false, .. } | Insn::Store { size, .. }
            if widen && *size != Size::DW =>
        {
            *size = Size::DW;
            true
        }
        Insn::Load { off, .. } | Insn::Store { off, .. } => {
            *off = off.wrapping_add(step);
            true
        }
        Insn::Atomic { off, .. }
        | Insn::LoadAcquire { off, .. }
        | Insn::StoreRelease { off, .. } => {
            *off = off.wrapping_add(step);
            true
        }
        _ => false,
    })
}

/// Another comparison.
fn condition(insns: &mut [Insn], at: usize, random: &mut Random) -> bool {
    let other = random.pick(CONDITIONS);
    let near = random.chance(50);
    from(insns, at, |insn| match insn {
        Insn::Branch { cond, .. } => {
            *cond = if near { neighbour(*cond) } else { other };
            true
        }
        _ => false,
    })
}

/// The comparison that differs in the case of equality, or is the opposite.
fn neighbour(condition: Condition) -> Condition {
    match condition {
        Condition::Eq => Condition::Ne,
        Condition::Ne => Condition::Eq,
        Condition::Gt => Condition::Ge,
        Condition::Ge => Condition::Gt,
        Condition::Lt => Condition::Le,
        Condition::Le => Condition::Lt,
        Condition::Set => Condition::Eq,
        Condition::SGt => Condition::SGe,
        Condition::SGe => Condition::SGt,
        Condition::SLt => Condition::SLe,
        Condition::SLe => Condition::SLt,
    }
}

/// Nothing in place of an instruction.
fn remove(insns: &mut [Insn], at: usize) -> bool {
    match &mut insns[at] {
        Insn::LoadImm64 { .. } | Insn::Exit => false,
        other => {
            *other = Insn::Goto { off: 0 };
            true
        }
    }
}

/// Nothing in place of a check.
fn check(insns: &mut [Insn], at: usize) -> bool {
    from(insns, at, |insn| {
        let is_check = matches!(insn, Insn::Branch { .. });
        if is_check {
            *insn = Insn::Goto { off: 0 };
        }
        is_check
    })
}

/// Another register.
fn register(insns: &mut [Insn], at: usize, random: &mut Random) -> bool {
    let other = random.pick(&Reg::ALL);
    let second = random.chance(50);
    match &mut insns[at] {
        Insn::Alu { dst, src: Operand::Reg(src), .. }
        | Insn::Mov { dst, src: Operand::Reg(src), .. }
        | Insn::MovSx { dst, src, .. }
        | Insn::Load { dst, src, .. }
        | Insn::Store { dst, src: Operand::Reg(src), .. }
        | Insn::Atomic { dst, src, .. }
        | Insn::LoadAcquire { dst, src, .. }
        | Insn::StoreRelease { dst, src, .. }
        | Insn::Branch { dst, src: Operand::Reg(src), .. } => {
            *(if second { src } else { dst }) = other;
            true
        }
        Insn::Alu { dst, .. }
        | Insn::Mov { dst, .. }
        | Insn::Neg { dst, .. }
        | Insn::Swap { dst, .. }
        | Insn::Store { dst, .. }
        | Insn::LoadImm64 { dst, .. }
        | Insn::Branch { dst, .. } => {
            *dst = other;
            true
        }
        Insn::AddrSpaceCast { .. }
        | Insn::LoadPacket { .. }
        | Insn::Goto { .. }
        | Insn::GotoLong { .. }
        | Insn::MayGoto { .. }
        | Insn::Call(_)
        | Insn::Exit => false,
    }
}

/// Another immediate: one more, twice as much, or anything.
fn immediate(insns: &mut [Insn], at: usize, random: &mut Random) -> bool {
    let (kind, any) = (random.below(5), random.immediate());
    let change = |imm: &mut i32| {
        *imm = match kind {
            0 => imm.wrapping_add(1),
            1 => imm.wrapping_mul(2),
            2 => imm.wrapping_neg(),
            3 => imm.wrapping_add(8),
            _ => any,
        };
        true
    };
    match &mut insns[at] {
        Insn::Alu { src: Operand::Imm(imm), .. }
        | Insn::Mov { src: Operand::Imm(imm), .. }
        | Insn::Store { src: Operand::Imm(imm), .. }
        | Insn::Branch { src: Operand::Imm(imm), .. }
        | Insn::LoadPacket { imm, .. } => change(imm),
        Insn::LoadImm64 { imm: Imm64::MapFd(map), .. } => change(map),
        Insn::LoadImm64 { imm: Imm64::MapValue { off, .. }, .. } => {
            *off = off.wrapping_add(60);
            true
        }
        Insn::Call(Callee::Helper(helper)) => {
            *helper = any.rem_euclid(212);
            true
        }
        _ => false,
    }
}

/// The other width.
fn width(insns: &mut [Insn], at: usize, random: &mut Random) -> bool {
    let smaller = random.pick(&[Size::B, Size::H, Size::W]);
    from(insns, at, |insn| match insn {
        Insn::Alu { width, .. }
        | Insn::Mov { width, .. }
        | Insn::Branch { width, .. }
        | Insn::Neg { width, .. } => {
            *width = other(*width);
            true
        }
        Insn::Load { size, .. } | Insn::Store { size, .. } => {
            *size = smaller;
            true
        }
        _ => false,
    })
}

fn other(width: Width) -> Width {
    match width {
        Width::W32 => Width::W64,
        Width::W64 => Width::W32,
    }
}

/// Two neighbours in the other order.
fn swap(insns: &mut [Insn], at: usize) -> bool {
    let straight = |insn: &Insn| {
        matches!(insn, Insn::Alu { .. } | Insn::Mov { .. } | Insn::Load { .. } | Insn::Store { .. })
    };
    match insns.get(at + 1) {
        Some(next) if straight(next) && straight(&insns[at]) => {
            insns.swap(at, at + 1);
            true
        }
        Some(_) | None => false,
    }
}
