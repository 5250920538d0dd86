//! Classic BPF as the judge of system calls: what a seccomp filter reads and what it returns.

/// The size of `struct seccomp_data`, which a filter reads in aligned 32-bit words: `nr` at 0, `arch`
/// at 4, `instruction_pointer` at 8, `args[6]` from 16 on, all little-endian here.
pub const DATA_BYTES: usize = 64;

/// The same as the filter's `len` has it.
pub const DATA_LEN: u32 = 64;

/// The part of a return value that says what happens (`SECCOMP_RET_ACTION_FULL`).
const ACTION: u32 = 0xffff_0000;

/// The name of what a return value means, if it has one: `SECCOMP_RET_ALLOW`, …
pub fn action_name(retval: u32) -> Option<&'static str> {
    Some(match retval & ACTION {
        0x8000_0000 => "SECCOMP_RET_KILL_PROCESS",
        0x0000_0000 => "SECCOMP_RET_KILL_THREAD",
        0x0003_0000 => "SECCOMP_RET_TRAP",
        0x0005_0000 => "SECCOMP_RET_ERRNO",
        0x7fc0_0000 => "SECCOMP_RET_USER_NOTIF",
        0x7ff0_0000 => "SECCOMP_RET_TRACE",
        0x7ffc_0000 => "SECCOMP_RET_LOG",
        0x7fff_0000 => "SECCOMP_RET_ALLOW",
        _ => return None,
    })
}
