//! Where instructions stand in the source, or, where nothing says, in the program.

use std::collections::BTreeMap;

use skep_spec::{Insn, InsnIdx};

use crate::input::Input;

/// The place of an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file; `None` where the program does not say from which source it was made. The line is
    /// the instruction then.
    pub file: Option<String>,
    /// The number of the line, from 1; of an instruction, its own.
    pub line: u32,
    /// The text of the line.
    pub text: String,
    /// The bytes of the text that matter.
    pub span: (usize, usize),
}

impl Place {
    /// The place of an instruction.
    pub(super) fn of(input: &Input<'_>, at: InsnIdx) -> Place {
        Place::in_source(input, at).unwrap_or_else(|| Place::in_program(input, at))
    }

    fn in_source(input: &Input<'_>, at: InsnIdx) -> Option<Place> {
        let after = input.line_info.partition_point(|line| line.at <= at);
        let line = input.line_info.get(after.checked_sub(1)?)?;
        let strings = input.btf?;
        let file = file_name(&strings.string(line.file_name_off)?).to_owned();
        let text = strings.string(line.line_off)?.into_owned();
        if text.trim().is_empty() {
            return None;
        }
        let text = shown(&text);
        // Columns count a tab for one.
        let tabs = strings.string(line.line_off)?.chars().take_while(|c| *c == '\t').count();
        let column = (line.column as usize).checked_sub(1).map(|column| column + 3 * tabs);
        let whole = matches!(input.code.get(at), Some(Insn::Branch { .. }));
        let span = span(&text, column, whole);
        Some(Place { file: Some(file), line: line.line, text, span })
    }

    fn in_program(input: &Input<'_>, at: InsnIdx) -> Place {
        let insn = input.code.get(at);
        let text = insn.map_or_else(|| "(no instruction)".into(), ToString::to_string);
        Place { file: None, line: at.0, span: (0, text.len()), text }
    }
}

/// A file's name as it is shown.
fn file_name(name: &str) -> &str {
    name.trim_start_matches("./")
}

/// The text of a line as it is shown.
fn shown(text: &str) -> String {
    text.trim_end().replace('\t', "    ")
}

/// What is known of the lines from the first to the last of some places, of each file.
pub(super) fn lines<'a>(
    input: &Input<'_>,
    places: impl Iterator<Item = &'a Place>,
) -> BTreeMap<(Option<String>, u32), String> {
    let mut ranges: BTreeMap<Option<&str>, (u32, u32)> = BTreeMap::new();
    for place in places {
        let range = ranges.entry(place.file.as_deref()).or_insert((place.line, place.line));
        *range = (range.0.min(place.line), range.1.max(place.line));
    }
    let mut lines = BTreeMap::new();
    if let Some((first, last)) = ranges.get(&None) {
        for (at, insn) in input.code.iter() {
            if (*first..=*last).contains(&at.0) {
                lines.insert((None, at.0), insn.to_string());
            }
        }
    }
    let Some(strings) = input.btf else { return lines };
    for line in input.line_info {
        let Some(file) = strings.string(line.file_name_off) else { continue };
        let file = file_name(&file);
        let Some((first, last)) = ranges.get(&Some(file)) else { continue };
        if (*first..=*last).contains(&line.line)
            && let Some(text) = strings.string(line.line_off)
        {
            lines.insert((Some(file.to_owned()), line.line), shown(&text));
        }
    }
    lines
}

/// The expression that begins at a column, up to an operator unless `whole` is set; or the line.
fn span(text: &str, column: Option<usize>, whole: bool) -> (usize, usize) {
    let start = text.len() - text.trim_start().len();
    let line = (start, text.len());
    let Some(column) = column.filter(|column| text.is_char_boundary(*column)) else { return line };
    let Some(rest) = text.get(column..).filter(|rest| !rest.trim().is_empty()) else {
        return line;
    };
    let named = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let whole = whole || !named || rest.starts_with("return ");
    let mut depth = 0_usize;
    let mut end = rest.len();
    for (place, c) in rest.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' if depth == 0 => {
                end = place;
                break;
            }
            ')' | ']' => depth -= 1,
            ' ' if depth == 0 && !whole => {
                end = place;
                break;
            }
            '{' | ';' | ',' if depth == 0 => {
                end = place;
                break;
            }
            _ => {}
        }
    }
    let found = rest[..end].trim_end();
    if found.is_empty() { (column, column + 1) } else { (column, column + found.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, column: Option<usize>, whole: bool, expected: &str) {
        let (start, end) = span(text, column, whole);
        assert_eq!(&text[start..end], expected);
    }

    #[test]
    fn expressions() {
        check("  int x = table[key & 7];", None, false, "int x = table[key & 7];");
        check("  int x = table[key & 7] + 1;", Some(10), false, "table[key & 7]");
        check("  if (data + 14 > end) return 0;", Some(6), true, "data + 14 > end");
        check("  x = a->b == c ? d : e;", Some(6), false, "a->b");
        check("  p = q + 2 * n;", Some(8), false, "+ 2 * n");
        check("  return f(a, b);", Some(9), false, "f(a, b)");
        check("  return a + b;", Some(2), false, "return a + b");
        check("}", Some(0), false, "}");
        check("x", Some(9), false, "x");
    }
}
