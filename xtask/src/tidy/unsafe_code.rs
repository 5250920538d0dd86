//! Where unsafe code may stand: in the modules listed here, and nowhere else.

use std::path::Path;

use super::{Problem, Source};

/// Crates that may hold unsafe code at all; all others forbid it at their root.
const UNSAFE_CRATES: &[&str] = &["crates/runtime", "crates/linux"];

/// The modules with unsafe code (a file, or a folder and all in it), and why.
const UNSAFE_MODULES: &[(&str, &str)] = &[
    ("crates/runtime/src/memory.rs", "memory that programs read and write by address"),
    ("crates/runtime/src/memory", "memory that programs read and write by address"),
    ("crates/runtime/src/maps/memory.rs", "memory of maps, shared by threads"),
    ("crates/runtime/src/maps/program.rs", "which memory of a map its programs may touch"),
    ("crates/runtime/src/maps/ringbuf.rs", "which memory of a record its program may touch"),
    ("crates/runtime/src/maps/tests.rs", "map memory, seen as a program sees it"),
    ("crates/runtime/tests/maps/kernel.rs", "bpf(2), as the referee"),
    ("crates/runtime/src/sys.rs", "mmap and the clocks"),
    ("crates/linux/src/sys.rs", "bpf(2)"),
    ("crates/linux/src/sys", "bpf(2) and its relatives"),
];

const FORBID: &str = "#![forbid(unsafe_code)]";

pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.has_extension(&["rs"])) {
        if UNSAFE_CRATES.iter().any(|folder| source.path.starts_with(folder)) {
            outside_modules(source, &mut problems);
        } else if is_crate_root(&source.path) && !forbids(source) {
            problems.push(Problem::of_file(&source.path, format!("lacks `{FORBID}`")));
        }
    }
    problems
}

fn forbids(source: &Source) -> bool {
    source.text.lines().any(|line| line.trim() == FORBID)
}

fn outside_modules(source: &Source, problems: &mut Vec<Problem>) {
    if UNSAFE_MODULES.iter().any(|(module, _)| source.path.starts_with(module)) {
        return;
    }
    for (number, line) in source.lines().filter(|(_, line)| uses_unsafe(line)) {
        let message = format!("unsafe code outside the listed modules: {}", line.trim());
        problems.push(Problem::new(&source.path, number, message));
    }
}

/// Library roots, and the roots of binaries, tests and examples.
fn is_crate_root(path: &Path) -> bool {
    let names: Vec<&str> = path.iter().filter_map(|name| name.to_str()).collect();
    matches!(
        names.as_slice(),
        [.., "src", "lib.rs" | "main.rs"]
            | [.., "src", "bin" | "examples", _]
            | [.., "bin", _, "main.rs"]
    )
}

/// Whether a line has the keyword where it means something.
fn uses_unsafe(line: &str) -> bool {
    let code = line.trim_start();
    if code.starts_with("//") {
        return false;
    }
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern", "#[unsafe("]
        .iter()
        .any(|form| {
            code.match_indices(form).any(|(at, _)| {
                // As a word, and not inside a string.
                let before = &code[..at];
                !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
                    && before.matches('"').count().is_multiple_of(2)
            })
        })
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
    fn roots_forbid_unsafe_code() {
        check("crates/spec/src/lib.rs", "#![forbid(unsafe_code)]\n", &[]);
        check("crates/runtime/src/lib.rs", "//! The engine.\n", &[]);
        check(
            "crates/spec/src/lib.rs",
            "//! No lint.\n",
            &["crates/spec/src/lib.rs: lacks `#![forbid(unsafe_code)]`"],
        );
    }

    #[test]
    fn unsafe_code_stands_in_listed_modules() {
        check("crates/linux/src/sys.rs", "unsafe { call() }\n", &[]);
        check("crates/runtime/src/run.rs", "// unsafe { call() }\nlet a = \"unsafe fn\";\n", &[]);
        check(
            "crates/runtime/src/run.rs",
            "let a = unsafe { call() };\n",
            &["crates/runtime/src/run.rs:1: unsafe code outside the listed modules: \
               let a = unsafe { call() };"],
        );
    }
}
