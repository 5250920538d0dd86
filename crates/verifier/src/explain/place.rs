//! Where instructions stand in the source, or, where nothing says, in the program.

use skep_spec::InsnIdx;

use crate::input::Input;

/// The place of an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file; `None` where the program does not say from which source it was made. The line is
    /// the instruction then.
    pub file: Option<String>,
    /// The number of the line, from 1; of an instruction, its number plus 1.
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
        let file = strings.string(line.file_name_off)?.into_owned();
        let text = strings.string(line.line_off)?.into_owned();
        if text.trim().is_empty() {
            return None;
        }
        let text = text.trim_end().replace('\t', "    ");
        // Columns count a tab for one.
        let tabs = strings.string(line.line_off)?.chars().take_while(|c| *c == '\t').count();
        let column = (line.column as usize).checked_sub(1).map(|column| column + 3 * tabs);
        let span = span(&text, column);
        Some(Place { file: Some(file), line: line.line, text, span })
    }

    fn in_program(input: &Input<'_>, at: InsnIdx) -> Place {
        let insn = input.code.get(at);
        let text = insn.map_or_else(|| "(no instruction)".into(), ToString::to_string);
        Place { file: None, line: at.0.saturating_add(1), span: (0, text.len()), text }
    }
}

/// The expression that begins at a column, or the whole line.
fn span(text: &str, column: Option<usize>) -> (usize, usize) {
    let start = text.len() - text.trim_start().len();
    let whole = (start, text.len());
    let Some(column) = column.filter(|column| text.is_char_boundary(*column)) else { return whole };
    let Some(rest) = text.get(column..).filter(|rest| !rest.trim().is_empty()) else {
        return whole;
    };
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
    fn check(text: &str, column: Option<usize>, expected: &str) {
        let (start, end) = span(text, column);
        assert_eq!(&text[start..end], expected);
    }

    #[test]
    fn expressions() {
        check("  int x = table[key & 7];", None, "int x = table[key & 7];");
        check("  int x = table[key & 7];", Some(10), "table[key & 7]");
        check("  if (data + 14 > end) return 0;", Some(6), "data + 14 > end");
        check("  return f(a, b);", Some(9), "f(a, b)");
        check("}", Some(0), "}");
        check("x", Some(9), "x");
    }
}
