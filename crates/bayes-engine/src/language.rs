//! The model language, a subset of Stan: from text to a log density with its gradient.
//!
//! [`parse`] refuses what is outside the subset by name, line and fix. [`Model::bind`] runs the text on
//! data and leaves what depends on parameters as a tape.

pub mod ast;
mod check;
mod constrain;
mod data;
mod diagnostic;
mod eval;
mod lexer;
mod model;
mod names;
mod parser;
mod replay;
mod tape;
mod token;
mod value;

pub use check::check;
pub use data::{Data, Datum};
pub use diagnostic::{Code, Diagnostic, Span};
pub use model::{Density, Model, Variable};
pub use replay::{Outcome, Part, Replay, Wanted};
pub(crate) use tape::{cholesky, solve_lower, solve_upper_transposed};

/// Longest model in bytes.
pub const MAX_MODEL: usize = 64 * 1024;
/// Deepest nesting of expressions and statements.
pub const MAX_NESTING: usize = 200;

/// Most operators and indices in one statement: a chain of them is a tree as deep.
pub const MAX_OPERATORS: usize = 1000;

/// The syntax tree of a model.
pub fn parse(text: &str) -> Result<ast::Program, Diagnostic> {
    parse_within(text, MAX_MODEL)
}

/// The same of a text of at most `most` bytes.
pub fn parse_within(text: &str, most: usize) -> Result<ast::Program, Diagnostic> {
    if text.len() > most {
        let message = format!("the model has {} bytes, more than {most}", text.len());
        return Err(Diagnostic::new(Code::Limit, Span::default(), message)
            .with_fix("pass constants as data and drop comments")
            .located(""));
    }
    lexer::tokens(text).and_then(parser::program).map_err(|diagnostic| diagnostic.located(text))
}

/// Names of the functions a model can call, distributions apart.
pub fn functions() -> impl Iterator<Item = &'static str> {
    names::all()
}
