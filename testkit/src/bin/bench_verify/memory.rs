//! The memory that a program takes which uses up the budget.

use skep::check::{self, KernelTypes};

use super::TYPE;
use super::measure::{Figure, of_report};
use super::programs::Program;

/// The most memory that a verification took.
pub(crate) struct Memory {
    /// What the program is called.
    pub(crate) name: &'static str,
    /// How it went.
    pub(crate) figure: Figure,
    /// How far the process has grown by it; none where the system does not tell.
    pub(crate) kilobytes: Option<u64>,
}

/// Verifies a program. The process must not have held more memory before than it does now.
pub(crate) fn measure(program: &Program) -> Memory {
    let types = KernelTypes::none();
    let before = peak_kilobytes();
    let report = check::code(&program.code, TYPE, &check::Options::new(&types)).report;
    let kilobytes = peak_kilobytes().zip(before).map(|(after, before)| after - before);
    Memory { name: program.name, figure: of_report(&report), kilobytes }
}

/// The most memory that this process ever held.
fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
