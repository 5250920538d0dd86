//! Helpers that call the program back.

use skep_command::Errno;

use super::{Outcome, fail, low32};
use crate::run::Run;

/// The most turns of one `bpf_loop` (`BPF_MAX_LOOPS`).
const LOOPS_MAX: u32 = 1 << 23;

/// `bpf_loop(nr_loops, callback_fn, callback_ctx, flags)`: calls `callback(index, ctx)` until it
/// returns something else than 0, at most `nr_loops` times.
///
/// Returns the number of calls. `-EINVAL` for any flag, `-E2BIG` for more than 2^23 loops.
pub(super) fn bpf_loop(
    run: &mut Run<'_>,
    [nr_loops, callback, ctx, flags, _]: [u64; 5],
) -> Outcome {
    let nr_loops = low32(nr_loops);
    if flags != 0 {
        return fail(Errno::EINVAL);
    }
    if nr_loops > LOOPS_MAX {
        return fail(Errno::E2BIG);
    }
    for index in 0..u64::from(nr_loops) {
        if run.call_back(callback, [index, ctx, 0, 0, 0])? != 0 {
            return Ok(index + 1);
        }
    }
    Ok(u64::from(nr_loops))
}
