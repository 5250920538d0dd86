//! Memory that the kernel shares: a mapping of a descriptor, and reads and writes in it.
//!
//! The kernel writes to it at any time, so that positions are read as atomics, and bytes copied out
//! once a position says that they are done.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use skep_command::Errno;

use super::{Result, last_errno};

/// A mapping, which is unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    at: NonNull<u8>,
    bytes: usize,
    writable: bool,
}

// SAFETY: the mapping is owned by this value alone, is valid from all threads, and is read and
// written by atomics and copies only.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `bytes` of `fd` from `offset`.
    pub(crate) fn new(
        fd: BorrowedFd<'_>,
        offset: usize,
        bytes: usize,
        writable: bool,
    ) -> Result<Mapping> {
        let offset = libc::off_t::try_from(offset).map_err(|_| Errno::EINVAL)?;
        let protection = libc::PROT_READ | if writable { libc::PROT_WRITE } else { 0 };
        // SAFETY: no address is asked for, so that no memory of ours is replaced.
        let at = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                protection,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                offset,
            )
        };
        if at == libc::MAP_FAILED {
            return Err(last_errno());
        }
        let at = NonNull::new(at.cast()).ok_or(Errno::ENOMEM)?;
        Ok(Mapping { at, bytes, writable })
    }

    /// Its size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// The 64-bit number at `offset`, and all that was written before it.
    pub(crate) fn load_u64(&self, offset: usize) -> u64 {
        let number = self.place::<u64>(offset);
        // SAFETY: `place` gives an aligned address within the mapping, which lives as long as
        // `self`; the kernel, too, accesses positions as whole words.
        let number = unsafe { AtomicU64::from_ptr(number) };
        number.load(Ordering::Acquire)
    }

    /// Writes the 64-bit number at `offset`, after all that was read before it.
    ///
    /// # Panics
    ///
    /// If the mapping is not writable.
    pub(crate) fn store_u64(&self, offset: usize, number: u64) {
        assert!(self.writable, "memory: only writable mappings are stored to");
        let place = self.place::<u64>(offset);
        // SAFETY: as in `load_u64`; the mapping is writable (asserted above).
        let place = unsafe { AtomicU64::from_ptr(place) };
        place.store(number, Ordering::Release);
    }

    /// The 32-bit number at `offset`, and all that was written before it.
    pub(crate) fn load_u32(&self, offset: usize) -> u32 {
        let number = self.place::<u32>(offset);
        // SAFETY: as in `load_u64`.
        let number = unsafe { AtomicU32::from_ptr(number) };
        number.load(Ordering::Acquire)
    }

    /// A copy of `bytes` from `offset`.
    ///
    /// # Panics
    ///
    /// If they do not lie within the mapping.
    pub(crate) fn copy(&self, offset: usize, bytes: usize) -> Vec<u8> {
        let within = offset.checked_add(bytes).is_some_and(|end| end <= self.bytes);
        assert!(within, "memory: copies lie within the mapping");
        let mut copy = vec![0_u8; bytes];
        // SAFETY: `offset` lies within the mapping (asserted above).
        let from = unsafe { self.at.as_ptr().add(offset) };
        // SAFETY: `bytes` from there lie within the mapping (asserted above), `copy` has as many,
        // and it was just allocated and so does not overlap. Callers copy what the kernel is done
        // with; were it not, the bytes would be stale, and any byte is a valid one.
        unsafe { std::ptr::copy_nonoverlapping(from, copy.as_mut_ptr(), bytes) };
        copy
    }

    /// The address of a `T` at `offset`, which must be aligned and within the mapping.
    fn place<T>(&self, offset: usize) -> *mut T {
        let end = offset.checked_add(size_of::<T>());
        assert!(end.is_some_and(|end| end <= self.bytes), "memory: words lie within the mapping");
        assert!(offset.is_multiple_of(align_of::<T>()), "memory: words are aligned");
        // SAFETY: `offset` lies within the mapping (asserted above).
        let at = unsafe { self.at.as_ptr().add(offset) };
        at.cast()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `Mapping::new`, and nothing borrows from it: what is read
        // is copied.
        unsafe { libc::munmap(self.at.as_ptr().cast(), self.bytes) };
    }
}

/// The size of a page.
pub(crate) fn page_bytes() -> usize {
    // SAFETY: the call takes no memory.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).unwrap_or(4096)
}
