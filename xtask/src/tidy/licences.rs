//! The licences of what we build on: all of them may go into a program that is
//! Apache-2.0 OR MIT.

use std::path::Path;

use super::Problem;
use super::edges::Metadata;

/// Licences that ask for no more than a notice.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

pub(super) fn check(metadata: &Metadata) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in metadata.packages() {
        let licence = package.licence.as_deref().unwrap_or("none");
        if !is_permissive(licence) {
            let message = format!("{} {} has licence `{licence}`", package.name, package.version);
            problems.push(Problem::of_file(Path::new("dependency"), message));
        }
    }
    problems
}

/// Whether an SPDX expression leaves a choice that is permissive. Anything that
/// it does not understand is not.
fn is_permissive(expression: &str) -> bool {
    // Some old packages write a slash for `OR`.
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    choice(&mut rest) && rest.is_empty()
}

/// `a OR b`: one permissive side is enough. Both are read, so that `rest` ends
/// behind the whole choice.
fn choice(rest: &mut &[&str]) -> bool {
    let mut permissive = all(rest);
    while take(rest, "OR") {
        permissive |= all(rest);
    }
    permissive
}

/// `a AND b`: both sides hold.
fn all(rest: &mut &[&str]) -> bool {
    let mut permissive = one(rest);
    while take(rest, "AND") {
        permissive &= one(rest);
    }
    permissive
}

/// A licence, with or without an exception, or an expression in parentheses.
fn one(rest: &mut &[&str]) -> bool {
    if take(rest, "(") {
        let permissive = choice(rest);
        return take(rest, ")") && permissive;
    }
    let Some((name, behind)) = rest.split_first() else { return false };
    *rest = behind;
    if take(rest, "WITH") {
        // An exception only ever permits more.
        *rest = rest.get(1..).unwrap_or_default();
    }
    PERMISSIVE.contains(name)
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    match rest.split_first() {
        Some((first, behind)) if *first == word => {
            *rest = behind;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, expected: bool) {
        assert_eq!(is_permissive(expression), expected, "{expression}");
    }

    #[test]
    fn permissive_choices() {
        check("MIT", true);
        check("Apache-2.0 OR MIT", true);
        check("MIT/Apache-2.0", true);
        check("MIT OR Apache-2.0 OR LGPL-2.1-or-later", true);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true);
    }

    #[test]
    fn others() {
        check("GPL-2.0", false);
        check("MIT AND GPL-3.0-only", false);
        check("(MIT OR Apache-2.0) AND LGPL-2.1", false);
        check("none", false);
        check("MIT MIT", false);
        check("(MIT", false);
        check("", false);
    }
}
