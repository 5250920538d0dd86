//! Running all cases of a kind.

use std::fs;
use std::path::{Path, PathBuf};

use crate::case::{Case, end_once};
use crate::diff::diff;
use crate::skip::skip;

/// Set to anything but `0`, makes cases expect what is found.
const BLESS: &str = "SKEP_BLESS";

/// A kind of case.
pub struct Kind {
    /// The folder under `tests/` whose `.txt` files are the cases.
    pub folder: &'static str,
    /// The sections that a case may come to; a case comes to some of them.
    pub outputs: &'static [&'static str],
    /// What comes of a case.
    pub run: fn(&Case) -> Outcome,
}

/// What came of a case.
pub enum Outcome {
    /// Sections by name; those of [`Kind::outputs`] that are missing here must be missing in the
    /// file too.
    Found(Vec<(&'static str, String)>),
    /// The machine lacks something, which is named here.
    Skipped(String),
}

impl Kind {
    /// Runs every case in the folder and compares, or blesses.
    ///
    /// # Panics
    ///
    /// If a case fails, with the differences of all that do; if there is no case at all.
    pub fn check(&self) {
        let folder = crate::root().join("tests").join(self.folder);
        let files = files(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        assert!(!files.is_empty(), "{}: no case", folder.display());
        let bless = std::env::var_os(BLESS).is_some_and(|value| value != "0");
        let failures: Vec<String> =
            files.iter().filter_map(|file| self.check_file(file, bless).err()).collect();
        assert!(
            failures.is_empty(),
            "{} of {} cases failed; {BLESS}=1 makes them expect what was found\n\n{}",
            failures.len(),
            files.len(),
            failures.join("\n")
        );
    }

    fn check_file(&self, path: &Path, bless: bool) -> Result<(), String> {
        let shown = path.strip_prefix(crate::root()).unwrap_or(path).display();
        let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}\n"))?;
        let mut case = Case::parse(path, &text);
        let found = match (self.run)(&case) {
            Outcome::Found(found) => found,
            Outcome::Skipped(reason) => {
                skip(&format!("{shown}: {reason}"));
                return Ok(());
            }
        };
        if bless {
            self.bless(&mut case, &found);
            let blessed = case.to_text();
            if blessed != text {
                fs::write(path, blessed).map_err(|error| format!("{shown}: {error}\n"))?;
            }
            return Ok(());
        }
        let differences = self.differences(&case, &found);
        if differences.is_empty() {
            Ok(())
        } else {
            Err(differences.iter().map(|each| format!("{shown}: {each}")).collect())
        }
    }

    fn bless(&self, case: &mut Case, found: &[(&'static str, String)]) {
        for output in self.outputs {
            if !found.iter().any(|(name, _)| name == output) {
                case.set(output, None);
            }
        }
        for (name, text) in found {
            case.set(name, Some(text));
        }
    }

    fn differences(&self, case: &Case, found: &[(&'static str, String)]) -> Vec<String> {
        let mut differences = Vec::new();
        for &output in self.outputs {
            let found = found.iter().find(|(name, _)| *name == output);
            match (case.section(output), found) {
                (None, None) => {}
                (Some(_), None) => differences.push(format!("section `{output}`: found none\n")),
                (None, Some((_, found))) => {
                    differences.push(format!("section `{output}`: expected none\n{found}"));
                }
                (Some(expected), Some((_, found))) => {
                    let found = end_once(found);
                    if expected != found {
                        let lines = diff(expected, &found);
                        differences.push(format!("section `{output}`:\n{lines}"));
                    }
                }
            }
        }
        differences
    }
}

/// The cases in a folder, by name.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind =
        Kind { folder: "", outputs: &["a", "b"], run: |_| Outcome::Found(Vec::new()) };

    fn case(text: &str) -> Case {
        Case::parse(Path::new("x.txt"), text)
    }

    #[test]
    fn outputs_are_compared_and_inputs_are_not() {
        let check = |file: &str, found: &[(&'static str, String)], expected: &[&str]| {
            assert_eq!(KIND.differences(&case(file), found), expected);
        };
        let a = |text: &str| [("a", text.to_owned())];
        check("--- a\n1\n", &a("1"), &[]);
        check("--- other\n1\n", &[], &[]);
        check("--- a\n1\n", &a("2\n"), &["section `a`:\n- 1\n+ 2\n"]);
        check("--- a\n1\n", &[], &["section `a`: found none\n"]);
        check("", &a("1\n"), &["section `a`: expected none\n1\n"]);
    }

    #[test]
    fn blessing_keeps_inputs_and_drops_stale_outputs() {
        let mut case = case("in\n--- a\n1\n--- other\nkept\n");
        KIND.bless(&mut case, &[("b", "2".into())]);
        assert_eq!(case.to_text(), "in\n\n--- other\nkept\n\n--- b\n2\n");
    }
}
