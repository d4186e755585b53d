//! What is wrong with a model, where, and what would repair it.

/// A range of bytes in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// After the last byte.
    pub end: usize,
}

impl Span {
    /// From the start of this to the end of another.
    pub(super) fn to(self, end: Self) -> Self {
        Self { start: self.start, end: end.end.max(self.end) }
    }
}

/// Kind of a [`Diagnostic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The text is no model.
    Syntax,
    /// Valid Stan outside the subset.
    Unsupported,
    /// Types or sizes of the text do not fit each other.
    Type,
    /// A name that is not declared.
    UnknownName,
    /// A data variable that was not given.
    DataMissing,
    /// A data variable of another type.
    DataType,
    /// A size that does not match its declaration.
    DataSize,
    /// A value outside its declared bounds.
    DataConstraint,
    /// A value that is infinite or not a number.
    DataNonFinite,
    /// No start with a finite log density was found.
    InitFailed,
    /// Arithmetic that has no result.
    Numeric,
    /// The model refused a state by `reject(..)`.
    Rejected,
    /// Too long or too deep.
    Limit,
    /// The caller gave up.
    Cancelled,
}

impl Code {
    /// The stable word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Unsupported => "unsupported",
            Self::Type => "type",
            Self::UnknownName => "unknown_name",
            Self::DataMissing => "data_missing",
            Self::DataType => "data_type",
            Self::DataSize => "data_size",
            Self::DataConstraint => "data_constraint",
            Self::DataNonFinite => "data_non_finite",
            Self::InitFailed => "init_failed",
            Self::Numeric => "numeric",
            Self::Rejected => "rejected",
            Self::Limit => "limit_exceeded",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One finding, with its place and its repair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Diagnostic {
    /// Kind.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What would repair it.
    pub fix: String,
    /// JSON pointer into the data, empty for the text.
    pub path: String,
    /// Where, in bytes.
    pub span: Span,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line with a caret under the place.
    pub excerpt: String,
}

/// Characters shown of a line.
const SHOWN: usize = 100;

impl Diagnostic {
    pub(super) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let (fix, path, excerpt) = Default::default();
        Self { code, message: message.into(), fix, path, span, line: 1, column: 1, excerpt }
    }

    pub(super) fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// A finding about a value at a JSON pointer into the data.
    pub fn of_data(code: Code, path: &str, message: String, fix: &str) -> Self {
        Self::new(code, Span::default(), message).with_fix(fix).at(path)
    }

    /// A finding about no place of the text.
    pub(crate) fn plain(code: Code, message: String, fix: &str) -> Self {
        Self::new(code, Span::default(), message).with_fix(fix)
    }

    pub(super) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Line, column and excerpt from the text.
    pub(super) fn located(mut self, text: &str) -> Self {
        let start = self.span.start.min(text.len());
        let before = text.get(..start).unwrap_or_default();
        self.line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let head = before.rsplit('\n').next().unwrap_or_default();
        self.column = head.chars().count() + 1;
        let line = text.lines().nth(self.line - 1).unwrap_or_default();
        // a long line is shown around the place
        let skipped = self.column.saturating_sub(SHOWN - 20);
        let shown: String = line
            .chars()
            .skip(skipped)
            .take(SHOWN)
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect();
        let indent = " ".repeat(self.column - 1 - skipped.min(self.column - 1));
        self.excerpt = format!("{shown}\n{indent}^");
        self
    }
}
