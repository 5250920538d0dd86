//! All classes of instructions that programs are to have.

use std::collections::BTreeSet;

use skep_spec::insn::{
    AluOp, AtomicOp, Callee, Condition, Imm64, Insn, Operand, PacketIndex, Reg, SignedFrom, Size,
    SwapKind, SwapSize, Width,
};

use super::class;
use crate::generate::{CONDITIONS, OPS};

const REG: Reg = Reg::R1;
const SIZES: [Size; 4] = [Size::B, Size::H, Size::W, Size::DW];
const NARROW: [Size; 3] = [Size::B, Size::H, Size::W];
const WIDTHS: [Width; 2] = [Width::W32, Width::W64];
const OPERANDS: [Operand; 2] = [Operand::Reg(REG), Operand::Imm(0)];

/// All classes, but for those of instructions that the verifier does not know yet (arenas,
/// `may_goto`, kernel functions), that take a descriptor array or an address in the kernel, or that
/// are not for the kernel (`callx`).
pub(crate) fn classes() -> BTreeSet<String> {
    let all = arithmetic().chain(moves()).chain(memory()).chain(atomics()).chain(control());
    all.map(|insn| class(&insn)).collect()
}

fn arithmetic() -> impl Iterator<Item = Insn> {
    let each = |width| {
        let with = move |op: AluOp| {
            OPERANDS.into_iter().map(move |src| Insn::Alu { width, op, dst: REG, src })
        };
        let negation = std::iter::once(Insn::Neg { width, dst: REG });
        OPS.iter().copied().flat_map(with).chain(negation)
    };
    WIDTHS.into_iter().flat_map(each)
}

fn moves() -> impl Iterator<Item = Insn> {
    let (dst, src) = (REG, REG);
    let plain = WIDTHS
        .into_iter()
        .flat_map(move |width| OPERANDS.into_iter().map(move |src| Insn::Mov { width, dst, src }));
    let extending = [
        (Width::W32, SignedFrom::S8),
        (Width::W32, SignedFrom::S16),
        (Width::W64, SignedFrom::S8),
        (Width::W64, SignedFrom::S16),
        (Width::W64, SignedFrom::S32),
    ];
    let extending =
        extending.into_iter().map(move |(width, from)| Insn::MovSx { width, from, dst, src });
    let swaps =
        [SwapKind::ToLe, SwapKind::ToBe, SwapKind::Always].into_iter().flat_map(move |kind| {
            [SwapSize::S16, SwapSize::S32, SwapSize::S64].into_iter().map(move |size| Insn::Swap {
                kind,
                size,
                dst,
            })
        });
    let constants =
        [Imm64::Value(0), Imm64::MapFd(0), Imm64::MapValue { fd: 0, off: 0 }, Imm64::Func(0)];
    let constants = constants.into_iter().map(move |imm| Insn::LoadImm64 { dst, imm });
    plain.chain(extending).chain(swaps).chain(constants)
}

fn memory() -> impl Iterator<Item = Insn> {
    let (dst, src, off) = (REG, REG, 0);
    let loads =
        SIZES.into_iter().map(move |size| Insn::Load { size, signed: false, dst, src, off });
    let signed =
        NARROW.into_iter().map(move |size| Insn::Load { size, signed: true, dst, src, off });
    let stores = SIZES.into_iter().flat_map(move |size| {
        OPERANDS.into_iter().map(move |src| Insn::Store { size, dst, off, src })
    });
    let packets =
        NARROW.into_iter().flat_map(|size| {
            [PacketIndex::Abs, PacketIndex::Ind(REG)]
                .into_iter()
                .map(move |index| Insn::LoadPacket { size, index, imm: 0 })
        });
    loads.chain(signed).chain(stores).chain(packets)
}

fn atomics() -> impl Iterator<Item = Insn> {
    let (dst, src, off) = (REG, REG, 0);
    let fetching = |fetch| {
        [
            AtomicOp::Add { fetch },
            AtomicOp::Or { fetch },
            AtomicOp::And { fetch },
            AtomicOp::Xor { fetch },
        ]
    };
    let ops = fetching(false)
        .into_iter()
        .chain(fetching(true))
        .chain([AtomicOp::Xchg, AtomicOp::CmpXchg]);
    let updates = ops.flat_map(move |op| {
        [Size::W, Size::DW].into_iter().map(move |size| Insn::Atomic { size, op, dst, off, src })
    });
    let ordered = SIZES.into_iter().flat_map(move |size| {
        [Insn::LoadAcquire { size, dst, src, off }, Insn::StoreRelease { size, dst, off, src }]
    });
    updates.chain(ordered)
}

fn control() -> impl Iterator<Item = Insn> {
    let branches = WIDTHS.into_iter().flat_map(|width| {
        let with = move |cond: Condition| {
            OPERANDS.into_iter().map(move |src| Insn::Branch { width, cond, dst: REG, src, off: 0 })
        };
        CONDITIONS.iter().copied().flat_map(with)
    });
    let others = [
        Insn::Goto { off: 0 },
        Insn::GotoLong { imm: 0 },
        Insn::Call(Callee::Helper(0)),
        Insn::Call(Callee::Local(0)),
        Insn::Exit,
    ];
    branches.chain(others)
}
