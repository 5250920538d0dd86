//! How many tests passed and failed: the sum over the results of `cargo test`.

use std::fmt;
use std::ops::AddAssign;

/// Counted tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    /// Reads a line that ends a test binary's run:
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; …`. Other lines are `None`.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let (_, counts) = line.trim_start().strip_prefix("test result: ")?.split_once(". ")?;
        let mut tally = Self::default();
        for count in counts.split("; ") {
            let (number, what) = count.split_once(' ')?;
            let field = match what {
                "passed" => &mut tally.passed,
                "failed" => &mut tally.failed,
                "ignored" => &mut tally.skipped,
                _ => continue,
            };
            *field = number.parse().ok()?;
        }
        Some(tally)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(usize, usize, usize)>) {
        let found = Tally::from_line(line).map(|tally| (tally.passed, tally.failed, tally.skipped));
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn result_lines_are_read() {
        check(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s",
            Some((3, 0, 1)),
        );
        check(
            "test result: FAILED. 12 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
            Some((12, 2, 0)),
        );
    }

    #[test]
    fn other_lines_are_not() {
        check("test ops::add ... ok", None);
        check("running 3 tests", None);
        check("test result: ok", None);
        check("test result: ok. many passed; 0 failed", None);
    }
}
