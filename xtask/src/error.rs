//! Why a task failed.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// A failure that ends a task. What went wrong inside a tool, the tool has
/// printed already.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot {attempt} {}: {source}", path.display())]
    File { attempt: &'static str, path: PathBuf, source: io::Error },

    #[error("cannot start `{command}`: {source}")]
    Start { command: String, source: io::Error },

    #[error("`{command}` failed: {status}")]
    Failed { command: String, status: ExitStatus },

    #[error("`{command}` printed no {expected}")]
    Output { command: String, expected: &'static str },

    #[error("{count} {what}")]
    Problems { count: usize, what: &'static str },

    #[error("{0}")]
    Missing(String),
}

impl Error {
    /// For `map_err` beside a file operation.
    pub(crate) fn file(
        attempt: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { attempt, path, source }
    }
}
