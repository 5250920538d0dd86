//! The rings of a perf event array: one perf event a CPU, into which programs write.
//!
//! Each is a control page with positions, and the data after it, which is mapped once, so that
//! records can wrap around (`struct perf_event_mmap_page` and perf_event_open(2)).

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use skep_command::Errno;
use skep_command::map::{Event, EventSink};

use super::memory::{Mapping, page_bytes};
use super::ring::offset_in;
use super::{Result, last_errno};

/// Pages of data for each CPU: room for a burst between two looks. A power of two.
const DATA_PAGES: usize = 64;

/// `PERF_TYPE_SOFTWARE`.
const TYPE_SOFTWARE: u32 = 1;
/// `PERF_COUNT_SW_BPF_OUTPUT`.
const BPF_OUTPUT: u64 = 10;
/// `PERF_SAMPLE_RAW`.
const SAMPLE_RAW: u64 = 1 << 10;
/// The size of `struct perf_event_attr` that is enough here (`PERF_ATTR_SIZE_VER0`).
const ATTR_BYTES: u32 = 64;
/// `PERF_FLAG_FD_CLOEXEC`.
const CLOEXEC: libc::c_ulong = 1 << 3;
/// `PERF_EVENT_IOC_ENABLE`.
const ENABLE: libc::c_ulong = 0x2400;

/// The offsets of `data_head` and `data_tail` in the control page.
const HEAD: usize = 1024;
const TAIL: usize = 1032;

/// `PERF_RECORD_LOST` and `PERF_RECORD_SAMPLE`.
const RECORD_LOST: u32 = 2;
const RECORD_SAMPLE: u32 = 9;
/// The size of a record's header: type, flags, size.
const HEADER_BYTES: usize = 8;

/// The ring of one CPU.
#[derive(Debug)]
pub(crate) struct PerfRing {
    cpu: u32,
    event: OwnedFd,
    memory: Mapping,
    page: usize,
}

impl PerfRing {
    /// Opens the ring of a CPU.
    pub(crate) fn open(cpu: u32) -> Result<PerfRing> {
        let mut attr = [0_u8; ATTR_BYTES as usize];
        attr[0..4].copy_from_slice(&TYPE_SOFTWARE.to_ne_bytes());
        attr[4..8].copy_from_slice(&ATTR_BYTES.to_ne_bytes());
        attr[8..16].copy_from_slice(&BPF_OUTPUT.to_ne_bytes());
        attr[16..24].copy_from_slice(&1_u64.to_ne_bytes()); // sample_period: every event
        attr[24..32].copy_from_slice(&SAMPLE_RAW.to_ne_bytes());
        let cpu_number = i32::try_from(cpu).map_err(|_| Errno::EINVAL)?;
        // SAFETY: `attr` has the size that it states, and lives until the call returns.
        let fd = unsafe {
            libc::syscall(libc::SYS_perf_event_open, attr.as_ptr(), -1, cpu_number, -1, CLOEXEC)
        };
        if fd < 0 {
            return Err(last_errno());
        }
        let fd = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
        // SAFETY: the call succeeded, so that the descriptor is new and nobody else owns it.
        let event = unsafe { OwnedFd::from_raw_fd(fd) };
        let page = page_bytes();
        let memory = Mapping::new(event.as_fd(), 0, page * (1 + DATA_PAGES), true)?;
        // SAFETY: the request takes no memory.
        if unsafe { libc::ioctl(event.as_raw_fd(), ENABLE, 0) } < 0 {
            return Err(last_errno());
        }
        Ok(PerfRing { cpu, event, memory, page })
    }

    /// The CPU.
    pub(crate) fn cpu(&self) -> u32 {
        self.cpu
    }

    /// The perf event, which goes into the map.
    pub(crate) fn event(&self) -> &OwnedFd {
        &self.event
    }

    /// Hands all records to `sink`, and returns how many there were.
    pub(crate) fn consume(&mut self, sink: &mut EventSink<'_>) -> usize {
        let cpu = self.cpu;
        let mut count = 0;
        let head = self.memory.load_u64(HEAD);
        let mut tail = self.memory.load_u64(TAIL);
        while tail < head {
            let header = self.read(tail, HEADER_BYTES);
            let kind = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]);
            let bytes = usize::from(u16::from_ne_bytes([header[6], header[7]]));
            if bytes < HEADER_BYTES {
                break;
            }
            let body = self.read(tail + HEADER_BYTES as u64, bytes - HEADER_BYTES);
            match kind {
                RECORD_SAMPLE => {
                    if let Some(data) = sample(&body) {
                        sink(Event::Record { cpu, data });
                        count += 1;
                    }
                }
                RECORD_LOST => {
                    let lost = body.get(8..16).and_then(|lost| lost.try_into().ok());
                    let lost = lost.map_or(0, u64::from_ne_bytes);
                    sink(Event::Lost { cpu, count: lost });
                }
                // Throttling and the like say nothing about records.
                _ => {}
            }
            tail += bytes as u64;
            self.memory.store_u64(TAIL, tail);
        }
        count
    }

    /// A copy of the bytes at a position, which may wrap around.
    fn read(&self, position: u64, bytes: usize) -> Vec<u8> {
        let size = DATA_PAGES * self.page;
        let at = offset_in(position, size as u64);
        let first = bytes.min(size - at);
        let mut copy = self.memory.copy(self.page + at, first);
        copy.extend(self.memory.copy(self.page, (bytes - first).min(size)));
        copy
    }
}

/// The data of a sample: a size, the bytes, padding.
///
/// The kernel pads data so that size and data together are a multiple of eight bytes, and counts
/// the padding in; nobody can tell it from the data.
fn sample(body: &[u8]) -> Option<&[u8]> {
    let bytes = u32::from_ne_bytes(body.get(..4)?.try_into().ok()?);
    body.get(4..4 + bytes as usize)
}
