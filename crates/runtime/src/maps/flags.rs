//! Flags of maps and of commands on them, as the UAPI numbers them.

/// Update: create or change.
pub const BPF_ANY: u64 = 0;
/// Update: create only.
pub const BPF_NOEXIST: u64 = 1;
/// Update: change only.
pub const BPF_EXIST: u64 = 2;
/// Lookup and update: under the spin lock in the value.
pub const BPF_F_LOCK: u64 = 4;

/// Elements are allocated when they are inserted.
pub const BPF_F_NO_PREALLOC: u32 = 1 << 0;
/// Each CPU has its own LRU list.
pub const BPF_F_NO_COMMON_LRU: u32 = 1 << 1;
/// `numa_node` counts.
pub const BPF_F_NUMA_NODE: u32 = 1 << 2;
/// Commands may only read.
pub const BPF_F_RDONLY: u32 = 1 << 3;
/// Commands may only write.
pub const BPF_F_WRONLY: u32 = 1 << 4;
/// The hash is not seeded.
pub const BPF_F_ZERO_SEED: u32 = 1 << 6;
/// Programs may only read.
pub const BPF_F_RDONLY_PROG: u32 = 1 << 7;
/// Programs may only write.
pub const BPF_F_WRONLY_PROG: u32 = 1 << 8;
/// The data can be mapped.
pub const BPF_F_MMAPABLE: u32 = 1 << 10;
/// A perf event array keeps its events when a program's loader goes.
pub const BPF_F_PRESERVE_ELEMS: u32 = 1 << 11;
/// The array can be an inner map whatever its number of elements.
pub const BPF_F_INNER_MAP: u32 = 1 << 12;

/// Ring buffer: wake nobody.
pub const BPF_RB_NO_WAKEUP: u64 = 1;
/// Ring buffer: wake the reader in any case.
pub const BPF_RB_FORCE_WAKEUP: u64 = 2;

/// The flags that say who may read and write.
pub(crate) const ACCESS: u32 = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
