//! The tree that the tasks work on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::process;

/// The workspace's root, and ways to its files.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that this binary was built in.
    pub(crate) fn of_this_crate() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().expect("workspace: xtask stands in a folder of the root");
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// A command that runs in the root.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that runs this task, with words of a subcommand.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO"));
        command.args(arguments);
        command
    }

    /// Where cargo builds into.
    pub(crate) fn target(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => self.path(folder),
            None => self.path("target"),
        }
    }

    /// All files that are, or would be, committed; relative to the root, sorted.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let mut git = self.command("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
        let listed = process::output(&mut git)?;
        let mut files: Vec<PathBuf> = listed
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            // A file that was deleted but is not committed as such.
            .filter(|name| self.path(name).is_file())
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// A file's text; `None` where it is not UTF-8, so no text.
    pub(crate) fn text(&self, relative: impl AsRef<Path>) -> Result<Option<String>, Error> {
        let path = self.path(relative);
        let bytes = fs::read(&path).map_err(Error::file("read", path))?;
        Ok(String::from_utf8(bytes).ok())
    }
}
