//! The vocabulary of the tables: a row, short names for arguments, and sets of program types.
use super::arg::{Arg, Callback, DynptrKind, DynptrRole, MemAccess, MemSize, Ret};
use super::{Needs, Proto};
use crate::abi::HelperId;
use crate::abi::ProgType::{self, *};
use crate::abi::prog_type::ProgTypes;

/// A row: `helper` with `args` and `ret`, for programs of `types`.
pub(super) const fn row(
    helper: HelperId,
    args: &'static [Arg],
    ret: Ret,
    types: ProgTypes,
) -> Proto {
    assert!(args.len() <= 5, "a helper has at most five arguments");
    Proto {
        helper,
        args,
        ret,
        types,
        needs: Needs::Nothing,
        gpl_only: false,
        pkt_access: false,
        might_sleep: false,
        changes_packet: false,
        acquires: false,
    }
}

impl Proto {
    /// For programs with a GPL-compatible licence alone.
    pub(super) const fn gpl(mut self) -> Self {
        self.gpl_only = true;
        self
    }

    /// Takes packet pointers as memory.
    pub(super) const fn pkt(mut self) -> Self {
        self.pkt_access = true;
        self
    }

    /// Can sleep.
    pub(super) const fn sleeps(mut self) -> Self {
        self.might_sleep = true;
        self
    }

    /// Invalidates packet pointers.
    pub(super) const fn moves_packet(mut self) -> Self {
        self.changes_packet = true;
        self
    }

    /// Returns a reference.
    pub(super) const fn acquires(mut self) -> Self {
        self.acquires = true;
        self
    }

    /// Takes `CAP_BPF`.
    pub(super) const fn bpf(mut self) -> Self {
        self.needs = Needs::Bpf;
        self
    }

    /// Takes `CAP_PERFMON`.
    pub(super) const fn perfmon(mut self) -> Self {
        self.needs = Needs::Perfmon;
        self
    }
}

// Arguments.
pub(super) const ANY: Arg = Arg::Anything;
pub(super) const MAP: Arg = Arg::ConstMap;
pub(super) const KEY: Arg = Arg::MapKey;
pub(super) const VALUE: Arg = Arg::MapValue { access: MemAccess::Read, nullable: false };
pub(super) const VALUE_OR_NULL: Arg = Arg::MapValue { access: MemAccess::Read, nullable: true };
pub(super) const VALUE_OUT: Arg = Arg::MapValue { access: MemAccess::Write, nullable: false };
pub(super) const IN: Arg = mem(MemAccess::Read, false);
pub(super) const IN_OR_NULL: Arg = mem(MemAccess::Read, true);
pub(super) const INOUT: Arg = mem(MemAccess::ReadWrite, false);
pub(super) const OUT: Arg = mem(MemAccess::Write, false);
pub(super) const OUT_OR_NULL: Arg = mem(MemAccess::Write, true);
pub(super) const SIZE: Arg = Arg::Size { zero_ok: false };
pub(super) const SIZE_OR_ZERO: Arg = Arg::Size { zero_ok: true };
pub(super) const ALLOC_SIZE: Arg = Arg::AllocSize;
pub(super) const CTX: Arg = Arg::Ctx { nullable: false };
pub(super) const CTX_OR_NULL: Arg = Arg::Ctx { nullable: true };
pub(super) const STACK_OR_NULL: Arg = Arg::StackOrNull;
pub(super) const CONST_STR: Arg = Arg::ConstStr;
pub(super) const SPIN_LOCK: Arg = Arg::SpinLock;
pub(super) const TIMER: Arg = Arg::Timer;
pub(super) const SOCK_COMMON: Arg = Arg::SockCommon;
pub(super) const SOCKET_OR_NULL: Arg = Arg::SocketOrNull;
pub(super) const SOCK: Arg = Arg::Sock { nullable: false, release: false };
pub(super) const SOCK_OR_NULL: Arg = Arg::Sock { nullable: true, release: false };
pub(super) const SOCK_RELEASED: Arg = Arg::Sock { nullable: false, release: true };
pub(super) const RECORD_RELEASED: Arg = Arg::RingbufRecord;
pub(super) const PERCPU_VAR: Arg = Arg::PercpuVariable;
pub(super) const KPTR_SLOT: Arg = Arg::KptrSlot;
pub(super) const KPTR_OR_NULL: Arg = Arg::KptrOrNull;
pub(super) const DYNPTR: Arg = Arg::Dynptr { kind: DynptrKind::Any, role: DynptrRole::Use };
pub(super) const NEW_LOCAL_DYNPTR: Arg =
    Arg::Dynptr { kind: DynptrKind::Local, role: DynptrRole::Make };
pub(super) const NEW_RINGBUF_DYNPTR: Arg =
    Arg::Dynptr { kind: DynptrKind::Ringbuf, role: DynptrRole::Make };
pub(super) const RINGBUF_DYNPTR_RELEASED: Arg =
    Arg::Dynptr { kind: DynptrKind::Ringbuf, role: DynptrRole::Release };

/// Memory whose size is the next argument.
const fn mem(access: MemAccess, nullable: bool) -> Arg {
    Arg::Mem { access, size: MemSize::NextArg, nullable }
}

/// Exactly `bytes` that are read.
pub(super) const fn fixed_in(bytes: u32) -> Arg {
    let size = MemSize::Fixed { bytes, aligned: false };
    Arg::Mem { access: MemAccess::Read, size, nullable: false }
}

/// An aligned number of `bytes` that is read and written.
pub(super) const fn number_inout(bytes: u32) -> Arg {
    let size = MemSize::Fixed { bytes, aligned: true };
    Arg::Mem { access: MemAccess::ReadWrite, size, nullable: false }
}

/// An aligned number of `bytes` that is written.
pub(super) const fn number_out(bytes: u32) -> Arg {
    let size = MemSize::Fixed { bytes, aligned: true };
    Arg::Mem { access: MemAccess::Write, size, nullable: false }
}

/// A callback.
pub(super) const fn func(callback: Callback) -> Arg {
    Arg::Callback(callback)
}

/// A kernel object.
pub(super) const fn kernel(type_name: &'static str) -> Arg {
    Arg::Kernel { type_name, nullable: false }
}

/// A kernel object or null.
pub(super) const fn kernel_or_null(type_name: &'static str) -> Arg {
    Arg::Kernel { type_name, nullable: true }
}

/// A kernel object or null, as a result.
pub(super) const fn ret_kernel_or_null(type_name: &'static str) -> Ret {
    Ret::Kernel { type_name, nullable: true, trusted: false }
}

/// The set of these program types.
pub(super) const fn types(list: &[ProgType]) -> ProgTypes {
    ProgTypes::of(list)
}

// Sets of program types. Those of one line each are named where they are used.

/// All types with the base helpers: all but infrared decoders, which have a short list of their
/// own, and extensions, which have the helpers of what they extend.
pub(super) const BASE: ProgTypes = ProgTypes::all().without(types(&[LircMode2, Ext]));
/// The base types and infrared decoders.
pub(super) const BASE_AND_LIRC: ProgTypes = BASE.with(types(&[LircMode2]));
/// Traffic control.
pub(super) const TC: ProgTypes = types(&[SchedCls, SchedAct]);
/// Lightweight tunnels.
pub(super) const LWT: ProgTypes = types(&[LwtIn, LwtOut, LwtXmit, LwtSeg6local]);
/// Traffic control, and lightweight tunnels on their way out: where packets are rewritten.
pub(super) const REWRITERS: ProgTypes = TC.with(types(&[LwtXmit]));
/// Types that work on a `struct sk_buff` of the forwarding path.
pub(super) const TC_LWT: ProgTypes = TC.with(LWT);
/// Tracing programs of all kinds.
pub(super) const TRACERS: ProgTypes =
    BTF_TRACERS.with(types(&[Kprobe, Tracepoint, PerfEvent, RawTracepoint, RawTracepointWritable]));
/// Tracing programs whose arguments are typed by the kernel's BTF.
pub(super) const BTF_TRACERS: ProgTypes = types(&[Tracing, Lsm, Syscall]);
/// Types that see sockets: those on `bpf_sk_base_func_proto`.
pub(super) const SOCKET_BASE: ProgTypes = TC_LWT.with(types(&[
    SocketFilter,
    Xdp,
    CgroupSkb,
    CgroupSockAddr,
    SockOps,
    SkSkb,
    SkMsg,
    FlowDissector,
    SkLookup,
]));
/// Types that can cast a socket to its protocol's struct.
pub(super) const SOCKET_CASTERS: ProgTypes = SOCKET_BASE.with(BTF_TRACERS);
/// Types that can look up a socket by addresses.
pub(super) const SOCKET_LOOKERS: ProgTypes =
    TC.with(types(&[Xdp, CgroupSkb, SkSkb, CgroupSockAddr]));
/// Types on a cgroup whose verdict can be read and set by helper.
pub(super) const CGROUP_VERDICTS: ProgTypes =
    types(&[CgroupDevice, CgroupSock, CgroupSockAddr, CgroupSockopt, CgroupSysctl, Lsm]);
