//! Memory that may not be there: `bpf_probe_read_kernel` and `bpf_probe_read_kernel_str`.
//!
//! In this engine a program has no more memory than it could also read directly, and what Linux
//! would find in the kernel is not there.

use skep_command::Errno;

use super::{Outcome, fail, low32};
use crate::run::Run;

/// `bpf_probe_read_kernel(dst, size, unsafe_ptr)`: copies `size` bytes.
///
/// Returns 0. If not all bytes are there, `dst` is zeroed, and the answer is `-ERANGE` for an address
/// that is none of a kernel and `-EFAULT` otherwise.
pub(super) fn read(run: &mut Run<'_>, [dst, size, from, ..]: [u64; 5]) -> Outcome {
    let size = low32(size) as usize;
    if size == 0 {
        return Ok(0);
    }
    let dst = run.writable(dst, size)?;
    match run.readable(from, size) {
        Ok(bytes) => {
            dst.copy_from_bytes(bytes);
            Ok(0)
        }
        Err(_) => {
            dst.fill(0);
            fail(absent(from))
        }
    }
}

/// `bpf_probe_read_kernel_str(dst, size, unsafe_ptr)`: copies a string.
///
/// Returns its length with its zero; if it does not fit, `size`, with a zero as the last byte;
/// if memory ends before the string does, an error as [`read`] gives it, and `dst` is zeroed. Bytes
/// behind the string are left as they were.
pub(super) fn read_str(run: &mut Run<'_>, [dst, size, from, ..]: [u64; 5]) -> Outcome {
    let size = low32(size) as usize;
    if size == 0 {
        return Ok(0);
    }
    let dst = run.writable(dst, size)?;
    let mut text = Vec::new();
    while text.last() != Some(&0) && text.len() < size {
        let at = from.wrapping_add(text.len() as u64);
        match run.readable(at, 1).ok().and_then(|byte| byte.u8_at(0)) {
            Some(byte) => text.push(byte),
            None => {
                dst.fill(0);
                return fail(absent(from));
            }
        }
    }
    if let Some(last) = text.last_mut() {
        *last = 0;
    }
    dst.copy_from(&text);
    Ok(text.len() as u64)
}

/// The error for memory that is not there.
fn absent(addr: u64) -> Errno {
    /// The lowest address of a kernel on x86-64.
    const KERNEL_SPACE: u64 = 0xffff_8000_0000_0000;
    if addr < KERNEL_SPACE { Errno::ERANGE } else { Errno::EFAULT }
}
