//! The log, in the format of the kernel's.

/// How much goes to the log (`log_level` of the load command).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Level {
    /// Nothing.
    #[default]
    Silent,
    /// Instructions as they are first looked at, and what changes (1).
    Changes,
    /// Every path, with the whole state at each instruction (2).
    All,
    /// Statistics alone (4).
    Statistics,
}

/// The log under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) level: Level,
    pub(crate) text: String,
}

impl Log {
    pub(crate) fn new(level: Level) -> Log {
        Log { level, text: String::new() }
    }
}
