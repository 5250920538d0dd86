//! Perf event arrays: `BPF_MAP_TYPE_PERF_EVENT_ARRAY`.
//!
//! In Linux a command puts a perf event, opened for one CPU, into each place; programs write samples
//! into the ring of the event. The user engine has a ring of its own for each CPU at the place with
//! the CPU's number, as the readers of all tools set it up, without a command.
//!
//! A sample is padded as in Linux: a reader sees `data` and zeros up to a length that is 4 more than
//! a multiple of 8.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use skep_command::Errno;
use skep_command::map::{Event, EventSink};
use skep_spec::abi::flags::perf_event;

use super::ring::{Bell, Ring};
use super::{Kind, Map};
use crate::world::Cpu;

/// Bytes of a CPU's ring: 64 pages, the default of libbpf's readers.
const RING: usize = 256 << 10;
/// The longest sample: a perf record states its length in 16 bits.
const MAX_SAMPLE: usize = 65_535 - 24;

/// A perf event array.
pub(crate) struct PerfEventArray {
    rings: Vec<PerfRing>,
    bell: Bell,
}

/// The ring of one CPU.
struct PerfRing {
    ring: Ring,
    /// Samples lost since the reader was told.
    lost: AtomicU64,
}

impl PerfEventArray {
    /// An array of so many places on so many CPUs.
    pub(crate) fn new(places: u32, cpus: u32) -> Result<PerfEventArray, Errno> {
        let ring = |_| Ok(PerfRing { ring: Ring::new(RING)?, lost: AtomicU64::new(0) });
        let rings = (0..places.min(cpus)).map(ring).collect::<Result<_, _>>()?;
        Ok(PerfEventArray { rings, bell: Bell::default() })
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.rings.iter().map(|ring| ring.ring.memory()).sum()
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    fn ring(&self, place: u32) -> Option<&PerfRing> {
        self.rings.get(usize::try_from(place).ok()?)
    }

    pub(crate) fn consume(&self, sink: &mut EventSink<'_>) -> usize {
        let mut records = 0;
        for (cpu, ring) in (0u32..).zip(&self.rings) {
            records += ring.ring.consume(&mut |data| sink(Event::Record { cpu, data }));
            let count = ring.lost.swap(0, Relaxed);
            if count > 0 {
                sink(Event::Lost { cpu, count });
            }
        }
        records
    }
}

/// Perf event arrays as programs use them.
impl Map {
    /// `bpf_perf_event_output` on a CPU: `flags` name a place or, with all ones, the CPU's own.
    ///
    /// `EINVAL` for other flags, `E2BIG` for a place beyond the array or a sample too long, `ENOENT`
    /// for a place without ring, `EOPNOTSUPP` for another CPU's place, `ENOSPC` (and a lost sample)
    /// if the ring is full.
    pub fn perf_event_output(&self, cpu: Cpu, flags: u64, data: &[u8]) -> Result<(), Errno> {
        let Kind::PerfEventArray(array) = &self.kind else { return Err(Errno::EINVAL) };
        let place = match flags {
            perf_event::CURRENT_CPU => cpu.0,
            place => u32::try_from(place).map_err(|_| Errno::EINVAL)?,
        };
        if place >= self.max_entries || data.len() > MAX_SAMPLE {
            return Err(Errno::E2BIG);
        }
        let ring = array.ring(place).ok_or(Errno::ENOENT)?;
        if place != cpu.0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let mut sample = data.to_vec();
        sample.resize(sample_len(data.len()), 0);
        let Some(_) = ring.ring.output(&sample) else {
            ring.lost.fetch_add(1, Relaxed);
            self.counters.lost();
            return Err(Errno::ENOSPC);
        };
        array.bell.ring();
        Ok(())
    }
}

/// Bytes of a sample as its reader sees it: with its 4-byte length before it, a multiple of 8.
fn sample_len(len: usize) -> usize {
    (len + 4).next_multiple_of(8) - 4
}
