//! How many objects of other people can be used, here and with other loaders.
//!
//! libbpf is asked by the test itself. aya-obj is a crate from the registry, which the project does
//! not depend on: a package that does, of a few lines, is written to the target folder and built
//! there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::process;
use crate::skips::Skips;
use crate::workspace::Workspace;

const MANIFEST: &str = r#"[package]
name = "ask-aya-obj"
version = "0.0.0"
edition = "2021"
publish = false

[workspace]

[dependencies]
aya-obj = "0.2"
"#;

/// Prints a line `OBJECT<tab>none|read<tab>REASON` for each object.
const SOURCE: &str = r#"fn main() {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).expect("the test names files that are there");
        match aya_obj::Object::parse(&bytes) {
            Ok(_) => println!("{path}\tread\t"),
            Err(error) => println!("{path}\tnone\t{}", error.to_string().replace('\n', " ")),
        }
    }
}
"#;

/// Builds what asks aya-obj, and counts.
pub(crate) fn run(workspace: &Workspace, skips: &Skips, folder: &Path) -> Result<(), Error> {
    let folder = folder.canonicalize().map_err(Error::file("find", folder))?;
    let aya = build(workspace, &workspace.target().join("samples"));
    let mut test = workspace.cargo(&["test", "--package", "skep", "--test", "samples"]);
    test.args(["--", "--nocapture"]).env("SKEP_SAMPLES", folder);
    match aya {
        Ok(program) => {
            test.env("SKEP_AYA_OBJ", program);
        }
        Err(error) => skips.note(&format!("comparison with aya-obj: {error}"))?,
    }
    process::run(&mut test)
}

/// Builds the program in a folder; returns its path.
fn build(workspace: &Workspace, folder: &Path) -> Result<PathBuf, Error> {
    let source = folder.join("src");
    fs::create_dir_all(&source).map_err(Error::file("create", &source))?;
    for (path, text) in [(folder.join("Cargo.toml"), MANIFEST), (source.join("main.rs"), SOURCE)] {
        fs::write(&path, text).map_err(Error::file("write", &path))?;
    }
    let mut cargo = workspace.command("cargo");
    cargo.args(["build", "--quiet", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    process::run(cargo.arg("--target-dir").arg(folder.join("target")))?;
    Ok(folder.join("target/debug/ask-aya-obj"))
}
