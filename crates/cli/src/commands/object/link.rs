//! `skep object link`: several object files, one object file.

use std::fs;
use std::process::ExitCode;

use serde_json::json;
use skep::object::{Object, merge};

use crate::args::{Global, ObjectLinkArgs};
use crate::failure::Failure;
use crate::table::count;
use crate::{input, output};

/// Links objects, and says what is in the one that they become.
pub(crate) fn link(global: &Global, args: &ObjectLinkArgs) -> Result<ExitCode, Failure> {
    let names: Vec<String> = args.objects.iter().map(|path| path.display().to_string()).collect();
    let bytes: Vec<Vec<u8>> =
        args.objects.iter().map(|path| input::object_bytes(path)).collect::<Result<_, _>>()?;
    let inputs: Vec<merge::Input<'_>> =
        names.iter().zip(&bytes).map(|(name, bytes)| merge::Input { name, bytes }).collect();
    let linked = merge::objects(&inputs).map_err(|error| Failure::new(&error))?;
    let object = input::parse_object(&args.output, &linked)?;
    fs::write(&args.output, &linked).map_err(|error| Failure::at(args.output.display(), error))?;
    report(global, args, &object)?;
    Ok(ExitCode::SUCCESS)
}

fn report(global: &Global, args: &ObjectLinkArgs, object: &Object) -> Result<(), Failure> {
    let programs = object.programs().count();
    let maps = object.maps().len();
    let externs: Vec<&str> = object.externs().iter().map(|symbol| symbol.name.as_str()).collect();
    if global.json() {
        let counts = json!({ "programs": programs, "maps": maps, "externs": externs });
        return output::json(global, &counts);
    }
    let undefined = if externs.is_empty() {
        String::new()
    } else {
        format!("; left to the kernel: {}", externs.join(", "))
    };
    println!(
        "{}: {} programs, {} maps{undefined}",
        args.output.display(),
        count(programs as u64),
        count(maps as u64)
    );
    Ok(())
}
