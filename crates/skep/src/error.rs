//! What can go wrong in the library.

use std::io;
use std::path::PathBuf;

/// The result of the library's calls.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the library. Where it can say what to do, [`Error::help`] does.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object, or one of its programs, cannot be used.
    #[error("{0}")]
    Object(#[from] skep_object::Error),
    /// The engine refused.
    #[error("{0}")]
    Command(#[from] skep_command::Error),
    /// A program without a type: its section name says nothing.
    #[error("program {program}: the section name `{section}` does not say of which type it is")]
    NoType {
        /// The program.
        program: String,
        /// Its section.
        section: String,
    },
    /// A program is to be attached to something that the kernel does not have.
    #[error("the kernel's types have no `{name}`, which stands for `{target}`")]
    NoTarget {
        /// What the section's name says.
        target: String,
        /// What it would be called.
        name: String,
    },
    /// A program is to be called by the kernel through a table of functions, which is not made yet.
    #[error("program {program} implements a struct_ops function, and those cannot be loaded yet")]
    StructOps {
        /// The program.
        program: String,
    },
    /// The kernel's configuration cannot be read.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is pinned under a map's name is something else.
    #[error("map {map}: what is pinned at {path} has another type, size or flags")]
    Pinned {
        /// The map.
        map: String,
        /// The path of the pin.
        path: String,
    },
    /// A classic filter has no eBPF equivalent.
    #[error("{0}")]
    Translate(#[from] skep_spec::classic::translate::TranslateError),
    /// A map's bytes do not have the size that its types say.
    #[error("map {map}: {source}")]
    Value {
        /// The map.
        map: String,
        /// Why its bytes cannot be read.
        source: skep_btf::Error,
    },
}

impl Error {
    /// What the user can do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            Error::Command(error) => error.help.as_deref(),
            Error::NoType { .. } => {
                Some("say it with `--type`, or name the section as libbpf does")
            }
            Error::NoTarget { .. } => {
                Some("see which there are with `skep btf dump /sys/kernel/btf/vmlinux`")
            }
            Error::StructOps { .. } => Some("choose other programs of the object with `--prog`"),
            Error::Pinned { .. } => Some("remove the pin, or pin to another folder"),
            Error::Translate(_) => Some("the interpreter of classic filters runs it as it is"),
            Error::Object(_) | Error::Config { .. } | Error::Value { .. } => None,
        }
    }

    /// The verifier's log, where the engine gave one.
    pub fn log(&self) -> Option<&str> {
        match self {
            Error::Command(error) => error.log.as_deref(),
            Error::Object(_)
            | Error::NoType { .. }
            | Error::NoTarget { .. }
            | Error::StructOps { .. }
            | Error::Config { .. }
            | Error::Pinned { .. }
            | Error::Translate(_)
            | Error::Value { .. } => None,
        }
    }
}
