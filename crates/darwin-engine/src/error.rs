//! What can be wrong with a request.

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A request that cannot be run, with the field that is wrong and the bound it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The problem is not well-formed.
    #[error("{field} {reason}")]
    InvalidProblem {
        /// `dimension`, `lo`, `hi`, ..
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The budget is not one.
    #[error("{field} {reason}")]
    InvalidBudget {
        /// `max_evals`, `target`, ..
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A parameter of the algorithm is out of range or does not apply.
    #[error("{field} {reason}")]
    InvalidParameter {
        /// Name in the parameter table of the algorithm.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The request is well-formed but too large.
    #[error("{field} {reason}")]
    LimitExceeded {
        /// What is too large.
        field: &'static str,
        /// By which limit.
        reason: String,
    },
    /// A variable has no usable range.
    #[error("variables[{index}].{field} {reason}")]
    InvalidVariable {
        /// Which variable.
        index: usize,
        /// `lo`, `hi`, `step`, `values`, `length`.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An expression is not well-formed.
    #[error("{part}[{index}] {reason} (byte {offset})")]
    InvalidExpression {
        /// `lets`, `objectives`, `constraints`, ..
        part: &'static str,
        /// Which of them.
        index: usize,
        /// Byte offset in the expression.
        offset: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An expression uses a name that means nothing there.
    #[error("{part}[{index}] uses `{name}`, which is not known there (byte {offset})")]
    UnknownName {
        /// `lets`, `objectives`, `constraints`.
        part: &'static str,
        /// Which of them.
        index: usize,
        /// Byte offset in the expression.
        offset: usize,
        /// The name, shortened.
        name: String,
        /// Names that would fit.
        known: Vec<String>,
    },
    /// An expression is too large.
    #[error("{part}[{index}] {reason} (byte {offset})")]
    ExpressionLimit {
        /// `lets`, `objectives`, `constraints`.
        part: &'static str,
        /// Which of them.
        index: usize,
        /// Byte offset in the expression.
        offset: usize,
        /// By which limit.
        reason: String,
    },
    /// A checkpoint cannot be resumed.
    #[error("the checkpoint {reason}")]
    InvalidCheckpoint {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A journal holds something else than was written.
    #[error("the journal is damaged at byte {offset}")]
    DamagedJournal {
        /// Where the first bad record begins.
        offset: u64,
    },
    /// Data that nothing can be fitted to.
    #[error("{reason}")]
    InvalidData {
        /// Which column; the target when absent.
        column: Option<usize>,
        /// Which row, from 0.
        row: Option<usize>,
        /// What is wrong with it.
        reason: String,
    },
    /// The seed cannot be written exactly as a JSON number.
    #[error("seed must be at most {max}", max = crate::MAX_SEED)]
    InvalidSeed,
}
