//! Errors of the kernel, with what was attempted.

use skep_command::{EngineKind, Errno, Error};

/// An error of this engine.
pub(super) fn refused(errno: Errno, what: impl Into<String>) -> Error {
    let error = Error::new(EngineKind::Linux, errno, what);
    match help(errno) {
        Some(help) => error.with_help(help),
        None => error,
    }
}

/// What can be done about an error that says little by itself.
fn help(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EPERM => Some("run as root, or with CAP_BPF and what the type takes besides"),
        Errno::ENOSYS => Some("this kernel is built without bpf(2)"),
        Errno::EMFILE => Some("close handles, or raise the limit of open files (ulimit -n)"),
        _ => None,
    }
}

/// Says what was attempted.
pub(super) trait Attempt<T> {
    /// The result, with an error of this engine that says what was attempted.
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Attempt<T> for Result<T, Errno> {
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|errno| refused(errno, what()))
    }
}
