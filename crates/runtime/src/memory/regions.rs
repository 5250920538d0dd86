//! The memory that one run may touch, and the check of every access to it.
//!
//! A program that was not verified can name any address. Here each one is looked up: the frame of
//! the running function, the packet, the frames of its callers, the values of the program's maps,
//! records that it reserved, memory that the host lent it. The places that were touched last are
//! kept as *windows*, so that nearly every check is one subtraction and two comparisons.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release, SeqCst};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64};

use skep_spec::insn::Size;

use super::{Access, Block, Bytes, BytesMut, Span, pointer};

/// Bytes of stack that a function has (`MAX_BPF_STACK`).
pub const FRAME_SIZE: u64 = 512;
/// How deep calls may nest, the main function included (`MAX_CALL_FRAMES`).
pub const FRAMES_MAX: usize = 8;
/// The distance of frames. The gap makes a small overrun of a frame a fault, rather than a write
/// into the caller's frame.
const FRAME_STRIDE: u64 = 2 * FRAME_SIZE;
/// Bytes of stack in all.
const STACK_SIZE: usize = FRAMES_MAX * 2 * 512;
const _: () = assert!(STACK_SIZE as u64 == FRAMES_MAX as u64 * FRAME_STRIDE);

/// An accessible stretch of addresses, from `start` up to `end`.
///
/// `end` is at least 8, so that the check can subtract the size of a number from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    start: u64,
    end: u64,
}

impl Window {
    /// No address at all.
    const EMPTY: Window = Window { start: u64::MAX, end: 8 };

    /// The `len` bytes at `start`, which is an address of memory.
    fn new(start: u64, len: u64) -> Window {
        let end = start.saturating_add(len);
        if end < 8 { Window::EMPTY } else { Window { start, end } }
    }

    /// Whether all bytes of a number are inside. `len` is at most 8.
    #[inline(always)]
    fn has_number(self, addr: u64, len: u64) -> bool {
        // One branch instead of two.
        (addr >= self.start) & (addr <= self.end - len)
    }

    /// Whether `len` bytes at `addr` are inside.
    fn has(self, addr: u64, len: u64) -> bool {
        addr >= self.start && self.end.checked_sub(len).is_some_and(|last| addr <= last)
    }
}

/// What an address belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegionKind {
    /// A stack frame; 0 is the main function's.
    Stack(usize),
    /// The packet, from its metadata to its end.
    Packet,
    /// The values of one of the program's maps, by its index in the program.
    Map(usize),
    /// A record reserved in a ring buffer.
    Record,
    /// Memory that the host lent to the run.
    Lent,
}

/// A region, for explaining a fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Region {
    /// What it is.
    pub kind: RegionKind,
    /// The name of the map that it is of.
    pub map: Option<String>,
    /// Its first address (of the nearest element, in a map).
    pub start: u64,
    /// Its length.
    pub len: u64,
    /// What the program may do with it.
    pub access: Access,
}

impl Region {
    /// How far an address is from it; 0 inside.
    pub(crate) fn distance(&self, addr: u64) -> u64 {
        let end = self.start.saturating_add(self.len);
        self.start.saturating_sub(addr).max(addr.saturating_sub(end))
    }
}

/// The values of a program's maps.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapSpans {
    /// In ascending order, each with the index of its map.
    spans: Vec<(Span, usize)>,
}

impl MapSpans {
    pub(crate) fn new(mut spans: Vec<(Span, usize)>) -> MapSpans {
        spans.sort_by_key(|(span, _)| span.addr());
        MapSpans { spans }
    }

    fn at(&self, addr: u64) -> Option<&(Span, usize)> {
        let after = self.spans.partition_point(|(span, _)| span.addr() <= addr);
        self.spans.get(after.checked_sub(1)?)
    }
}

/// All memory that one run may touch.
#[derive(Debug)]
pub(crate) struct Regions {
    frame: Window,
    packet: Window,
    read: Cell<Window>,
    write: Cell<Window>,
    stack: Arc<Block>,
    depth: usize,
    packet_block: Option<Arc<Block>>,
    maps: Arc<MapSpans>,
    records: Vec<Span>,
    lent: Vec<Span>,
}

impl Regions {
    /// A stack and nothing else.
    pub(crate) fn new() -> Regions {
        let mut regions = Regions {
            frame: Window::EMPTY,
            packet: Window::EMPTY,
            read: Cell::new(Window::EMPTY),
            write: Cell::new(Window::EMPTY),
            stack: Arc::new(Block::zeroed(STACK_SIZE)),
            depth: 0,
            packet_block: None,
            maps: Arc::default(),
            records: Vec::new(),
            lent: Vec::new(),
        };
        regions.set_depth(0);
        regions
    }

    fn frame_start(&self, depth: usize) -> u64 {
        self.stack.addr() + depth as u64 * FRAME_STRIDE
    }

    /// The address just past the current frame: the value of `r10`.
    #[inline(always)]
    pub(crate) fn frame_pointer(&self) -> u64 {
        self.frame.start.wrapping_add(FRAME_SIZE)
    }

    /// The depth of the current frame.
    #[inline(always)]
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Makes the frame at this depth the current one; deeper frames become inaccessible.
    #[inline]
    pub(crate) fn set_depth(&mut self, depth: usize) {
        self.depth = depth.min(FRAMES_MAX - 1);
        self.frame = Window::new(self.frame_start(self.depth), FRAME_SIZE);
        self.forget();
    }

    /// Zeroes the current frame.
    #[inline]
    pub(crate) fn clear_frame(&mut self) {
        const LEN: usize = 512;
        const { assert!(LEN as u64 == FRAME_SIZE) };
        if let Some(frame) = self.stack.range(self.depth * (STACK_SIZE / FRAMES_MAX), LEN) {
            frame.fill(0);
        }
    }

    /// Sets the map values that may be touched.
    pub(crate) fn set_maps(&mut self, maps: &Arc<MapSpans>) {
        if !Arc::ptr_eq(&self.maps, maps) {
            self.maps = Arc::clone(maps);
        }
        self.forget();
    }

    /// Sets the packet: `len` bytes from `addr` on, in `block`.
    #[inline]
    pub(crate) fn set_packet(&mut self, block: &Arc<Block>, addr: u64, len: u64) {
        match &self.packet_block {
            Some(old) if Arc::ptr_eq(old, block) => {}
            Some(_) | None => self.packet_block = Some(Arc::clone(block)),
        }
        let inside = Window::new(block.addr(), block.len() as u64).has(addr, len);
        self.packet = if inside { Window::new(addr, len) } else { Window::EMPTY };
    }

    /// Lends memory to the run.
    pub(crate) fn lend(&mut self, span: Span) {
        self.lent.push(span);
    }

    /// Adds a reserved record.
    pub(crate) fn grant(&mut self, record: Span) {
        self.records.push(record);
    }

    /// Takes a reserved record back.
    pub(crate) fn revoke(&mut self, addr: u64) -> Option<Span> {
        let at = self.records.iter().position(|record| record.addr() == addr)?;
        self.forget();
        Some(self.records.swap_remove(at))
    }

    /// The address of a record that is still reserved.
    pub(crate) fn pending_record(&self) -> Option<u64> {
        self.records.last().map(Span::addr)
    }

    /// Forgets where the last accesses were.
    #[inline]
    fn forget(&mut self) {
        self.read.set(Window::EMPTY);
        self.write.set(Window::EMPTY);
    }

    #[inline(always)]
    fn may_read(&self, addr: u64, len: u64) -> bool {
        self.frame.has(addr, len)
            || self.packet.has(addr, len)
            || self.read.get().has(addr, len)
            || self.find(addr, len, false)
    }

    #[inline(always)]
    fn may_write(&self, addr: u64, len: u64) -> bool {
        self.frame.has(addr, len)
            || self.packet.has(addr, len)
            || self.write.get().has(addr, len)
            || self.find(addr, len, true)
    }

    /// Looks an access up in everything but the current frame and the packet, and remembers where
    /// it was found.
    #[inline(never)]
    fn find(&self, addr: u64, len: u64, write: bool) -> bool {
        let Some((window, access)) = self.window_at(addr) else { return false };
        let allowed = if write { access.writes() } else { access.reads() };
        if !allowed || !window.has(addr, len) {
            return false;
        }
        if write {
            self.write.set(window)
        } else {
            self.read.set(window)
        }
        true
    }

    fn window_at(&self, addr: u64) -> Option<(Window, Access)> {
        let off = addr.wrapping_sub(self.stack.addr());
        if off < (self.depth as u64 + 1) * FRAME_STRIDE {
            let start = addr - off % FRAME_STRIDE;
            return Some((Window::new(start, FRAME_SIZE), Access::ReadWrite));
        }
        let in_map = self.maps.at(addr).map(|(span, _)| span);
        in_map.into_iter().chain(&self.records).chain(&self.lent).find_map(|span| {
            let (start, len) = span.element(addr)?;
            Some((Window::new(start, len), span.access()))
        })
    }

    /// A view for reading, if the program may read all of it.
    #[inline]
    pub(crate) fn readable(&self, addr: u64, len: usize) -> Option<Bytes<'_>> {
        // SAFETY: `may_read` found all bytes in a readable span, which `self` keeps alive.
        self.may_read(addr, len as u64).then(|| unsafe { Bytes::new(addr, len) })
    }

    /// A view for writing, if the program may write all of it.
    #[inline]
    pub(crate) fn writable(&self, addr: u64, len: usize) -> Option<BytesMut<'_>> {
        // SAFETY: `may_write` found all bytes in a writable span, which `self` keeps alive.
        self.may_write(addr, len as u64).then(|| unsafe { BytesMut::new(addr, len) })
    }

    /// Loads a number where the last loads were; `None` says nothing.
    #[inline(always)]
    pub(crate) fn load_near<T: Scalar>(&self, addr: u64) -> Option<T> {
        let len = size_of::<T>() as u64;
        let near = self.frame.has_number(addr, len)
            || self.packet.has_number(addr, len)
            || self.read.get().has_number(addr, len);
        // SAFETY: a window holds readable memory of a span that `self` keeps alive, and every bit
        // pattern is a value of a `Scalar`.
        near.then(|| unsafe { pointer(addr).cast::<T>().read_unaligned() })
    }

    /// Stores a number where the last stores were; `None` says nothing.
    #[inline(always)]
    pub(crate) fn store_near<T: Scalar>(&self, addr: u64, value: T) -> Option<()> {
        let len = size_of::<T>() as u64;
        let near = self.frame.has_number(addr, len)
            || self.packet.has_number(addr, len)
            || self.write.get().has_number(addr, len);
        // SAFETY: a window holds writable memory of a span that `self` keeps alive.
        near.then(|| unsafe { pointer(addr).cast::<T>().write_unaligned(value) })
    }

    /// Loads a number, if the program may.
    pub(crate) fn load<T: Scalar>(&self, addr: u64) -> Option<T> {
        if !self.may_read(addr, size_of::<T>() as u64) {
            return None;
        }
        // SAFETY: `may_read` found all bytes of the number in a readable span that `self` keeps
        // alive, and every bit pattern is a value of a `Scalar`.
        Some(unsafe { pointer(addr).cast::<T>().read_unaligned() })
    }

    /// Stores a number, if the program may.
    pub(crate) fn store<T: Scalar>(&self, addr: u64, value: T) -> Option<()> {
        if !self.may_write(addr, size_of::<T>() as u64) {
            return None;
        }
        // SAFETY: `may_write` found all bytes of the number in a writable span that `self` keeps
        // alive.
        unsafe { pointer(addr).cast::<T>().write_unaligned(value) };
        Some(())
    }

    /// Replaces a number by what `update` makes of it, atomically, if the program may read and
    /// write it. `update` runs again when another thread was faster. The address must be aligned to
    /// the size, which is 4 or 8 bytes; nothing is done otherwise.
    pub(crate) fn update(
        &self,
        addr: u64,
        size: Size,
        mut update: impl FnMut(u64) -> u64,
    ) -> Option<()> {
        let len = size.bytes() as u64;
        if !self.may_read(addr, len) || !self.may_write(addr, len) {
            return None;
        }
        match size {
            Size::W => {
                #[expect(clippy::cast_possible_truncation, reason = "the low bytes count")]
                let update = |old| Some(update(u64::from(old)) as u32);
                self.atomic32(addr)?.fetch_update(SeqCst, SeqCst, update).ok()?;
            }
            Size::DW => {
                let update = |old| Some(update(old));
                self.atomic64(addr)?.fetch_update(SeqCst, SeqCst, update).ok()?;
            }
            Size::B | Size::H => return None,
        }
        Some(())
    }

    /// Loads a number so that later accesses of this thread stay later, if the program may read it
    /// and its address is aligned.
    pub(crate) fn load_acquire(&self, addr: u64, size: Size) -> Option<u64> {
        if !self.may_read(addr, size.bytes() as u64) {
            return None;
        }
        match size {
            Size::B => self.atomic8(addr).map(|number| number.load(Acquire).into()),
            Size::H => self.atomic16(addr).map(|number| number.load(Acquire).into()),
            Size::W => self.atomic32(addr).map(|number| number.load(Acquire).into()),
            Size::DW => self.atomic64(addr).map(|number| number.load(Acquire)),
        }
    }

    /// Stores a number so that earlier accesses of this thread stay earlier, if the program may
    /// write it and its address is aligned.
    #[expect(clippy::cast_possible_truncation, reason = "a store keeps the low bytes")]
    pub(crate) fn store_release(&self, addr: u64, size: Size, value: u64) -> Option<()> {
        if !self.may_write(addr, size.bytes() as u64) {
            return None;
        }
        match size {
            Size::B => self.atomic8(addr)?.store(value as u8, Release),
            Size::H => self.atomic16(addr)?.store(value as u16, Release),
            Size::W => self.atomic32(addr)?.store(value as u32, Release),
            Size::DW => self.atomic64(addr)?.store(value, Release),
        }
        Some(())
    }

    /// Every region, for explaining a fault at `addr`.
    pub(crate) fn list(&self, addr: u64) -> Vec<Region> {
        let mut list: Vec<Region> = (0..=self.depth)
            .map(|depth| Region {
                kind: RegionKind::Stack(depth),
                map: None,
                start: self.frame_start(depth),
                len: FRAME_SIZE,
                access: Access::ReadWrite,
            })
            .collect();
        if self.packet_block.is_some() {
            let Window { start, end } = self.packet;
            let len = end.saturating_sub(start);
            let (kind, access) = (RegionKind::Packet, Access::ReadWrite);
            list.push(Region { kind, map: None, start, len, access });
        }
        let of_span = |kind, span: &Span| {
            let last = span.addr() + span.len().saturating_sub(1);
            let (start, len) = span.element(addr.clamp(span.addr(), last)).unwrap_or_default();
            Region { kind, map: None, start, len, access: span.access() }
        };
        list.extend(self.maps.spans.iter().map(|(span, map)| of_span(RegionKind::Map(*map), span)));
        list.extend(self.records.iter().map(|span| of_span(RegionKind::Record, span)));
        list.extend(self.lent.iter().map(|span| of_span(RegionKind::Lent, span)));
        list
    }
}

/// The number at an address, for atomic use.
macro_rules! atomics {
    ($( $name:ident: $atomic:ty, )*) => {
        impl Regions {
            $(
                /// `None` where the address is not aligned, or the program may not even read there.
                fn $name(&self, addr: u64) -> Option<&$atomic> {
                    let len = size_of::<$atomic>() as u64;
                    if !addr.is_multiple_of(len) || !(self.may_read(addr, len) || self.may_write(addr, len)) {
                        return None;
                    }
                    // SAFETY: the address is aligned and its bytes lie in a span that `self` keeps
                    // alive, both checked above; concurrent access by others is atomic or through
                    // raw pointers (module documentation of `memory`).
                    Some(unsafe { <$atomic>::from_ptr(pointer(addr).cast()) })
                }
            )*
        }
    };
}

atomics! {
    atomic8: AtomicU8,
    atomic16: AtomicU16,
    atomic32: AtomicU32,
    atomic64: AtomicU64,
}

/// Plain numbers that a program loads and stores: every bit pattern is one.
pub(crate) trait Scalar: Copy {
    /// The low bytes of a register.
    fn low_of(register: u64) -> Self;
}

macro_rules! scalars {
    ($( $number:ty )*) => {
        $(
            impl Scalar for $number {
                #[inline(always)]
                #[expect(clippy::allow_attributes, reason = "u64 loses nothing, the others do")]
                #[allow(clippy::cast_possible_truncation, reason = "the upper bytes are to go")]
                fn low_of(register: u64) -> $number {
                    register as $number
                }
            }
        )*
    };
}

scalars! { u8 u16 u32 u64 }
