//! Text that programs compare and print: `bpf_strncmp`, `bpf_snprintf`, and the trace output of
//! `bpf_trace_printk` and `bpf_trace_vprintk`.

use skep_command::Errno;

use super::format::{self, Source};
use super::{Outcome, fail, low32};
use crate::fault::Fault;
use crate::run::Run;
use crate::world::TraceLine;

/// The room for one line of trace output, zero included (`MAX_BPRINTF_BUF`).
const TRACE_LINE_MAX: usize = 1024;

/// The arguments that fit `bpf_trace_printk`'s registers.
const PRINTK_ARGS: usize = 3;

/// The longest format that is looked for when its length is not told.
const FORMAT_MAX: usize = 1 << 16;

/// `bpf_strncmp(s1, s1_sz, s2)`: compares until a difference, a zero, or `s1_sz` bytes.
///
/// Returns −1, 0 or 1, by the first bytes that differ, as unsigned.
pub(super) fn strncmp(run: &mut Run<'_>, [s1, s1_sz, s2, ..]: [u64; 5]) -> Outcome {
    let s1 = run.readable(s1, low32(s1_sz) as usize)?.to_vec();
    for (off, a) in (0..).zip(s1) {
        let b = run.readable(s2.wrapping_add(off), 1)?.u8_at(0).unwrap_or(0);
        match a.cmp(&b) {
            std::cmp::Ordering::Less => return Ok(u64::MAX),
            std::cmp::Ordering::Greater => return Ok(1),
            std::cmp::Ordering::Equal if a == 0 => return Ok(0),
            std::cmp::Ordering::Equal => {}
        }
    }
    Ok(0)
}

/// `bpf_snprintf(str, str_size, fmt, data, data_len)`: prints into memory.
///
/// Returns the length that the whole text would have, its zero included; what does not fit is cut,
/// and `str` always ends in a zero unless `str_size` is 0. `-EINVAL`: `data_len` is no multiple of 8
/// or more than 12 arguments, or the format is not allowed; `-ENOSPC`: the arguments take more than
/// 512 bytes. On errors `str` is left as it was.
pub(super) fn snprintf(
    run: &mut Run<'_>,
    [str, str_size, fmt, data, data_len]: [u64; 5],
) -> Outcome {
    let room = low32(str_size) as usize;
    let args = match arguments(run, data, low32(data_len))? {
        Ok(args) => args,
        Err(errno) => return fail(errno),
    };
    let to = if room == 0 { None } else { Some(run.writable(str, room)?) };
    let format = zero_terminated(run, fmt)?;
    let printed = match format::print(&format, &args, &Memory(run), room) {
        Ok(printed) => printed,
        Err(errno) => return fail(errno),
    };
    if let Some(to) = to {
        let mut text = printed.text;
        text.push(0);
        to.copy_from(&text);
    }
    Ok(printed.len + 1)
}

/// `bpf_trace_printk(fmt, fmt_size, arg1, arg2, arg3)`: prints a line of trace output.
///
/// Returns the length of the whole text without its zero, although only 1,023 bytes are kept.
/// Errors are those of [`snprintf`], and `-EINVAL` if `fmt` has no zero within `fmt_size`.
pub(super) fn trace_printk(
    run: &mut Run<'_>,
    [fmt, fmt_size, arg1, arg2, arg3]: [u64; 5],
) -> Outcome {
    let args: [u64; PRINTK_ARGS] = [arg1, arg2, arg3];
    trace(run, fmt, low32(fmt_size), &args)
}

/// `bpf_trace_vprintk(fmt, fmt_size, data, data_len)`: the same with up to 12 arguments in memory.
pub(super) fn trace_vprintk(
    run: &mut Run<'_>,
    [fmt, fmt_size, data, data_len, _]: [u64; 5],
) -> Outcome {
    match arguments(run, data, low32(data_len))? {
        Ok(args) => trace(run, fmt, low32(fmt_size), &args),
        Err(errno) => fail(errno),
    }
}

fn trace(run: &mut Run<'_>, fmt: u64, fmt_size: u32, args: &[u64]) -> Outcome {
    let format = run.readable(fmt, fmt_size as usize)?.to_vec();
    let printed = match format::print(&format, args, &Memory(run), TRACE_LINE_MAX) {
        Ok(printed) => printed,
        Err(errno) => return fail(errno),
    };
    let task = run.world().task();
    run.world().trace(TraceLine {
        comm: String::from_utf8_lossy(until_zero(&task.comm)).into_owned(),
        pid: task.pid,
        cpu: run.cpu(),
        time_ns: run.world().ktime_ns(),
        text: line(&printed.text),
    });
    Ok(printed.len)
}

/// The text as a reader of the trace sees it: up to a zero that a `%c` printed, one line feed at
/// the end taken as the end of the line.
fn line(text: &[u8]) -> String {
    let text = until_zero(text);
    String::from_utf8_lossy(text.strip_suffix(b"\n").unwrap_or(text)).into_owned()
}

/// The arguments of a helper that takes them in memory. The inner error is the program's to see.
fn arguments(run: &Run<'_>, data: u64, data_len: u32) -> Result<Result<Vec<u64>, Errno>, Fault> {
    let len = data_len as usize;
    if !len.is_multiple_of(8) || len > format::ARGS_MAX * 8 || (len > 0 && data == 0) {
        return Ok(Err(Errno::EINVAL));
    }
    if len == 0 {
        return Ok(Ok(Vec::new()));
    }
    let data = run.readable(data, len)?;
    Ok(Ok((0..len / 8).filter_map(|index| data.u64_at(index * 8)).collect()))
}

/// The bytes at an address up to and with the first zero.
fn zero_terminated(run: &Run<'_>, addr: u64) -> Result<Vec<u8>, Fault> {
    let mut text = Vec::new();
    while text.last() != Some(&0) {
        if text.len() == FORMAT_MAX {
            return Err(Fault::helper(format!("the format at {addr:#x} has no end")));
        }
        let at = addr.wrapping_add(text.len() as u64);
        text.push(run.readable(at, 1)?.u8_at(0).unwrap_or(0));
    }
    Ok(text)
}

fn until_zero(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The memory of a run, as `%s` and `%pI4` read it. There is no other task whose memory `%pus`
/// could mean.
struct Memory<'a, 'w>(&'a Run<'w>);

impl Source for Memory<'_, '_> {
    fn byte(&self, addr: u64) -> Option<u8> {
        self.0.readable(addr, 1).ok()?.u8_at(0)
    }

    fn user_byte(&self, _addr: u64) -> Option<u8> {
        None
    }
}
