//! Why text is no program.

use thiserror::Error;

/// A place in the source that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct AsmError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: AsmErrorKind,
}

/// What is wrong with a place in the source.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum AsmErrorKind {
    /// Something else should stand here.
    #[error("found {found}, expected {expected}{}", did_you_mean(suggestion.as_deref()))]
    Unexpected {
        /// What is there, in backquotes, or `end of line`.
        found: String,
        /// What should be there.
        expected: String,
        /// A word that looks like the one that is there.
        suggestion: Option<String>,
    },
    /// A number does not fit its field.
    #[error("found {found}, expected a number from {min} to {max}{hint}")]
    OutOfRange {
        /// The number as written.
        found: String,
        /// The smallest number that fits.
        min: i128,
        /// The largest number that fits.
        max: i128,
        /// Empty, or what to write instead.
        hint: &'static str,
    },
    /// Two places have the same name.
    #[error("label `{name}` is already on line {first}")]
    DuplicateLabel {
        /// The name.
        name: String,
        /// The line of the first place.
        first: usize,
    },
    /// A label is out of reach.
    #[error("label `{name}` is {distance} slots away, which the instruction cannot hold")]
    LabelTooFar {
        /// The name.
        name: String,
        /// How many slots it is away from the next instruction.
        distance: i64,
    },
}

impl AsmErrorKind {
    /// An [`AsmErrorKind::Unexpected`]; `found` is empty at the end of the line.
    pub(crate) fn unexpected(
        found: &str,
        expected: impl Into<String>,
        suggestion: Option<&str>,
    ) -> AsmErrorKind {
        AsmErrorKind::Unexpected {
            found: if found.is_empty() { "end of line".into() } else { format!("`{found}`") },
            expected: expected.into(),
            suggestion: suggestion.map(String::from),
        }
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default()
}
