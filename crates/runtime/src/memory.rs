//! Memory that programs touch: blocks, spans of them, and checked copies in and out.
//!
//! A program and a helper name memory by its real address in this process. Nothing in skep turns
//! such an address into an access but this file. A [`Span`] says that a stretch of memory exists
//! and keeps it alive; [`Bytes`] and [`BytesMut`] are views of a part of a span that a check has
//! found (`Regions` does the checking).
//!
//! Map memory is shared with other threads, and programs may race for it as they do in the kernel.
//! All access therefore goes through raw pointers and never through references; a racing read
//! gives some mixture of the bytes that were there.

mod regions;

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

pub use regions::{FRAME_SIZE, FRAMES_MAX, Region, RegionKind};
pub(crate) use regions::{MapSpans, Regions, Scalar};

/// What keeps the memory of a span alive.
pub type Owner = Arc<dyn Any + Send + Sync>;

/// The alignment of every block: a cache line.
const ALIGN: usize = 64;

/// Zeroed heap memory with an address that stays.
pub struct Block {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a block is plain bytes; it owns them, and `start` is not tied to a thread.
unsafe impl Send for Block {}
// SAFETY: shared use goes through raw-pointer copies alone (module documentation).
unsafe impl Sync for Block {}

impl Block {
    /// A block of `len` zero bytes (at least one is allocated).
    pub fn zeroed(len: usize) -> Block {
        let layout = Layout::from_size_align(len.max(1), ALIGN)
            .expect("memory: a block is far smaller than the address space");
        // SAFETY: the layout's size is at least 1 by `max(1)` above.
        let start = unsafe { alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
        Block { start, layout }
    }

    /// The address of its first byte.
    pub fn addr(&self) -> u64 {
        self.start.as_ptr().expose_provenance() as u64
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.layout.size()
    }

    /// Never: a block has at least one byte.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The bytes from `off` on, if `len` bytes are there.
    pub fn range(&self, off: usize, len: usize) -> Option<BytesMut<'_>> {
        let end = off.checked_add(len)?;
        (end <= self.len()).then(|| BytesMut {
            start: self.start.as_ptr().wrapping_add(off),
            len,
            memory: PhantomData,
        })
    }

    /// The bytes as a slice. Exclusive use of the block is what makes a reference sound.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: `start` is valid for `len` initialised bytes (`zeroed`), and `&mut self` excludes
        // every other view for the slice's lifetime.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.layout.size()) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc_zeroed` with this layout in `zeroed`, and is freed once.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({:#x}, {} bytes)", self.addr(), self.len())
    }
}

/// What a program may do with memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Read only.
    Read,
    /// Write only (`BPF_F_WRONLY_PROG`).
    Write,
    /// Both.
    ReadWrite,
}

impl Access {
    /// Whether it allows to read.
    pub const fn reads(self) -> bool {
        matches!(self, Access::Read | Access::ReadWrite)
    }

    /// Whether it allows all that another one does.
    const fn allows(self, other: Access) -> bool {
        (self.reads() || !other.reads()) && (self.writes() || !other.writes())
    }

    /// Whether it allows to write.
    pub const fn writes(self) -> bool {
        matches!(self, Access::Write | Access::ReadWrite)
    }
}

/// A stretch of memory that programs may touch, and what keeps it alive.
///
/// It is a row of elements, one every `stride` bytes, of each of which the program may touch the
/// first `size` bytes. Plain memory is one element.
#[derive(Clone)]
pub struct Span {
    addr: u64,
    len: u64,
    stride: u64,
    size: u64,
    access: Access,
    owner: Owner,
}

impl Span {
    /// Memory of `len` bytes at `addr` with elements of `size` bytes every `stride` bytes.
    ///
    /// # Safety
    ///
    /// For as long as `owner` lives: the memory is mapped, initialised, has its provenance exposed
    /// (`pointer::expose_provenance`), may be read by raw pointer and, if `access` says so, written;
    /// and nobody holds references to it while a program can run that has this span.
    ///
    /// # Panics
    ///
    /// If the span wraps around the address space, or an element is empty or longer than its stride.
    pub unsafe fn new(
        addr: u64,
        len: u64,
        stride: u64,
        size: u64,
        access: Access,
        owner: Owner,
    ) -> Span {
        assert!(addr.checked_add(len).is_some(), "memory: a span ends within the address space");
        assert!(0 < size && size <= stride, "memory: an element fits its stride");
        Span { addr, len, stride, size, access, owner }
    }

    /// All of a block.
    pub fn of_block(block: &Arc<Block>, access: Access) -> Span {
        let len = block.len() as u64;
        let owner: Owner = block.clone();
        // SAFETY: a block's memory is initialised, exposed (`addr`) and lives as long as the Arc;
        // references to it exist only under `&mut Block`, which a shared Arc never gives.
        unsafe { Span::new(block.addr(), len, len, len, access, owner) }
    }

    /// The `len` bytes at `addr`, as memory of its own, if they lie within this span and it allows
    /// as much.
    pub fn part(&self, addr: u64, len: u64, access: Access) -> Option<Span> {
        let off = addr.checked_sub(self.addr)?;
        if len == 0 || off.checked_add(len)? > self.len || !self.access.allows(access) {
            return None;
        }
        Some(Span { addr, len, stride: len, size: len, access, owner: self.owner.clone() })
    }

    /// The address of its first byte.
    pub fn addr(&self) -> u64 {
        self.addr
    }

    /// The number of bytes from its first to its last.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What programs may do with it.
    pub fn access(&self) -> Access {
        self.access
    }

    /// First address and length of the element that `addr` falls into.
    pub(crate) fn element(&self, addr: u64) -> Option<(u64, u64)> {
        let off = addr.checked_sub(self.addr)?;
        if off >= self.len {
            return None;
        }
        let first = off - off % self.stride;
        Some((self.addr + first, self.size.min(self.len - first)))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span({:#x}, {} bytes, {:?})", self.addr, self.len, self.access)
    }
}

/// Readable memory that a check has found.
#[derive(Clone, Copy)]
pub struct Bytes<'m> {
    start: *const u8,
    len: usize,
    memory: PhantomData<&'m ()>,
}

impl<'m> Bytes<'m> {
    /// A view of `len` bytes at `addr`.
    ///
    /// # Safety
    ///
    /// The bytes lie within a [`Span`] that is readable and outlives `'m`.
    pub(crate) unsafe fn new(addr: u64, len: usize) -> Bytes<'m> {
        Bytes { start: pointer(addr), len, memory: PhantomData }
    }

    /// The number of bytes.
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Copies as many bytes as both sides have, and says how many.
    pub fn copy_to(self, to: &mut [u8]) -> usize {
        let len = self.len.min(to.len());
        // SAFETY: `start` is readable for `self.len` bytes (`new`), `to` is a live exclusive slice,
        // and a program's memory is never behind a reference, so the two do not overlap.
        unsafe { self.start.copy_to_nonoverlapping(to.as_mut_ptr(), len) }
        len
    }

    /// A copy.
    pub fn to_vec(self) -> Vec<u8> {
        let mut copy = vec![0; self.len];
        self.copy_to(&mut copy);
        copy
    }

    /// A copy that needs no allocation while it is short.
    pub fn to_scratch(self) -> Scratch {
        let mut scratch = Scratch::zeroed(self.len);
        self.copy_to(scratch.as_mut_slice());
        scratch
    }

    /// The `N` bytes at `off`, if they are there.
    pub fn array<const N: usize>(self, off: usize) -> Option<[u8; N]> {
        let part = self.range(off, N)?;
        let mut array = [0; N];
        part.copy_to(&mut array);
        Some(array)
    }

    /// The byte at `off`, if it is there.
    pub fn u8_at(self, off: usize) -> Option<u8> {
        self.array::<1>(off).map(|[byte]| byte)
    }

    /// The `u32` at `off` in this machine's byte order, if it is there.
    pub fn u32_at(self, off: usize) -> Option<u32> {
        self.array(off).map(u32::from_ne_bytes)
    }

    /// The `u64` at `off` in this machine's byte order, if it is there.
    pub fn u64_at(self, off: usize) -> Option<u64> {
        self.array(off).map(u64::from_ne_bytes)
    }

    /// A part of it.
    pub fn range(self, off: usize, len: usize) -> Option<Bytes<'m>> {
        (off.checked_add(len)? <= self.len).then(|| Bytes {
            start: self.start.wrapping_add(off),
            len,
            memory: PhantomData,
        })
    }
}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({:p}, {} bytes)", self.start, self.len)
    }
}

/// Memory that a check has found to be writable. Reading it back is allowed too: [`Self::bytes`].
#[derive(Clone, Copy)]
pub struct BytesMut<'m> {
    start: *mut u8,
    len: usize,
    memory: PhantomData<&'m ()>,
}

impl<'m> BytesMut<'m> {
    /// A view of `len` bytes at `addr`.
    ///
    /// # Safety
    ///
    /// The bytes lie within a [`Span`] that is writable and outlives `'m`.
    pub(crate) unsafe fn new(addr: u64, len: usize) -> BytesMut<'m> {
        BytesMut { start: pointer(addr), len, memory: PhantomData }
    }

    /// The number of bytes.
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The same for reading.
    pub fn bytes(self) -> Bytes<'m> {
        Bytes { start: self.start, len: self.len, memory: PhantomData }
    }

    /// Copies as many bytes as both sides have, and says how many.
    pub fn copy_from(self, from: &[u8]) -> usize {
        let len = self.len.min(from.len());
        // SAFETY: `start` is writable for `self.len` bytes (`new`), `from` is a live slice, and a
        // program's memory is never behind a reference, so the two do not overlap.
        unsafe { self.start.copy_from_nonoverlapping(from.as_ptr(), len) }
        len
    }

    /// Copies as many bytes as both sides have; the two may overlap.
    pub fn copy_from_bytes(self, from: Bytes<'_>) -> usize {
        let len = self.len.min(from.len);
        // SAFETY: both sides are valid for their lengths (`new` of each); `copy_from` allows overlap.
        unsafe { self.start.copy_from(from.start, len) }
        len
    }

    /// Sets every byte.
    pub fn fill(self, byte: u8) {
        // SAFETY: `start` is writable for `self.len` bytes (`new`).
        unsafe { self.start.write_bytes(byte, self.len) }
    }

    /// A part of it.
    pub fn range(self, off: usize, len: usize) -> Option<BytesMut<'m>> {
        (off.checked_add(len)? <= self.len).then(|| BytesMut {
            start: self.start.wrapping_add(off),
            len,
            memory: PhantomData,
        })
    }
}

impl fmt::Debug for BytesMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BytesMut({:p}, {} bytes)", self.start, self.len)
    }
}

/// The pointer with this address, for memory whose provenance was exposed (see [`Span::new`]).
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "addresses have 64 bits, or the crate does not build"
)]
pub(crate) fn pointer(addr: u64) -> *mut u8 {
    const { assert!(size_of::<usize>() == size_of::<u64>()) };
    std::ptr::with_exposed_provenance_mut(addr as usize)
}

/// How many bytes a [`Scratch`] holds without allocating: most keys and values fit.
const INLINE: usize = 64;

/// Bytes copied out of a program's memory.
#[derive(Clone, Debug)]
pub enum Scratch {
    /// Few bytes.
    Inline([u8; INLINE], usize),
    /// Many.
    Heap(Vec<u8>),
}

impl Scratch {
    fn zeroed(len: usize) -> Scratch {
        if len <= INLINE { Scratch::Inline([0; INLINE], len) } else { Scratch::Heap(vec![0; len]) }
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        match self {
            Scratch::Inline(bytes, len) => bytes.get_mut(..*len).unwrap_or_default(),
            Scratch::Heap(bytes) => bytes,
        }
    }
}

impl Deref for Scratch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Scratch::Inline(bytes, len) => bytes.get(..*len).unwrap_or_default(),
            Scratch::Heap(bytes) => bytes,
        }
    }
}
