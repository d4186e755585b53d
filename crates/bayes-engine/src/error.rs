//! Why an analysis was refused.

/// Kind of an [`Error`]; its [`code`](ErrorKind::code) is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A value breaks a rule of the model (a probability outside 0..1, successes above trials).
    Constraint,
    /// A value is infinite or not a number.
    NonFinite,
    /// A value the family needs is absent.
    Missing,
    /// A value the family does not know is present.
    Unexpected,
    /// A distribution that cannot be normalised.
    Improper,
    /// A result could not be computed to the promised accuracy.
    Numeric,
    /// A size or magnitude beyond what is served.
    Limit,
    /// The caller gave up.
    Cancelled,
}

impl ErrorKind {
    /// The stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Constraint => "data_constraint",
            Self::NonFinite => "data_non_finite",
            Self::Missing => "data_missing",
            Self::Unexpected => "data_unexpected",
            Self::Improper => "improper",
            Self::Numeric => "numeric",
            Self::Limit => "limit_exceeded",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A refusal: what, where and how to repair it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Error {
    /// What kind of refusal.
    pub kind: ErrorKind,
    /// JSON pointer to the value within the analysis' own input, empty for the whole.
    pub path: String,
    /// Lowercase fragment naming the value and its bound.
    pub message: String,
    /// What would repair it; may be empty.
    pub hint: String,
}

/// Result of an analysis.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A refusal of the value at `path`.
    pub fn new(kind: ErrorKind, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, path: path.into(), message: message.into(), hint: String::new() }
    }

    /// The same with the way out.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same, seen from the structure that holds the input under `prefix`.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.path.insert_str(0, prefix);
        self
    }

    /// Raised where a caller's cancellation was noticed.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "", "cancelled before the result was complete")
    }
}

/// Smallest and largest shape-like parameter (pseudo-counts, shapes) that is served exactly.
pub const SHAPE_RANGE: std::ops::RangeInclusive<f64> = 1e-3..=1e12;

/// A finite number.
pub(crate) fn finite(path: &str, value: f64) -> Result<f64> {
    if value.is_finite() {
        return Ok(value);
    }
    let name = last(path);
    Err(Error::new(ErrorKind::NonFinite, path, format!("{name} is not a finite number"))
        .with_hint(format!("give {name} as a finite number; leave missing observations out")))
}

/// A parameter that must be positive for its distribution to exist.
pub(crate) fn positive(path: &str, value: f64) -> Result<f64> {
    finite(path, value)?;
    let name = last(path);
    if value < 0.0 {
        return Err(Error::new(
            ErrorKind::Constraint,
            path,
            format!("{name} = {value} is below 0"),
        )
        .with_hint(format!("give a {name} above 0")));
    }
    if value == 0.0 {
        return Err(Error::new(
            ErrorKind::Improper,
            path,
            format!("{name} = 0 gives an improper distribution"),
        )
        .with_hint(format!("give a {name} above 0, however small")));
    }
    Ok(value)
}

/// A positive parameter within [`SHAPE_RANGE`].
pub(crate) fn shape(path: &str, value: f64) -> Result<f64> {
    positive(path, value)?;
    within_limits(path, value, SHAPE_RANGE)
}

/// A value inside the range the arithmetic was proven for.
pub(crate) fn within_limits(
    path: &str,
    value: f64,
    range: std::ops::RangeInclusive<f64>,
) -> Result<f64> {
    if range.contains(&value) {
        return Ok(value);
    }
    let name = last(path);
    let (low, high) = (range.start(), range.end());
    Err(Error::new(
        ErrorKind::Limit,
        path,
        format!("{name} = {value:e} is outside {low:e}..{high:e}, the range served exactly"),
    )
    .with_hint(format!("give a {name} within that range, or change the unit of the data")))
}

/// A number in `0..=1`.
pub(crate) fn probability(path: &str, value: f64) -> Result<f64> {
    finite(path, value)?;
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    let name = last(path);
    Err(Error::new(
        ErrorKind::Constraint,
        path,
        format!("{name} = {value} is not a probability: outside 0..1"),
    )
    .with_hint("give a fraction, not a percentage: 5 % is 0.05"))
}

/// A credible level strictly between 0 and 1.
pub(crate) fn level(path: &str, value: f64) -> Result<f64> {
    finite(path, value)?;
    if (0.01..=0.9999).contains(&value) {
        return Ok(value);
    }
    Err(Error::new(ErrorKind::Constraint, path, format!("level = {value} is outside 0.01..0.9999"))
        .with_hint("give the mass of the interval as a fraction, for example 0.95"))
}

/// Successes among trials.
pub(crate) fn successes(path: &str, successes: u64, trials: u64) -> Result<()> {
    if successes <= trials {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Constraint,
        format!("{path}/successes"),
        format!("successes = {successes} exceeds trials = {trials}"),
    )
    .with_hint("trials counts all attempts, successes included"))
}

/// The name at the end of a JSON pointer.
fn last(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.bytes().all(|byte| byte.is_ascii_digit()) { "value" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_field_bound_and_repair() {
        let error = positive("/prior/alpha", 0.0).expect_err("zero").within("/x");
        assert_eq!(error.kind.code(), "improper");
        assert_eq!(error.path, "/x/prior/alpha");
        assert!(error.message.contains("alpha = 0") && !error.hint.is_empty(), "{error:?}");
        assert_eq!(shape("/a", 1e13).expect_err("large").kind, ErrorKind::Limit);
        assert_eq!(finite("/values/3", f64::NAN).expect_err("nan").kind, ErrorKind::NonFinite);
        assert_eq!(probability("/p", 5.0).expect_err("percent").kind, ErrorKind::Constraint);
    }
}
