//! The thread that a test run borrows.

use std::mem;

use super::{Result, last_errno};

/// Keeps the calling thread on one CPU, so that BPF_PROG_TEST_RUN runs programs there.
///
/// # Errors
///
/// `EINVAL` if there is no such CPU for this process.
pub fn pin_thread(cpu: u32) -> Result<()> {
    let mut cpus = vec![0usize; cpu as usize / usize::BITS as usize + 1];
    if let Some(last) = cpus.last_mut() {
        *last = 1 << (cpu % usize::BITS);
    }
    // SAFETY: the kernel reads as many bytes as the live vector has, in the form that glibc's
    // `cpu_set_t` shares with it: an array of words, one bit a CPU; 0 is the calling thread.
    let result =
        unsafe { libc::sched_setaffinity(0, mem::size_of_val(&*cpus), cpus.as_ptr().cast()) };
    if result < 0 { Err(last_errno()) } else { Ok(()) }
}
