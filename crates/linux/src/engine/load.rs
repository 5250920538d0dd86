//! Loading, with a log that is as large as the kernel's answer.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use skep_command::attr::prog::Load;
use skep_command::prog::{FuncInfo, LineInfo, ProgLoad};
use skep_command::{Errno, Error, Result};
use skep_spec::encode::encode;

use super::errors::refused;
use crate::sys;
use crate::sys::prog::{Image, Loaded};

/// The room for a log at first: enough for most programs.
const FIRST_LOG_BYTES: usize = 1 << 16;

/// The room at most. The log of a million instructions at level 2 is about this long.
const LAST_LOG_BYTES: usize = 1 << 28;

/// How much more room a log gets that did not fit, where the kernel does not say what it takes.
const LOG_GROWTH: usize = 8;

/// Loads a program, and gives its log as far as it was asked for.
///
/// A rejection always comes with a log: without one asked for, the program is loaded once more.
pub(super) fn prog(what: &str, attr: Load, prog: &ProgLoad<'_>) -> Result<(OwnedFd, String)> {
    let license = CString::new(prog.license)
        .map_err(|_| refused(Errno::EINVAL, format!("{what}: zero byte in the licence")))?;
    let image = Image {
        insns: &encode(prog.code),
        license: &license,
        func_info: &prog.btf.map_or_else(Vec::new, |btf| func_records(btf.funcs)),
        line_info: &prog.btf.map_or_else(Vec::new, |btf| line_records(btf.lines)),
    };
    let failed = |errno, log: String| {
        let error = refused(errno, what);
        if log.is_empty() { error } else { error.with_log(log) }
    };
    if attr.log_level == 0 {
        let loaded = sys::prog::load(&attr, &image, &mut [])
            .map_err(|errno| failed(errno, String::new()))?;
        match loaded.fd {
            Ok(fd) => return Ok((fd, String::new())),
            Err(first) => {
                // What it says the second time may differ (the machine may be short of something
                // only once), and then counts: a program that loads is loaded.
                let again = Load { log_level: 1, ..attr };
                return with_log(&again, &image, &failed)
                    .map(|(fd, _)| (fd, String::new()))
                    .map_err(|error| Error { errno: first, ..error });
            }
        }
    }
    with_log(&attr, &image, &failed)
}

/// Loads a program with room for a log, which grows until the log fits.
fn with_log(
    attr: &Load,
    image: &Image<'_>,
    failed: &dyn Fn(Errno, String) -> Error,
) -> Result<(OwnedFd, String)> {
    let mut room = FIRST_LOG_BYTES;
    loop {
        let mut log = vec![0; room];
        let Loaded { fd, log_bytes } =
            sys::prog::load(attr, image, &mut log).map_err(|errno| failed(errno, String::new()))?;
        let wanted = log_bytes as usize;
        if matches!(fd, Err(Errno::ENOSPC)) && room < LAST_LOG_BYTES {
            let more = if wanted > room { wanted } else { room * LOG_GROWTH };
            room = more.min(LAST_LOG_BYTES);
            continue;
        }
        let log = log_text(&log);
        return match fd {
            Ok(fd) => Ok((fd, log)),
            Err(errno) => Err(failed(errno, log)),
        };
    }
}

/// Loads BTF; a refusal comes with the log.
pub(super) fn btf(bytes: &[u8]) -> Result<OwnedFd> {
    let what = "load BTF";
    let first = match sys::btf::load(bytes, &mut []) {
        Ok(fd) => return Ok(fd),
        Err(errno) => errno,
    };
    let mut log = vec![0; FIRST_LOG_BYTES];
    match sys::btf::load(bytes, &mut log) {
        Ok(fd) => Ok(fd),
        Err(_) => {
            let log = log_text(&log);
            let error = refused(first, what);
            Err(if log.is_empty() { error } else { error.with_log(log) })
        }
    }
}

/// The text of a log up to its final zero.
fn log_text(log: &[u8]) -> String {
    let text = log.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// `struct bpf_func_info` of each function.
fn func_records(funcs: &[FuncInfo]) -> Vec<u8> {
    funcs.iter().flat_map(|func| words([func.at.0, func.type_id.0])).collect()
}

/// `struct bpf_line_info` of each line.
fn line_records(lines: &[LineInfo]) -> Vec<u8> {
    lines
        .iter()
        .flat_map(|line| words([line.at.0, line.file_name_off, line.line_off, line.line_col]))
        .collect()
}

fn words<const N: usize>(words: [u32; N]) -> impl Iterator<Item = u8> {
    words.into_iter().flat_map(u32::to_ne_bytes)
}
