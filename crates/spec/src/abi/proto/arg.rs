//! The kinds of helper arguments and results.
//!
//! They say what a verifier has to establish about a register before the call and what it knows of
//! r0 after it; a runtime reads them to check the same things dynamically.

/// What a helper does with memory it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemAccess {
    /// Reads it: it must be initialised, and may be read-only.
    Read,
    /// Reads and writes it: it must be initialised and writable.
    ReadWrite,
    /// Writes it: it must be writable and is initialised by the call.
    Write,
}

impl MemAccess {
    /// Whether the memory's old content is used, so that it must be initialised.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite)
    }

    /// Whether the memory is written, so that it must be writable.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
}

/// Where the size of memory comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemSize {
    /// The following argument, an [`Arg::Size`].
    NextArg,
    /// The helper, which wants exactly this much.
    Fixed {
        /// The size in bytes.
        bytes: u32,
        /// Whether the pointer must be aligned to the size.
        aligned: bool,
    },
}

/// The function that a helper calls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Callback {
    /// `long (*)(u64 index, void *ctx)`, of `bpf_loop`.
    Loop,
    /// `long (*)(struct bpf_map *, const void *key, void *value, void *ctx)`, of
    /// `bpf_for_each_map_elem`.
    MapElem,
    /// `int (*)(void *map, void *key, void *value)`, of `bpf_timer_set_callback`; called later.
    Timer,
    /// `long (*)(struct task_struct *, struct vm_area_struct *, void *ctx)`, of `bpf_find_vma`.
    Vma,
    /// `long (*)(const struct bpf_dynptr *, void *ctx)`, of `bpf_user_ringbuf_drain`.
    UserRingbuf,
}

/// What a dynptr points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DynptrKind {
    /// Any of the kinds.
    Any,
    /// Memory of the program: a map value.
    Local,
    /// A ring buffer record.
    Ringbuf,
}

/// What a helper does with a dynptr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DynptrRole {
    /// Makes it, in sixteen uninitialised bytes of stack.
    Make,
    /// Uses it, and leaves it as it is.
    Use,
    /// Ends its life, and that of all slices of it.
    Release,
}

/// The kind of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arg {
    /// Any initialised value (`ARG_ANYTHING`); of unprivileged programs, no pointer.
    Anything,
    /// The address of a map (`ARG_CONST_MAP_PTR`).
    ConstMap,
    /// Memory of the key size of the map argument (`ARG_PTR_TO_MAP_KEY`). Read.
    MapKey,
    /// Memory of the value size of the map argument (`ARG_PTR_TO_MAP_VALUE`).
    MapValue {
        /// What happens to it.
        access: MemAccess,
        /// Whether null may be passed.
        nullable: bool,
    },
    /// Memory (`ARG_PTR_TO_MEM` and its modifiers).
    Mem {
        /// What happens to it.
        access: MemAccess,
        /// How much of it.
        size: MemSize,
        /// Whether null may be passed (with size zero, where the size is an argument).
        nullable: bool,
    },
    /// The size in bytes of the memory in the argument before (`ARG_CONST_SIZE`,
    /// `ARG_CONST_SIZE_OR_ZERO`): a bounded, non-negative number.
    Size {
        /// Whether it may be zero.
        zero_ok: bool,
    },
    /// A constant that is the size of the memory returned (`ARG_CONST_ALLOC_SIZE_OR_ZERO`).
    AllocSize,
    /// The program's context, unmodified (`ARG_PTR_TO_CTX`).
    Ctx {
        /// Whether null may be passed.
        nullable: bool,
    },
    /// The address of a function of the program (`ARG_PTR_TO_FUNC`).
    Callback(Callback),
    /// A pointer into the stack, handed to the callback, or null (`ARG_PTR_TO_STACK_OR_NULL`).
    StackOrNull,
    /// A constant string in a read-only map (`ARG_PTR_TO_CONST_STR`).
    ConstStr,
    /// A `struct bpf_spin_lock` in a map value (`ARG_PTR_TO_SPIN_LOCK`).
    SpinLock,
    /// A `struct bpf_timer` in a map value (`ARG_PTR_TO_TIMER`).
    Timer,
    /// A `struct bpf_sock` that need not be full (`ARG_PTR_TO_SOCK_COMMON`).
    SockCommon,
    /// A full `struct bpf_sock` or null (`ARG_PTR_TO_SOCKET_OR_NULL`).
    SocketOrNull,
    /// A `struct bpf_sock` or a kernel socket known by BTF (`ARG_PTR_TO_BTF_ID_SOCK_COMMON`).
    Sock {
        /// Whether null may be passed.
        nullable: bool,
        /// Whether the call releases the reference.
        release: bool,
    },
    /// A kernel object known by BTF (`ARG_PTR_TO_BTF_ID`).
    Kernel {
        /// The name of its struct.
        type_name: &'static str,
        /// Whether null may be passed.
        nullable: bool,
    },
    /// A record reserved in a ring buffer, which the call releases (`ARG_PTR_TO_RINGBUF_MEM`).
    RingbufRecord,
    /// A per-CPU variable of the kernel (`ARG_PTR_TO_PERCPU_BTF_ID`).
    PercpuVariable,
    /// A kptr field of a map value or allocated object (`ARG_KPTR_XCHG_DEST`).
    KptrSlot,
    /// What goes into the kptr field: an object of its type, released by the call, or null.
    KptrOrNull,
    /// A dynptr on the stack (`ARG_PTR_TO_DYNPTR`).
    Dynptr {
        /// What it points into.
        kind: DynptrKind,
        /// What happens to it.
        role: DynptrRole,
    },
}

impl Arg {
    /// Whether the call ends the life of the reference in this argument (`OBJ_RELEASE`).
    #[must_use]
    pub const fn releases(self) -> bool {
        matches!(
            self,
            Self::RingbufRecord
                | Self::KptrOrNull
                | Self::Sock { release: true, .. }
                | Self::Dynptr { role: DynptrRole::Release, .. }
        )
    }

    /// Whether the argument is memory whose size stands in the next one.
    #[must_use]
    pub const fn is_sized_by_next(self) -> bool {
        matches!(self, Self::Mem { size: MemSize::NextArg, .. })
    }

    /// What the call does with the memory behind the argument, if it is memory.
    #[must_use]
    pub const fn access(self) -> Option<MemAccess> {
        if let Self::MapValue { access, .. } | Self::Mem { access, .. } = self {
            Some(access)
        } else if matches!(self, Self::MapKey | Self::ConstStr) {
            Some(MemAccess::Read)
        } else {
            None
        }
    }
}

/// What is in r0 after the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ret {
    /// A number (`RET_INTEGER`).
    Integer,
    /// Nothing: r0 is not readable (`RET_VOID`).
    Void,
    /// A pointer to a value of the map argument (`RET_PTR_TO_MAP_VALUE`).
    MapValue,
    /// The same, or null. Of a map of maps, the inner map; of a socket map, a socket with a
    /// reference; of an `xskmap`, a `struct bpf_xdp_sock`.
    MapValueOrNull,
    /// A `struct bpf_sock` or null (`RET_PTR_TO_SOCKET_OR_NULL`).
    SocketOrNull,
    /// A `struct bpf_sock` that need not be full, or null (`RET_PTR_TO_SOCK_COMMON_OR_NULL`).
    SockCommonOrNull,
    /// A `struct bpf_tcp_sock` or null (`RET_PTR_TO_TCP_SOCK_OR_NULL`).
    TcpSockOrNull,
    /// A ring buffer record of the size in the [`Arg::AllocSize`] argument, or null.
    RingbufMemOrNull,
    /// A slice of the dynptr, of the size in the [`Arg::AllocSize`] argument, or null.
    DynptrMemOrNull,
    /// A kernel object known by BTF.
    Kernel {
        /// The name of its struct.
        type_name: &'static str,
        /// Whether it is null at times.
        nullable: bool,
        /// Whether it is known to be alive (`PTR_TRUSTED`).
        trusted: bool,
    },
    /// The copy of a per-CPU variable of one CPU: read-only memory, or a kernel object.
    PercpuCopy {
        /// Whether it is null at times.
        nullable: bool,
    },
    /// What was in the kptr field, or null.
    KptrOrNull,
}

impl Ret {
    /// Whether the result can be a null pointer.
    #[must_use]
    pub const fn is_nullable(self) -> bool {
        match self {
            Self::Integer | Self::Void | Self::MapValue => false,
            Self::MapValueOrNull
            | Self::SocketOrNull
            | Self::SockCommonOrNull
            | Self::TcpSockOrNull
            | Self::RingbufMemOrNull
            | Self::DynptrMemOrNull
            | Self::KptrOrNull => true,
            Self::Kernel { nullable, .. } | Self::PercpuCopy { nullable } => nullable,
        }
    }
}
