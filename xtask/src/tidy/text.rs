//! Rules about the text of files: length, white space, headers, unfinished work.

use std::path::Path;

use super::{Problem, Source};

/// Past this length, a file is asked whether it still has one subject.
const LINES_NOTED: usize = 800;
/// Past this one, it is split or listed in [`LONG_FILES`].
const LINES_MAX: usize = 1200;

/// Files that may be longer, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// What people write and mean to remove again. In pieces, so that this file may
/// be checked like any other.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

/// The files that we write by hand, by their endings.
const HAND_WRITTEN: &[&str] = &["rs", "md", "toml", "c", "h", "sh", "py"];

const BPF_LICENCE: &str = "SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause";

pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.has_extension(HAND_WRITTEN)) {
        white_space(source, &mut problems);
        unfinished(source, &mut problems);
        if source.has_extension(&["rs"]) {
            length(source, &mut problems);
            header(source, &mut problems);
            ignored_tests(source, &mut problems);
        }
        if source.has_extension(&["c", "h"]) && source.path.starts_with("bpf") {
            licence(source, &mut problems);
        }
    }
    problems
}

/// Files that deserve a second thought, and no more than that.
pub(super) fn long_files(sources: &[Source]) -> Vec<(&Path, usize)> {
    sources
        .iter()
        .filter(|source| source.has_extension(&["rs"]))
        .map(|source| (source.path.as_path(), source.text.lines().count()))
        .filter(|(_, lines)| (LINES_NOTED + 1..=LINES_MAX).contains(lines))
        .collect()
}

fn length(source: &Source, problems: &mut Vec<Problem>) {
    let lines = source.text.lines().count();
    let listed = LONG_FILES.iter().any(|(path, _)| source.path == Path::new(path));
    if lines > LINES_MAX && !listed {
        let message = format!("{lines} lines; a file has at most {LINES_MAX}, or a listed reason");
        problems.push(Problem::of_file(&source.path, message));
    }
}

/// Every Rust file says first what it is and why; the tests beside a module need
/// not, as the module has said it.
fn header(source: &Source, problems: &mut Vec<Problem>) {
    if source.path.ends_with("tests.rs") {
        return;
    }
    let first = source.text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!"));
    if !first.is_some_and(|line| line.starts_with("//!")) {
        problems.push(Problem::new(&source.path, 1, "does not open with `//!`"));
    }
}

fn ignored_tests(source: &Source, problems: &mut Vec<Problem>) {
    for (number, line) in source.lines() {
        if line.trim_start().starts_with("#[ignore") {
            let message = "an ignored test; what the machine lacks is a counted skip";
            problems.push(Problem::new(&source.path, number, message));
        }
    }
}

fn white_space(source: &Source, problems: &mut Vec<Problem>) {
    for (number, line) in source.lines() {
        if line.ends_with(char::is_whitespace) {
            problems.push(Problem::new(&source.path, number, "white space at the end of the line"));
        }
    }
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        problems.push(Problem::of_file(&source.path, "does not end with a line feed"));
    }
}

fn unfinished(source: &Source, problems: &mut Vec<Problem>) {
    for (number, line) in source.lines() {
        let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        if let Some(word) = words.find(|word| UNFINISHED.contains(word)) {
            let message = format!("`{word}`: finish it, or file it where work is kept");
            problems.push(Problem::new(&source.path, number, message));
        }
    }
}

fn licence(source: &Source, problems: &mut Vec<Problem>) {
    if !source.text.lines().next().unwrap_or_default().contains(BPF_LICENCE) {
        let message = format!("the first line does not say `{BPF_LICENCE}`");
        problems.push(Problem::new(&source.path, 1, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let source = Source { path: path.into(), text: text.to_owned() };
        let found: Vec<String> = super::check(&[source]).iter().map(Problem::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn clean_files_pass() {
        check("a.rs", "//! A file.\n\nfn a() {}\n", &[]);
        check("bpf/a.bpf.c", "// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause\n", &[]);
        check("a/tests.rs", "use super::*;\n", &[]);
        check("data.txt", "as it came  ", &[]);
    }

    #[test]
    fn white_space_is_found() {
        check("a.md", "text \n", &["a.md:1: white space at the end of the line"]);
        check("a.md", "text", &["a.md: does not end with a line feed"]);
    }

    #[test]
    fn headers_are_wanted() {
        check("a.rs", "fn a() {}\n", &["a.rs:1: does not open with `//!`"]);
        check(
            "bpf/a.h",
            "/* nothing */\n",
            &["bpf/a.h:1: the first line does not say \
               `SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause`"],
        );
    }

    #[test]
    fn unfinished_work_is_found_as_a_word() {
        let word = UNFINISHED[0];
        check(
            "a.md",
            &format!("- {word}: later\n- {word}S\n"),
            &[&format!("a.md:1: `{word}`: finish it, or file it where work is kept")],
        );
    }

    #[test]
    fn long_files_are_found() {
        let lines = |count: usize| format!("//! A file.\n{}", "\n".repeat(count - 1));
        check("a.rs", &lines(LINES_MAX), &[]);
        check(
            "a.rs",
            &lines(LINES_MAX + 1),
            &["a.rs: 1201 lines; a file has at most 1200, or a listed reason"],
        );
    }
}
