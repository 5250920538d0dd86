//! The few questions that the real world asks the operating system.

use crate::world::Task;

/// What a clock shows, in nanoseconds.
pub(crate) fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live, writable timespec; a clock that the system does not know leaves it.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let secs = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    secs.wrapping_mul(1_000_000_000).wrapping_add(nanos)
}

/// The CPU that this thread runs on now.
pub(crate) fn cpu() -> u32 {
    // SAFETY: the call takes nothing and touches no memory of ours.
    let cpu = unsafe { libc::sched_getcpu() };
    u32::try_from(cpu).unwrap_or_default()
}

/// The number of possible CPUs.
pub(crate) fn possible_cpus() -> u32 {
    // SAFETY: the call takes a number and touches no memory of ours.
    let cpus = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_CONF) };
    u32::try_from(cpus).unwrap_or(1).max(1)
}

/// This thread.
pub(crate) fn task() -> Task {
    let mut comm = [0u8; 16];
    // SAFETY: PR_GET_NAME writes at most 16 bytes, which is what `comm` has.
    unsafe { libc::prctl(libc::PR_GET_NAME, comm.as_mut_ptr()) };
    // SAFETY: the call takes nothing and touches no memory of ours.
    let pid = unsafe { libc::gettid() };
    // SAFETY: as above.
    let uid = unsafe { libc::getuid() };
    // SAFETY: as above.
    let gid = unsafe { libc::getgid() };
    Task { pid: u32::try_from(pid).unwrap_or_default(), tgid: std::process::id(), uid, gid, comm }
}
