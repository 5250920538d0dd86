//! Whether a type that a program was compiled against is a type that is there now.

/// The name without its flavour: `task_struct___old` is a second view of `task_struct`.
///
/// The flavour starts at the last `___` that has something on both sides.
pub fn essential_name(name: &str) -> &str {
    match name.rfind("___") {
        Some(at) if at > 0 && at + 3 < name.len() => name.get(..at).unwrap_or(name),
        _ => name,
    }
}
