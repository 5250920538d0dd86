//! How the command ends when something is wrong.

use std::fmt::Display;
use std::io;
use std::ops::Range;
use std::process::ExitCode;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};
use skep::spec::asm::AsmError;

/// The exit code for bad input and bad usage, as clap has it.
pub(crate) const BAD_INPUT: u8 = 2;

/// An error as it is shown to a person: what happened and where, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    notes: Vec<String>,
    help: Option<String>,
    /// The line that it is about.
    line: Option<Box<Line>>,
    /// Set where the reader of our output has gone away: nothing to report then.
    silent: bool,
}

impl Failure {
    /// An error with nothing but its message.
    pub(crate) fn new(message: impl Display) -> Failure {
        let message = message.to_string();
        Failure { message, notes: Vec::new(), help: None, line: None, silent: false }
    }

    /// An error in a text, which is shown on its line.
    pub(crate) fn in_text(path: impl Display, text: &str, error: AsmError) -> Failure {
        let AsmError { line, column, kind } = error;
        let source = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let line = Line {
            path: path.to_string(),
            number: line,
            text: source.to_owned(),
            span: word_at(source, column),
        };
        Failure { line: Some(Box::new(line)), ..Failure::new(kind) }
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
        if let Some(line) = &self.line {
            anstream::eprintln!("{}", self.render(line));
            return ExitCode::from(BAD_INPUT);
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

impl Failure {
    /// The error on its line of source.
    fn render(&self, line: &Line) -> String {
        let snippet = Snippet::source(&line.text).line_start(line.number).path(&line.path);
        let annotation = AnnotationKind::Primary.span(line.span.clone());
        let title = Level::ERROR.primary_title(&self.message);
        let mut group = Group::with_title(title).element(snippet.annotation(annotation));
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        Renderer::styled().render(&[group])
    }
}

/// A line of a text that somebody wrote.
#[derive(Debug)]
struct Line {
    path: String,
    /// From 1.
    number: usize,
    text: String,
    /// The bytes of it that are wrong.
    span: Range<usize>,
}

/// The bytes of the word, or of the sign, at a column counted from 1 in characters.
fn word_at(line: &str, column: usize) -> Range<usize> {
    let start = line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    let rest = line.get(start..).unwrap_or_default();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    start..start + word.max(first)
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
