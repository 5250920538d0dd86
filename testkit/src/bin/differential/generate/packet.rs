//! The packet: bytes behind a bounds check, and the legacy loads.

use skep_spec::abi::ProgType;
use skep_spec::abi::context::{self, Access, Field, FieldKind};
use skep_spec::insn::{AluOp, Condition, Insn, PacketIndex, Reg, Size, Width};

use super::{CTX, Generator, Kind};

impl Generator<'_> {
    /// The context's field of a kind, if the program may load it.
    pub(super) fn field(&self, kind: FieldKind) -> Option<&'static Field> {
        let fields = context::of(self.hook.prog_type).as_struct()?;
        let readable = |field: &&Field| {
            let access = Access::load(field.offset, field.bytes);
            field.kind == kind && fields.access(access, self.hook.attach).is_ok()
        };
        fields.layout.fields.iter().find(readable)
    }

    /// Loads a field of the context.
    pub(super) fn load_field(&mut self, dst: Reg, field: &Field) {
        let size = if field.bytes == 8 { Size::DW } else { Size::W };
        self.assembler.load(size, dst, CTX, i16::try_from(field.offset).unwrap_or(0));
    }

    /// Bytes of the packet.
    pub(super) fn packet(&mut self) {
        let meta = self.random.chance(10);
        let (first, last) = if meta {
            (FieldKind::PacketMeta, FieldKind::PacketData)
        } else {
            (FieldKind::PacketData, FieldKind::PacketEnd)
        };
        let (Some(first), Some(last)) = (self.field(first), self.field(last)) else {
            return self.context_load();
        };
        if self.function.kind(CTX) != Kind::Context {
            return self.arithmetic();
        }
        let data = self.target();
        self.load_field(data, first);
        self.function.set(data, Kind::Unreadable);
        let variable = self.random.chance(35).then(|| {
            let most = self.random.pick(&[8, 60, 255, 1024]);
            let index = self.bounded(most, &[data]);
            self.assembler.alu(AluOp::Add, data, index);
            index
        });
        let not: Vec<Reg> = [data].into_iter().chain(variable).collect();
        let end = self.target_not(&not);
        self.load_field(end, last);
        self.function.set(end, Kind::Unreadable);
        let room = 1 + self.random.below(40);
        let past = self.target_not(&[data, end]);
        self.assembler.mov(past, data);
        let room = i32::try_from(room).unwrap_or(1);
        self.assembler.alu(AluOp::Add, past, room);
        self.function.set(past, Kind::Unreadable);
        let form = self.random.below(6);
        let writable = !meta && context::of(self.hook.prog_type).packet().writes();
        let room = u32::try_from(room).unwrap_or(0);
        self.guarded(
            |made, to| match form {
                0 => made.assembler.branch(Width::W64, Condition::Lt, end, past, to),
                1 => made.assembler.branch(Width::W64, Condition::Ge, past, end, to),
                2 => {
                    let behind = made.assembler.label();
                    made.assembler.branch(Width::W64, Condition::Le, past, end, behind);
                    made.assembler.goto(to);
                    made.assembler.place(behind);
                }
                3 => {
                    let behind = made.assembler.label();
                    made.assembler.branch(Width::W64, Condition::Ge, end, past, behind);
                    made.assembler.goto(to);
                    made.assembler.place(behind);
                }
                _ => made.assembler.branch(Width::W64, Condition::Gt, past, end, to),
            },
            |made| {
                made.function.set(data, Kind::Memory { room, writable, packet: true });
                for _ in 0..1 + made.random.below(3) {
                    made.access(data);
                    if !matches!(made.function.kind(data), Kind::Memory { .. }) {
                        break;
                    }
                }
            },
        );
    }

    /// A load of packet bytes in the legacy way; never in a function that is called. That such a
    /// load can end its function, Linux 6.18 forgets when it walks a path back for precision: then
    /// it writes outside of its memory, and the machine is lost.
    pub(super) fn packet_load(&mut self) {
        use ProgType::{SchedAct, SchedCls, SocketFilter};
        let legacy = matches!(self.hook.prog_type, SocketFilter | SchedCls | SchedAct);
        let called = self.functions.len() > 1;
        if !legacy || called || !self.may_bail || self.function.kind(CTX) != Kind::Context {
            return self.packet();
        }
        let size = self.random.pick(&[Size::B, Size::H, Size::W]);
        let index =
            if self.random.chance(50) { PacketIndex::Abs } else { PacketIndex::Ind(self.scalar()) };
        let imm = self.random.between(0, 40);
        self.assembler.emit(Insn::LoadPacket { size, index, imm });
        self.function.called(Kind::Scalar(u64::MAX));
    }
}
