//! Links in Markdown to files of ours: each leads somewhere.

use std::path::Path;

use super::{Problem, Source};
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace, sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.has_extension(&["md"])) {
        let folder = source.path.parent().unwrap_or(Path::new(""));
        for (line, target) in links(&source.text) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !workspace.path(folder).join(file).exists() {
                let message = format!("the link to `{target}` leads nowhere");
                problems.push(Problem::new(&source.path, line, message));
            }
        }
    }
    problems
}

/// The targets of `[text](target)`, with their lines, outside of code.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        for prose in line.split('`').step_by(2) {
            for after in prose.split("](").skip(1) {
                if let Some((target, _)) = after.split_once(')') {
                    links.push((number, target));
                }
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(usize, &str)]) {
        assert_eq!(links(text), expected, "{text}");
    }

    #[test]
    fn links_are_found() {
        check("see [a](a.md) and\n[b](b/c.md#d)", &[(1, "a.md"), (2, "b/c.md#d")]);
        check("[`Insn`](insn.rs) is", &[(1, "insn.rs")]);
    }

    #[test]
    fn code_has_no_links() {
        check("`a[0](b)`\n```\n[a](b)\n```\n", &[]);
    }
}
