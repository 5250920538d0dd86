//! The house rules that a machine can check.
//!
//! A rule is a function from the tree to the places that break it. Its exceptions
//! stand in a list beside it, each with a reason: whoever wants another one has to
//! write one down.

mod edges;
mod licences;
mod links;
mod text;
mod unsafe_code;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::workspace::Workspace;

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    path: PathBuf,
    /// Counted from 1; 0 where the rule is about the whole file.
    line: usize,
    message: String,
}

impl Problem {
    fn new(path: &Path, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }

    fn of_file(path: &Path, message: impl Into<String>) -> Self {
        Self::new(path, 0, message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A file that holds text, read once for all rules.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn has_extension(&self, wanted: &[&str]) -> bool {
        let extension = self.path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| wanted.contains(&extension))
    }

    /// The lines, counted from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

/// Checks all rules and prints every place that breaks one.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Error> {
    let files = workspace.files()?;
    let mut sources = Vec::new();
    for path in files {
        if let Some(text) = workspace.text(&path)? {
            sources.push(Source { path, text });
        }
    }
    let metadata = edges::Metadata::read(workspace)?;

    let mut problems = Vec::new();
    problems.extend(text::check(&sources));
    problems.extend(unsafe_code::check(&sources));
    problems.extend(links::check(workspace, &sources));
    problems.extend(edges::check(&metadata));
    problems.extend(licences::check(&metadata));

    for (path, lines) in text::long_files(&sources) {
        println!("note: {} has {lines} lines: is it still one subject?", path.display());
    }
    for problem in &problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        println!("{} files keep the house rules", sources.len());
        Ok(())
    } else {
        Err(Error::Problems { count: problems.len(), what: "places break a house rule" })
    }
}
