//! The file of a case: its input and its sections.

use std::path::{Path, PathBuf};

/// What a line that begins a section starts with.
const MARKER: &str = "--- ";

/// A case: input and expected output in one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    path: PathBuf,
    input: String,
    sections: Vec<Section>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Section {
    name: String,
    text: String,
}

impl Case {
    /// Splits the text of a case into its sections.
    pub fn parse(path: &Path, text: &str) -> Case {
        let mut case = Case { path: path.to_owned(), input: String::new(), sections: Vec::new() };
        for line in text.lines() {
            if let Some(name) = line.strip_prefix(MARKER) {
                case.sections.push(Section { name: name.trim().into(), text: String::new() });
                continue;
            }
            let text = match case.sections.last_mut() {
                Some(section) => &mut section.text,
                None => &mut case.input,
            };
            text.push_str(line);
            text.push('\n');
        }
        case.input = end_once(&case.input);
        for section in &mut case.sections {
            section.text = end_once(&section.text);
        }
        case
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the file without its extension.
    pub fn name(&self) -> &str {
        self.path.file_stem().and_then(|name| name.to_str()).unwrap_or("")
    }

    /// What stands before the first section.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// The text of a section.
    pub fn section(&self, name: &str) -> Option<&str> {
        self.sections.iter().find(|section| section.name == name).map(|s| s.text.as_str())
    }

    /// Replaces the text of a section, or adds one; `None` removes it.
    pub(crate) fn set(&mut self, name: &str, text: Option<&str>) {
        let Some(text) = text.map(end_once) else {
            self.sections.retain(|section| section.name != name);
            return;
        };
        match self.sections.iter_mut().find(|section| section.name == name) {
            Some(section) => section.text = text,
            None => self.sections.push(Section { name: name.into(), text }),
        }
    }

    /// The text of the file: what [`Case::parse`] reads back.
    pub(crate) fn to_text(&self) -> String {
        let mut text = self.input.clone();
        for section in &self.sections {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("{MARKER}{}\n{}", section.name, section.text));
        }
        text
    }
}

/// The text without blank lines at its end, and with one line feed there if it has any line.
pub(crate) fn end_once(text: &str) -> String {
    match text.trim_end() {
        "" => String::new(),
        text => format!("{text}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "in\n\nput\n\n--- one\n1\n\n--- two\n";

    fn parse(text: &str) -> Case {
        Case::parse(Path::new("tests/some/name.txt"), text)
    }

    #[test]
    fn sections() {
        let case = parse(TEXT);
        assert_eq!(case.name(), "name");
        assert_eq!(case.input(), "in\n\nput\n");
        assert_eq!(case.section("one"), Some("1\n"));
        assert_eq!(case.section("two"), Some(""));
        assert_eq!(case.section("three"), None);
        assert_eq!(case.to_text(), TEXT);
    }

    #[test]
    fn sections_are_replaced_in_place() {
        let mut case = parse(TEXT);
        case.set("one", Some("a\nb\n\n\n"));
        case.set("three", Some("c"));
        case.set("two", None);
        assert_eq!(case.to_text(), "in\n\nput\n\n--- one\na\nb\n\n--- three\nc\n");
    }
}
