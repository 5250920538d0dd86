//! The memory that one run may touch, and the check of every access to it.
//!
//! A program that was not verified can name any address. Here each one is looked up: the frame of
//! the running function, the packet, the frames of its callers, the values of the program's maps,
//! records that it reserved, memory that the host lent it. The places that were touched last are
//! kept as *windows*, so that nearly every check is one subtraction and two comparisons.

use std::cell::Cell;
use std::sync::Arc;

use super::{Access, Block, Bytes, BytesMut, Span, pointer};

/// Bytes of stack that a function has (`MAX_BPF_STACK`).
pub const FRAME_SIZE: u64 = 512;
/// How deep calls may nest, the main function included (`MAX_CALL_FRAMES`).
pub const FRAMES_MAX: usize = 8;
/// The distance of frames. The gap makes a small overrun of a frame a fault, rather than a write
/// into the caller's frame.
const FRAME_STRIDE: u64 = 2 * FRAME_SIZE;

/// An accessible stretch of addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    start: u64,
    len: u64,
}

impl Window {
    /// No address at all.
    pub(crate) const EMPTY: Window = Window { start: 0, len: 0 };

    #[inline(always)]
    fn has(self, addr: u64, len: u64) -> bool {
        let off = addr.wrapping_sub(self.start);
        off < self.len && self.len - off >= len
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// What it is.
    pub kind: RegionKind,
    /// Its first address (of the nearest element, in a map).
    pub start: u64,
    /// Its length.
    pub len: u64,
    /// What the program may do with it.
    pub access: Access,
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
        let stack_len = FRAMES_MAX * FRAME_STRIDE as usize;
        let mut regions = Regions {
            frame: Window::EMPTY,
            packet: Window::EMPTY,
            read: Cell::new(Window::EMPTY),
            write: Cell::new(Window::EMPTY),
            stack: Arc::new(Block::zeroed(stack_len)),
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
        self.frame = Window { start: self.frame_start(self.depth), len: FRAME_SIZE };
        self.forget();
    }

    /// Zeroes the current frame.
    #[inline]
    pub(crate) fn clear_frame(&mut self) {
        let off = self.depth * FRAME_STRIDE as usize;
        if let Some(frame) = self.stack.range(off, FRAME_SIZE as usize) {
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
        let inside = Window { start: block.addr(), len: block.len() as u64 }.has(addr, len);
        self.packet = if inside { Window { start: addr, len } } else { Window::EMPTY };
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

    /// A record that is still reserved.
    pub(crate) fn pending_record(&self) -> Option<&Span> {
        self.records.last()
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
            return Some((Window { start, len: FRAME_SIZE }, Access::ReadWrite));
        }
        let in_map = self.maps.at(addr).map(|(span, _)| span);
        in_map.into_iter().chain(&self.records).chain(&self.lent).find_map(|span| {
            let (start, len) = span.element(addr)?;
            Some((Window { start, len }, span.access()))
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

    /// Loads a number, if the program may.
    #[inline(always)]
    pub(crate) fn load<T: Copy + Scalar>(&self, addr: u64) -> Option<T> {
        if !self.may_read(addr, size_of::<T>() as u64) {
            return None;
        }
        // SAFETY: `may_read` found all bytes of the number in a readable span that `self` keeps
        // alive, and every bit pattern is a value of a `Scalar`.
        Some(unsafe { pointer(addr).cast::<T>().read_unaligned() })
    }

    /// Stores a number, if the program may.
    #[inline(always)]
    pub(crate) fn store<T: Copy + Scalar>(&self, addr: u64, value: T) -> Option<()> {
        if !self.may_write(addr, size_of::<T>() as u64) {
            return None;
        }
        // SAFETY: `may_write` found all bytes of the number in a writable span that `self` keeps
        // alive.
        unsafe { pointer(addr).cast::<T>().write_unaligned(value) };
        Some(())
    }

    /// Whether the program may both read and write `len` bytes, as an atomic operation does.
    pub(crate) fn may_update(&self, addr: u64, len: u64) -> bool {
        self.may_read(addr, len) && self.may_write(addr, len)
    }

    /// Every region, for explaining a fault at `addr`.
    pub(crate) fn list(&self, addr: u64) -> Vec<Region> {
        let mut list: Vec<Region> = (0..=self.depth)
            .map(|depth| Region {
                kind: RegionKind::Stack(depth),
                start: self.frame_start(depth),
                len: FRAME_SIZE,
                access: Access::ReadWrite,
            })
            .collect();
        if self.packet_block.is_some() {
            let Window { start, len } = self.packet;
            list.push(Region { kind: RegionKind::Packet, start, len, access: Access::ReadWrite });
        }
        let of_span = |kind, span: &Span| {
            let last = span.addr() + span.len().saturating_sub(1);
            let (start, len) = span.element(addr.clamp(span.addr(), last)).unwrap_or_default();
            Region { kind, start, len, access: span.access() }
        };
        list.extend(self.maps.spans.iter().map(|(span, map)| of_span(RegionKind::Map(*map), span)));
        list.extend(self.records.iter().map(|span| of_span(RegionKind::Record, span)));
        list.extend(self.lent.iter().map(|span| of_span(RegionKind::Lent, span)));
        list
    }
}

/// Plain numbers that a program loads and stores.
pub(crate) trait Scalar {}
impl Scalar for u8 {}
impl Scalar for u16 {}
impl Scalar for u32 {}
impl Scalar for u64 {}
