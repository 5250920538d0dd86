//! What the kernel says of a program, taken apart.

/// What follows what the kernel says of a program itself; some of its lines lack their end.
const AFTER_FINAL: &str = "verification time";

/// The last line that the kernel says about the program itself; none, where it said nothing.
pub(crate) fn final_line(log: &str) -> Option<&str> {
    let said = log.split(AFTER_FINAL).next().unwrap_or_default();
    said.lines().last().filter(|line| !line.starts_with("processed "))
}

/// The text with numbers as `N`, so that like ones can be put together.
pub(crate) fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut in_number = false;
    for c in text.chars() {
        let digit = c.is_ascii_digit();
        if !(digit && in_number) {
            masked.push(if digit { 'N' } else { c });
        }
        in_number = digit;
    }
    masked
}
