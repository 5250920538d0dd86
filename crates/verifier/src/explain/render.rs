//! The text of an explanation.

use std::collections::BTreeMap;
use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Explanation, Label};

impl Explanation {
    /// The text with colours, for terminals.
    #[must_use]
    pub fn styled(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let sources = self.sources();
        let mut group = Group::with_title(Level::ERROR.primary_title(&self.title));
        for source in &sources {
            let mut snippet = Snippet::source(&source.text).line_start(source.first).fold(true);
            if let Some(file) = &source.file {
                snippet = snippet.path(file);
            }
            for mark in &source.marks {
                let kind =
                    if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
                let mut annotation = kind.span(mark.span.clone());
                if !mark.text.is_empty() {
                    annotation = annotation.label(&mark.text);
                }
                snippet = snippet.annotation(annotation);
            }
            group = group.element(snippet);
        }
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note));
        }
        for help in &self.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }

    /// The labels, by the file that they stand in; the one where the program fails first.
    fn sources(&self) -> Vec<Source> {
        let mut sources: Vec<Source> = Vec::new();
        let mut files: Vec<&Option<String>> = Vec::new();
        for label in &self.labels {
            if !files.contains(&&label.place.file) {
                files.push(&label.place.file);
            }
        }
        for file in files {
            let labels: Vec<(usize, &Label)> =
                self.labels.iter().enumerate().filter(|(_, l)| l.place.file == *file).collect();
            sources.push(self.source(file, &labels));
        }
        sources
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

/// What is known of a file: the lines with labels, at their places among empty ones.
struct Source {
    file: Option<String>,
    first: usize,
    text: String,
    marks: Vec<Mark>,
}

/// A label within the text.
struct Mark {
    span: std::ops::Range<usize>,
    text: String,
    primary: bool,
}

impl Explanation {
    /// What is known of a file.
    fn source(&self, file: &Option<String>, labels: &[(usize, &Label)]) -> Source {
        let lines: BTreeMap<u32, &Label> =
            labels.iter().map(|(_, label)| (label.place.line, *label)).collect();
        let first = lines.keys().next().copied().unwrap_or(1);
        let mut text = String::new();
        let mut starts = BTreeMap::new();
        let mut next = first;
        for (line, label) in &lines {
            // Lines without labels are folded away, but for one between two others.
            for number in next..*line {
                if number > next {
                    let known = self.lines.get(&(file.clone(), number));
                    text.push_str(known.map_or("…", String::as_str));
                }
                text.push('\n');
            }
            starts.insert(*line, text.len());
            text.push_str(&label.place.text);
            next = *line;
        }
        let marks = labels.iter().map(|(number, label)| {
            let start = starts.get(&label.place.line).copied().unwrap_or(0);
            let (from, to) = label.place.span;
            Mark { span: start + from..start + to, text: label.text.clone(), primary: *number == 0 }
        });
        Source { file: file.clone(), first: first as usize, marks: marks.collect(), text }
    }
}
