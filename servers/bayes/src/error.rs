//! What can go wrong, and what a caller reads of it.

use bayes_engine::{
    ErrorKind,
    language::{Code, Diagnostic},
};
use mcp_core::{Kind, ToolError};
use serde_json::json;

/// A failure of this server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine refused the analysis.
    #[error(transparent)]
    Analysis(#[from] bayes_engine::Error),
    /// Not exactly one of two alternatives was given.
    #[error("{given} of `{first}` and `{second}` given, exactly one is needed")]
    OneOf {
        /// `none` or `both`.
        given: &'static str,
        /// One alternative.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// JSON pointer of the object that holds them.
        path: &'static str,
    },
    /// The family needs a value that is absent.
    #[error("{family} needs {needed}")]
    Missing {
        /// Family of the update.
        family: &'static str,
        /// What it needs.
        needed: &'static str,
        /// JSON pointer.
        path: &'static str,
    },
    /// The family does not know a value that is present.
    #[error("`{name}` does not belong to {family}")]
    Unexpected {
        /// Family of the update.
        family: &'static str,
        /// The value's name.
        name: &'static str,
        /// JSON pointer.
        path: String,
        /// What the family takes there.
        takes: &'static str,
    },
    /// The model, or its data, cannot be used.
    #[error("{}", model_message(.0))]
    Model(Box<Diagnostic>),
    /// More than is served.
    #[error("{what} would take {found} MB, more than {most}")]
    Limit {
        /// What.
        what: &'static str,
        /// Megabytes it would take.
        found: usize,
        /// Megabytes it may take.
        most: usize,
    },
    /// No variable of a run has a name that was asked for.
    #[error("the run has none of these variables")]
    Variables {
        /// What it has.
        known: Vec<String>,
    },
    /// A run has no variable, or element, of a name that was asked for.
    #[error("the run has no `{name}`")]
    Variable {
        /// The name.
        name: String,
        /// What it has.
        known: String,
    },
    /// More columns than are served.
    #[error("{found} columns or more, and a page has {most}")]
    Columns {
        /// Asked for.
        found: usize,
        /// Served.
        most: usize,
    },
    /// A run without a log density for each observation.
    #[error("the run has no generated quantity `{var}`")]
    NoPointwise {
        /// What was looked for.
        var: String,
    },
    /// A term of the target that may belong to the data or to the prior.
    #[error("line {line} adds to the target what may be data or prior")]
    Mixed {
        /// Its line.
        line: usize,
    },
    /// A model without data.
    #[error("no statement gives data a distribution")]
    NoOutcome,
    /// A distribution without draws or without a mean.
    #[error("the distribution of `{name}` has no draws or no mean")]
    NotDrawable {
        /// The outcome.
        name: String,
    },
    /// New data that want other parameters than were fitted.
    #[error("the new data change the size of parameter `{name}`")]
    OtherParameters {
        /// The parameter.
        name: String,
    },
    /// No draw could be replayed.
    #[error("the model refused every draw when it ran again")]
    NoReplay,
    /// A Savage-Dickey ratio of nothing.
    #[error("no null value is given")]
    NoNull,
    /// A null value of what is no parameter with an element of its own.
    #[error("`{name}` is no parameter, or its elements are bound to each other")]
    NoParameter {
        /// The name.
        name: String,
        /// Parameters.
        known: Vec<String>,
    },
    /// A null value at or beyond a bound, or between bounds that are parameters.
    #[error("{name} = {value} does not lie within fixed bounds of the parameter")]
    NullOutside {
        /// The name.
        name: String,
        /// The value.
        value: f64,
    },
    /// Draws without free parameters behind them.
    #[error("a draw has no free parameters behind it")]
    NoFreePoint,
    /// A cell of a table that is neither number, word nor missing.
    #[error("column {name} holds a list or an object in row {row}")]
    Cell {
        /// The column.
        name: String,
        /// The row, from 0.
        row: usize,
    },
    /// A pair of one.
    #[error("a chart of pairs needs two quantities")]
    Lonely,
    /// The memory for draws is taken by other runs.
    #[error("the memory for draws is taken by other runs")]
    Full,
}

/// The finding with its place.
fn model_message(diagnostic: &Diagnostic) -> String {
    if diagnostic.excerpt.is_empty() { diagnostic.message.clone() } else { diagnostic.to_string() }
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Analysis(refused) => analysis(refused),
            Error::OneOf { first, second, path, .. } => {
                Self::new(Kind::InvalidInput, "data_missing", message)
                    .with_field(path)
                    .with_hint(format!("give `{first}` or `{second}`, not both"))
            }
            Error::Missing { path, needed, .. } => {
                Self::new(Kind::InvalidInput, "data_missing", message)
                    .with_field(path)
                    .with_hint(format!("add {needed}"))
            }
            Error::Unexpected { path, takes, .. } => {
                Self::new(Kind::InvalidInput, "data_unexpected", message)
                    .with_field(path)
                    .with_hint(format!("leave it out; this family takes {takes} there"))
            }
            Error::Model(diagnostic) => of_model(*diagnostic, message),
            Error::Limit { .. } => Self::new(Kind::InvalidInput, "limit_exceeded", message)
                .with_field("/draws")
                .with_hint("ask for fewer draws or chains, or compute fewer generated quantities"),
            Error::Variables { known } => Self::new(Kind::NotFound, "unknown_name", message)
                .with_field("/vars")
                .with_hint(format!("it has {}", known.join(", "))),
            Error::Variable { known, .. } => Self::new(Kind::NotFound, "unknown_name", message)
                .with_field("/vars")
                .with_hint(known),
            Error::Columns { .. } => Self::new(Kind::InvalidInput, "limit_exceeded", message)
                .with_field("/vars")
                .with_hint("name the variables or elements in vars, like [\"mu\", \"theta[1]\"]"),
            Error::Full => Self::new(Kind::RateLimited, "limit_exceeded", message)
                .with_hint("wait until older runs end, or ask for fewer draws"),
            other @ (Error::NoPointwise { .. }
            | Error::Mixed { .. }
            | Error::NoOutcome
            | Error::NotDrawable { .. }
            | Error::OtherParameters { .. }
            | Error::NoReplay
            | Error::Cell { .. }
            | Error::Lonely) => after_a_fit(other, message),
            other @ (Error::NoNull
            | Error::NoParameter { .. }
            | Error::NullOutside { .. }
            | Error::NoFreePoint) => of_evidence(other, message),
        }
    }
}

/// What is wrong with a question of evidence.
fn of_evidence(error: Error, message: String) -> ToolError {
    let invalid = |code| ToolError::new(Kind::InvalidInput, code, message);
    match error {
        Error::NoNull => invalid("data_missing")
            .with_field("/null")
            .with_hint("name a parameter and its value under the null hypothesis: {\"b\": 0}"),
        Error::NoParameter { name, known } => invalid("unknown_name")
            .with_field(format!("/null/{name}"))
            .with_hint(format!("parameters are {}", known.join(", "))),
        Error::NullOutside { name, .. } => invalid("data_constraint")
            .with_field(format!("/null/{name}"))
            .with_hint("give a value strictly inside; for a bound fit both models, use criterion bridge"),
        Error::NoFreePoint => invalid("unsupported").with_field("/run_ids").with_hint(
            "write a unit_vector as a vector divided by its length; tighten the prior of a parameter that \
             reaches its bound",
        ),
        _ => ToolError::internal("an error without words"),
    }
}

/// What is wrong with a run, or a model, that is looked at again.
fn after_a_fit(error: Error, message: String) -> ToolError {
    let invalid = |code| ToolError::new(Kind::InvalidInput, code, message);
    match error {
        Error::NoPointwise { var } => invalid("data_missing")
            .with_field("/var")
            .with_hint(format!(
                "add one log density for each observation to the generated quantities and fit again: \
                 vector[N] {var}; for (n in 1:N) {var}[n] = normal_lpdf(y[n] | mu[n], sigma);"
            )),
        Error::Mixed { .. } => invalid("unsupported")
            .with_field("/code")
            .with_hint(
                "write it as `y ~ name(..)`, or as a function name_lpdf(y | ..) with name_rng beside it, \
                 and use that in the statement",
            ),
        Error::NoOutcome => invalid("data_missing")
            .with_field("/code")
            .with_hint("write `y ~ normal(..)` with y in the data block"),
        Error::NotDrawable { .. } => invalid("unsupported")
            .with_field("/kind")
            .with_hint("ask for the other kind, or define the distribution's _rng function"),
        Error::OtherParameters { .. } => {
            invalid("data_size").with_field("/data").with_hint(
                "keep the sizes of groups; change only numbers of rows and predictors' values",
            )
        }
        Error::NoReplay => invalid("rejected")
            .with_field("/run_id")
            .with_hint("see its reject(..) statements, and the bounds that new data break"),
        Error::Cell { name, row } => invalid("data_type")
            .with_field(format!("/data/{name}/{row}"))
            .with_hint("give one number or word for each row, null where it is missing"),
        Error::Lonely => invalid("data_missing")
            .with_field("/vars")
            .with_hint("name two to four elements, or ask for kind density"),
        _ => ToolError::internal("an error without words"),
    }
}

/// A finding with its place: line and column of the text, or the pointer into the data.
fn of_model(diagnostic: Diagnostic, message: String) -> ToolError {
    let kind = match diagnostic.code {
        Code::Cancelled => Kind::Cancelled,
        _ => Kind::InvalidInput,
    };
    let field = if diagnostic.path.is_empty() {
        "/code".to_owned()
    } else {
        format!("/data{}", diagnostic.path)
    };
    let error = ToolError::new(kind, diagnostic.code.word(), message)
        .with_field(field)
        .with_hint(diagnostic.fix);
    if diagnostic.excerpt.is_empty() {
        return error;
    }
    error.with_details(json!({
        "line": diagnostic.line,
        "column": diagnostic.column,
        "excerpt": diagnostic.excerpt,
    }))
}

fn analysis(refused: bayes_engine::Error) -> ToolError {
    let kind = match refused.kind {
        ErrorKind::Cancelled => Kind::Cancelled,
        _ => Kind::InvalidInput,
    };
    let mut error = ToolError::new(kind, refused.kind.code(), refused.message);
    if !refused.path.is_empty() {
        error = error.with_field(refused.path);
    }
    if !refused.hint.is_empty() {
        error = error.with_hint(refused.hint);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_code_and_kind() {
        let engine = |kind| Error::Analysis(bayes_engine::Error::new(kind, "/x", "m"));
        let table = [
            (engine(ErrorKind::Constraint), "data_constraint", Kind::InvalidInput),
            (engine(ErrorKind::NonFinite), "data_non_finite", Kind::InvalidInput),
            (engine(ErrorKind::Missing), "data_missing", Kind::InvalidInput),
            (engine(ErrorKind::Improper), "improper", Kind::InvalidInput),
            (engine(ErrorKind::Numeric), "numeric", Kind::InvalidInput),
            (engine(ErrorKind::Limit), "limit_exceeded", Kind::InvalidInput),
            (engine(ErrorKind::Cancelled), "cancelled", Kind::Cancelled),
            (
                Error::OneOf { given: "none", first: "a", second: "b", path: "" },
                "data_missing",
                Kind::InvalidInput,
            ),
            (
                Error::Missing { family: "nig", needed: "a prior", path: "/prior" },
                "data_missing",
                Kind::InvalidInput,
            ),
            (
                Error::Unexpected {
                    family: "nig",
                    name: "trials",
                    path: "/data/trials".to_owned(),
                    takes: "values",
                },
                "data_unexpected",
                Kind::InvalidInput,
            ),
        ];
        for (error, code, kind) in table {
            let answer = ToolError::from(error);
            assert_eq!((answer.code(), answer.kind()), (code, kind));
        }
    }
}
