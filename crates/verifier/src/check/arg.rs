//! Arguments of helpers, by their prototype.
//!
//! Each argument is checked by the kind of register that the prototype admits, then by what the
//! helper does with it. What is learned of one is needed for others, and after the call
//! ([`Arguments`]).

use skep_btf::TypeId;
use skep_spec::abi::context::{self};
use skep_spec::abi::proto::{Arg, MemAccess, MemSize, Proto};
use skep_spec::abi::{HelperId, MapType};
use skep_spec::insn::{Reg, Size};

use super::kernel_type;
use super::map_compat::{is_always_there, is_sockmap};
use super::memory::{Access, Region};
use super::subprog::ARGUMENTS;
use crate::environment::FieldKind;
use crate::explore::{Place, Walk};
use crate::limits::{MEMORY_SIZE, SLOT_BYTES};
use crate::maps::MapIdx;
use crate::rejection::{Check, Direction, Reason, unsupported};
use crate::state::register::{MemoryKind, Trust};
use crate::state::stack::Position;
use crate::state::{Byte, Id, Kind, Register};

/// What the arguments of a call have told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arguments {
    /// The map, and which lookup it came from if it came out of a map of maps.
    pub(super) map: Option<(MapIdx, Option<Id>)>,
    /// The key, where it is known and matters.
    pub(super) key: Option<u64>,
    /// The largest size of memory that is passed.
    pub(super) largest_size: u64,
    /// The size of memory that is asked for.
    pub(super) wanted_size: u64,
    /// The function that is called back.
    pub(super) callback: Option<u16>,
    /// The reference that belongs to an argument.
    pub(super) reference: Option<Id>,
    /// The argument that the call gives back.
    pub(super) released: Option<Reg>,
    /// Stack that the call fills in.
    pub(super) fill: Option<(Reg, u32)>,
    /// The type of a variable that each CPU has of its own.
    pub(super) variable: Option<TypeId>,
}

impl Walk<'_> {
    /// Checks all arguments of a call.
    pub(super) fn check_helper_arguments(&mut self, proto: &'static Proto) -> Check<Arguments> {
        let mut known = Arguments::default();
        for (number, (reg, arg)) in ARGUMENTS.into_iter().zip(proto.args).enumerate() {
            let before =
                number.checked_sub(1).map(|before| (ARGUMENTS[before], proto.args[before]));
            self.check_helper_argument(proto, reg, *arg, before, &mut known)?;
        }
        Ok(known)
    }

    /// Checks the argument in `reg`; `before` is the one before it.
    fn check_helper_argument(
        &mut self,
        proto: &Proto,
        reg: Reg,
        arg: Arg,
        before: Option<(Reg, Arg)>,
        known: &mut Arguments,
    ) -> Check {
        let register = self.read(reg)?;
        if arg == Arg::Anything {
            let leaks = register.is_pointer() && !self.privileges.perfmon;
            let into = "helper function";
            return if leaks { Err(Reason::Leak { reg, into }.into()) } else { Ok(()) };
        }
        if register.kind.is_packet() && !register.nullable {
            let access = context::of(self.input.prog_type).packet();
            if !access.passes(proto.pkt_access) {
                return Err(Reason::HelperPacket { access }.into());
            }
        }
        let arg = self.argument_by_map(proto.helper, arg, known)?;
        if !(register.is_null() && is_nullable(arg)) {
            self.check_kind(proto.helper, reg, arg)?;
            let dynptr = matches!(arg, Arg::Dynptr { .. });
            self.check_argument_offset(reg, arg.releases() && !dynptr)?;
        }
        if matches!(arg, Arg::Dynptr { .. }) {
            return unsupported("dynptrs");
        }
        if arg.releases() {
            if register.reference.is_none() && !register.is_null() {
                return Err(Reason::ReleaseUnreferenced(reg).into());
            }
            known.released = Some(reg);
        }
        if register.reference.is_some() && arg != Arg::KptrSlot {
            if known.reference.is_some() {
                return Err(Reason::TwoReferences(reg).into());
            }
            known.reference = register.reference;
        }
        self.check_use(proto.helper, reg, arg, before, known)
    }

    /// What an argument is, given the map: values of socket maps are sockets.
    fn argument_by_map(&self, helper: HelperId, arg: Arg, known: &Arguments) -> Check<Arg> {
        let (Arg::MapValue { access, nullable }, Some((map, _))) = (arg, known.map) else {
            return Ok(arg);
        };
        let map_type = self.maps.facts(map).map_type;
        if is_sockmap(map_type) {
            if access == MemAccess::Read && !nullable {
                return Ok(Arg::Sock { nullable: false, release: false });
            }
            return Err(Reason::SockmapArgument.into());
        }
        if map_type == MapType::BloomFilter && helper == HelperId::MapPeekElem {
            return Ok(Arg::MapValue { access: MemAccess::Read, nullable: false });
        }
        Ok(arg)
    }

    /// Whether the register is of a kind that the argument admits.
    fn check_kind(&self, helper: HelperId, reg: Reg, arg: Arg) -> Check {
        let found = *self.state.register(reg);
        let seen = Register { nullable: found.nullable && !is_nullable(arg), ..found };
        let (admitted, expected) = admits(&seen, arg);
        if !admitted {
            let expected = expected.into();
            return Err(Reason::ArgumentKind { reg, found, expected }.into());
        }
        let Kind::Kernel { .. } = found.kind else { return Ok(()) };
        match arg {
            Arg::MapKey | Arg::MapValue { .. } | Arg::Mem { .. } => {
                if is_read_only(arg) {
                    Ok(())
                } else {
                    Err(Reason::ArgumentReadOnly { helper, reg, found }.into())
                }
            }
            Arg::Kernel { type_name, .. } => {
                self.check_kernel_type(reg, kernel_type::find(self.environment, type_name)?)
            }
            Arg::Sock { .. } => {
                self.check_kernel_type(reg, kernel_type::find(self.environment, "sock_common")?)
            }
            Arg::Anything
            | Arg::ConstMap
            | Arg::Size { .. }
            | Arg::AllocSize
            | Arg::Ctx { .. }
            | Arg::Callback(_)
            | Arg::StackOrNull
            | Arg::ConstStr
            | Arg::SpinLock
            | Arg::Timer
            | Arg::SockCommon
            | Arg::SocketOrNull
            | Arg::RingbufRecord
            | Arg::PercpuVariable
            | Arg::KptrSlot
            | Arg::KptrOrNull
            | Arg::Dynptr { .. } => Ok(()),
        }
    }

    /// Whether an object of the kernel is passed where a global function asks for one.
    pub(super) fn check_kernel_argument(&self, reg: Reg, type_id: TypeId, nullable: bool) -> Check {
        let found = *self.state.register(reg);
        let arg = Arg::Kernel { type_name: "", nullable };
        let seen = Register { nullable: found.nullable && !nullable, ..found };
        let (admitted, expected) = admits(&seen, arg);
        if !admitted {
            let expected = expected.into();
            return Err(Reason::ArgumentKind { reg, found, expected }.into());
        }
        self.check_kernel_type(reg, type_id)
    }

    /// Whether a pointer that is passed stands where it must.
    pub(super) fn check_argument_offset(&self, reg: Reg, releases: bool) -> Check {
        let register = self.state.register(reg);
        if releases {
            if register.off != 0 && register.is_pointer() {
                return Err(Reason::ReleaseOffset(reg).into());
            }
            return self.check_unmoved(reg, false);
        }
        match register.kind {
            Kind::Scalar => Ok(()),
            Kind::Stack { .. }
            | Kind::Packet { .. }
            | Kind::PacketMeta { .. }
            | Kind::MapKey { .. }
            | Kind::MapValue { .. }
            | Kind::Buffer { .. }
            | Kind::Memory {
                access: MemoryKind::Plain | MemoryKind::ReadOnly | MemoryKind::Ringbuf,
                ..
            } if !register.nullable => Ok(()),
            Kind::Kernel { trust, percpu, .. } => {
                let movable = !register.nullable && !percpu && trust != Trust::Untrusted;
                self.check_unmoved(reg, movable)
            }
            Kind::Uninit
            | Kind::Context
            | Kind::Stack { .. }
            | Kind::Map { .. }
            | Kind::MapKey { .. }
            | Kind::MapValue { .. }
            | Kind::Packet { .. }
            | Kind::PacketMeta { .. }
            | Kind::PacketEnd
            | Kind::Object(_)
            | Kind::FlowKeys
            | Kind::Memory { .. }
            | Kind::Buffer { .. }
            | Kind::TracepointBuffer
            | Kind::Function { .. } => self.check_unmoved(reg, false),
        }
    }

    /// Whether the helper can do with the argument what it does.
    fn check_use(
        &mut self,
        helper: HelperId,
        reg: Reg,
        arg: Arg,
        before: Option<(Reg, Arg)>,
        known: &mut Arguments,
    ) -> Check {
        let register = *self.state.register(reg);
        match arg {
            Arg::ConstMap => self.take_map(&register, known)?,
            Arg::MapKey => {
                let Some((map, _)) = known.map else { return unsupported("keys without a map") };
                let facts = self.maps.facts(map);
                let (size, matters) = (facts.key_size, is_always_there(facts.map_type));
                self.check_region(reg, size, Direction::Read, false, false)?;
                known.key = if matters { self.constant_key(&register, size)? } else { None };
            }
            Arg::MapValue { access, nullable } => {
                if nullable && register.is_null() {
                    return Ok(());
                }
                let Some((map, _)) = known.map else { return unsupported("values without a map") };
                let size = self.maps.facts(map).value_size;
                self.check_passed(reg, size, access, false, true, known)?;
            }
            Arg::Mem { access, size: MemSize::Fixed { bytes, aligned }, .. } => {
                self.check_passed(reg, bytes, access, false, true, known)?;
                if aligned {
                    let size = if bytes == 8 { Size::DW } else { Size::W };
                    let access = Access { reg, off: 0, size, aligned: true };
                    self.check_alignment(&access, &register)?;
                }
            }
            // Its size comes next.
            Arg::Mem { size: MemSize::NextArg, .. } => {}
            Arg::Size { zero_ok } => {
                let Some((pointer, Arg::Mem { access, .. })) = before else {
                    return unsupported("sizes without memory");
                };
                self.check_size(reg, zero_ok, pointer, access, known)?;
            }
            Arg::AllocSize => {
                let Some(size) = register.as_constant() else {
                    return Err(Reason::ArgumentNotConstant(reg).into());
                };
                known.wanted_size = size;
                self.mark_precise(reg)?;
            }
            Arg::Callback(_) => {
                if let Kind::Function { subprogram } = register.kind {
                    known.callback = Some(subprogram);
                }
            }
            Arg::ConstStr => self.check_constant_string(reg)?,
            Arg::SpinLock => self.check_spin_lock(reg, helper)?,
            Arg::Timer => {
                let map = self.check_field(reg, FieldKind::Timer)?;
                let uid = match register.kind {
                    Kind::MapValue { uid, .. } => uid,
                    _ => None,
                };
                known.map = Some((map, uid));
            }
            Arg::PercpuVariable => {
                if let Kind::Kernel { type_id, .. } = register.kind {
                    known.variable = Some(type_id);
                }
            }
            Arg::KptrSlot | Arg::KptrOrNull => return unsupported("kptrs"),
            Arg::Anything
            | Arg::Dynptr { .. }
            | Arg::Ctx { .. }
            | Arg::StackOrNull
            | Arg::SockCommon
            | Arg::SocketOrNull
            | Arg::Sock { .. }
            | Arg::Kernel { .. }
            | Arg::RingbufRecord => {}
        }
        Ok(())
    }

    /// A map is passed. Where there is another already, that of a timer, it must be the same.
    fn take_map(&self, register: &Register, known: &mut Arguments) -> Check {
        let Kind::Map { map, uid } = register.kind else { return Ok(()) };
        if known.map.is_some_and(|before| before != (map, uid)) {
            return Err(Reason::TimerMap.into());
        }
        known.map = Some((map, uid));
        Ok(())
    }

    /// Memory of a size is passed; `size_known` says whether that is exactly the size.
    fn check_passed(
        &mut self,
        reg: Reg,
        size: u32,
        access: MemAccess,
        zero_ok: bool,
        size_known: bool,
        known: &mut Arguments,
    ) -> Check {
        let direction = if access.writes() { Direction::Write } else { Direction::Read };
        let uninit = access == MemAccess::Write && size_known;
        match self.check_region(reg, size, direction, zero_ok, uninit)? {
            Region::Done => {}
            Region::Fill { reg, size } => known.fill = Some((reg, size)),
        }
        Ok(())
    }

    /// The size of the memory before it.
    ///
    /// Sound: the memory is there up to the largest size that is possible.
    fn check_size(
        &mut self,
        reg: Reg,
        zero_ok: bool,
        pointer: Reg,
        access: MemAccess,
        known: &mut Arguments,
    ) -> Check {
        let size = self.state.register(reg).value;
        known.largest_size = size.u64.max;
        if size.s64.min < 0 {
            return Err(Reason::SizeNegative { reg, size }.into());
        }
        if size.u64.min == 0 && !zero_ok {
            return Err(Reason::SizeZero { reg, size }.into());
        }
        let largest = match u32::try_from(size.u64.max) {
            Ok(largest) if size.u64.max < MEMORY_SIZE => largest,
            Ok(_) | Err(_) => return Err(Reason::SizeUnbounded { reg, size }.into()),
        };
        let size_known = size.as_constant().is_some();
        self.check_passed(pointer, largest, access, zero_ok, size_known, known)?;
        self.mark_precise(reg)
    }

    /// The key that a pointer to the stack points to, if it is known.
    fn constant_key(&mut self, pointer: &Register, size: u32) -> Check<Option<u64>> {
        if !self.privileges.bpf {
            return Ok(None);
        }
        let (Kind::Stack { frame }, Some(variable)) = (pointer.kind, pointer.value.as_constant())
        else {
            return Ok(None);
        };
        let off = i64::from(pointer.off).wrapping_add(variable.cast_signed());
        let Some(position) = i32::try_from(off).ok().and_then(Position::of) else {
            return Ok(None);
        };
        let stack = &self.state.frames[usize::from(frame)].stack;
        let Some(slot) = stack.slot(position.slot) else { return Ok(None) };
        let run = |kind: Byte| {
            let bytes = slot.bytes[position.byte..SLOT_BYTES].iter();
            bytes.take_while(|byte| **byte == kind).count()
        };
        let size = size as usize;
        if run(Byte::Zero) >= size {
            return Ok(Some(0));
        }
        if !slot.is_spilled_scalar() || run(Byte::Spill) != size {
            return Ok(None);
        }
        let key = slot.spilled.as_constant();
        if key.is_some() {
            self.mark_slot_precise(Place::slot(frame, position.slot))?;
        }
        Ok(key.filter(|key| i64::try_from(*key).is_ok()))
    }
}

/// Whether null may be passed.
fn is_nullable(arg: Arg) -> bool {
    match arg {
        Arg::MapValue { nullable, .. }
        | Arg::Mem { nullable, .. }
        | Arg::Ctx { nullable }
        | Arg::Sock { nullable, .. }
        | Arg::Kernel { nullable, .. } => nullable,
        Arg::StackOrNull | Arg::SocketOrNull | Arg::KptrOrNull => true,
        Arg::Anything
        | Arg::ConstMap
        | Arg::MapKey
        | Arg::Size { .. }
        | Arg::AllocSize
        | Arg::Callback(_)
        | Arg::ConstStr
        | Arg::SpinLock
        | Arg::Timer
        | Arg::SockCommon
        | Arg::RingbufRecord
        | Arg::PercpuVariable
        | Arg::KptrSlot
        | Arg::Dynptr { .. } => false,
    }
}

/// Whether the helper promises to leave the memory alone, so that it may be protected. Of keys and
/// values of maps none does.
fn is_read_only(arg: Arg) -> bool {
    matches!(arg, Arg::Mem { access: MemAccess::Read, .. })
}

/// Whether an argument admits what a register holds, and the kernel's names of the kinds that it
/// admits.
fn admits(found: &Register, arg: Arg) -> (bool, &'static str) {
    let kind = found.kind;
    let (admitted, expected) = match arg {
        Arg::Anything => (true, ""),
        Arg::MapKey | Arg::MapValue { .. } | Arg::Mem { .. } => (
            is_memory(kind, is_read_only(arg)),
            "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_",
        ),
        Arg::Size { .. } | Arg::AllocSize => (kind == Kind::Scalar, "scalar"),
        Arg::ConstMap => (matches!(kind, Kind::Map { .. }), "map_ptr"),
        Arg::Ctx { .. } => (kind == Kind::Context, "ctx"),
        Arg::SockCommon => (is_socket(kind), "sock_common, sock, tcp_sock, xdp_sock"),
        Arg::Sock { .. } => {
            let trusted = matches!(
                kind,
                Kind::Kernel { trust: Trust::Plain | Trust::Trusted, percpu: false, .. }
            );
            let expected = "sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_";
            (is_socket(kind) || trusted, expected)
        }
        Arg::SocketOrNull => (kind == Kind::Object(context::objects::Object::Socket), "sock"),
        Arg::Kernel { .. } => (
            matches!(
                kind,
                Kind::Kernel {
                    trust: Trust::Plain | Trust::Trusted | Trust::Rcu,
                    percpu: false,
                    ..
                }
            ),
            "ptr_, trusted_ptr_, rcu_ptr_",
        ),
        Arg::PercpuVariable => (
            matches!(
                kind,
                Kind::Kernel {
                    trust: Trust::Plain | Trust::Trusted | Trust::Rcu,
                    percpu: true,
                    ..
                }
            ),
            "percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_",
        ),
        Arg::Callback(_) => (matches!(kind, Kind::Function { .. }), "func"),
        Arg::StackOrNull => (matches!(kind, Kind::Stack { .. }), "fp"),
        Arg::ConstStr | Arg::Timer => (matches!(kind, Kind::MapValue { .. }), "map_value"),
        Arg::SpinLock | Arg::KptrSlot => (matches!(kind, Kind::MapValue { .. }), "map_value, ptr_"),
        Arg::RingbufRecord => {
            (matches!(kind, Kind::Memory { access: MemoryKind::Ringbuf, .. }), "ringbuf_mem")
        }
        Arg::KptrOrNull => (matches!(kind, Kind::Kernel { .. }), "ptr_, trusted_ptr_, rcu_ptr_"),
        Arg::Dynptr { .. } => (matches!(kind, Kind::Stack { .. }), "fp, dynptr_ptr"),
    };
    (admitted && !found.nullable, expected)
}

fn is_socket(kind: Kind) -> bool {
    use context::objects::Object::{SockCommon, Socket, TcpSock, XdpSock};
    matches!(kind, Kind::Object(SockCommon | Socket | TcpSock | XdpSock))
}

/// Whether it is memory that a helper can be given.
fn is_memory(kind: Kind, read_only: bool) -> bool {
    match kind {
        Kind::Stack { .. }
        | Kind::Packet { .. }
        | Kind::PacketMeta { .. }
        | Kind::MapKey { .. }
        | Kind::MapValue { .. }
        | Kind::Memory { access: MemoryKind::Plain | MemoryKind::Ringbuf, .. }
        | Kind::Buffer { read_only: false }
        | Kind::Kernel { trust: Trust::Trusted, percpu: false, .. } => true,
        Kind::Memory { access: MemoryKind::ReadOnly, .. } | Kind::Buffer { read_only: true } => {
            read_only
        }
        Kind::Uninit
        | Kind::Scalar
        | Kind::Context
        | Kind::Map { .. }
        | Kind::PacketEnd
        | Kind::Object(_)
        | Kind::FlowKeys
        | Kind::Memory { access: MemoryKind::Untrusted, .. }
        | Kind::TracepointBuffer
        | Kind::Kernel { .. }
        | Kind::Function { .. } => false,
    }
}
