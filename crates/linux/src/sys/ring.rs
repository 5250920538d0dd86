//! Reading a ring buffer map.
//!
//! The map's memory is a page with the consumer's position, a page with the producer's, and the
//! data twice in a row, so that a record that wraps around reads in one piece
//! (`kernel/bpf/ringbuf.c`).

use std::os::fd::BorrowedFd;

use skep_command::map::{Event, EventSink};
use skep_spec::abi::flags::ringbuf_header;

use super::Result;
use super::memory::{Mapping, page_bytes};

/// A ring buffer, seen from its consumer.
#[derive(Debug)]
pub(crate) struct Ring {
    /// The consumer's page, which is ours to write.
    consumer: Mapping,
    /// The producer's page, and the data twice.
    producer: Mapping,
    page: usize,
    /// The size of the data, a power of two.
    bytes: u64,
}

impl Ring {
    /// Maps the memory of a ring buffer map with `bytes` of data.
    pub(crate) fn new(map: BorrowedFd<'_>, bytes: u32) -> Result<Ring> {
        let page = page_bytes();
        let consumer = Mapping::new(map, 0, page, true)?;
        let producer = Mapping::new(map, page, page + 2 * bytes as usize, false)?;
        Ok(Ring { consumer, producer, page, bytes: u64::from(bytes) })
    }

    /// Hands all finished records to `sink`, and returns how many there were.
    pub(crate) fn consume(&mut self, sink: &mut EventSink<'_>) -> usize {
        let mut count = 0;
        let mut position = self.consumer.load_u64(0);
        while position < self.producer.load_u64(0) {
            let offset = self.page + offset_in(position, self.bytes);
            let header = self.producer.load_u32(offset);
            if header & ringbuf_header::BUSY_BIT != 0 {
                break;
            }
            let bytes = header & !ringbuf_header::DISCARD_BIT;
            let data = offset + ringbuf_header::SIZE as usize;
            // A record is smaller than the ring; the kernel alone writes its header.
            let bytes = (bytes as usize).min(self.producer.len().saturating_sub(data));
            if header & ringbuf_header::DISCARD_BIT == 0 {
                sink(Event::Record { cpu: 0, data: &self.producer.copy(data, bytes) });
                count += 1;
            }
            let taken = (bytes as u64 + u64::from(ringbuf_header::SIZE)).next_multiple_of(8);
            position += taken;
            self.consumer.store_u64(0, position);
        }
        count
    }
}

/// The offset of a position in data of `bytes`, a power of two.
pub(super) fn offset_in(position: u64, bytes: u64) -> usize {
    usize::try_from(position & (bytes - 1)).expect("ring: data is smaller than the address space")
}
