//! Calls of helpers by their prototypes, and what they hand out.

use skep_spec::abi::context::FieldKind;
use skep_spec::abi::proto::{self, Arg, MemAccess, MemSize, Proto, Ret};
use skep_spec::abi::{HelperId, ProgType};
use skep_spec::insn::{AluOp, Imm64, Reg, Size};

use super::map_values::{handle, value_of};
use super::{CTX, Generator, Kind};
use crate::maps::{FROZEN, FROZEN_TEXT, SHAPES};

/// Helpers that are there only as the kernel is configured, or that leave traces on this machine
/// when a program with them is loaded.
const LEFT_OUT: &[HelperId] =
    &[HelperId::ProbeWriteUser, HelperId::OverrideReturn, HelperId::TailCall];

/// Helpers whose result hangs on their arguments and on maps alone.
const REPEATABLE: &[HelperId] = &[
    HelperId::MapLookupElem,
    HelperId::MapUpdateElem,
    HelperId::MapDeleteElem,
    HelperId::MapPushElem,
    HelperId::MapPopElem,
    HelperId::MapPeekElem,
    HelperId::CsumDiff,
    HelperId::SkbLoadBytes,
    HelperId::SkbStoreBytes,
    HelperId::XdpAdjustHead,
    HelperId::XdpAdjustTail,
    HelperId::XdpAdjustMeta,
    HelperId::RingbufOutput,
    HelperId::RingbufReserve,
    HelperId::Strncmp,
    HelperId::Strtol,
    HelperId::Strtoul,
    HelperId::Snprintf,
];

/// The families of helpers that most program types have.
const COMMON: &[&str] = &["general", "map", "task", "tracing"];

/// The registers of arguments.
const ARGS: [Reg; 5] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];

impl Generator<'_> {
    fn helpers(&self) -> Vec<&'static Proto> {
        let there = |helper: &HelperId| {
            proto::proto(*helper, self.hook.prog_type, self.hook.attach)
                .filter(|proto| !proto.might_sleep || self.hook.sleepable())
        };
        let wanted = |helper: &&HelperId| !LEFT_OUT.contains(helper);
        let simple = |proto: &&Proto| proto.args.iter().all(|arg| self.has(*arg));
        HelperId::ALL.iter().filter(wanted).filter_map(there).filter(simple).collect()
    }

    /// Whether programs of this kind may call a helper.
    pub(super) fn offers(&self, helper: HelperId) -> bool {
        proto::proto(helper, self.hook.prog_type, self.hook.attach).is_some()
    }

    /// Whether an argument can be had.
    fn has(&self, arg: Arg) -> bool {
        match arg {
            Arg::Anything
            | Arg::ConstMap
            | Arg::MapKey
            | Arg::MapValue { .. }
            | Arg::Mem { .. }
            | Arg::Size { .. }
            | Arg::AllocSize
            | Arg::Ctx { nullable: true }
            | Arg::StackOrNull
            | Arg::ConstStr => true,
            Arg::Ctx { nullable: false } => self.function.kind(CTX) == Kind::Context,
            Arg::Callback(_)
            | Arg::SpinLock
            | Arg::Timer
            | Arg::SockCommon
            | Arg::SocketOrNull
            | Arg::Sock { .. }
            | Arg::Kernel { .. }
            | Arg::RingbufRecord
            | Arg::PercpuVariable
            | Arg::KptrSlot
            | Arg::KptrOrNull
            | Arg::Dynptr { .. } => false,
        }
    }

    /// A call of any helper whose arguments can be had.
    pub(super) fn helper(&mut self) {
        let helpers = self.helpers();
        if helpers.is_empty() {
            return self.arithmetic();
        }
        // Those of few program types are wanted as much as the many that all have.
        let own: Vec<&Proto> = helpers
            .iter()
            .copied()
            .filter(|proto| !COMMON.contains(&proto::family(proto.helper)))
            .collect();
        let from = if !own.is_empty() && self.random.chance(40) { &own } else { &helpers };
        let proto = self.random.pick(from);
        let acquires = proto.acquires || matches!(proto.ret, Ret::RingbufMemOrNull);
        if acquires && !self.may_bail {
            return self.arithmetic();
        }
        self.call(proto);
    }

    /// Calls a helper; what it hands out is given back.
    pub(super) fn call(&mut self, proto: &Proto) {
        self.repeatable &= REPEATABLE.contains(&proto.helper);
        let map = self.map_for(proto.helper);
        let takes_map = proto.args.contains(&Arg::ConstMap);
        if takes_map && map.is_none() {
            return self.arithmetic();
        }
        let saved = std::mem::take(&mut self.function.pinned);
        let mut area = 0;
        for (index, arg) in proto.args.iter().enumerate() {
            // What prepares an argument must not touch those before it.
            self.function.pinned = [saved.as_slice(), &ARGS[..=index]].concat();
            let next = proto.args.get(index + 1).copied();
            area = self.argument(ARGS[index], *arg, next, map, area);
            // It may be an address, which no step takes for a number.
            self.function.set(ARGS[index], Kind::Unreadable);
        }
        self.function.pinned = saved;
        self.assembler.call(proto.helper.number().cast_signed());
        let result = match proto.ret {
            Ret::Integer => Kind::Scalar(u64::MAX),
            Ret::MapValue => map.map_or(Kind::Unreadable, value_of),
            _ => Kind::Unreadable,
        };
        self.function.called(result);
        self.function.forget_spills();
        if proto.changes_packet {
            self.function.packet_moved();
        }
        match proto.ret {
            Ret::MapValueOrNull => self.value_or_null(map),
            Ret::RingbufMemOrNull => self.record(8),
            Ret::SocketOrNull | Ret::SockCommonOrNull if proto.acquires => {
                self.release_socket(Reg::R0);
            }
            _ => {}
        }
    }

    fn value_or_null(&mut self, map: Option<usize>) {
        let Some(map) = map else { return };
        self.guarded(
            |made, to| made.null_check(Reg::R0, to),
            |made| {
                made.function.set(Reg::R0, value_of(map));
                made.access(Reg::R0);
            },
        );
    }

    /// Puts an argument into its register, and returns the size of the memory that it is.
    fn argument(
        &mut self,
        reg: Reg,
        arg: Arg,
        next: Option<Arg>,
        map: Option<usize>,
        area: u32,
    ) -> u32 {
        let shape = map.map(|map| &SHAPES[map]);
        match arg {
            Arg::Anything => match self.random.below(4) {
                0 => {
                    let src = self.scalar();
                    self.assembler.mov(reg, src);
                }
                1 => self.assembler.mov(reg, self.random.immediate()),
                _ => self.assembler.mov(reg, 0),
            },
            Arg::ConstMap => {
                let number = map.map_or(-1, handle);
                self.assembler.load_imm64(reg, Imm64::MapFd(number));
            }
            Arg::MapKey => {
                if let Some(shape) = shape {
                    self.key(reg, shape);
                }
            }
            Arg::MapValue { access, nullable } => {
                let bytes = shape.map_or(8, |shape| shape.value);
                return self.memory_argument(reg, access, nullable, bytes.max(1), false);
            }
            Arg::Mem { access, size, nullable } => {
                let (bytes, aligned) = match size {
                    MemSize::Fixed { bytes, aligned } => (bytes, aligned),
                    MemSize::NextArg => (self.random.pick(&[1, 4, 8, 16, 17, 32]), false),
                };
                let nullable = nullable && next == Some(Arg::Size { zero_ok: true });
                return self.memory_argument(reg, access, nullable, bytes, aligned);
            }
            Arg::Size { zero_ok } => self.size_argument(reg, zero_ok, area),
            Arg::AllocSize => self.assembler.mov(reg, 8),
            Arg::Ctx { nullable } => {
                if nullable && (self.function.kind(CTX) != Kind::Context || self.random.chance(30))
                {
                    self.assembler.mov(reg, 0);
                } else {
                    self.assembler.mov(reg, CTX);
                }
            }
            Arg::StackOrNull => self.assembler.mov(reg, 0),
            Arg::ConstStr => {
                let imm = Imm64::MapValue { fd: handle(FROZEN), off: FROZEN_TEXT };
                self.assembler.load_imm64(reg, imm);
            }
            Arg::Callback(_)
            | Arg::SpinLock
            | Arg::Timer
            | Arg::SockCommon
            | Arg::SocketOrNull
            | Arg::Sock { .. }
            | Arg::Kernel { .. }
            | Arg::RingbufRecord
            | Arg::PercpuVariable
            | Arg::KptrSlot
            | Arg::KptrOrNull
            | Arg::Dynptr { .. } => unreachable!("helpers: {arg:?} was said not to be had"),
        }
        0
    }

    fn memory_argument(
        &mut self,
        reg: Reg,
        access: MemAccess,
        nullable: bool,
        bytes: u32,
        aligned: bool,
    ) -> u32 {
        if nullable && self.random.chance(30) {
            self.assembler.mov(reg, 0);
            return 0;
        }
        let fits = |kind| match kind {
            Kind::Memory { room, writable, packet: false } => {
                room >= bytes && (writable || !access.writes()) && !aligned
            }
            _ => false,
        };
        let values = self.function.regs(fits);
        if !values.is_empty() && self.random.chance(50) {
            let value = self.random.pick(&values);
            self.assembler.mov(reg, value);
            return bytes;
        }
        if access.reads() || self.random.chance(50) {
            let off = self.filled_stack(bytes);
            self.stack_address(reg, off);
        } else {
            // Memory that the helper fills needs nothing in it.
            let off = -i16::try_from(bytes.div_ceil(8) * 8).unwrap_or(64) - 8;
            self.stack_address(reg, off);
            self.function.written(off, bytes as usize);
        }
        if access.writes() {
            self.function.forget_spills();
        }
        bytes
    }

    fn size_argument(&mut self, reg: Reg, zero_ok: bool, area: u32) {
        let area = area.cast_signed();
        if area > 1 && self.random.chance(25) {
            let most = if zero_ok { area } else { area - 1 };
            let size = self.bounded(most, &[]);
            self.assembler.mov(reg, size);
            if !zero_ok {
                self.assembler.alu(AluOp::Add, reg, 1);
            }
        } else {
            self.assembler.mov(reg, area);
        }
    }

    /// Reserves a record in a ring buffer, fills it and gives it back.
    pub(super) fn reserve(&mut self) {
        let Some(map) = self.map_for(HelperId::RingbufReserve) else {
            return self.arithmetic();
        };
        if !self.offers(HelperId::RingbufReserve) || !self.may_bail {
            return self.arithmetic();
        }
        let bytes = self.random.pick(&[8, 16, 24, 40]);
        self.map_address(Reg::R1, map);
        self.assembler.mov(Reg::R2, bytes);
        self.assembler.mov(Reg::R3, 0);
        self.assembler.call(HelperId::RingbufReserve.number().cast_signed());
        self.function.called(Kind::Unreadable);
        self.record(bytes.unsigned_abs());
    }

    /// A record in r0, or null: it is filled and given back.
    fn record(&mut self, room: u32) {
        let behind = self.assembler.label();
        self.null_check(Reg::R0, behind);
        let before = self.function.clone();
        let free: Vec<Reg> =
            super::SAVED.into_iter().filter(|reg| !self.function.pinned.contains(reg)).collect();
        let record = if free.is_empty() { Reg::R0 } else { self.random.pick(&free) };
        if record != Reg::R0 {
            self.assembler.mov(record, Reg::R0);
        }
        self.function.set(record, Kind::Memory { room, writable: true, packet: false });
        self.function.pinned.push(record);
        let may_bail = std::mem::replace(&mut self.may_bail, false);
        let (plain, count) = (self.plain, self.random.below(3));
        self.plain = true;
        for _ in 0..1 + self.random.below(2) {
            self.access(record);
        }
        self.steps(count);
        (self.plain, self.may_bail) = (plain, may_bail);
        self.function.pinned.pop();
        let release = self.random.pick(&[HelperId::RingbufSubmit, HelperId::RingbufDiscard]);
        self.assembler.mov(Reg::R1, record);
        self.assembler.mov(Reg::R2, 0);
        self.assembler.call(release.number().cast_signed());
        self.function.called(Kind::Unreadable);
        self.function.set(record, Kind::Unreadable);
        self.assembler.place(behind);
        self.function = before.meet(&self.function);
    }

    /// Gives back the socket in a register, if there is one.
    pub(super) fn release_socket(&mut self, reg: Reg) {
        let behind = self.assembler.label();
        self.null_check(reg, behind);
        self.assembler.mov(Reg::R1, reg);
        self.assembler.call(HelperId::SkRelease.number().cast_signed());
        self.assembler.place(behind);
        self.function.called(Kind::Unreadable);
    }

    /// The context's socket, or one that is looked up.
    pub(super) fn socket(&mut self) {
        let kinds = [FieldKind::SockCommonOrNull, FieldKind::SocketOrNull, FieldKind::Socket];
        let fields = kinds.into_iter().find_map(|kind| self.field(kind));
        let (Some(field), true) = (fields, self.function.kind(CTX) == Kind::Context) else {
            return self.helper();
        };
        self.repeatable = false;
        let reg = self.target();
        self.load_field(reg, field);
        self.function.set(reg, Kind::Unreadable);
        let casts = [
            HelperId::SkFullsock,
            HelperId::TcpSock,
            HelperId::GetListenerSock,
            HelperId::SkcToTcpSock,
            HelperId::SkcToUdp6Sock,
            HelperId::SkCgroupId,
        ];
        let casts: Vec<HelperId> =
            casts.into_iter().filter(|helper| self.offers(*helper)).collect();
        self.guarded(
            |made, to| made.null_check(reg, to),
            |made| {
                let dst = made.target_not(&[reg]);
                let off = made.random.pick(&[4_i16, 4, 4, 8, 12, 24]);
                made.assembler.load(Size::W, dst, reg, off);
                made.function.set(dst, Kind::Scalar(u64::from(u32::MAX)));
                if casts.is_empty() || made.random.chance(30) {
                    return;
                }
                let cast = made.random.pick(&casts);
                made.assembler.mov(Reg::R1, reg);
                made.assembler.call(cast.number().cast_signed());
                if proto::common(cast).ret == Ret::Integer {
                    made.function.called(Kind::Scalar(u64::MAX));
                    return;
                }
                made.function.called(Kind::Unreadable);
                made.guarded(
                    |made, to| made.null_check(Reg::R0, to),
                    |made| {
                        let dst = made.target_not(&[Reg::R0]);
                        made.assembler.load(Size::W, dst, Reg::R0, 4);
                        made.function.set(dst, Kind::Scalar(u64::from(u32::MAX)));
                    },
                );
            },
        );
    }

    /// A tail call, which falls through if there is no program.
    pub(super) fn tail_call(&mut self) {
        let Some(map) = self.map_for(HelperId::TailCall) else { return self.arithmetic() };
        let there = self.offers(HelperId::TailCall);
        let own = self.hook.prog_type != ProgType::Tracing;
        if !there || !own || !self.may_bail || self.function.kind(CTX) != Kind::Context {
            return self.arithmetic();
        }
        self.assembler.mov(Reg::R1, CTX);
        self.map_address(Reg::R2, map);
        let index = self.random.between(0, 5);
        self.assembler.mov(Reg::R3, index);
        self.assembler.call(HelperId::TailCall.number().cast_signed());
        self.function.called(Kind::Unreadable);
    }
}
