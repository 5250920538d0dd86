//! What skep makes of an object.

use std::path::Path;
use std::sync::Arc;

use skep::check::KernelTypes;
use skep::command::Engine;
use skep::load::{self, KernelConfig, Options};
use skep::object::core::CoreTarget;
use skep::object::{Object, map};
use skep::spec::abi::ProgType;

use crate::{Answer, State};

/// The types that are tried for programs whose sections name none.
pub(crate) const TYPES: [ProgType; 4] =
    [ProgType::Xdp, ProgType::SchedCls, ProgType::SocketFilter, ProgType::Kprobe];

/// The loader, with what it knows of the kernel that runs here.
pub(crate) struct Skep {
    engine: Arc<dyn Engine>,
    types: KernelTypes,
    config: KernelConfig,
}

impl Skep {
    pub(crate) fn here() -> Skep {
        let types = KernelTypes::running();
        Skep { engine: skep::linux().unwrap(), types, config: KernelConfig::running() }
    }

    /// How far it gets with an object.
    pub(crate) fn answer(&self, path: &Path) -> Answer {
        let target = self.types.get().map(CoreTarget::new);
        let object = match read(path, target.as_ref()) {
            Ok(object) => Arc::new(object),
            Err(error) => return Answer { state: State::None, reason: error.to_string() },
        };
        let mut reason = None;
        for fallback in TYPES {
            let options = Options {
                fallback_type: Some(fallback),
                target: target.as_ref(),
                config: Some(&self.config),
                ..Options::default()
            };
            match load::load(&self.engine, &object, &options) {
                Ok(_) => return Answer { state: State::Loaded, reason: String::new() },
                Err(error) => reason = reason.or(Some(words(&error))),
            }
        }
        Answer { state: State::Read, reason: reason.unwrap_or_default() }
    }
}

/// Reads an object and joins all of its programs.
fn read<'a>(path: &Path, target: Option<&CoreTarget<'a>>) -> skep::object::Result<Object> {
    let bytes = std::fs::read(path).unwrap();
    let name = path.file_stem().unwrap().to_string_lossy();
    let object = Object::parse(&map::kernel_name(&name), &bytes)?;
    for (index, ..) in object.programs() {
        object.program(index, target)?;
    }
    Ok(object)
}

/// An error, and what the verifier said last.
fn words(error: &skep::Error) -> String {
    let log = error.log().unwrap_or_default();
    let line = log.lines().rev().find(|line| !line.starts_with("processed ") && !line.is_empty());
    match line {
        Some(line) => format!("{error}: {line}"),
        None => error.to_string(),
    }
}
