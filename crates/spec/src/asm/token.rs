//! The words, numbers and signs of a line.

/// A word, number or sign, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    /// As written; empty at the end of the line.
    pub(crate) text: &'a str,
    /// The column in characters, from 1.
    pub(crate) column: usize,
    pub(crate) kind: TokenKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TokenKind {
    /// A letter, underscore or dot, and what follows of these and digits.
    Word,
    /// A digit, and what follows of letters, digits and underscores.
    Number,
    /// An operator or any other character.
    Sign,
    /// The end of the line.
    End,
}

/// Signs of more than one character, longer ones before their beginnings.
const SIGNS: [&str; 21] = [
    "s>>=", "<<=", ">>=", "s/=", "s%=", "s>=", "s<=", "s>", "s<", "+=", "-=", "*=", "/=", "%=",
    "|=", "&=", "^=", "==", "!=", ">=", "<=",
];

/// Splits a line, from a byte offset on, up to a comment.
pub(crate) fn tokens(line: &str, offset: usize) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut column = line[..offset].chars().count() + 1;
    let mut rest = &line[offset..];
    while let Some(first) = rest.chars().next() {
        if first == ';' || rest.starts_with("//") {
            break;
        }
        let (kind, len) = next(rest, first);
        let (text, after) = rest.split_at(len);
        if let Some(kind) = kind {
            tokens.push(Token { text, column, kind });
        }
        column += text.chars().count();
        rest = after;
    }
    tokens.push(Token { text: "", column, kind: TokenKind::End });
    tokens
}

/// The kind of the next token, none being white space, and its length in bytes.
fn next(rest: &str, first: char) -> (Option<TokenKind>, usize) {
    let run = |accept: fn(char) -> bool| rest.find(|c| !accept(c)).unwrap_or(rest.len());
    if first.is_whitespace() {
        (None, run(char::is_whitespace))
    } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        (Some(TokenKind::Sign), sign.len())
    } else if first.is_ascii_digit() {
        (Some(TokenKind::Number), run(|c| c.is_ascii_alphanumeric() || c == '_'))
    } else if is_word_start(first) {
        (Some(TokenKind::Word), run(|c| is_word_start(c) || c.is_ascii_digit()))
    } else {
        (Some(TokenKind::Sign), first.len_utf8())
    }
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == '.'
}
