//! A packet in memory: headroom, metadata, data and tailroom in one block.
//!
//! The block's address stays for as long as the packet fits, so that a program's pointers remain
//! true addresses; growing past the room moves the packet to a new block, as the kernel reallocates
//! an skb's head.

use std::sync::Arc;

use crate::memory::{Block, Bytes, BytesMut};

/// A packet and the room around it.
#[derive(Debug)]
pub struct Packet {
    block: Arc<Block>,
    /// Where the metadata begins; equals `data` without metadata.
    meta: usize,
    /// Where the data begins.
    data: usize,
    /// Where the data ends.
    end: usize,
    /// The lowest that `data` may go, and the highest that `end` may go, without moving.
    room: (usize, usize),
}

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
            room: (0, limit),
        };
        if let Some(data) = packet.range_mut(0, bytes.len()) {
            data.copy_from(bytes);
        }
        packet
    }

    /// The address of the first byte.
    #[inline]
    pub fn data_addr(&self) -> u64 {
        self.block.addr() + self.data as u64
    }

    /// The address after the last byte.
    #[inline]
    pub fn end_addr(&self) -> u64 {
        self.block.addr() + self.end as u64
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

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.end - self.data
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.end == self.data
    }

    /// The number of bytes of metadata.
    pub fn meta_len(&self) -> usize {
        self.data - self.meta
    }

    /// Free bytes before the data, metadata included.
    pub fn headroom(&self) -> usize {
        self.data - self.room.0
    }

    /// Free bytes after the data.
    pub fn tailroom(&self) -> usize {
        self.room.1 - self.end
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

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.range(0, self.len()).map(Bytes::to_vec).unwrap_or_default()
    }

    /// A copy of the metadata.
    pub fn meta_to_vec(&self) -> Vec<u8> {
        let meta = self.block.range(self.meta, self.meta_len());
        meta.map(|meta| meta.bytes().to_vec()).unwrap_or_default()
    }

    /// Moves the start of the data by `delta` bytes within the room and leaves the metadata where
    /// it is. `None` if that would leave the room or cross the metadata or the end.
    pub fn move_data(&mut self, delta: i64) -> Option<()> {
        let data = moved(self.data, delta)?;
        if data < self.meta || data > self.end {
            return None;
        }
        self.data = data;
        Some(())
    }

    /// Moves the start of the data and the metadata before it together, bytes included.
    pub fn move_data_and_meta(&mut self, delta: i64) -> Option<()> {
        let (meta, data) = (moved(self.meta, delta)?, moved(self.data, delta)?);
        if meta < self.room.0 || data > self.end {
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
        if meta < self.room.0 || meta > self.data {
            return None;
        }
        self.meta = meta;
        Some(())
    }

    /// Gives up the metadata.
    pub fn clear_meta(&mut self) {
        self.meta = self.data;
    }

    /// Moves the end of the data by `delta` bytes; new bytes are zero.
    pub fn move_end(&mut self, delta: i64) -> Option<()> {
        let end = moved(self.end, delta)?;
        if end < self.data || end > self.room.1 {
            return None;
        }
        if end > self.end {
            self.block.range(self.end, end - self.end)?.fill(0);
        }
        self.end = end;
        Some(())
    }

    /// Makes sure of this much room before and after, by moving to a new block if need be.
    pub fn reserve(&mut self, headroom: usize, tailroom: usize) {
        if self.headroom() >= headroom && self.tailroom() >= tailroom {
            return;
        }
        let grow_head = headroom.saturating_sub(self.headroom());
        let grow_tail = tailroom.saturating_sub(self.tailroom());
        let block = Block::zeroed(self.room.1 + grow_head + grow_tail);
        let copy = self.block.range(0, self.room.1).zip(block.range(grow_head, self.room.1));
        if let Some((from, to)) = copy {
            to.copy_from_bytes(from.bytes());
        }
        self.block = Arc::new(block);
        self.meta += grow_head;
        self.data += grow_head;
        self.end += grow_head;
        self.room = (self.room.0, self.room.1 + grow_head + grow_tail);
    }
}

/// `at + delta`, if that is a position at all.
fn moved(at: usize, delta: i64) -> Option<usize> {
    at.checked_add_signed(isize::try_from(delta).ok()?)
}
