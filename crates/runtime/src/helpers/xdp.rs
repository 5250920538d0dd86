//! Frames in a driver: `bpf_xdp_*`.
//!
//! Room is where Linux has it: `struct xdp_frame` stands at the very start of the headroom and is
//! out of reach; at the end, the frame may grow as far as its buffer goes.

use skep_command::Errno;

use super::{Outcome, fail, low32};
use crate::fault::Fault;
use crate::packet::Packet;
use crate::run::Run;

/// The start of the headroom that a program cannot have (`sizeof(struct xdp_frame)`).
const FRAME_HEADER_LEN: i64 = 40;

/// A frame keeps an Ethernet header at least (`ETH_HLEN`).
const LEN_MIN: i64 = 14;

/// The most metadata: what the length's 8 bits hold.
const META_LEN_MAX: i64 = 255;

/// Offset and length of one load or store are at most this.
const SPAN_MAX: u32 = 0xffff;

/// `bpf_xdp_get_buff_len(xdp_md)`: the frame's length.
pub(super) fn get_buff_len(run: &mut Run<'_>, [ctx, ..]: [u64; 5]) -> Outcome {
    Ok(frame(run, ctx)?.len() as u64)
}

/// `bpf_xdp_adjust_head(xdp_md, delta)`: moves the start of the data; metadata moves along.
///
/// Returns 0, or `-EINVAL` if the headroom does not suffice for metadata and data or fewer than 14
/// bytes would be left. Bytes that come in are what was there before.
pub(super) fn adjust_head(run: &mut Run<'_>, [ctx, delta, ..]: [u64; 5]) -> Outcome {
    let delta = signed(delta);
    let packet = frame_mut(run, ctx)?;
    let room = length(packet.headroom()) - length(packet.meta_len()) - FRAME_HEADER_LEN;
    let len = length(packet.linear_len());
    if delta < -room || delta > len - LEN_MIN {
        return fail(Errno::EINVAL);
    }
    match packet.move_data_and_meta(delta) {
        Some(()) => Ok(0),
        None => fail(Errno::EINVAL),
    }
}

/// `bpf_xdp_adjust_tail(xdp_md, delta)`: moves the end of the data; bytes that come in are zero.
///
/// Returns 0, or `-EINVAL` if the tailroom does not suffice or fewer than 14 bytes would be left.
pub(super) fn adjust_tail(run: &mut Run<'_>, [ctx, delta, ..]: [u64; 5]) -> Outcome {
    let delta = signed(delta);
    let packet = frame_mut(run, ctx)?;
    if length(packet.len()) + delta < LEN_MIN {
        return fail(Errno::EINVAL);
    }
    match packet.move_end(delta) {
        Some(()) => Ok(0),
        None => fail(Errno::EINVAL),
    }
}

/// `bpf_xdp_adjust_meta(xdp_md, delta)`: moves the start of the metadata.
///
/// Returns 0; `-EINVAL` if the headroom does not suffice or the metadata would begin behind the
/// data; `-EACCES` if its length would be no multiple of 4 or more than 255.
pub(super) fn adjust_meta(run: &mut Run<'_>, [ctx, delta, ..]: [u64; 5]) -> Outcome {
    let delta = signed(delta);
    let packet = frame_mut(run, ctx)?;
    let len = length(packet.meta_len()) - delta;
    if len < 0 || length(packet.headroom()) - len < FRAME_HEADER_LEN {
        return fail(Errno::EINVAL);
    }
    if len % 4 != 0 || len > META_LEN_MAX {
        return fail(Errno::EACCES);
    }
    match packet.move_meta(delta) {
        Some(()) => Ok(0),
        None => fail(Errno::EINVAL),
    }
}

/// `bpf_xdp_load_bytes(xdp_md, offset, buf, len)`: copies from the frame.
///
/// Returns 0; `-EFAULT` if offset or length is above 65,535; `-EINVAL` if the frame has no such
/// bytes. On errors `buf` is left as it was.
pub(super) fn load_bytes(run: &mut Run<'_>, [ctx, offset, buf, len, _]: [u64; 5]) -> Outcome {
    let packet = frame(run, ctx)?;
    let (offset, len) = (low32(offset), low32(len));
    let buf = run.writable(buf, len as usize)?;
    if offset > SPAN_MAX || len > SPAN_MAX {
        return fail(Errno::EFAULT);
    }
    let Some(bytes) = packet.range(offset as usize, len as usize) else {
        return fail(Errno::EINVAL);
    };
    buf.copy_from_bytes(bytes);
    Ok(0)
}

/// `bpf_xdp_store_bytes(xdp_md, offset, buf, len)`: copies into the frame; errors as
/// [`load_bytes`].
pub(super) fn store_bytes(run: &mut Run<'_>, [ctx, offset, buf, len, _]: [u64; 5]) -> Outcome {
    let packet = frame(run, ctx)?;
    let (offset, len) = (low32(offset), low32(len));
    let buf = run.readable(buf, len as usize)?;
    if offset > SPAN_MAX || len > SPAN_MAX {
        return fail(Errno::EFAULT);
    }
    let Some(bytes) = packet.range_mut(offset as usize, len as usize) else {
        return fail(Errno::EINVAL);
    };
    bytes.copy_from_bytes(buf);
    Ok(0)
}

fn frame<'r>(run: &'r Run<'_>, ctx: u64) -> Result<&'r Packet, Fault> {
    run.check_context(ctx)?;
    run.packet()
}

fn frame_mut<'r>(run: &'r mut Run<'_>, ctx: u64) -> Result<&'r mut Packet, Fault> {
    run.check_context(ctx)?;
    run.packet_mut()
}

/// A C `int` argument.
fn signed(arg: u64) -> i64 {
    i64::from(low32(arg).cast_signed())
}

/// A length as a number to compute with; packets are far shorter than 2^63.
fn length(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}
