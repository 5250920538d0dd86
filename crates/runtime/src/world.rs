//! What a run sees of the world outside: time, chance, who runs, and where traces go.
//!
//! One [`World`] stands behind all helpers that ask for such things, so that tests, replay of
//! captures and faked time need no second path.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A CPU number, below the engine's number of possible CPUs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Cpu(pub u32);

impl Cpu {
    /// The same as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The task on whose behalf a program runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// The thread id (`bpf_get_current_pid_tgid`, lower half).
    pub pid: u32,
    /// The process id (upper half).
    pub tgid: u32,
    /// The real user id.
    pub uid: u32,
    /// The real group id.
    pub gid: u32,
    /// The thread's name, zero-terminated.
    pub comm: [u8; 16],
}

/// One line of `bpf_trace_printk`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceLine {
    /// The thread's name.
    pub comm: String,
    /// The thread id.
    pub pid: u32,
    /// The CPU that it ran on.
    pub cpu: Cpu,
    /// The time since boot.
    pub time_ns: u64,
    /// What the program printed, lossily as UTF-8, without the final newline.
    pub text: String,
}

/// What a run sees of the world outside.
pub trait World: Send + Sync {
    /// The monotonic clock, without time spent in suspend.
    fn ktime_ns(&self) -> u64;
    /// The monotonic clock, with time spent in suspend.
    fn boot_ns(&self) -> u64;
    /// Nanoseconds since 1970 in International Atomic Time (`bpf_ktime_get_tai_ns`).
    fn tai_ns(&self) -> u64;
    /// Nanoseconds since 1970 in UTC.
    fn real_ns(&self) -> u64;
    /// Thirty-two random bits.
    fn random_u32(&self) -> u32;
    /// The task that runs.
    fn task(&self) -> Task;
    /// The CPU to run on, of `possible` ones.
    fn cpu(&self, possible: u32) -> Cpu;
    /// Takes a line of trace output.
    fn trace(&self, line: TraceLine);
}

/// Trace lines that wait to be read; past this many the oldest are dropped, as from a full
/// `trace_pipe`.
const TRACE_LINES_MAX: usize = 65_536;

/// Trace lines, in order.
#[derive(Debug, Default)]
struct Trace {
    lines: Mutex<std::collections::VecDeque<TraceLine>>,
    lost: AtomicU64,
}

impl Trace {
    fn push(&self, line: TraceLine) {
        let mut lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if lines.len() == TRACE_LINES_MAX {
            lines.pop_front();
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        lines.push_back(line);
    }

    fn take(&self) -> Vec<TraceLine> {
        let mut lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        lines.drain(..).collect()
    }
}

/// This machine: its clocks, this thread, the CPU that it happens to be on.
#[derive(Debug, Default)]
pub struct RealWorld {
    trace: Trace,
    random: AtomicU64,
}

impl RealWorld {
    /// A view of this machine.
    pub fn new() -> RealWorld {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seed = now.as_secs() ^ u64::from(now.subsec_nanos()).rotate_left(32);
        let random = AtomicU64::new(seed ^ u64::from(std::process::id()).rotate_left(17));
        RealWorld { trace: Trace::default(), random }
    }

    /// The trace lines since the last time.
    pub fn take_trace(&self) -> Vec<TraceLine> {
        self.trace.take()
    }
}

impl World for RealWorld {
    fn ktime_ns(&self) -> u64 {
        crate::sys::clock_ns(libc::CLOCK_MONOTONIC)
    }

    fn boot_ns(&self) -> u64 {
        crate::sys::clock_ns(libc::CLOCK_BOOTTIME)
    }

    fn tai_ns(&self) -> u64 {
        crate::sys::clock_ns(libc::CLOCK_TAI)
    }

    fn real_ns(&self) -> u64 {
        crate::sys::clock_ns(libc::CLOCK_REALTIME)
    }

    fn random_u32(&self) -> u32 {
        next_random(&self.random)
    }

    fn task(&self) -> Task {
        crate::sys::task()
    }

    fn cpu(&self, possible: u32) -> Cpu {
        Cpu(crate::sys::cpu() % possible.max(1))
    }

    fn trace(&self, line: TraceLine) {
        self.trace.push(line);
    }
}

/// A world that holds still until it is told otherwise.
///
/// Its clocks show what [`Self::set_time_ns`] said last, its random numbers follow from a seed, and
/// everything runs on CPU 0.
#[derive(Debug)]
pub struct FixedWorld {
    time_ns: AtomicU64,
    random: AtomicU64,
    trace: Trace,
}

impl FixedWorld {
    /// A world at this time, with random numbers from this seed.
    pub fn new(time_ns: u64, seed: u64) -> FixedWorld {
        FixedWorld {
            time_ns: AtomicU64::new(time_ns),
            random: AtomicU64::new(seed),
            trace: Trace::default(),
        }
    }

    /// Sets all clocks, as a capture's timestamps do.
    pub fn set_time_ns(&self, time_ns: u64) {
        self.time_ns.store(time_ns, Ordering::Relaxed);
    }

    /// The trace lines since the last time.
    pub fn take_trace(&self) -> Vec<TraceLine> {
        self.trace.take()
    }
}

impl World for FixedWorld {
    fn ktime_ns(&self) -> u64 {
        self.time_ns.load(Ordering::Relaxed)
    }

    fn boot_ns(&self) -> u64 {
        self.ktime_ns()
    }

    fn tai_ns(&self) -> u64 {
        self.ktime_ns()
    }

    fn real_ns(&self) -> u64 {
        self.ktime_ns()
    }

    fn random_u32(&self) -> u32 {
        next_random(&self.random)
    }

    fn task(&self) -> Task {
        let mut comm = [0; 16];
        comm[..4].copy_from_slice(b"skep");
        Task { pid: 1, tgid: 1, uid: 0, gid: 0, comm }
    }

    fn cpu(&self, _possible: u32) -> Cpu {
        Cpu(0)
    }

    fn trace(&self, line: TraceLine) {
        self.trace.push(line);
    }
}

/// The next number of the sequence that SplitMix64 makes (Steele, Lea and Flood, 2014).
fn next_random(state: &AtomicU64) -> u32 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut z = state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 32) as u32
}
