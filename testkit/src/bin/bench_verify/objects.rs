//! The programs of objects.

use std::sync::Arc;

use skep::check::{self, KernelTypes};
use skep::command::Engine;
use skep::load;
use skep::object::core::CoreTarget;
use skep::object::{FunctionIdx, Object};

use super::measure::{Answer, Row, STATISTICS, alternate, of_log, of_report};

/// Programs with no more instructions than this are left out: what they take is too little to be
/// measured in microseconds.
const SMALL: u32 = 100;

/// Measures the programs of an object; gives how many were left out.
pub(crate) fn measure(
    path: &str,
    types: &KernelTypes,
    engine: &Arc<dyn Engine>,
    runs: usize,
    mut done: impl FnMut(Row),
) -> Result<usize, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    let object = Arc::new(Object::parse(path, &bytes).map_err(|error| failed(&error))?);
    let target = types.get().map(CoreTarget::new);
    let file = path.rsplit('/').next().unwrap_or(path);
    let file = file.split('.').next().unwrap_or(file);
    let mut left_out = 0;
    let programs: Vec<FunctionIdx> = object.programs().map(|(index, _, _)| index).collect();
    for index in programs {
        let program = object.program(index, target.as_ref()).map_err(|error| failed(&error))?;
        let insns = program.code.len();
        if insns <= SMALL {
            left_out += 1;
            continue;
        }
        let Some(function) = object.functions().get(index.0) else { continue };
        let programs = std::slice::from_ref(&function.name);
        let checking = check::Options { programs, ..check::Options::new(types) };
        let ours = || {
            let checked = check::object(&object, &checking).map_err(|error| error.to_string())?;
            let one = checked.first().ok_or("no such program")?;
            Ok(of_report(&one.report))
        };
        let loading = load::Options {
            programs,
            target: target.as_ref(),
            log_level: STATISTICS,
            ..load::Options::default()
        };
        let kernel = || of_kernel(engine, &object, index, &loading);
        let (ours, kernel) = alternate(runs, ours, kernel);
        let name = format!("{file} {}", function.name);
        done(Row { name, insns, large: false, ours, kernel });
    }
    Ok(left_out)
}

/// What the kernel says of a program.
fn of_kernel(
    engine: &Arc<dyn Engine>,
    object: &Arc<Object>,
    index: FunctionIdx,
    options: &load::Options<'_>,
) -> Answer {
    let loaded = load::load_each(engine, object, options).map_err(|error| error.to_string())?;
    let own = loaded.into_iter().find(|(loaded, _)| *loaded == index);
    match own.ok_or("no such program")?.1 {
        Ok(program) => of_log(program.log(), None),
        Err(skep::Error::Command(error)) => {
            of_log(error.log.as_deref().unwrap_or_default(), Some(error.to_string()))
        }
        Err(error) => Err(error.to_string()),
    }
}
