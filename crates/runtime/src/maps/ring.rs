//! A ring of records: what a ring buffer is, and each CPU's part of a perf event array.
//!
//! The layout is the kernel's: a consumer page with the reader's position, a producer page with the
//! writers', then the ring, with room behind it for as much again. A record begins inside the ring
//! and lies in one piece; the kernel maps the ring twice for that, here it just goes on into the room
//! behind. A record is a header of 8 bytes (length with a busy and a discard bit, and a page number),
//! the data, and padding to 8.
//!
//! The reader's position may be another process's to write. It decides how much room there seems to
//! be, no more: what is still being written is protected by a position of our own, which advances
//! over finished records only.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::{Mutex, PoisonError};

use skep_command::Errno;
use skep_spec::abi::flags::ringbuf_header;

use super::memory::{Area, PAGE};

/// The record is not finished.
const BUSY: u32 = ringbuf_header::BUSY_BIT;
/// The record is not for the reader.
const DISCARD: u32 = ringbuf_header::DISCARD_BIT;
/// Bytes of a record's header.
const HEADER: usize = ringbuf_header::SIZE as usize;
/// The longest record that the header can tell of (`RINGBUF_MAX_RECORD_SZ`).
const MAX_RECORD: usize = (u32::MAX / 4) as usize;
/// Where the reader's position is.
const CONSUMER: usize = 0;
/// Where the writers' position is.
const PRODUCER: usize = PAGE;
/// Where the ring begins.
const DATA: usize = 2 * PAGE;

/// How many bytes of the ring are committed at once.
const COMMIT_STEP: usize = 64 << 10;

/// A ring of records.
pub(crate) struct Ring {
    area: Area,
    size: usize,
    /// Held to reserve.
    writing: Mutex<Writing>,
    /// Held to read.
    reading: Mutex<Vec<u8>>,
}

/// What writers share.
struct Writing {
    /// The position up to which no record is busy.
    finished: u64,
    /// Up to where memory stands behind the area.
    committed: usize,
}

/// What became of a record whose data is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Committed {
    /// Whether the reader had read everything before it: it may be asleep.
    pub(crate) caught_up: bool,
}

impl Ring {
    /// An empty ring of `size` bytes, a power of two and whole pages.
    pub(crate) fn new(size: usize) -> Result<Ring, Errno> {
        let len = size.checked_mul(2).and_then(|len| len.checked_add(DATA)).ok_or(Errno::ENOMEM)?;
        let area = Area::new(len)?;
        area.commit(0, DATA)?;
        let writing = Mutex::new(Writing { finished: 0, committed: DATA });
        Ok(Ring { area, size, writing, reading: Mutex::default() })
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.area.len()
    }

    /// Bytes of the ring.
    pub(crate) fn size(&self) -> u64 {
        self.size as u64
    }

    /// The reader's position.
    pub(crate) fn consumer(&self) -> u64 {
        self.area.u64(CONSUMER).load(Acquire)
    }

    /// The writers' position.
    pub(crate) fn producer(&self) -> u64 {
        self.area.u64(PRODUCER).load(Acquire)
    }

    /// Room for a record of `len` bytes: the address of its data. `None` if there is no room.
    pub(crate) fn reserve(&self, len: usize) -> Option<u64> {
        if len > MAX_RECORD {
            return None;
        }
        let total = record_len(len) as u64;
        if total > self.size() {
            return None;
        }
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = self.area.u64(PRODUCER).load(Relaxed);
        let end = begin.wrapping_add(total);
        writing.finished = self.advance(writing.finished, begin);
        let most = self.size() - 1;
        if end.wrapping_sub(self.consumer()) > most || end.wrapping_sub(writing.finished) > most {
            return None;
        }
        let header = self.place(begin);
        let behind = header + record_len(len);
        if behind > writing.committed {
            let step = behind.next_multiple_of(COMMIT_STEP).min(self.area.len());
            self.area.commit(writing.committed, step - writing.committed).ok()?;
            writing.committed = step;
        }
        let length = u32::try_from(len).ok()? | BUSY;
        self.area.u32(header + 4).store(u32::try_from(header / PAGE).ok()?, Relaxed);
        self.area.u32(header).store(length, Release);
        self.area.u64(PRODUCER).store(end, Release);
        Some(self.area.address(header + HEADER))
    }

    /// Moves a position up to `end` over records that are finished.
    fn advance(&self, mut position: u64, end: u64) -> u64 {
        while position != end {
            let length = self.area.u32(self.place(position)).load(Acquire);
            let len = record_len((length & !(BUSY | DISCARD)) as usize) as u64;
            if length & BUSY != 0 || len > end.wrapping_sub(position) {
                break;
            }
            position = position.wrapping_add(len);
        }
        position
    }

    /// Finishes the record whose data is at `address`; `None` if there is no unfinished one.
    pub(crate) fn commit(&self, address: u64, discard: bool) -> Option<Committed> {
        let header = self.area.offset(address)?.checked_sub(HEADER)?;
        if header < DATA || header >= DATA + self.size || !header.is_multiple_of(8) {
            return None;
        }
        let length = self.area.u32(header);
        let busy = length.load(Relaxed);
        if busy & BUSY == 0 {
            return None;
        }
        let done = busy & !BUSY | if discard { DISCARD } else { 0 };
        length.swap(done, AcqRel);
        Some(Committed { caught_up: self.place(self.consumer()) == header })
    }

    /// Writes a whole record; `None` if there is no room.
    pub(crate) fn output(&self, data: &[u8]) -> Option<Committed> {
        let address = self.reserve(data.len())?;
        let at = self.area.offset(address)?;
        self.area.write(at, data);
        self.commit(address, false)
    }

    /// Hands the finished records to `sink`, as far as they follow one another and are there now, and
    /// returns how many there were.
    pub(crate) fn consume(&self, sink: &mut dyn FnMut(&[u8])) -> usize {
        let mut record = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let end = self.producer();
        let mut position = self.consumer();
        let mut count = 0;
        if end.wrapping_sub(position) > self.size() {
            // Who shares the consumer page wrote nonsense to it.
            return 0;
        }
        while position != end {
            let header = self.place(position);
            let length = self.area.u32(header).load(Acquire);
            let len = (length & !(BUSY | DISCARD)) as usize;
            if length & BUSY != 0 || record_len(len) as u64 > end.wrapping_sub(position) {
                break;
            }
            if length & DISCARD == 0 {
                record.resize(len, 0);
                self.area.read(header + HEADER, &mut record);
            }
            position = position.wrapping_add(record_len(len) as u64);
            self.area.u64(CONSUMER).store(position, Release);
            if length & DISCARD == 0 {
                sink(&record);
                count += 1;
            }
        }
        count
    }

    /// Where a position is in the area.
    #[expect(clippy::cast_possible_truncation, reason = "the ring's size fits the address space")]
    fn place(&self, position: u64) -> usize {
        DATA + (position & (self.size() - 1) & !7) as usize
    }
}

/// Bytes of a record in the ring.
fn record_len(len: usize) -> usize {
    (len + HEADER).next_multiple_of(8)
}

/// Counts, and wakes who waits for a count.
#[derive(Default)]
pub(crate) struct Bell {
    rung: AtomicU64,
    lock: Mutex<()>,
    changed: std::sync::Condvar,
}

impl Bell {
    /// Wakes who waits.
    pub(crate) fn ring(&self) {
        self.rung.fetch_add(1, AcqRel);
        let held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        drop(held);
        self.changed.notify_all();
    }

    /// How often it was rung.
    pub(crate) fn rung(&self) -> u64 {
        self.rung.load(Acquire)
    }

    /// Waits until it has been rung more than `seen` times, and says whether it has.
    pub(crate) fn wait(&self, seen: u64, timeout: std::time::Duration) -> bool {
        let held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |(): &mut ()| self.rung() <= seen;
        let waited = self.changed.wait_timeout_while(held, timeout, waiting);
        drop(waited);
        self.rung() > seen
    }
}
