//! Random programs: whatever decodes may be run; it ends, and touches nothing but its own.

use std::sync::Arc;

use skep_command::map::MapCreate;
use skep_spec::abi::{MapType, ProgType};
use skep_spec::insn::{
    AluOp, AtomicOp, Callee, Condition, Imm64, Operand, PacketIndex, Reg, SignedFrom, Size,
    SwapKind, SwapSize, Width,
};
use skep_spec::{Code, Insn};

use crate::context::{Context, SkbContext, XdpContext};
use crate::maps::Map;
use crate::memory::{Access, Block, Span};
use crate::packet::Packet;
use crate::program::{Helpers, NewProgram, Program};
use crate::run::Run;
use crate::world::{Cpu, FixedWorld};

/// How many programs are tried.
const PROGRAMS: u64 = 20_000;

/// A generator of numbers that follow from a seed (xorshift64*; Vigna, 2016).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 32) % limit
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    /// Small numbers mostly, and the ends of ranges.
    pub(super) fn number(&mut self) -> i32 {
        match self.below(4) {
            0 => self.pick(&[0, 1, -1, 8, 63, 64, i32::MIN, i32::MAX]),
            1 => i32::from_ne_bytes(*self.next().to_ne_bytes().first_chunk().unwrap()),
            _ => i32::try_from(self.below(64)).unwrap() - 32,
        }
    }

    fn off(&mut self) -> i16 {
        match self.below(4) {
            0 => i16::from_ne_bytes(*self.next().to_ne_bytes().first_chunk().unwrap()),
            _ => i16::try_from(self.below(40)).unwrap() * 4 - 80,
        }
    }

    fn reg(&mut self) -> Reg {
        self.pick(&Reg::ALL)
    }

    fn operand(&mut self) -> Operand {
        if self.below(2) == 0 { Operand::Reg(self.reg()) } else { Operand::Imm(self.number()) }
    }

    pub(super) fn width(&mut self) -> Width {
        self.pick(&[Width::W32, Width::W64])
    }

    pub(super) fn size(&mut self) -> Size {
        self.pick(&[Size::B, Size::H, Size::W, Size::DW])
    }

    /// An instruction; jumps stay within `left` slots of the end and rarely leave the program.
    fn insn(&mut self, at: i64, len: i64) -> Insn {
        const ALU: [AluOp; 13] = [
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
        ];
        const CONDITIONS: [Condition; 11] = [
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
        ];
        let (dst, src) = (self.pick(&Reg::ALL[..10]), self.reg());
        let to = i64::try_from(self.below(u64::try_from(len).unwrap())).unwrap() - at - 1;
        let (off, far) = (i16::try_from(to).unwrap(), i32::try_from(to).unwrap());
        match self.below(28) {
            0..5 => {
                Insn::Alu { width: self.width(), op: self.pick(&ALU), dst, src: self.operand() }
            }
            5 => Insn::Mov { width: self.width(), dst, src: self.operand() },
            6 => Insn::Mov { width: Width::W64, dst, src: Operand::Reg(src) },
            7 => Insn::Neg { width: self.width(), dst },
            8 => Insn::MovSx {
                width: Width::W64,
                from: self.pick(&[SignedFrom::S8, SignedFrom::S16, SignedFrom::S32]),
                dst,
                src,
            },
            9 => Insn::Swap {
                kind: self.pick(&[SwapKind::ToLe, SwapKind::ToBe, SwapKind::Always]),
                size: self.pick(&[SwapSize::S16, SwapSize::S32, SwapSize::S64]),
                dst,
            },
            10 => Insn::LoadImm64 {
                dst,
                imm: match self.below(4) {
                    0 => Imm64::Value(self.next()),
                    1 => Imm64::MapFd(self.pick(&[3, 4])),
                    2 => Imm64::MapValue { fd: 3, off: u32::try_from(self.below(8)).unwrap() },
                    _ => Imm64::Func(far),
                },
            },
            11 => Insn::LoadPacket {
                size: self.pick(&[Size::B, Size::H, Size::W]),
                index: self.pick(&[PacketIndex::Abs, PacketIndex::Ind(Reg::R7)]),
                imm: self.number(),
            },
            12..15 => Insn::Load { size: self.size(), signed: false, dst, src, off: self.off() },
            15 => Insn::Load {
                size: self.pick(&[Size::B, Size::H, Size::W]),
                signed: true,
                dst,
                src: Reg::R10,
                off: self.off(),
            },
            16..18 => {
                let off = self.off();
                Insn::Store { size: self.size(), dst: src, off, src: self.operand() }
            }
            18 => Insn::Atomic {
                size: self.pick(&[Size::W, Size::DW]),
                op: self.pick(&[
                    AtomicOp::Add { fetch: true },
                    AtomicOp::Or { fetch: false },
                    AtomicOp::And { fetch: true },
                    AtomicOp::Xor { fetch: false },
                    AtomicOp::Xchg,
                    AtomicOp::CmpXchg,
                ]),
                dst: src,
                off: self.off(),
                src: dst,
            },
            19 => Insn::LoadAcquire { size: self.size(), dst, src, off: self.off() },
            20 => Insn::StoreRelease { size: self.size(), dst: src, off: self.off(), src: dst },
            21 => Insn::Goto { off },
            22 => Insn::GotoLong { imm: far },
            23 => Insn::MayGoto { off },
            24 => Insn::Branch {
                width: self.width(),
                cond: self.pick(&CONDITIONS),
                dst: src,
                src: self.operand(),
                off,
            },
            25 => Insn::Call(match self.below(4) {
                0 => Callee::Local(far),
                1 => Callee::Reg(dst),
                _ => Callee::Helper(i32::try_from(self.below(212)).unwrap()),
            }),
            26 => Insn::Mov {
                width: Width::W64,
                dst,
                src: Operand::Reg(self.pick(&[Reg::R10, Reg::R1])),
            },
            _ => Insn::Exit,
        }
    }

    fn code(&mut self) -> Code {
        let len = 2 + i64::try_from(self.below(30)).unwrap();
        // The context stays in r6, where packet loads look for it.
        let mut code = Code::new();
        code.push(Insn::Mov { width: Width::W64, dst: Reg::R6, src: Operand::Reg(Reg::R1) });
        while i64::from(code.len()) < len {
            let at = i64::from(code.len());
            code.push(self.insn(at, len + 1));
        }
        code.push(Insn::Exit);
        code
    }
}

fn map(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> Arc<Map> {
    let create = MapCreate {
        name: "random",
        map_type,
        key_size,
        value_size,
        max_entries,
        flags: 0,
        extra: 0,
        inner: None,
        numa_node: None,
        btf: None,
    };
    Map::create(1, &create, 2).unwrap()
}

#[test]
fn programs_stay_in_their_bounds() {
    let mut random = Random(0x5eed);
    let maps = [map(MapType::Array, 4, 8, 1), map(MapType::Hash, 8, 16, 8)];
    let find = |fd: i32| maps.get(usize::try_from(fd).ok()?.checked_sub(3)?).cloned();
    let (mut loaded, mut ended) = (0, 0);
    for _ in 0..PROGRAMS {
        let code = random.code();
        let prog_type = random.pick(&[
            ProgType::Xdp,
            ProgType::SchedCls,
            ProgType::SocketFilter,
            ProgType::Syscall,
        ]);
        let new = NewProgram {
            id: 1,
            name: "random",
            prog_type,
            expected_attach_type: None,
            license: "GPL",
            code: &code,
            helpers: Helpers::Linux,
        };
        let Ok(program) = Program::load(&new, &find) else { continue };
        loaded += 1;

        // What the program may touch, with guards on both sides that it may not.
        let memory = Arc::new(Block::zeroed(3 * 64));
        memory.range(0, 3 * 64).unwrap().fill(0xa5);
        let lent = Span::of_block(&memory, Access::ReadWrite);
        let lent = lent.part(memory.addr() + 64, 64, Access::ReadWrite).unwrap();
        let packet = Packet::new(64, &[7; 64], 64);
        let context = match prog_type {
            ProgType::Xdp => Context::Xdp(XdpContext::new(packet, 1)),
            ProgType::Syscall => Context::Plain([lent.addr(), 64]),
            _ => Context::Skb(Box::new(SkbContext::new(packet, 0, 14))),
        };
        let world = FixedWorld::new(0, 1);
        let mut run = Run::new(&world, Cpu(0), program, context);
        run.set_instruction_limit(10_000);
        run.lend(lent);
        if run.start().is_ok() {
            ended += 1;
        }
        for guard in [0, 128] {
            let bytes = memory.range(guard, 64).unwrap().bytes().to_vec();
            assert_eq!(bytes, [0xa5; 64], "a guard was written by\n{code:?}");
        }
    }
    assert!(loaded > PROGRAMS / 4, "only {loaded} programs could be loaded");
    assert!(ended > PROGRAMS / 50, "only {ended} programs ran to their end");
}
