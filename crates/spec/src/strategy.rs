//! Random instructions, for tests.

use proptest::prelude::*;
use proptest::sample::select;

use crate::code::Code;
use crate::insn::{
    AtomicOp, Callee, Imm64, Insn, Operand, PacketIndex, Reg, SignedFrom, Size, Width,
};
use crate::syntax;

/// Any instruction that has an encoding of its own.
pub(crate) fn insn() -> impl Strategy<Value = Insn> {
    prop_oneof![arithmetic(), memory(), control(), imm64()]
}

/// A sequence of them.
pub(crate) fn code() -> impl Strategy<Value = Code> {
    proptest::collection::vec(insn(), 0..20).prop_map(Code::from_iter)
}

fn reg() -> impl Strategy<Value = Reg> {
    select(&Reg::ALL[..])
}

fn width() -> impl Strategy<Value = Width> {
    select(&[Width::W32, Width::W64][..])
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![reg().prop_map(Operand::Reg), imm().prop_map(Operand::Imm)]
}

fn imm() -> impl Strategy<Value = i32> {
    prop_oneof![any::<i32>(), -9..10, Just(i32::MIN), Just(i32::MAX)]
}

fn off() -> impl Strategy<Value = i16> {
    prop_oneof![any::<i16>(), -9..10i16, Just(i16::MIN), Just(i16::MAX)]
}

fn arithmetic() -> impl Strategy<Value = Insn> {
    let op = select(&syntax::ALU_OPS[..]);
    let from = select(&syntax::SIGNED_FROM[..]);
    prop_oneof![
        (width(), op, reg(), operand()).prop_map(|(width, op, dst, src)| Insn::Alu {
            width,
            op,
            dst,
            src
        }),
        (width(), reg()).prop_map(|(width, dst)| Insn::Neg { width, dst }),
        (width(), reg(), operand()).prop_map(|(width, dst, src)| Insn::Mov { width, dst, src }),
        (width(), from, reg(), reg())
            .prop_filter("32 bits have nothing to extend from 32", |(width, from, ..)| {
                (*width, *from) != (Width::W32, SignedFrom::S32)
            })
            .prop_map(|(width, from, dst, src)| Insn::MovSx { width, from, dst, src }),
        (reg(), reg(), any::<u16>(), any::<u16>())
            .prop_map(|(dst, src, to, from)| Insn::AddrSpaceCast { dst, src, to, from }),
        (select(&syntax::SWAPS[..]), reg()).prop_map(|((kind, size), dst)| Insn::Swap {
            kind,
            size,
            dst
        }),
    ]
}

fn memory() -> impl Strategy<Value = Insn> {
    let size = || select(&syntax::SIZES[..]);
    let word = || select(&[Size::W, Size::DW][..]);
    let fetch = any::<bool>();
    let op = (0..6, fetch).prop_map(|(op, fetch)| match op {
        0 => AtomicOp::Add { fetch },
        1 => AtomicOp::Or { fetch },
        2 => AtomicOp::And { fetch },
        3 => AtomicOp::Xor { fetch },
        4 => AtomicOp::Xchg,
        _ => AtomicOp::CmpXchg,
    });
    let packet = prop_oneof![Just(PacketIndex::Abs), reg().prop_map(PacketIndex::Ind)];
    prop_oneof![
        (select(&syntax::SIZES[..3]), packet, imm())
            .prop_map(|(size, index, imm)| Insn::LoadPacket { size, index, imm }),
        (size(), any::<bool>(), reg(), reg(), off()).prop_map(|(size, signed, dst, src, off)| {
            Insn::Load { size, signed: signed && size != Size::DW, dst, src, off }
        }),
        (size(), reg(), off(), operand()).prop_map(|(size, dst, off, src)| Insn::Store {
            size,
            dst,
            off,
            src
        }),
        (word(), op, reg(), off(), reg()).prop_map(|(size, op, dst, off, src)| Insn::Atomic {
            size,
            op,
            dst,
            off,
            src
        }),
        (size(), reg(), reg(), off()).prop_map(|(size, dst, src, off)| Insn::LoadAcquire {
            size,
            dst,
            src,
            off
        }),
        (size(), reg(), off(), reg()).prop_map(|(size, dst, off, src)| Insn::StoreRelease {
            size,
            dst,
            off,
            src
        }),
    ]
}

fn control() -> impl Strategy<Value = Insn> {
    let cond = select(&syntax::CONDITIONS[..]);
    let callee = prop_oneof![
        imm().prop_map(Callee::Helper),
        (0..212).prop_map(Callee::Helper),
        imm().prop_map(Callee::Local),
        (imm(), off()).prop_map(|(btf_id, module)| Callee::Kfunc { btf_id, module }),
        reg().prop_map(Callee::Reg),
    ];
    prop_oneof![
        off().prop_map(|off| Insn::Goto { off }),
        imm().prop_map(|imm| Insn::GotoLong { imm }),
        (width(), cond, reg(), operand(), off())
            .prop_map(|(width, cond, dst, src, off)| Insn::Branch { width, cond, dst, src, off }),
        off().prop_map(|off| Insn::MayGoto { off }),
        callee.prop_map(Insn::Call),
        Just(Insn::Exit),
    ]
}

fn imm64() -> impl Strategy<Value = Insn> {
    let imm = prop_oneof![
        any::<u64>().prop_map(Imm64::Value),
        (0..9u64).prop_map(Imm64::Value),
        imm().prop_map(Imm64::MapFd),
        (imm(), any::<u32>()).prop_map(|(fd, off)| Imm64::MapValue { fd, off }),
        (imm(), imm()).prop_map(|(btf_id, module_fd)| Imm64::BtfVar { btf_id, module_fd }),
        imm().prop_map(|btf_id| Imm64::BtfVar { btf_id, module_fd: 0 }),
        imm().prop_map(Imm64::Func),
        imm().prop_map(Imm64::MapIdx),
        (imm(), any::<u32>()).prop_map(|(idx, off)| Imm64::MapIdxValue { idx, off }),
    ];
    (reg(), imm).prop_map(|(dst, imm)| Insn::LoadImm64 { dst, imm })
}
