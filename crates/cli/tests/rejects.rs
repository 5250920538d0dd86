//! The explained rejects of `docs/rejects`, checked to the letter: what stands there of a program's
//! C source is what `skep check` says, and the mended program is accepted.
//!
//! Each file has three blocks: the C before, the output, the C after. `SKEP_BLESS=1` puts the output
//! of today in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What ends a block.
const END: &str = "```";

#[test]
fn documents() {
    let folder = testkit::root().join("docs/rejects");
    let entries = fs::read_dir(&folder).expect("the folder is there");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("it can be read").path()).collect();
    files.retain(|file| file.file_name().is_some_and(|name| name != "README.md"));
    files.sort();
    assert!(files.len() >= 12, "{} documents", files.len());
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".into());
    let found = [clang.as_str(), "clang-19"].into_iter().any(|clang| {
        Command::new(clang).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    if !found {
        return testkit::skip("rejects: no clang to compile the documents' programs");
    }
    let bless = std::env::var_os("SKEP_BLESS").is_some_and(|value| value != "0");
    let failures: Vec<String> = files.iter().filter_map(|file| check(file, bless).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Checks a document, or blesses it.
fn check(file: &Path, bless: bool) -> Result<(), String> {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("{shown}: {error}"))?;
    let before = block(&text, "c", 0).ok_or(format!("{shown}: no C before"))?;
    let after = block(&text, "c", 1).ok_or(format!("{shown}: no C after"))?;
    let (start, end) = place(&text, "text", 0).ok_or(format!("{shown}: no output"))?;

    let output = skep_check(before);
    let found = String::from_utf8_lossy(&output.stdout);
    if output.status.code() != Some(1) {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{shown}: before: {:?}\n{found}{error}", output.status.code()));
    }
    let mended = skep_check(after);
    if !mended.status.success() {
        let found = String::from_utf8_lossy(&mended.stdout);
        let error = String::from_utf8_lossy(&mended.stderr);
        return Err(format!("{shown}: after: {found}{error}"));
    }
    if text[start..end] == found {
        return Ok(());
    }
    if bless {
        let text = format!("{}{found}{}", &text[..start], &text[end..]);
        return fs::write(file, text).map_err(|error| format!("{shown}: {error}"));
    }
    Err(format!("{shown}: SKEP_BLESS=1 puts in what was found:\n{found}"))
}

/// What `skep check` says of C source, without the folder that it stood in.
fn skep_check(source: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().canonicalize().expect("it is there");
    fs::write(path.join("prog.bpf.c"), source).expect("a file can be written");
    let mut output = Command::new(env!("CARGO_BIN_EXE_skep"))
        .args(["check", "prog.bpf.c"])
        .current_dir(&path)
        .env("NO_COLOR", "1")
        .output()
        .expect("skep runs");
    let text = String::from_utf8_lossy(&output.stdout);
    output.stdout = text.replace(&format!("{}/", path.display()), "").into_bytes();
    output
}

/// The text of the block of a language, counted from 0.
fn block<'a>(text: &'a str, language: &str, number: usize) -> Option<&'a str> {
    let (start, end) = place(text, language, number)?;
    text.get(start..end)
}

/// Where the text of a block begins and ends.
fn place(text: &str, language: &str, number: usize) -> Option<(usize, usize)> {
    let fence = format!("{END}{language}\n");
    let (opening, _) = text.match_indices(&fence).nth(number)?;
    let start = opening + fence.len();
    let end = start + text.get(start..)?.find(END)?;
    Some((start, end))
}
