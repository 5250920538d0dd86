//! Contexts of tracing programs, and of netfilter hooks.
//!
//! Registers are those of x86-64, the one architecture so far.
use super::layout::{Field, FieldKind, FieldSet, Layout, Widths, exact64, narrow, pointer};
use super::{Context, PacketAccess, StructContext};

/// `struct pt_regs` of x86-64: registers, any part of which can be loaded.
const PT_REGS: Layout = Layout {
    name: "pt_regs",
    bytes: 168,
    fields: &[
        register(0, "r15"),
        register(8, "r14"),
        register(16, "r13"),
        register(24, "r12"),
        register(32, "rbp"),
        register(40, "rbx"),
        register(48, "r11"),
        register(56, "r10"),
        register(64, "r9"),
        register(72, "r8"),
        register(80, "rax"),
        register(88, "rcx"),
        register(96, "rdx"),
        register(104, "rsi"),
        register(112, "rdi"),
        register(120, "orig_rax"),
        register(128, "rip"),
        register(136, "cs"),
        register(144, "eflags"),
        register(152, "rsp"),
        register(160, "ss"),
    ],
};

const fn register(offset: u32, name: &'static str) -> Field {
    narrow(offset, name).bytes(8)
}

/// Probes of functions, in the kernel and in processes.
pub(super) static KPROBE: StructContext = readable(&PT_REGS);

/// `struct bpf_perf_event_data`.
const PERF_EVENT_DATA: Layout = Layout {
    name: "bpf_perf_event_data",
    bytes: 184,
    fields: &[
        exact64(0, "regs").array(21),
        narrow(168, "sample_period").bytes(8),
        narrow(176, "addr").bytes(8),
    ],
};

/// Samples.
pub(super) static PERF_EVENT: StructContext = readable(&PERF_EVENT_DATA);

/// The most arguments that a traced function or tracepoint has (`MAX_BPF_FUNC_ARGS`).
const MAX_ARGS: u32 = 12;

/// `struct bpf_raw_tracepoint_args`.
const RAW_TRACEPOINT_ARGS: Layout = Layout {
    name: "bpf_raw_tracepoint_args",
    bytes: 8 * MAX_ARGS,
    fields: &[narrow(0, "args").bytes(8).array(MAX_ARGS).widths(Widths::Free)],
};

/// Raw tracepoints: their arguments, as numbers.
pub(super) static RAW_TRACEPOINT: StructContext = readable(&RAW_TRACEPOINT_ARGS);

/// The same, whose first argument is a buffer that the program may write to. It loads whole; of
/// what is behind its first byte, parts load as numbers (`raw_tp_writable_prog_is_valid_access`).
const RAW_TRACEPOINT_WRITABLE_ARGS: Layout = Layout {
    name: "bpf_raw_tracepoint_args",
    bytes: 8 * MAX_ARGS,
    fields: &[
        pointer(0, "buffer", FieldKind::TracepointBuffer),
        narrow(1, "buffer_tail").bytes(1).array(7).widths(Widths::Free),
        narrow(8, "args").bytes(8).array(MAX_ARGS - 1).widths(Widths::Free),
    ],
};

/// Writable raw tracepoints.
pub(super) static RAW_TRACEPOINT_WRITABLE: StructContext = readable(&RAW_TRACEPOINT_WRITABLE_ARGS);

/// Tracepoints: the record behind its common first word (up to `PERF_MAX_TRACE_SIZE`).
pub(super) const TRACEPOINT: Context = Context::Bytes { from: 8, to: 8192, writable: false };

/// Syscall programs: whatever their caller hands in.
pub(super) const SYSCALL: Context = Context::Bytes { from: 0, to: 0xffff, writable: true };

/// `struct bpf_nf_ctx`.
const NF_CTX: Layout = Layout {
    name: "bpf_nf_ctx",
    bytes: 16,
    fields: &[
        pointer(0, "state", FieldKind::Kernel("nf_hook_state")),
        pointer(8, "skb", FieldKind::Kernel("sk_buff")),
    ],
};

/// Netfilter hooks.
pub(super) static NETFILTER: StructContext = readable(&NF_CTX);

/// A context of which all can be loaded and nothing written.
const fn readable(layout: &'static Layout) -> StructContext {
    StructContext {
        layout,
        readable: layout.all(),
        writable: FieldSet::NONE,
        narrowed: &[],
        needs_bpf: FieldSet::NONE,
        packet: PacketAccess::None,
    }
}
