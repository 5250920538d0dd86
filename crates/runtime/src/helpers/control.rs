//! Helpers that call the program back.

use skep_command::Errno;

use super::{Outcome, fail, low32};
use crate::run::Run;

/// The most turns of one `bpf_loop` (`BPF_MAX_LOOPS`).
const LOOPS_MAX: u64 = 1 << 23;

/// `bpf_loop(nr_loops, callback_fn, callback_ctx, flags)`: calls `callback(index, ctx)` until it
/// returns something else than 0, at most `nr_loops` times.
///
/// Returns the number of calls; `-EINVAL` for any flag; `-E2BIG` for more than 2^23 loops, but with
/// the upper half zero: Linux does not call this helper where the flags are the constant 0, it
/// writes the loop into the program (`inline_bpf_loop`), and that looks at 64 bits of `nr_loops` and
/// sets 32 bits of the result.
pub(super) fn bpf_loop(
    run: &mut Run<'_>,
    [nr_loops, callback, ctx, flags, _]: [u64; 5],
) -> Outcome {
    if flags != 0 {
        return fail(Errno::EINVAL);
    }
    if nr_loops > LOOPS_MAX {
        return Ok(u64::from(low32(Errno::E2BIG.as_return().cast_unsigned())));
    }
    for index in 0..nr_loops {
        if run.call_back(callback, [index, ctx, 0, 0, 0])? != 0 {
            return Ok(index + 1);
        }
    }
    Ok(nr_loops)
}
