//! Every limit of the verifier, with its reason.
//!
//! Limits of Linux are part of its verdict, so they are its numbers; the constant's name there is
//! given with each.

/// Instructions that a walk may look at, over all paths (`BPF_COMPLEXITY_LIMIT_INSNS`). Past this a
/// program is too large.
pub const PROCESSED_INSNS: u32 = 1_000_000;

/// Instructions of a program, in slots; the same number (`BPF_COMPLEXITY_LIMIT_INSNS`), which a
/// load of an unprivileged caller would meet at 4,096 (`BPF_MAXINSNS`).
pub const PROGRAM_SLOTS: u32 = 1_000_000;

/// Branches put off for later (`BPF_COMPLEXITY_LIMIT_JMP_SEQ`). Past this a program is too complex.
pub const PENDING_BRANCHES: usize = 8_192;

/// Functions of a program (`BPF_MAX_SUBPROGS`).
pub const SUBPROGRAMS: usize = 256;

/// Functions active at once (`MAX_CALL_FRAMES`).
pub const FRAMES: usize = 8;

/// Bytes of stack of a function, and of all functions active at once (`MAX_BPF_STACK`).
pub const STACK_BYTES: u32 = 512;

/// Bytes of a stack slot (`BPF_REG_SIZE`).
pub const SLOT_BYTES: usize = 8;

/// Stack slots of a function.
pub const STACK_SLOTS: usize = STACK_BYTES as usize / SLOT_BYTES;

/// Maps of a program (`MAX_USED_MAPS`).
pub const MAPS: usize = 64;

/// The largest distance that a pointer may have from where it pointed first, in either direction
/// (`BPF_MAX_VAR_OFF`).
pub const POINTER_OFFSET: i64 = 1 << 29;

/// The largest size of memory that a helper is given (`BPF_MAX_VAR_SIZ`).
pub const MEMORY_SIZE: u64 = 1 << 29;

/// The farthest byte of a packet that can be proven to be there (`MAX_PACKET_OFF`).
pub const PACKET_OFFSET: u64 = 0xffff;

/// Iterations of `bpf_loop` (`BPF_MAX_LOOPS`).
pub const LOOP_ITERATIONS: u64 = 8 << 20;

/// Stack of the callers of a function that makes tail calls, in bytes: they can nest 33 times.
pub const TAIL_CALL_STACK_BYTES: u32 = 256;

/// Jumps remembered since the last checkpoint, after which another checkpoint is made.
pub const HISTORY: usize = 40;

/// Registers and slots known to be linked that a step of history holds (`LINKED_REGS_MAX`).
pub const LINKED: usize = 6;

/// CPUs that there can be, where nothing more is known (`NR_CPUS` of distributions).
pub const CPUS: u32 = 8_192;

/// Bytes of memory for what is known of live stack slots. Past this, all of them count as live.
pub const LIVE_STACK_BYTES: usize = 64 << 20;
