//! Running other programs.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::error::Error;

/// Runs a command and lets it print.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let status = command.status().map_err(|source| start_error(command, source))?;
    if status.success() { Ok(()) } else { Err(Error::Failed { command: shown(command), status }) }
}

/// Runs a command and returns what it printed on standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| start_error(command, source))?;
    if !output.status.success() {
        return Err(Error::Failed { command: shown(command), status: output.status });
    }
    String::from_utf8(output.stdout)
        .map_err(|_| Error::Output { command: shown(command), expected: "UTF-8 text" })
}

/// Runs a command, lets it print, and shows each line of its standard output to
/// `see` as well.
pub(crate) fn watch(command: &mut Command, mut see: impl FnMut(&str)) -> Result<(), Error> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| start_error(command, source))?;
    let stdout = child.stdout.take().expect("process: standard output was asked for as a pipe");
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    // Reading fails only where the pipe does; then the status tells the rest.
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        let _ = std::io::stdout().write_all(&line);
        see(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    let status = child.wait().map_err(|source| start_error(command, source))?;
    if status.success() { Ok(()) } else { Err(Error::Failed { command: shown(command), status }) }
}

/// Whether a program can be started at all.
pub(crate) fn exists(program: &str) -> bool {
    let started = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    started.is_ok()
}

fn start_error(command: &Command, source: std::io::Error) -> Error {
    Error::Start { command: shown(command), source }
}

/// The command as one would type it, the program without its folder.
pub(crate) fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    let mut words = vec![name.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
