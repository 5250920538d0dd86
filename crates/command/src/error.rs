//! What a command answers when it fails.

use std::fmt;

use crate::{EngineKind, Errno};

/// The result of a command.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed command: what was attempted, who refused, why, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// The error number that Linux returns, or would return.
    pub errno: Errno,
    /// Who refused.
    pub engine: EngineKind,
    /// What was attempted and what is wrong, such as `create map "flows": value_size is 0`.
    pub what: String,
    /// The verifier's log, where there is one.
    pub log: Option<String>,
    /// What the caller can do.
    pub help: Option<String>,
}

impl Error {
    /// An error without log and help.
    pub fn new(engine: EngineKind, errno: Errno, what: impl Into<String>) -> Error {
        Error { errno, engine, what: what.into(), log: None, help: None }
    }

    /// The same with the verifier's log.
    #[must_use]
    pub fn with_log(mut self, log: impl Into<String>) -> Error {
        self.log = Some(log.into());
        self
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Error {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({} engine)", self.what, self.errno, self.engine)
    }
}

impl std::error::Error for Error {}
