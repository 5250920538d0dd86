//! A packet in memory: headroom, metadata, data and tailroom in one block.
//!
//! The block's address stays for as long as the packet fits, so that a program's pointers remain
//! true addresses; growing past the room moves the packet to a new block, as the kernel reallocates
//! an skb's head.
//!
//! The last part of a packet can be *fragments*: bytes that only helpers reach, as in XDP frames
//! that do not fit a page. Here they lie right behind the rest; that they are apart is told by
//! [`Packet::linear_end_addr`] alone.

use std::sync::Arc;

use crate::memory::{Block, Bytes, BytesMut};

/// The most bytes of a fragment: a page.
const FRAGMENT_MAX: usize = 4096;

/// A packet and the room around it.
#[derive(Debug)]
pub struct Packet {
    block: Arc<Block>,
    /// Where the metadata begins; equals `data` without metadata.
    meta: usize,
    /// Where the data begins.
    data: usize,
    /// Where the data ends, fragments included.
    end: usize,
    /// How many of its last bytes are in fragments.
    fragments: usize,
    /// The highest that `end` may go without moving, as long as there are no fragments.
    limit: usize,
}

/// What a fragment can hold: a page.
const FRAGMENT: usize = 4096;

impl Packet {
    /// A packet with a copy of `bytes`, `headroom` bytes before it and `tailroom` after it.
    pub fn new(headroom: usize, bytes: &[u8], tailroom: usize) -> Packet {
        let end = headroom + bytes.len();
        let limit = end + tailroom;
        let packet = Packet {
            block: Arc::new(Block::zeroed(limit)),
            meta: headroom,
            data: headroom,
            end,
            fragments: 0,
            limit,
        };
        if let Some(data) = packet.range_mut(0, bytes.len()) {
            data.copy_from(bytes);
        }
        packet
    }

    /// A packet with everything after the first `linear` bytes of `bytes` in fragments, each but the
    /// last a page long. Without its fragments it has `tailroom` after it.
    pub fn with_fragments(headroom: usize, bytes: &[u8], linear: usize, tailroom: usize) -> Packet {
        let fragments = bytes.len().saturating_sub(linear);
        let room = if fragments > 0 { tailroom.max(FRAGMENT) } else { tailroom };
        let mut packet = Packet::new(headroom, bytes, room);
        packet.fragments = fragments;
        packet.limit = packet.end - packet.fragments + tailroom;
        packet
    }

    /// The address of the first byte.
    #[inline]
    pub fn data_addr(&self) -> u64 {
        self.block.addr() + self.data as u64
    }

    /// The address after the last byte that programs reach directly.
    #[inline]
    pub fn linear_end_addr(&self) -> u64 {
        self.block.addr() + (self.end - self.fragments) as u64
    }

    /// The address of the metadata; that of the data if there is none.
    #[inline]
    pub fn meta_addr(&self) -> u64 {
        self.block.addr() + self.meta as u64
    }

    /// The memory that the packet lies in.
    pub(crate) fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// The number of bytes, fragments included.
    pub fn len(&self) -> usize {
        self.end - self.data
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.end == self.data
    }

    /// The number of bytes that programs reach directly.
    pub fn linear_len(&self) -> usize {
        self.len() - self.fragments
    }

    /// The number of bytes in fragments.
    pub fn fragments_len(&self) -> usize {
        self.fragments
    }

    /// The number of bytes of metadata.
    pub fn meta_len(&self) -> usize {
        self.data - self.meta
    }

    /// Bytes before the data, metadata included.
    pub fn headroom(&self) -> usize {
        self.data
    }

    /// Free bytes after the data: in the last fragment, if there is one.
    pub fn tailroom(&self) -> usize {
        match self.fragments % FRAGMENT {
            _ if self.fragments == 0 => self.limit - self.end,
            0 => 0,
            last => FRAGMENT - last,
        }
    }

    /// `len` bytes from `off` on, if they are there.
    pub fn range(&self, off: usize, len: usize) -> Option<Bytes<'_>> {
        self.range_mut(off, len).map(BytesMut::bytes)
    }

    /// The same for writing.
    pub fn range_mut(&self, off: usize, len: usize) -> Option<BytesMut<'_>> {
        if off.checked_add(len)? > self.len() {
            return None;
        }
        self.block.range(self.data + off, len)
    }

    /// `len` bytes from `off` on, which can lie in the headroom too, as a MAC header does that was
    /// passed already.
    pub fn range_around(&self, off: i64, len: usize) -> Option<Bytes<'_>> {
        let start = moved(self.data, off)?;
        if start.checked_add(len)? > self.end {
            return None;
        }
        self.block.range(start, len).map(BytesMut::bytes)
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.range(0, self.len()).map(Bytes::to_vec).unwrap_or_default()
    }

    /// A copy of the metadata and the bytes after it.
    pub fn to_vec_with_meta(&self) -> Vec<u8> {
        let all = self.block.range(self.meta, self.end - self.meta);
        all.map(|all| all.bytes().to_vec()).unwrap_or_default()
    }

    /// Moves the start of the data by `delta` bytes within the room and leaves the metadata where
    /// it is. `None` if that would leave the room or cross the metadata or the linear end.
    pub fn move_data(&mut self, delta: i64) -> Option<()> {
        let data = moved(self.data, delta)?;
        if data < self.meta || data > self.end - self.fragments {
            return None;
        }
        self.data = data;
        Some(())
    }

    /// Moves the start of the data, and the metadata before it with its bytes.
    pub fn move_data_and_meta(&mut self, delta: i64) -> Option<()> {
        let (meta, data) = (moved(self.meta, delta)?, moved(self.data, delta)?);
        if data > self.end - self.fragments {
            return None;
        }
        let len = self.meta_len();
        let from = self.block.range(self.meta, len)?;
        self.block.range(meta, len)?.copy_from_bytes(from.bytes());
        self.meta = meta;
        self.data = data;
        Some(())
    }

    /// Moves the start of the metadata by `delta` bytes.
    pub fn move_meta(&mut self, delta: i64) -> Option<()> {
        let meta = moved(self.meta, delta)?;
        if meta > self.data {
            return None;
        }
        self.meta = meta;
        Some(())
    }

    /// Gives up the metadata.
    pub fn clear_meta(&mut self) {
        self.meta = self.data;
    }

    /// Moves the end of the data by `delta` bytes, that of the fragments if there are any; new
    /// bytes are zero. A fragment that is given up takes its room with it.
    pub fn move_end(&mut self, delta: i64) -> Option<()> {
        let end = moved(self.end, delta)?;
        if end < self.data || end > self.end + self.tailroom() {
            return None;
        }
        match end.checked_sub(self.end) {
            Some(grown) => {
                self.block.range(self.end, grown)?.fill(0);
                if self.fragments > 0 {
                    self.fragments += grown;
                }
            }
            None if self.fragments > 0 => {
                let linear_end = self.end - self.fragments;
                self.fragments = self.fragments.saturating_sub(self.end - end);
                self.limit = linear_end + self.fragments.next_multiple_of(FRAGMENT_MAX);
            }
            None => {}
        }
        self.end = end;
        Some(())
    }

    /// Makes all bytes reachable for programs, as `bpf_skb_pull_data` does.
    pub fn linearize(&mut self) {
        if self.fragments > 0 {
            self.fragments = 0;
            self.limit = self.block.len();
        }
    }

    /// Makes the first `len` bytes reachable for programs. `None` if there are not that many.
    pub fn pull(&mut self, len: usize) -> Option<()> {
        self.fragments = self.fragments.min(self.len().checked_sub(len)?);
        Some(())
    }

    /// Makes sure of this much room before and after, by moving to a new block if need be.
    pub fn reserve(&mut self, headroom: usize, tailroom: usize) {
        if self.headroom() >= headroom && self.tailroom() >= tailroom {
            return;
        }
        let grow_head = headroom.saturating_sub(self.headroom());
        let grow_tail = tailroom.saturating_sub(self.tailroom());
        let block = Block::zeroed(self.block.len() + grow_head + grow_tail);
        if let Some((from, to)) =
            self.block.range(0, self.end).zip(block.range(grow_head, self.end))
        {
            to.copy_from_bytes(from.bytes());
        }
        self.block = Arc::new(block);
        self.meta += grow_head;
        self.data += grow_head;
        self.end += grow_head;
        self.limit += grow_head + grow_tail;
    }
}

/// `at + delta`, if that is a position at all.
fn moved(at: usize, delta: i64) -> Option<usize> {
    at.checked_add_signed(isize::try_from(delta).ok()?)
}
