//! How the command ends when something is wrong.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

/// The exit code for bad input and bad usage, as clap has it.
pub(crate) const BAD_INPUT: u8 = 2;

/// An error as it is shown to a person: what happened and where, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    notes: Vec<String>,
    help: Option<String>,
    /// Set where the reader of our output has gone away: nothing to report then.
    silent: bool,
}

impl Failure {
    /// An error with nothing but its message.
    pub(crate) fn new(message: impl Display) -> Failure {
        Failure { message: message.to_string(), notes: Vec::new(), help: None, silent: false }
    }

    /// An error of a file, which is named first.
    pub(crate) fn at(path: impl Display, message: impl Display) -> Failure {
        Failure::new(format!("{path}: {message}"))
    }

    /// The same with its file named first.
    pub(crate) fn place(mut self, path: impl Display) -> Failure {
        self.message = format!("{path}: {}", self.message);
        self
    }

    /// The same with one more fact.
    pub(crate) fn note(mut self, note: impl Display) -> Failure {
        self.notes.push(note.to_string());
        self
    }

    /// The same with advice.
    pub(crate) fn help(mut self, help: impl Display) -> Failure {
        self.help = Some(help.to_string());
        self
    }

    /// Prints it on standard error and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if self.silent {
            return ExitCode::SUCCESS;
        }
        let error = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let help = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
        anstream::eprintln!("{error}error{error:#}: {}", self.message);
        for note in &self.notes {
            anstream::eprintln!("  = note: {}", indent(note));
        }
        if let Some(text) = &self.help {
            anstream::eprintln!("  = {help}help{help:#}: {}", indent(text));
        }
        ExitCode::from(BAD_INPUT)
    }
}

impl From<io::Error> for Failure {
    /// An error of writing our own output; other files go through [`Failure::at`].
    fn from(error: io::Error) -> Failure {
        let silent = error.kind() == io::ErrorKind::BrokenPipe;
        Failure { silent, ..Failure::new(format_args!("standard output: {error}")) }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        Failure::from(io::Error::from(error))
    }
}

/// Lines after the first stand under the first.
fn indent(text: &str) -> String {
    text.trim_end().replace('\n', "\n          ")
}

/// Prints a remark on standard error.
pub(crate) fn note(message: impl Display) {
    let style = Style::new().bold();
    anstream::eprintln!("{style}note{style:#}: {message}");
}
