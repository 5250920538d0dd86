//! Tables for people: columns as wide as they must be, numbers to the right, lines that fit.

use std::borrow::Cow;
use std::io::{self, Write};

/// Where a column's text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of text under a heading.
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row of as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// Whether there is nothing but the heading.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes it, each line begun with `indent`. A table without any heading has none written.
    pub(crate) fn write(&self, out: &mut dyn Write, indent: &str) -> io::Result<()> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(name, _)| width(name)).collect();
        for row in &self.rows {
            for (cell, widest) in row.iter().zip(&mut widths) {
                *widest = width(cell).max(*widest);
            }
        }
        if self.columns.iter().any(|(name, _)| !name.is_empty()) {
            let names: Vec<String> = self.columns.iter().map(|(name, _)| (*name).into()).collect();
            self.line(out, indent, &names, &widths)?;
        }
        for row in &self.rows {
            self.line(out, indent, row, &widths)?;
        }
        Ok(())
    }

    fn line(
        &self,
        out: &mut dyn Write,
        indent: &str,
        cells: &[String],
        widths: &[usize],
    ) -> io::Result<()> {
        let mut line = String::from(indent);
        for ((cell, (_, align)), column) in cells.iter().zip(&self.columns).zip(widths) {
            let padding = " ".repeat(column - width(cell));
            match align {
                Align::Left => line += &format!("{cell}{padding}  "),
                Align::Right => line += &format!("{padding}{cell}  "),
            }
        }
        writeln!(out, "{}", clip(line.trim_end()))
    }
}

/// The most characters that a line of a table has.
const LINE_WIDTH: usize = 100;

/// A line that fits, its end cut off and marked so if it did not.
pub(crate) fn clip(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(LINE_WIDTH) {
        None => Cow::Borrowed(line),
        Some(_) => Cow::Owned(line.chars().take(LINE_WIDTH - 1).chain(['…']).collect()),
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// A count with its thousands set apart: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit() {
        assert_eq!(clip(&"x".repeat(100)), "x".repeat(100));
        assert_eq!(clip(&"x".repeat(101)), format!("{}…", "x".repeat(99)));
    }

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let mut table = Table::new(&[("verdict", Align::Left), ("packets", Align::Right)]);
        table.row(vec!["XDP_PASS".into(), count(1_234_567)]);
        table.row(vec!["XDP_DROP".into(), count(999)]);
        let mut out = Vec::new();
        table.write(&mut out, "  ").unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "  verdict     packets\n  XDP_PASS  1,234,567\n  XDP_DROP        999\n"
        );
    }
}
