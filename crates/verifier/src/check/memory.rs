//! Loads and stores: whether the memory is there, and what is read from it.
//!
//! What a pointer points to decides; each kind of memory has a file of its own. Those that are a
//! run of bytes share one rule, that of [`Walk::check_extent`].

mod buffer;
mod context;
mod kernel;
mod kernel_walk;
mod map_value;
mod object;
mod packet;
mod region;
mod stack;
mod typed_context;

pub(crate) use self::region::Region;

use skep_spec::insn::{Operand, Reg, Size};

use super::alu::writable;
use crate::domain::Tnum;
use crate::explore::Walk;
use crate::facts::Agreed;
use crate::limits::POINTER_OFFSET;
use crate::rejection::{Beyond, Check, Direction, Extent, Reason};
use crate::state::register::MemoryKind;
use crate::state::{Kind, Register};

/// What a header's alignment is counted from: the kernel assumes that an Ethernet header was put
/// two bytes before an aligned address.
const PACKET_ALIGN: i32 = 2;

/// One access to memory, `size` bytes at the pointer in `reg` plus `off`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    /// The register with the pointer.
    pub(crate) reg: Reg,
    /// What is added to it.
    pub(crate) off: i32,
    /// How many bytes.
    pub(crate) size: Size,
    /// Whether it must be aligned whatever the program's flags say.
    pub(crate) aligned: bool,
}

/// What is done with memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transfer {
    /// It is read into a register.
    Load {
        /// Whether with sign extension.
        signed: bool,
    },
    /// It is read, and what is read goes nowhere that the program sees.
    Probe,
    /// The operand is written.
    Store(Operand),
    /// Something is written that is not known.
    Fill,
}

impl Transfer {
    /// Whether memory is read or written.
    pub(crate) const fn direction(self) -> Direction {
        match self {
            Transfer::Load { .. } | Transfer::Probe => Direction::Read,
            Transfer::Store(_) | Transfer::Fill => Direction::Write,
        }
    }

    /// The register whose value is written.
    const fn stored(self) -> Option<Reg> {
        match self {
            Transfer::Store(Operand::Reg(reg)) => Some(reg),
            Transfer::Store(Operand::Imm(_))
            | Transfer::Load { .. }
            | Transfer::Probe
            | Transfer::Fill => None,
        }
    }
}

impl Walk<'_> {
    /// `dst = *(size *)(src + off)`.
    pub(crate) fn check_load(
        &mut self,
        size: Size,
        signed: bool,
        dst: Reg,
        src: Reg,
        off: i16,
    ) -> Check {
        self.load(Access { reg: src, off: off.into(), size, aligned: false }, signed, dst)
    }

    /// A load into `dst`.
    pub(super) fn load(&mut self, access: Access, signed: bool, dst: Reg) -> Check {
        let pointer = self.read(access.reg)?;
        writable(dst)?;
        let loaded = self.access(access, Transfer::Load { signed })?;
        self.note_pointer(&pointer, access.off, true)?;
        self.write(dst, loaded)
    }

    /// `*(size *)(dst + off) = src`.
    pub(crate) fn check_store(&mut self, size: Size, dst: Reg, off: i16, src: Operand) -> Check {
        self.store(Access { reg: dst, off: off.into(), size, aligned: false }, src)
    }

    /// A store.
    pub(super) fn store(&mut self, access: Access, src: Operand) -> Check {
        if let Operand::Reg(reg) = src {
            self.read(reg)?;
        }
        let pointer = self.read(access.reg)?;
        self.access(access, Transfer::Store(src))?;
        self.note_pointer(&pointer, access.off, false)
    }

    /// Checks an access, carries it out on the state, and gives what a load yields.
    pub(crate) fn access(&mut self, access: Access, transfer: Transfer) -> Check<Register> {
        let pointer = *self.state.register(access.reg);
        self.check_alignment(&access, &pointer)?;
        let not_memory = || Err(Reason::NotMemory { reg: access.reg, found: pointer }.into());
        if pointer.nullable {
            return not_memory();
        }
        let loaded = match pointer.kind {
            Kind::MapKey { map } => self.access_map_key(map, &access, transfer)?,
            Kind::MapValue { map, .. } => self.access_map_value(map, &access, transfer)?,
            Kind::Memory { size, access: kind } => {
                self.access_memory(size, kind, &access, transfer)?
            }
            Kind::Context => self.access_context(&access, transfer)?,
            Kind::Stack { frame } => self.access_stack(frame, &access, transfer)?,
            Kind::Packet { .. } | Kind::PacketMeta { .. } => {
                self.access_packet(&access, transfer)?
            }
            Kind::FlowKeys => self.access_flow_keys(&access)?,
            Kind::Object(object) => self.access_object(object, &access, transfer)?,
            Kind::TracepointBuffer => self.access_tracepoint_buffer(&access)?,
            Kind::Buffer { read_only } => self.access_buffer(read_only, &access, transfer)?,
            Kind::Kernel { .. } => self.access_kernel(&access, transfer)?,
            Kind::Map { map, .. } => self.access_map(map, &access, transfer)?,
            Kind::PacketEnd | Kind::Function { .. } | Kind::Scalar | Kind::Uninit => {
                return not_memory();
            }
        };
        let Transfer::Load { signed } = transfer else { return Ok(loaded) };
        if !loaded.is_scalar() || access.size == Size::DW {
            return Ok(loaded);
        }
        let value = loaded.value.reloaded(access.size, signed).settled();
        // A number with another sign is not what was spilled. Linux 6.18 forgets that.
        let same = !signed || value == loaded.value;
        Ok(Register { value, ..if same { loaded } else { loaded.nameless() } })
    }

    /// Notes what an instruction accesses. One that accesses converted memory, such as a context, is
    /// rewritten for that, so that it cannot meet other pointers on other paths.
    fn note_pointer(&mut self, pointer: &Register, off: i32, load: bool) -> Check {
        let at = self.at;
        let Some(facts) = self.facts.at_mut(at) else { return Ok(()) };
        let kind = pointer.kind.without_path();
        if let Kind::Packet { range } | Kind::PacketMeta { range } = pointer.kind {
            let known = i64::from(range.bytes()) - i64::from(pointer.off) - i64::from(off);
            let known = u16::try_from(known).unwrap_or(0);
            let first = facts.pointer == Agreed::Unsaid;
            facts.packet_bytes = if first { known } else { facts.packet_bytes.min(known) };
        }
        if let Some(before) = facts.pointer.first() {
            let rewritten_alike = match before.is_alike(kind) && !pointer.nullable {
                true => same_conversion(before, kind, load),
                false => !is_converted(before) && !is_converted(kind),
            };
            if !rewritten_alike {
                return Err(Reason::DifferentPointers.into());
            }
        }
        facts.pointer.note(Some(kind));
        Ok(())
    }

    /// Memory of a known size, that is no map value.
    fn access_memory(
        &mut self,
        size: u32,
        kind: MemoryKind,
        access: &Access,
        transfer: Transfer,
    ) -> Check<Register> {
        let found = *self.state.register(access.reg);
        let read_only = matches!(kind, MemoryKind::ReadOnly | MemoryKind::Untrusted);
        if transfer.direction() == Direction::Write && read_only {
            return Err(Reason::WriteProtected { reg: access.reg, found }.into());
        }
        if kind != MemoryKind::Untrusted {
            self.check_extent(access.reg, access.off, bytes(access.size), size, false)?;
        }
        Ok(Register::UNKNOWN)
    }

    /// Whether `size` bytes at the pointer in `reg` plus `off` are within `limit` bytes that begin
    /// where the pointer began.
    ///
    /// Sound: the variable part of the offset lies between its smallest signed and its largest
    /// unsigned value, which is below [`POINTER_OFFSET`]; both ends are checked, and all between
    /// lie between.
    pub(super) fn check_extent(
        &mut self,
        reg: Reg,
        off: i32,
        size: u32,
        limit: u32,
        zero_ok: bool,
    ) -> Check {
        let pointer = *self.state.register(reg);
        let off = i64::from(off) + i64::from(pointer.off);
        let smallest = pointer.value.s64.min;
        let fail = |off, beyond| {
            let extent = Extent { reg, pointer, off, size, limit };
            Err(Reason::Outside { extent, beyond }.into())
        };
        let inside =
            |at: i64| (size > 0 || zero_ok) && at >= 0 && at + i64::from(size) <= i64::from(limit);
        let Some(first) = smallest.checked_add(off) else {
            return fail(off, Beyond::MinNegative);
        };
        if smallest < 0 && (first < 0 || i32::try_from(first).is_err()) {
            return fail(first, Beyond::MinNegative);
        }
        if i32::try_from(first).is_err() || !inside(first) {
            return fail(first, Beyond::Min);
        }
        let largest = match i64::try_from(pointer.value.u64.max) {
            Ok(largest) if largest < POINTER_OFFSET => largest,
            Ok(_) | Err(_) => return fail(first, Beyond::Unbounded),
        };
        if !inside(largest + off) {
            return fail(largest + off, Beyond::Max);
        }
        Ok(())
    }

    /// Whether the access is aligned, where that is asked for: of the stack always, which is kept
    /// account of in slots, of other memory if the flags say so.
    pub(super) fn check_alignment(&self, access: &Access, pointer: &Register) -> Check {
        let flags = self.input.flags;
        let strict = access.aligned || flags.strict_alignment && !flags.any_alignment;
        let (off, size) = (access.off, bytes(access.size));
        let packet = pointer.kind.is_packet();
        if !(strict || matches!(pointer.kind, Kind::Stack { .. })) || size == 1 {
            return Ok(());
        }
        let align = if packet { PACKET_ALIGN } else { 0 };
        let fixed = i64::from(align) + i64::from(pointer.off) + i64::from(off);
        let offset = pointer.value.tnum.add(Tnum::constant(fixed.cast_unsigned()));
        if offset.is_aligned(size.into()) {
            return Ok(());
        }
        let pointer = *pointer;
        Err(if packet {
            Reason::MisalignedPacket { align, pointer, off, size }
        } else {
            Reason::Misaligned { pointer, off, size }
        }
        .into())
    }

    /// Whether a pointer stands where it pointed first, as far as that is needed.
    pub(crate) fn check_unmoved(&self, reg: Reg, fixed_ok: bool) -> Check {
        let pointer = *self.state.register(reg);
        if pointer.off < 0 {
            return Err(Reason::PointerOffsetNegative { reg, pointer }.into());
        }
        if !fixed_ok && pointer.off != 0 {
            return Err(Reason::PointerModified { reg, pointer, off: pointer.off }.into());
        }
        if pointer.has_variable_offset() {
            return Err(Reason::PointerVariable { reg, pointer }.into());
        }
        Ok(())
    }
}

/// The number of bytes.
pub(super) const fn bytes(size: Size) -> u32 {
    match size {
        Size::B => 1,
        Size::H => 2,
        Size::W => 4,
        Size::DW => 8,
    }
}

/// Whether accesses to this kind of memory are rewritten.
fn is_converted(kind: Kind) -> bool {
    matches!(kind, Kind::Context | Kind::Object(_) | Kind::Kernel { .. })
}

/// Whether accesses by two pointers of the same kind are rewritten in the same way.
fn same_conversion(before: Kind, now: Kind, load: bool) -> bool {
    match (before, now) {
        (Kind::Object(before), Kind::Object(now)) => before == now,
        (
            Kind::Kernel { trust: before, percpu: before_percpu, .. },
            Kind::Kernel { trust, percpu, .. },
        ) => load || before == trust && before_percpu == percpu,
        _ => true,
    }
}
