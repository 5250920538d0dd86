//! Ring buffers: `BPF_MAP_TYPE_RINGBUF`.

use std::sync::Arc;
use std::time::Duration;

use skep_command::Errno;
use skep_command::map::{Event, EventSink};
use skep_spec::abi::flags::{ringbuf, ringbuf_query};

use super::ring::{Bell, Committed, Ring};
use super::{Kind, Map};
use crate::memory::{Access, Span};

/// A ring buffer.
pub(crate) struct Ringbuf {
    ring: Ring,
    bell: Bell,
}

impl Ringbuf {
    pub(crate) fn new(size: u32) -> Result<Ringbuf, Errno> {
        Ok(Ringbuf { ring: Ring::new(size as usize)?, bell: Bell::default() })
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.ring.memory()
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    pub(crate) fn consume(&self, sink: &mut EventSink<'_>) -> usize {
        self.ring.consume(&mut |data| sink(Event::Record { cpu: 0, data }))
    }

    /// Wakes the reader of a finished record as the flags say: if neither does, when it has read
    /// everything before.
    fn notify(&self, committed: Committed, flags: u64) {
        let forced = flags & ringbuf::FORCE_WAKEUP != 0;
        if forced || (committed.caught_up && flags & ringbuf::NO_WAKEUP == 0) {
            self.bell.ring();
        }
    }
}

/// Ring buffers as programs use them.
impl Map {
    fn ringbuf(&self) -> Result<&Ringbuf, Errno> {
        match &self.kind {
            Kind::Ringbuf(ringbuf) => Ok(ringbuf),
            Kind::Array(_)
            | Kind::Hash(_)
            | Kind::LpmTrie(_)
            | Kind::ProgArray(_)
            | Kind::PerfEventArray(_)
            | Kind::Devmap(_)
            | Kind::DevmapHash(_) => Err(Errno::EINVAL),
        }
    }

    /// `bpf_ringbuf_reserve`: room for a record of `len` bytes, which the program may write until it
    /// submits or discards it. `None` (and a lost record) if there is no room, or `flags` is not 0.
    pub fn ringbuf_reserve(self: &Arc<Map>, len: u64, flags: u64) -> Result<Option<Span>, Errno> {
        let ringbuf = self.ringbuf()?;
        let reserved = usize::try_from(len).ok().filter(|len| flags == 0 && *len > 0);
        let Some(address) = reserved.and_then(|len| ringbuf.ring.reserve(len)) else {
            self.counters.lost();
            return Ok(None);
        };
        // SAFETY: the record's data is in the ring's area, which is mapped and initialised as long as
        // the map lives, which the span owns a reference to; the area exposes its provenance when it
        // is made, and gives out no references to plain bytes.
        let span = unsafe { Span::new(address, len, len, len, Access::ReadWrite, self.clone()) };
        Ok(Some(span))
    }

    /// `bpf_ringbuf_submit`: hands the record at `address` to the reader. `EINVAL` if none is
    /// reserved there.
    pub fn ringbuf_submit(&self, address: u64, flags: u64) -> Result<(), Errno> {
        self.finish(address, flags, false)
    }

    /// `bpf_ringbuf_discard`: gives the record at `address` up. `EINVAL` if none is reserved there.
    pub fn ringbuf_discard(&self, address: u64, flags: u64) -> Result<(), Errno> {
        self.finish(address, flags, true)
    }

    fn finish(&self, address: u64, flags: u64, discard: bool) -> Result<(), Errno> {
        let ringbuf = self.ringbuf()?;
        let committed = ringbuf.ring.commit(address, discard).ok_or(Errno::EINVAL)?;
        ringbuf.notify(committed, flags);
        Ok(())
    }

    /// `bpf_ringbuf_output`: a whole record. `EAGAIN` (and a lost record) if there is no room.
    pub fn ringbuf_output(&self, data: &[u8], flags: u64) -> Result<(), Errno> {
        let ringbuf = self.ringbuf()?;
        if flags & !(ringbuf::NO_WAKEUP | ringbuf::FORCE_WAKEUP) != 0 {
            return Err(Errno::EINVAL);
        }
        let Some(committed) = ringbuf.ring.output(data) else {
            self.counters.lost();
            return Err(Errno::EAGAIN);
        };
        ringbuf.notify(committed, flags);
        Ok(())
    }

    /// `bpf_ringbuf_query`: 0 for a question that it does not know.
    pub fn ringbuf_query(&self, question: u64) -> Result<u64, Errno> {
        let ring = &self.ringbuf()?.ring;
        Ok(match question {
            ringbuf_query::AVAIL_DATA => ring.producer().wrapping_sub(ring.consumer()),
            ringbuf_query::RING_SIZE => ring.size(),
            ringbuf_query::CONS_POS => ring.consumer(),
            ringbuf_query::PROD_POS => ring.producer(),
            _ => 0,
        })
    }
}

/// Ring buffers and perf event arrays as their readers use them.
impl Map {
    /// Hands the records that wait to `sink`, oldest first for each ring, and returns how many there
    /// were; `EINVAL` for a map that has no records.
    pub fn consume(&self, sink: &mut EventSink<'_>) -> Result<usize, Errno> {
        match &self.kind {
            Kind::Ringbuf(ringbuf) => Ok(ringbuf.consume(sink)),
            Kind::PerfEventArray(array) => Ok(array.consume(sink)),
            Kind::Array(_)
            | Kind::Hash(_)
            | Kind::LpmTrie(_)
            | Kind::ProgArray(_)
            | Kind::Devmap(_)
            | Kind::DevmapHash(_) => Err(Errno::EINVAL),
        }
    }

    /// How often a reader was to be woken.
    pub fn wakeups(&self) -> u64 {
        self.bell().map_or(0, Bell::rung)
    }

    /// Waits until a reader was to be woken more than `seen` times, and says whether it was.
    pub fn wait(&self, seen: u64, timeout: Duration) -> bool {
        self.bell().is_some_and(|bell| bell.wait(seen, timeout))
    }

    fn bell(&self) -> Option<&Bell> {
        match &self.kind {
            Kind::Ringbuf(ringbuf) => Some(ringbuf.bell()),
            Kind::PerfEventArray(array) => Some(array.bell()),
            Kind::Array(_)
            | Kind::Hash(_)
            | Kind::LpmTrie(_)
            | Kind::ProgArray(_)
            | Kind::Devmap(_)
            | Kind::DevmapHash(_) => None,
        }
    }
}
