//! Names that C accepts, each given once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

use crate::bytes::index;
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

/// The length of `_Static_assert`.
const LONGEST_KEYWORD: usize = 14;

/// A name, with what C does not accept replaced. Other languages have names like `Option<u32>`.
pub(super) fn identifier(name: &str) -> Cow<'_, str> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let starts = |letter: char| !letter.is_ascii_digit();
    let all_fit = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if all_fit && name.starts_with(starts) && !is_keyword(name) {
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
    // Most names are longer than any of these words, or have a letter that none begins with.
    let may_be = name.len() <= LONGEST_KEYWORD
        && matches!(name.as_bytes().first(), Some(b'_' | b'a'..=b'i' | b'l' | b'r'..=b'w'));
    may_be
        && (KEYWORDS.binary_search(&name).is_ok()
            || matches!(name, "while" | "typeof" | "__int128"))
}

/// The names given so far. Tags (`struct x`) and ordinary names (typedefs, values of
/// enumerations) do not meet in C.
pub(super) struct Names<'a> {
    /// By type; a tag with its keyword.
    given: Vec<Option<Rc<str>>>,
    ordinary: Space<'a>,
    tags: Space<'a>,
    /// The keyword of each tag, and whether something with a body has it.
    owners: HashMap<String, (&'static str, bool)>,
}

impl<'a> Names<'a> {
    /// Names for this many types.
    pub(super) fn new(types: usize) -> Self {
        Self {
            given: vec![None; types],
            ordinary: Space::default(),
            tags: Space::default(),
            owners: HashMap::new(),
        }
    }

    /// The name that the type has been given.
    pub(super) fn given(&self, id: TypeId) -> Option<Rc<str>> {
        self.given.get(index(id.0)).cloned().flatten()
    }

    fn give(&mut self, id: TypeId, name: Rc<str>) -> Rc<str> {
        if let Some(given) = self.given.get_mut(index(id.0)) {
            *given = Some(name.clone());
        }
        name
    }

    /// The name of a typedef.
    pub(super) fn ordinary(&mut self, id: TypeId, name: &'a str) -> Rc<str> {
        match self.given(id) {
            Some(name) => name,
            None => {
                let name = self.ordinary.unused(identifier(name)).into();
                self.give(id, name)
            }
        }
    }

    /// The name of a value of an enumeration.
    pub(super) fn value(&mut self, name: &'a str) -> Cow<'a, str> {
        self.ordinary.unused(identifier(name))
    }

    /// The tag of a struct, union or enumeration that has not been given one, with its keyword. A
    /// forward declaration shares it with the first type of that keyword and name that is
    /// `complete`.
    pub(super) fn tag(
        &mut self,
        id: TypeId,
        keyword: &'static str,
        name: Cow<'a, str>,
        complete: bool,
    ) -> Rc<str> {
        let tag = match self.owners.get_mut(&*name) {
            Some((found, owned)) if *found == keyword && !(*owned && complete) => {
                *owned |= complete;
                name
            }
            _ => {
                let tag = self.tags.unused(name);
                self.owners.insert(tag.to_string(), (keyword, complete));
                tag
            }
        };
        let tag = [keyword, " ", &tag].concat().into();
        self.give(id, tag)
    }
}

/// Names that are in use, each with the number that was tried last.
#[derive(Default)]
struct Space<'a>(HashMap<Cow<'a, str>, u32>);

impl<'a> Space<'a> {
    /// The name, or the name with the next number that makes it a new one.
    fn unused(&mut self, name: Cow<'a, str>) -> Cow<'a, str> {
        let mut number = match self.0.entry(name.clone()) {
            Entry::Vacant(new) => {
                new.insert(1);
                return name;
            }
            Entry::Occupied(known) => *known.get(),
        };
        let unused = loop {
            number += 1;
            let numbered = format!("{name}___{number}");
            if !self.0.contains_key(&*numbered) {
                break numbered;
            }
        };
        self.0.insert(name, number);
        self.0.insert(Cow::Owned(unused.clone()), 1);
        Cow::Owned(unused)
    }
}
