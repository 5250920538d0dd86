//! The task on whose behalf a program runs.

use super::{Outcome, low32};
use crate::run::Run;

/// `bpf_get_current_pid_tgid()`: the process in the upper half, the thread in the lower.
pub(super) fn get_current_pid_tgid(run: &mut Run<'_>, _args: [u64; 5]) -> Outcome {
    let task = run.world().task();
    Ok(u64::from(task.tgid) << 32 | u64::from(task.pid))
}

/// `bpf_get_current_uid_gid()`: the group in the upper half, the user in the lower.
pub(super) fn get_current_uid_gid(run: &mut Run<'_>, _args: [u64; 5]) -> Outcome {
    let task = run.world().task();
    Ok(u64::from(task.gid) << 32 | u64::from(task.uid))
}

/// `bpf_get_current_comm(buf, size_of_buf)`: the thread's name.
///
/// The buffer is filled: the name, cut so that at least one zero follows, then zeros. Returns 0.
pub(super) fn get_current_comm(run: &mut Run<'_>, [buf, size, ..]: [u64; 5]) -> Outcome {
    let comm = run.world().task().comm;
    let buf = run.writable(buf, low32(size) as usize)?;
    buf.fill(0);
    let name = comm.split(|byte| *byte == 0).next().unwrap_or_default();
    let fits = name.len().min(buf.len().saturating_sub(1));
    buf.copy_from(name.get(..fits).unwrap_or_default());
    Ok(0)
}
