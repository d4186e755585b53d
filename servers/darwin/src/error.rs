//! What can go wrong, and how it is answered.

use std::time::Duration;

use darwin_engine::Error as EngineError;
use mcp_core::{prelude::*, suggest};
use serde_json::{Value, json};

use crate::data;

/// Why a call could not be answered.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A function or algorithm that does not exist.
    #[error("there is no {what} named `{name}`")]
    UnknownName {
        /// JSON pointer to the name.
        field: &'static str,
        /// `function` or `algorithm`.
        what: &'static str,
        /// The name given, shortened.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// Parts of a problem that do not go together.
    #[error("problem{dot}{field} {reason}", dot = if field.is_empty() { "" } else { "." })]
    Problem {
        /// Part; empty for the whole.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A module that cannot be an objective.
    #[error("wasm.{field} {reason}")]
    Module {
        /// Part of `wasm`.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A module that wants something from outside.
    #[error("the module imports `{name}`: modules get nothing from outside")]
    Imports {
        /// What it wants.
        name: String,
    },
    /// Modules are not evaluated here.
    #[error("objectives of kind wasm are not enabled on this server")]
    Disabled,
    /// Data, or what is asked of them, that cannot be an objective.
    #[error("{}", about_data(field, reason, place.as_ref()))]
    Dataset {
        /// Part of `dataset`; empty for the data themselves.
        field: &'static str,
        /// What is wrong.
        reason: String,
        /// Column, and row from 1.
        place: Option<(String, Option<usize>)>,
    },
    /// Data as text that cannot be read.
    #[error("{message}")]
    Csv {
        /// What is wrong.
        message: String,
        /// Where.
        details: Option<Value>,
    },
    /// Parameters that the algorithm does not have.
    #[error("params.{field} {reason}")]
    Params {
        /// Name of the parameter.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// The algorithm is for another number of objectives.
    #[error("{algorithm} is not for problems with {objectives} objectives")]
    Unfit {
        /// Its name.
        algorithm: &'static str,
        /// `single` or `multiple`.
        objectives: &'static str,
    },
    /// The algorithm is for another kind of variables.
    #[error("{algorithm} is for problems whose variables are all permutations")]
    UnfitKind {
        /// Its name.
        algorithm: &'static str,
    },
    /// The engine refuses the request.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The time limit is out of range.
    #[error("max_time_s must be in {min}..={max}, not {given}")]
    InvalidTime {
        /// Shortest time, s.
        min: f64,
        /// Longest time, s.
        max: f64,
        /// Time given, s.
        given: f64,
    },
    /// The state of a run does not fit what a fork wants to be.
    #[error("the state of the run does not fit these params")]
    Fork,
    /// A run has nothing that a chart could show.
    #[error("run `{id}` {reason}")]
    Plot {
        /// The run.
        id: String,
        /// What is missing.
        reason: &'static str,
    },
    /// The caller has had more evaluated than it may.
    #[error("more evaluations than one caller may have made per second")]
    Quota {
        /// Until it may again.
        wait: Duration,
    },
    /// No evaluation gave a finite value.
    #[error("none of the {evals} evaluations gave a finite value")]
    NoFiniteValue {
        /// Evaluations made.
        evals: u64,
    },
    /// The system gave no random numbers for a seed.
    #[error("no seed could be drawn")]
    NoEntropy,
}

impl Error {
    /// A name that is not among `known`.
    pub(crate) fn unknown(
        field: &'static str,
        what: &'static str,
        name: &str,
        known: Vec<&'static str>,
    ) -> Self {
        let shown = name.chars().filter(|c| !c.is_control()).take(40).collect();
        Self::UnknownName { field, what, name: shown, known }
    }
}

/// What is wrong with data, and where.
fn about_data(field: &str, reason: &str, place: Option<&(String, Option<usize>)>) -> String {
    match place {
        Some((column, Some(row))) => format!("column `{column}`, row {row}, {reason}"),
        Some((column, None)) => format!("column `{column}` {reason}"),
        None if field.is_empty() => format!("dataset {reason}"),
        None => format!("dataset.{field} {reason}"),
    }
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let invalid = |code| Self::new(Kind::InvalidInput, code, message.clone());
        match error {
            Error::UnknownName { field, name, known, .. } => {
                let nearest = suggest::nearest(&name, known.iter().copied());
                let all = known.join(", ");
                let hint = nearest.map_or_else(
                    || format!("use one of: {all}"),
                    |near| format!("did you mean `{near}`? known: {all}"),
                );
                let details = json!({"nearest": nearest, "known": known});
                invalid("unknown_name").with_field(field).with_hint(hint).with_details(details)
            }
            Error::Problem { field, .. } => {
                let place =
                    if field.is_empty() { "/problem".into() } else { format!("/problem/{field}") };
                let hint = "give {name, dimension}, {variables, objectives}, or {problem_id}";
                invalid("invalid_problem").with_field(place).with_hint(hint)
            }
            Error::Module { .. }
            | Error::Imports { .. }
            | Error::Disabled
            | Error::Dataset { .. }
            | Error::Csv { .. } => from_computed(error, message),
            Error::Unfit { .. } => invalid("invalid_argument")
                .with_field("/algorithm")
                .with_hint("use auto, or see list_algorithms with that number of objectives"),
            Error::UnfitKind { .. } => invalid("invalid_argument")
                .with_field("/algorithm")
                .with_hint("use auto, or ga, which takes all kinds"),
            Error::Params { field, .. } => invalid("invalid_argument")
                .with_field(format!("/params/{field}"))
                .with_hint("list_algorithms shows the parameters of each algorithm"),
            Error::Engine(engine) => from_engine(&engine, message),
            Error::InvalidTime { .. } => invalid("invalid_budget")
                .with_field("/budget/max_time_s")
                .with_hint("give a time in that range, or leave it out"),
            Error::Fork => invalid("invalid_argument")
                .with_field("/params")
                .with_hint("rates may change in a fork, sizes and schemes may not"),
            Error::Plot { .. } => invalid("invalid_argument")
                .with_field("/chart")
                .with_hint(
                    "convergence, ecdf and importance are for one objective, front and parallel for several; \
                     archive for map_elites, tour for a permutation over a table of x and y",
                ),
            Error::NoFiniteValue { .. } => invalid("invalid_problem")
                .with_field("/problem")
                .with_hint("narrow the bounds to where the function is finite"),
            Error::Quota { wait } => Self::new(Kind::RateLimited, "quota_exceeded", message)
                .with_retry_after(wait)
                .with_hint(
                    "wait that long; fewer max_evals, or create_run, whose runs wait by themselves",
                ),
            Error::NoEntropy => Self::internal(message),
        }
    }
}

/// What is wrong with an objective that is no expression.
fn from_computed(error: Error, message: String) -> ToolError {
    let invalid = |code| ToolError::new(Kind::InvalidInput, code, message.clone());
    match error {
        Error::Module { field, .. } => invalid("invalid_problem")
            .with_field(format!("/wasm/{field}"))
            .with_hint("export memory, and f(address: i32, count: i32) -> f64"),
        Error::Imports { .. } => ToolError::new(Kind::Refused, "access_refused", message)
            .with_field("/wasm/module")
            .with_hint("build it freestanding, as for wasm32-unknown-unknown, without imports"),
        Error::Disabled => ToolError::new(Kind::Refused, "objective_disabled", message)
            .with_field("/wasm")
            .with_hint("the operator can set MACHINA_DARWIN_WASM=true; or write it as expressions"),
        Error::Dataset { field, place, .. } => {
            let code = if field.is_empty() { "invalid_data" } else { "invalid_problem" };
            let at = if field.is_empty() { "/dataset".into() } else { format!("/dataset/{field}") };
            let error = invalid(code)
                .with_field(at)
                .with_hint("give equally long columns of finite numbers, named as variables are");
            match place {
                Some((column, row)) => error.with_details(json!({ "column": column, "row": row })),
                None => error,
            }
        }
        Error::Csv { details, .. } => data::Fault { message, details }.into_error("/dataset/csv"),
        _ => ToolError::internal(message),
    }
}

fn from_engine(error: &EngineError, message: String) -> ToolError {
    let invalid = |code, place: &str, field: &str, hint| {
        ToolError::new(Kind::InvalidInput, code, message.as_str())
            .with_field(format!("{place}/{field}"))
            .with_hint(hint)
    };
    match error {
        EngineError::InvalidVariable { index, field, .. } => {
            let place = format!("/problem/variables/{index}");
            let hint = "real, int and log need lo < hi, cat needs values";
            invalid("invalid_problem", &place, field, hint)
        }
        EngineError::InvalidProblem { field, .. } => {
            let hint = "give finite lo < hi and a dimension that the function has";
            invalid("invalid_problem", "/problem", field, hint)
        }
        EngineError::InvalidBudget { field, .. } => {
            let hint = "give a positive budget, or leave it out for the default";
            invalid("invalid_budget", "/budget", field, hint)
        }
        EngineError::InvalidParameter { field, .. } => {
            let hint = "list_algorithms shows ranges, and what goes together";
            invalid("invalid_argument", "/params", field, hint)
        }
        EngineError::LimitExceeded { field: "model", .. } => {
            invalid("limit_exceeded", "/dataset", "model", "use fewer rows, or a shorter model")
        }
        EngineError::LimitExceeded { field: "variables", .. } => {
            invalid("limit_exceeded", "/problem", "variables", "use fewer coordinates")
        }
        EngineError::LimitExceeded { field: "covariance", .. } => {
            invalid("limit_exceeded", "/params", "covariance", "leave it out, or use diagonal")
        }
        EngineError::LimitExceeded { field: "dimension", .. } => {
            invalid("limit_exceeded", "/problem", "dimension", "lower the dimension")
        }
        EngineError::LimitExceeded { field, .. } => {
            let hint = "lower params.population or problem.dimension";
            invalid("limit_exceeded", "/params", field, hint)
        }
        EngineError::InvalidData { .. } => {
            let hint = "give equally long columns of finite numbers, named as variables are";
            ToolError::new(Kind::InvalidInput, "invalid_data", message.as_str())
                .with_field("/data")
                .with_hint(hint)
        }
        EngineError::InvalidSeed => {
            invalid("invalid_argument", "", "seed", "use a seed of at most 2^53 - 1")
        }
        error => from_expression(error, &message).unwrap_or_else(|| ToolError::internal(message)),
    }
}

/// What is wrong in an expression, with its place.
fn from_expression(error: &EngineError, message: &str) -> Option<ToolError> {
    let in_expression = |code, part: &str, index: &usize, offset: &usize| {
        // Names of variables are checked together with the expressions.
        let place = match part {
            "variables" => "/problem/variables".to_owned(),
            "data" => "/dataset".to_owned(),
            "model" | "target" => format!("/dataset/{part}"),
            part => format!("/problem/{part}/{index}/expr"),
        };
        let error = ToolError::new(Kind::InvalidInput, code, message).with_field(place);
        (error, json!({ "offset": offset }))
    };
    Some(match error {
        EngineError::InvalidExpression { part, index, offset, .. } => {
            let (error, details) = in_expression("invalid_expression", part, index, offset);
            let hint =
                "the syntax is that of Python: x[0]^2 + sin(y), sum(i,0,n-1,x[i]), if(c,a,b)";
            error.with_hint(hint).with_details(details)
        }
        EngineError::UnknownName { part, index, offset, name, known } => {
            let (error, mut details) = in_expression("unknown_name", part, index, offset);
            let near = suggest::nearest(name, known.iter().map(String::as_str));
            let all = known.iter().take(60).map(String::as_str).collect::<Vec<_>>().join(", ");
            let hint = near.map_or_else(
                || format!("known there: {all}"),
                |near| format!("did you mean `{near}`? known there: {all}"),
            );
            details["nearest"] = near.into();
            error.with_hint(hint).with_details(details)
        }
        EngineError::ExpressionLimit { part, index, offset, .. } => {
            let (error, details) = in_expression("limit_exceeded", part, index, offset);
            error.with_hint("use loops such as sum(i,0,n-1,..), or lets").with_details(details)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use darwin_engine::{Bounds, Budget, Function, GaOptions, Seed};

    use super::*;

    fn wire(error: impl Into<Error>) -> (String, String, String) {
        let json = ToolError::from(error.into()).to_json();
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        (text("code"), text("field"), text("hint"))
    }

    #[test]
    fn every_error_has_code_field_and_hint() {
        let population = |population| GaOptions { population, ..GaOptions::default() };
        let table = [
            (
                Error::unknown("/algorithm", "algorithm", "gaa", vec!["auto", "ga"]),
                "unknown_name",
                "/algorithm",
            ),
            (Bounds::cube(2, 1.0, 0.0).unwrap_err().into(), "invalid_problem", "/problem/lo"),
            (
                Function::Rosenbrock.on(1).unwrap_err().into(),
                "invalid_problem",
                "/problem/dimension",
            ),
            (Function::Sphere.on(5000).unwrap_err().into(), "limit_exceeded", "/problem/dimension"),
            (Budget::evals(0).unwrap_err().into(), "invalid_budget", "/budget/max_evals"),
            (
                Error::InvalidTime { min: 0.01, max: 110.0, given: 0.0 },
                "invalid_budget",
                "/budget/max_time_s",
            ),
            (
                population(Some(2)).resolve(2).unwrap_err().into(),
                "invalid_argument",
                "/params/population",
            ),
            (
                population(Some(10_000)).resolve(1000).unwrap_err().into(),
                "limit_exceeded",
                "/params/population",
            ),
            (Seed::new(u64::MAX).unwrap_err().into(), "invalid_argument", "/seed"),
            (Error::Quota { wait: Duration::from_secs(3) }, "quota_exceeded", ""),
            (Error::NoFiniteValue { evals: 3 }, "invalid_problem", "/problem"),
        ];
        for (error, code, field) in table {
            let seen = wire(error);
            assert_eq!((seen.0.as_str(), seen.1.as_str()), (code, field));
            assert!(!seen.2.is_empty(), "{code} {field}");
        }
        assert_eq!(ToolError::from(Error::NoEntropy).kind(), Kind::Internal);
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_name() {
        let error = Error::unknown("/problem/name", "function", "rastrgin\u{7}", vec!["rastrigin"]);
        assert_eq!(error.to_string(), "there is no function named `rastrgin`");
        assert!(wire(error).2.starts_with("did you mean `rastrigin`?"));
    }
}
