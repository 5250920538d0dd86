//! What could not be checked on this machine, and why.
//!
//! Nothing is skipped in silence: each skip is a line `skip: REASON`. Tests run
//! in processes of their own, whose output the test harness hides, so they append
//! the reason to the file that the variable [`VARIABLE`] names.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The environment variable with the file that tests append their skips to.
pub(crate) const VARIABLE: &str = "SKEP_SKIP_LOG";

/// Where skips are noted.
#[derive(Debug)]
pub(crate) struct Skips {
    log: Option<PathBuf>,
}

impl Skips {
    /// Skips are printed, and nobody counts them.
    pub(crate) fn printed() -> Self {
        Self { log: None }
    }

    /// Skips are collected in a file, made empty here.
    pub(crate) fn collected(log: &Path) -> Result<Self, Error> {
        File::create(log).map_err(Error::file("create", log))?;
        Ok(Self { log: Some(log.to_owned()) })
    }

    /// The file in which skips are collected.
    pub(crate) fn log(&self) -> Option<&Path> {
        self.log.as_deref()
    }

    /// Notes one skip.
    pub(crate) fn note(&self, reason: &str) -> Result<(), Error> {
        println!("skip: {reason}");
        let Some(log) = &self.log else { return Ok(()) };
        let mut file =
            OpenOptions::new().append(true).open(log).map_err(Error::file("open", log))?;
        writeln!(file, "{reason}").map_err(Error::file("write", log))
    }

    /// All reasons that were noted, each with how often.
    pub(crate) fn reasons(&self) -> Result<BTreeMap<String, usize>, Error> {
        let mut reasons = BTreeMap::new();
        let Some(log) = &self.log else { return Ok(reasons) };
        let text = std::fs::read_to_string(log).map_err(Error::file("read", log))?;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let reason = line.strip_prefix("skip: ").unwrap_or(line);
            *reasons.entry(reason.to_owned()).or_insert(0) += 1;
        }
        Ok(reasons)
    }
}
