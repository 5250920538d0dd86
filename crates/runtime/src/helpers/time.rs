//! Clocks, chance and place: what a program asks of the machine. All answers come from the
//! [`World`](crate::World). None of these helpers takes arguments or fails.

use super::Outcome;
use crate::run::Run;

/// Ticks a second of `bpf_jiffies64`: `CONFIG_HZ` as distributions choose it.
const HZ: u64 = 250;

/// The tick counter begins five minutes before its lower half wraps (`INITIAL_JIFFIES`).
const INITIAL_JIFFIES: u64 = (1 << 32) - 300 * HZ;

const NS_PER_S: u64 = 1_000_000_000;

/// `bpf_ktime_get_ns()`: time since boot, without suspend.
pub(super) fn ktime_get_ns(run: &mut Run<'_>, _args: [u64; 5]) -> Outcome {
    Ok(run.world().ktime_ns())
}

/// `bpf_ktime_get_boot_ns()`: time since boot, with suspend.
pub(super) fn ktime_get_boot_ns(run: &mut Run<'_>, _args: [u64; 5]) -> Outcome {
    Ok(run.world().boot_ns())
}

/// `bpf_ktime_get_coarse_ns()`: time since boot as of the last tick.
pub(super) fn ktime_get_coarse_ns(run: &mut Run<'_>, _args: [u64; 5]) -> Outcome {
    let tick = NS_PER_S / HZ;
    let now = run.world().ktime_ns();
    Ok(now - now % tick)
}

/// `bpf_ktime_get_tai_ns()`: International Atomic Time since 1970.
pub(super) fn ktime_get_tai_ns(run: &mut Run<'_>, _args: [u64; 5]) -> Outcome {
    Ok(run.world().tai_ns())
}

/// `bpf_jiffies64()`: the tick counter.
pub(super) fn jiffies64(run: &mut Run<'_>, _args: [u64; 5]) -> Outcome {
    Ok(INITIAL_JIFFIES + run.world().ktime_ns() / (NS_PER_S / HZ))
}

/// `bpf_get_prandom_u32()`: 32 random bits.
pub(super) fn get_prandom_u32(run: &mut Run<'_>, _args: [u64; 5]) -> Outcome {
    Ok(u64::from(run.world().random_u32()))
}

/// `bpf_get_smp_processor_id()`: the CPU of the run.
pub(super) fn get_smp_processor_id(run: &mut Run<'_>, _args: [u64; 5]) -> Outcome {
    Ok(u64::from(run.cpu().0))
}

/// `bpf_get_numa_node_id()`: the memory node of the CPU. The engine does not distinguish nodes.
pub(super) fn get_numa_node_id(_run: &mut Run<'_>, _args: [u64; 5]) -> Outcome {
    Ok(0)
}
