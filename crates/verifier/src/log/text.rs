//! Text of which the end counts.

/// How many bytes of the log are kept: the end, as the kernel does with a buffer that is too small.
const KEPT_BYTES: usize = 16 << 20;

/// Text of which the beginning is dropped when it becomes too long.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    text: String,
    /// How many bytes were dropped.
    dropped: usize,
}

impl Text {
    /// Where the text ends, counted from the beginning of what was ever written.
    pub(super) fn end(&self) -> usize {
        self.dropped + self.text.len()
    }

    /// Adds to the text.
    pub(super) fn push(&mut self, text: &str) {
        if self.text.len() + text.len() > 2 * KEPT_BYTES {
            let from = self.text.len().saturating_sub(KEPT_BYTES);
            let line = self.text.as_bytes()[from..].iter().position(|byte| *byte == b'\n');
            let keep = line.map_or(self.text.len(), |line| from + line + 1);
            self.text.drain(..keep);
            self.dropped += keep;
        }
        self.text.push_str(text);
    }

    /// Takes back what stands behind a place.
    pub(super) fn cut(&mut self, end: usize) {
        self.text.truncate(end.saturating_sub(self.dropped));
    }

    /// What is left.
    pub(super) fn into_string(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_from_the_beginning_of_a_line() {
        let mut text = Text::default();
        let line = format!("{}\n", "x".repeat(1023));
        for _ in 0..40 * 1024 {
            text.push(&line);
        }
        assert_eq!(text.end(), 40 << 20);
        let kept = text.clone().into_string();
        assert!(kept.len() >= KEPT_BYTES && kept.len() <= 2 * KEPT_BYTES, "{}", kept.len());
        assert_eq!(kept.len() % 1024, 0);
        text.cut((40 << 20) - 1024);
        assert_eq!(text.into_string().len(), kept.len() - 1024);
    }
}
