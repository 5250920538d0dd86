//! Names that C accepts, each given once.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::types::TypeId;

/// Words that cannot be a name.
const KEYWORDS: [&str; 44] = [
    "_Alignas",
    "_Alignof",
    "_Atomic",
    "_Bool",
    "_Complex",
    "_Generic",
    "_Imaginary",
    "_Noreturn",
    "_Static_assert",
    "_Thread_local",
    "asm",
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
];

/// A name, with what C does not accept replaced. Other languages have names like `Option<u32>`.
pub(super) fn identifier(name: &str) -> Cow<'_, str> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let starts = |letter: char| !letter.is_ascii_digit();
    if name.chars().all(fits) && name.starts_with(starts) && !is_keyword(name) {
        return Cow::Borrowed(name);
    }
    let mut fitting: String =
        name.chars().map(|letter| if fits(letter) { letter } else { '_' }).collect();
    if !fitting.starts_with(starts) {
        fitting.insert(0, '_');
    }
    if is_keyword(&fitting) {
        fitting.push('_');
    }
    Cow::Owned(fitting)
}

fn is_keyword(name: &str) -> bool {
    KEYWORDS.binary_search(&name).is_ok() || matches!(name, "while" | "typeof" | "__int128")
}

/// The names given so far. Tags (`struct x`) and ordinary names (typedefs, values of
/// enumerations) do not meet in C.
#[derive(Default)]
pub(super) struct Names {
    given: HashMap<TypeId, String>,
    ordinary: Space,
    tags: Space,
    /// The keyword of each tag, and whether something with a body has it.
    owners: HashMap<String, (&'static str, bool)>,
}

impl Names {
    /// Whether the type has been given a name.
    pub(super) fn is_known(&self, id: TypeId) -> bool {
        self.given.contains_key(&id)
    }

    /// The name of a typedef.
    pub(super) fn ordinary(&mut self, id: TypeId, name: &str) -> String {
        if let Some(name) = self.given.get(&id) {
            return name.clone();
        }
        let name = self.value(name);
        self.given.insert(id, name.clone());
        name
    }

    /// The name of a value of an enumeration.
    pub(super) fn value(&mut self, name: &str) -> String {
        self.ordinary.unused(&identifier(name))
    }

    /// The tag of a struct, union or enumeration. A forward declaration shares it with the first
    /// type of that keyword and name that is `complete`.
    pub(super) fn tag(
        &mut self,
        id: TypeId,
        keyword: &'static str,
        name: &str,
        complete: bool,
    ) -> String {
        if let Some(name) = self.given.get(&id) {
            return name.clone();
        }
        let tag = match self.owners.get_mut(name) {
            Some((found, owned)) if *found == keyword && !(*owned && complete) => {
                *owned |= complete;
                name.to_owned()
            }
            _ => {
                let tag = self.tags.unused(name);
                self.owners.insert(tag.clone(), (keyword, complete));
                tag
            }
        };
        self.given.insert(id, tag.clone());
        tag
    }
}

/// Names that are in use, each with the number that was tried last.
#[derive(Default)]
struct Space(HashMap<String, u32>);

impl Space {
    /// The name, or the name with the next number that makes it a new one.
    fn unused(&mut self, name: &str) -> String {
        let Some(mut number) = self.0.get(name).copied() else {
            self.0.insert(name.to_owned(), 1);
            return name.to_owned();
        };
        let unused = loop {
            number += 1;
            let numbered = format!("{name}___{number}");
            if !self.0.contains_key(&numbered) {
                break numbered;
            }
        };
        self.0.insert(name.to_owned(), number);
        self.0.insert(unused.clone(), 1);
        unused
    }
}
