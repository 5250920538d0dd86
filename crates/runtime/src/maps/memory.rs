//! The memory of a map: zeroed, page-aligned, at an address that stays.
//!
//! An [`Area`] is what a map's data or control lives in. It is anonymous memory of this process
//! today; everything that users of it know is an offset, a length and [`Area::commit`], so that a
//! file that other processes map can take the place of the anonymous memory.
//!
//! Several threads use an area at once, and so do programs, whose accesses are plain machine
//! instructions. All access from Rust is atomic, by whole 8-byte words: [`Area::read`],
//! [`Area::write`] and [`Area::equals`] work on places that begin at a multiple of 8 and are padded
//! to one, so that a race gives some mixture of words and never undefined behaviour. A range that
//! leaves the area is a broken invariant of the caller, who masks or bounds what it reads from
//! shared memory, and panics.

use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use skep_command::Errno;

/// The size of a page, which is also the alignment of an area.
pub(crate) const PAGE: usize = 4096;

/// The largest area: half the user address space of a 48-bit machine.
const MAX_LEN: usize = 1 << 46;

/// `len` rounded up to a multiple of 8, the stride of values in the kernel's layout.
pub(crate) const fn pad(len: usize) -> usize {
    len.next_multiple_of(8)
}

/// Memory of a map.
pub(crate) struct Area {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: an area owns its mapping, which is not tied to a thread.
unsafe impl Send for Area {}
// SAFETY: all access through `&Area` is atomic (module documentation).
unsafe impl Sync for Area {}

impl Area {
    /// An area of at least `len` zero bytes, or `ENOMEM` if the system could not give so much.
    pub(crate) fn new(len: usize) -> Result<Area, Errno> {
        Area::map(len, 0)
    }

    /// An area most of which may never be used: what is used must be committed first.
    pub(crate) fn sparse(len: usize) -> Result<Area, Errno> {
        Area::map(len, libc::MAP_NORESERVE)
    }

    fn map(len: usize, flags: libc::c_int) -> Result<Area, Errno> {
        if len > MAX_LEN {
            return Err(Errno::ENOMEM);
        }
        let len = len.max(1).next_multiple_of(PAGE);
        // SAFETY: a new anonymous mapping at an address of the system's choice touches no existing
        // memory; `len` is not 0 by `max(1)`.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | flags,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(Errno::ENOMEM);
        }
        let start = NonNull::new(start.cast::<u8>()).ok_or(Errno::ENOMEM)?;
        let _ = start.as_ptr().expose_provenance();
        Ok(Area { start, len })
    }

    /// The number of bytes, whole pages.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The address of the byte at `offset`, as programs see it.
    #[inline]
    pub(crate) fn address(&self, offset: usize) -> u64 {
        self.check(offset, 0, 1);
        (self.start.as_ptr().addr() + offset) as u64
    }

    /// The offset of an address in this area.
    pub(crate) fn offset(&self, address: u64) -> Option<usize> {
        let offset = usize::try_from(address).ok()?.checked_sub(self.start.as_ptr().addr())?;
        (offset < self.len).then_some(offset)
    }

    /// Makes sure that memory stands behind a range, so that touching it cannot fail; `ENOMEM` if
    /// there is none.
    pub(crate) fn commit(&self, offset: usize, len: usize) -> Result<(), Errno> {
        self.check(offset, len, 1);
        let first = offset / PAGE * PAGE;
        let last = (offset + len).next_multiple_of(PAGE).min(self.len);
        let start = self.start.as_ptr().wrapping_add(first).cast::<libc::c_void>();
        // SAFETY: first..last is whole pages inside this mapping (`check`), which lives as long as
        // `self`; populating changes no contents.
        let done = unsafe { libc::madvise(start, last - first, libc::MADV_POPULATE_WRITE) };
        if done == 0 {
            return Ok(());
        }
        match std::io::Error::last_os_error().raw_os_error() {
            // Kernels before 5.14 do not know the advice; the pages come at first touch.
            Some(libc::EINVAL) => Ok(()),
            _ => Err(Errno::ENOMEM),
        }
    }

    /// The byte at `offset`.
    #[inline]
    pub(crate) fn u8(&self, offset: usize) -> &AtomicU8 {
        self.check(offset, 1, 1);
        let place = self.start.as_ptr().wrapping_add(offset);
        // SAFETY: `check` found the byte inside the mapping, which is valid for reads and writes for
        // as long as `self` lives, and all Rust access to it is atomic.
        unsafe { AtomicU8::from_ptr(place) }
    }

    /// The four bytes at `offset`, a multiple of 4.
    #[inline]
    pub(crate) fn u32(&self, offset: usize) -> &AtomicU32 {
        self.check(offset, 4, 4);
        let place = self.start.as_ptr().wrapping_add(offset).cast::<u32>();
        // SAFETY: `check` found the bytes inside the mapping and aligned (the mapping is page
        // aligned); the mapping lives as long as `self`; all Rust access to it is atomic.
        unsafe { AtomicU32::from_ptr(place) }
    }

    /// The eight bytes at `offset`, a multiple of 8.
    #[inline]
    pub(crate) fn u64(&self, offset: usize) -> &AtomicU64 {
        self.check(offset, 8, 8);
        let place = self.start.as_ptr().wrapping_add(offset).cast::<u64>();
        // SAFETY: as in `u32`, for 8 bytes.
        unsafe { AtomicU64::from_ptr(place) }
    }

    /// The words from `offset` on, a multiple of 8, that hold `len` bytes and their padding.
    #[inline]
    fn words(&self, offset: usize, len: usize) -> &[AtomicU64] {
        let count = len.div_ceil(8);
        self.check(offset, count * 8, 8);
        let first = self.start.as_ptr().wrapping_add(offset).cast::<AtomicU64>();
        // SAFETY: `check` found all words inside the mapping and aligned; memory of the mapping is
        // initialised (zeroed); the slice's lifetime is that of `self`, and atomics may be shared.
        unsafe { std::slice::from_raw_parts(first, count) }
    }

    /// Copies bytes out, from `offset` on, a multiple of 8.
    #[inline]
    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) {
        let words = self.words(offset, into.len());
        for (bytes, word) in into.chunks_mut(8).zip(words) {
            let word = word.load(Relaxed).to_ne_bytes();
            bytes.copy_from_slice(&word[..bytes.len()]);
        }
    }

    /// The words, in memory order, that hold `len` bytes from `offset` on, a multiple of 8.
    pub(crate) fn load_words(
        &self,
        offset: usize,
        len: usize,
    ) -> impl Iterator<Item = u64> + use<'_> {
        self.words(offset, len).iter().map(|word| word.load(Relaxed))
    }

    /// Copies `from` in, from `offset` on, a multiple of 8, and zeroes the padding behind it.
    #[inline]
    pub(crate) fn write(&self, offset: usize, from: &[u8]) {
        let words = self.words(offset, from.len());
        for (bytes, word) in from.chunks(8).zip(words) {
            word.store(load_word(bytes), Relaxed);
        }
    }

    /// Zeroes `len` bytes and the padding behind them, from `offset` on, a multiple of 8.
    pub(crate) fn clear(&self, offset: usize, len: usize) {
        for word in self.words(offset, len) {
            word.store(0, Relaxed);
        }
    }

    /// Whether the padded bytes from `offset` on, a multiple of 8, are `bytes`.
    #[inline]
    pub(crate) fn equals(&self, offset: usize, bytes: &[u8]) -> bool {
        let words = self.words(offset, bytes.len());
        bytes.chunks(8).zip(words).all(|(bytes, word)| word.load(Relaxed) == load_word(bytes))
    }

    /// Panics unless `len` bytes from `offset` on are in the area and `offset` is aligned.
    #[inline]
    fn check(&self, offset: usize, len: usize, align: usize) {
        let inside = offset <= self.len && len <= self.len - offset;
        assert!(
            inside && offset.is_multiple_of(align),
            "maps: offsets are bounded before they are used"
        );
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: `start` and `len` are those of the mapping that `new` made, and nothing borrows
        // from the area any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// Up to 8 bytes as a word in memory order, padded with zeros.
#[inline]
pub(crate) fn load_word(bytes: &[u8]) -> u64 {
    if let Ok(word) = <[u8; 8]>::try_from(bytes) {
        return u64::from_ne_bytes(word);
    }
    // Two halves that may overlap: what they share is equal.
    let word = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>(), bytes) {
        (Some(low), Some(high), _) => {
            let shift = 8 * (bytes.len() & 7).saturating_sub(4);
            u64::from(u32::from_le_bytes(*low)) | u64::from(u32::from_le_bytes(*high)) << shift
        }
        (_, _, [a]) => u64::from(*a),
        (_, _, [a, b]) => u64::from(u16::from_le_bytes([*a, *b])),
        (_, _, [a, b, c]) => u64::from(u32::from_le_bytes([*a, *b, *c, 0])),
        (_, _, _) => 0,
    };
    u64::from_ne_bytes(word.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_pad_with_zeros() {
        let area = Area::new(1).unwrap();
        assert_eq!(area.len(), PAGE);
        area.write(8, &[0xff; 16]);
        area.write(8, b"hello world");
        let mut out = [0xaa; 16];
        area.read(8, &mut out);
        assert_eq!(&out, b"hello world\0\0\0\0\0");
        assert!(area.equals(8, b"hello world"));
        assert!(!area.equals(8, b"hello worle"));
        area.clear(8, 11);
        assert!(area.equals(8, &[0; 16]));
    }

    #[test]
    fn words_of_all_lengths() {
        for len in 0..=8u8 {
            let bytes: Vec<u8> = (1..=len).collect();
            let mut padded = [0; 8];
            padded[..usize::from(len)].copy_from_slice(&bytes);
            assert_eq!(load_word(&bytes), u64::from_ne_bytes(padded));
        }
    }

    #[test]
    fn committing_keeps_contents() {
        let area = Area::new(3 * PAGE).unwrap();
        area.write(PAGE, b"kept");
        area.commit(100, 2 * PAGE).unwrap();
        assert!(area.equals(PAGE, b"kept"));
    }

    #[test]
    fn too_much_memory_is_refused() {
        assert_eq!(Area::new(MAX_LEN + 1).err(), Some(Errno::ENOMEM));
    }

    #[test]
    #[should_panic(expected = "offsets are bounded")]
    fn out_of_bounds_panics() {
        let area = Area::new(PAGE).unwrap();
        area.read(PAGE - 8, &mut [0; 9]);
    }

    #[test]
    fn addresses_and_offsets_agree() {
        let area = Area::new(PAGE).unwrap();
        assert_eq!(area.offset(area.address(24)), Some(24));
        assert_eq!(area.offset(area.address(0) - 1), None);
        assert_eq!(area.offset(area.address(0) + PAGE as u64), None);
    }
}
