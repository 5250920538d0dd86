//! What a verification took, as the kernel prints it.

use std::fmt;

use super::Level;
use crate::limits;
use crate::outcome::Statistics;

/// Displays the end of the log.
pub(crate) struct StatisticsText<'a> {
    /// The figures.
    pub(crate) statistics: &'a Statistics,
    /// How much to say.
    pub(crate) level: Level,
}

impl fmt::Display for StatisticsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statistics = self.statistics;
        match self.level {
            Level::Silent => return Ok(()),
            Level::Changes | Level::All => {}
            Level::Statistics => {
                writeln!(f, "verification time {} usec", statistics.time.as_micros())?;
                let depths: Vec<_> =
                    statistics.stack_depth.iter().map(ToString::to_string).collect();
                writeln!(f, "stack depth {}", depths.join("+"))?;
            }
        }
        writeln!(
            f,
            "processed {} insns (limit {}) max_states_per_insn {} total_states {} peak_states {} \
             mark_read 0",
            statistics.processed,
            limits::PROCESSED_INSNS,
            statistics.max_states_per_insn,
            statistics.total_states,
            statistics.peak_states,
        )
    }
}
