//! The words of a model.

use super::Span;

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A name or keyword.
    Name(String),
    /// A whole number.
    Int(i64),
    /// A number with a point or an exponent.
    Real(f64),
    /// A text in quotes.
    Text(String),
    /// An operator or bracket.
    Mark(&'static str),
    /// The end.
    End,
}

/// A word with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// Operators and brackets, longer ones before those they begin with.
pub(super) const MARKS: [&str; 45] = [
    "%/%", "./=", ".*=", "<-", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=", ".*",
    "./", ".^", "+", "-", "*", "/", "%", "\\", "^", "'", "!", "<", ">", "=", "?", ":", ",", ";",
    "~", "|", "(", ")", "[", "]", "{", "}", "@", "$", "&", ".",
];

impl Kind {
    /// How a message names it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Name(name) => format!("`{}`", short(name)),
            Self::Int(value) => format!("`{value}`"),
            Self::Real(value) => format!("`{value}`"),
            Self::Text(_) => "a text".to_owned(),
            Self::Mark(mark) => format!("`{mark}`"),
            Self::End => "the end of the model".to_owned(),
        }
    }
}

/// A name as messages show it.
pub(super) fn short(name: &str) -> String {
    name.chars().take(60).collect()
}
