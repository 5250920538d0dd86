//! The difference between two texts, by lines.

/// Texts longer than this, in lines, are not searched for what they share: the table of a
/// comparison grows with the square.
const MAX_LINES: usize = 2000;

/// The lines of both texts, those only expected after `-`, those only found after `+`.
pub(crate) fn diff(expected: &str, found: &str) -> String {
    let old: Vec<&str> = expected.lines().collect();
    let new: Vec<&str> = found.lines().collect();
    let mut text = String::new();
    let mut line = |sign, line: &str| text.push_str(&format!("{sign} {line}\n"));
    if old.len().max(new.len()) > MAX_LINES {
        old.iter().for_each(|old| line('-', old));
        new.iter().for_each(|new| line('+', new));
        return text;
    }

    let common = common(&old, &new);
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            line(' ', old[i]);
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            line('-', old[i]);
            i += 1;
        } else {
            line('+', new[j]);
            j += 1;
        }
    }
    text
}

/// How many lines the ends of both texts share, from each pair of lines on.
fn common(old: &[&str], new: &[&str]) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            table[i][j] = if old[i] == new[j] {
                table[i + 1][j + 1] + 1
            } else {
                table[i + 1][j].max(table[i][j + 1])
            };
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ() {
        assert_eq!(diff("a\nb\nc\n", "a\nx\nc\nd\n"), "  a\n- b\n+ x\n  c\n+ d\n");
        assert_eq!(diff("", "a\n"), "+ a\n");
        assert_eq!(diff("a\n", "a\n"), "  a\n");
    }
}
