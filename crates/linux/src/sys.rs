//! The door to the kernel: system calls, and memory shared with it.
//!
//! Functions here take slices and descriptors, set pointers and sizes themselves, and are safe to
//! call; what the kernel reads or writes through a pointer is argued for at each call.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use skep_command::Errno;
use skep_command::attr::{Cmd, Wire, object};

pub(crate) mod btf;
pub(crate) mod classic;
pub(crate) mod map;
pub(crate) mod memory;
pub(crate) mod perf;
pub(crate) mod pin;
pub(crate) mod prog;
pub(crate) mod ring;
pub(crate) mod thread;

/// The result of a system call.
pub(crate) type Result<T> = std::result::Result<T, Errno>;

/// Makes the bpf(2) system call.
///
/// # Safety
///
/// Each pointer in `attr` that the command follows must be null where that is allowed, or point to
/// memory that stays valid during the call, for as many bytes as the command reads or writes there.
unsafe fn bpf(cmd: Cmd, attr: &mut [u8]) -> Result<libc::c_long> {
    // SAFETY: `attr` is a live, exclusive slice of the length given; the kernel reads and writes it
    // within that length. The pointers in it are the caller's promise.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, cmd.number(), attr.as_mut_ptr(), attr.len()) };
    if result < 0 { Err(last_errno()) } else { Ok(result) }
}

/// Makes a bpf(2) call that returns a new descriptor.
///
/// # Safety
///
/// As [`bpf`], and the command must return a descriptor.
unsafe fn bpf_new_fd(cmd: Cmd, attr: &mut [u8]) -> Result<OwnedFd> {
    // SAFETY: the caller's promise.
    let fd = unsafe { bpf(cmd, attr) }?;
    let fd = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the command succeeded and returns a descriptor that is new, so that nobody else owns
    // it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The error of the system call that just failed on this thread.
fn last_errno() -> Errno {
    Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// A descriptor as bpf(2) takes it.
fn number(fd: BorrowedFd<'_>) -> u32 {
    // Descriptors of open files are not negative.
    u32::try_from(fd.as_raw_fd()).unwrap_or(u32::MAX)
}

/// The address of memory that the kernel reads. Null for nothing: it wants that where a size is 0.
fn address(bytes: &[u8]) -> u64 {
    if bytes.is_empty() { 0 } else { bytes.as_ptr().expose_provenance() as u64 }
}

/// The address of memory that the kernel writes. Null for nothing.
fn address_mut(bytes: &mut [u8]) -> u64 {
    if bytes.is_empty() { 0 } else { bytes.as_mut_ptr().expose_provenance() as u64 }
}

/// A length as bpf(2) takes it.
fn length(bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(|_| Errno::E2BIG)
}

/// Asks about an object, with `info` as the kernel's input too.
///
/// # Safety
///
/// `T` must be the info struct of the object's kind, and each pointer in `info` must be as [`bpf`]
/// demands.
unsafe fn info_by_fd<T: Wire>(fd: BorrowedFd<'_>, info: &T) -> Result<T> {
    let mut bytes = info.encode();
    let mut attr = object::InfoByFd {
        bpf_fd: number(fd),
        info_len: length(bytes.len())?,
        info: address_mut(&mut bytes),
    }
    .encode();
    // SAFETY: `info` points to `bytes`, which is live and has the `info_len` bytes that the kernel
    // writes at most; what stands in them is the caller's promise.
    unsafe { bpf(Cmd::ObjGetInfoByFd, &mut attr) }?;
    T::decode(&bytes).map_err(|_| Errno::E2BIG)
}
