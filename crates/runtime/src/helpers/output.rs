//! Records for readers outside: ring buffers and perf event arrays.

use std::sync::Arc;

use skep_command::Errno;

use super::{Outcome, fail, low32, status};
use crate::context::Context;
use crate::fault::Fault;
use crate::maps::Map;
use crate::memory::Bytes;
use crate::run::Run;

/// The bits of the flags that say how many bytes of the packet to append (`BPF_F_CTXLEN_MASK`).
const CTXLEN_MASK: u64 = 0xf_ffff << CTXLEN_SHIFT;
const CTXLEN_SHIFT: u32 = 32;

/// The bits that name the place in the array (`BPF_F_INDEX_MASK`).
const INDEX_MASK: u64 = 0xffff_ffff;

/// `bpf_perf_event_output(ctx, map, flags, data, size)`: sends a sample to the reader of a CPU.
///
/// The low half of the flags names the place in the array, all ones the running CPU's. For packets,
/// the 20 bits above say how many bytes of the packet follow the data. Returns 0; `-EINVAL` for
/// other flags; `-EFAULT` if the packet is shorter than asked for; `-E2BIG` for a place beyond the
/// array; `-ENOENT` for a place without reader; `-EOPNOTSUPP` for that of another CPU; `-ENOSPC` if
/// the reader's buffer is full.
pub(super) fn perf_event_output(
    run: &mut Run<'_>,
    [ctx, map, flags, data, size]: [u64; 5],
) -> Outcome {
    let map = run.map(map)?;
    let mut sample = memory(run, data, size)?;
    let allowed = match run.context() {
        Context::Xdp(_) | Context::Skb(_) => {
            run.check_context(ctx)?;
            CTXLEN_MASK | INDEX_MASK
        }
        Context::Plain(_) => INDEX_MASK,
    };
    if flags & !allowed != 0 {
        return fail(Errno::EINVAL);
    }
    let appended = low32((flags & CTXLEN_MASK) >> CTXLEN_SHIFT) as usize;
    if appended > 0 {
        match run.packet()?.range(0, appended).map(Bytes::to_vec) {
            Some(bytes) => sample.extend(bytes),
            None => return fail(Errno::EFAULT),
        }
    }
    status(map.perf_event_output(run.cpu(), flags & INDEX_MASK, &sample))
}

/// `bpf_ringbuf_output(map, data, size, flags)`: sends a record.
///
/// Returns 0; `-EINVAL` for flags other than `BPF_RB_NO_WAKEUP` and `BPF_RB_FORCE_WAKEUP`; `-EAGAIN`
/// if there is no room.
pub(super) fn ringbuf_output(run: &mut Run<'_>, [map, data, size, flags, _]: [u64; 5]) -> Outcome {
    let map = run.map(map)?;
    let data = memory(run, data, size)?;
    status(map.ringbuf_output(&data, flags))
}

/// `bpf_ringbuf_reserve(map, size, flags)`: room for a record, to be filled in place.
///
/// Returns its address; 0 if there is no room, and for any flag.
pub(super) fn ringbuf_reserve(run: &mut Run<'_>, [map, size, flags, ..]: [u64; 5]) -> Outcome {
    let map = Arc::clone(run.map(map)?);
    match map.ringbuf_reserve(size, flags) {
        Ok(Some(record)) => {
            let addr = record.addr();
            run.grant(record);
            Ok(addr)
        }
        Ok(None) => Ok(0),
        Err(errno) => Err(wrong_map(&map, errno)),
    }
}

/// `bpf_ringbuf_submit(data, flags)`: hands a reserved record to the reader. Returns 0.
pub(super) fn ringbuf_submit(run: &mut Run<'_>, [data, flags, ..]: [u64; 5]) -> Outcome {
    finish(run, data, |map| map.ringbuf_submit(data, flags))
}

/// `bpf_ringbuf_discard(data, flags)`: gives a reserved record up. Returns 0.
pub(super) fn ringbuf_discard(run: &mut Run<'_>, [data, flags, ..]: [u64; 5]) -> Outcome {
    finish(run, data, |map| map.ringbuf_discard(data, flags))
}

/// `bpf_ringbuf_query(map, flags)`: bytes that wait (0), the ring's size (1), the reader's (2) and
/// the writer's position (3).
///
/// Returns 0 for other questions.
pub(super) fn ringbuf_query(run: &mut Run<'_>, [map, question, ..]: [u64; 5]) -> Outcome {
    let map = run.map(map)?;
    map.ringbuf_query(question).map_err(|errno| wrong_map(map, errno))
}

/// Ends a reservation in whichever ring buffer it is.
fn finish(run: &mut Run<'_>, record: u64, end: impl Fn(&Map) -> Result<(), Errno>) -> Outcome {
    run.revoke(record)?;
    if run.program().maps().iter().any(|map| end(map).is_ok()) {
        Ok(0)
    } else {
        Err(Fault::helper(format!("{record:#x} is no record of a ring buffer")))
    }
}

/// A copy of memory that is to be sent.
fn memory(run: &Run<'_>, addr: u64, size: u64) -> Result<Vec<u8>, Fault> {
    match usize::try_from(size) {
        Ok(0) => Ok(Vec::new()),
        Ok(size) => Ok(run.readable(addr, size)?.to_vec()),
        Err(_) => Err(Fault::helper(format!("a record of {size} bytes"))),
    }
}

fn wrong_map(map: &Map, errno: Errno) -> Fault {
    Fault::helper(format!("map {:?} is no ring buffer ({errno:?})", map.name()))
}
