//! Points that a caller puts into a run.

use darwin_engine::{Kind as VariableKind, Problem, Variable};
use mcp_core::prelude::*;
use serde_json::{Map, Value};

use crate::run::Overview;

/// Which run, and what to put into it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InjectSolutionsArgs {
    /// A run of yours that has begun and not ended.
    #[schemars(length(max = 40))]
    pub(super) run_id: String,
    /// Points, each with a value for every variable.
    #[schemars(length(min = 1, max = 100))]
    pub(super) solutions: Vec<SolutionArgs>,
}

/// A point.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SolutionArgs {
    /// Values by variable, as in `best.values`; of a built-in function `{"x": [..]}`.
    values: Map<String, Value>,
}

/// What became of the points.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InjectSolutionsOutput {
    /// The run.
    run_id: String,
    /// Points that were taken.
    accepted: usize,
    /// The others.
    rejected: Vec<Rejected>,
    /// Generation after which they came.
    generation: u64,
    /// Best value of the run now.
    #[serde(skip_serializing_if = "Option::is_none")]
    best_f: Option<f64>,
}

/// A point that was not taken.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rejected {
    /// Its place in the call.
    place: usize,
    /// Why.
    reason: &'static str,
}

impl InjectSolutionsOutput {
    pub(super) fn new(run_id: String, taken: &[bool], run: &Overview) -> Self {
        let reason = "is not better than the worst point that is kept";
        let rejected = taken.iter().enumerate().filter(|(_, taken)| !**taken);
        Self {
            run_id,
            accepted: taken.iter().filter(|taken| **taken).count(),
            rejected: rejected.map(|(place, _)| Rejected { place, reason }).collect(),
            generation: run.seen.generation,
            best_f: run.seen.best_f,
        }
    }
}

/// Genes of the points; all of them are well-formed, or none is taken.
pub(super) fn rows(problem: &Problem, given: &[SolutionArgs]) -> Result<Vec<Vec<f64>>> {
    let row = |(place, one): (usize, &SolutionArgs)| {
        let values = coordinates(problem, place, &one.values)?;
        problem.encode(&values).map_err(|(coordinate, reason)| {
            let name = super::coordinates(problem).into_iter().nth(coordinate);
            let name = name.unwrap_or_else(|| "a coordinate".to_owned());
            wrong(place, &variable_of(&name), &format!("{name} {reason}"))
        })
    };
    given.iter().enumerate().map(row).collect()
}

fn coordinates(problem: &Problem, place: usize, given: &Map<String, Value>) -> Result<Vec<f64>> {
    let whole = [Variable {
        name: "x".to_owned(),
        kind: VariableKind::Real { lo: 0.0, hi: 0.0, step: None },
        length: Some(problem.bounds().dimension()),
    }];
    let variables = problem.space().map_or(&whole[..], |space| space.variables());
    if let Some(name) = given.keys().find(|name| variables.iter().all(|one| one.name != **name)) {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
        return Err(wrong(place, &shown, "is no variable of the problem"));
    }
    let mut values = Vec::with_capacity(problem.bounds().dimension());
    for variable in variables {
        let value = given
            .get(&variable.name)
            .ok_or_else(|| wrong(place, &variable.name, "has no value"))?;
        match variable.length {
            None => values.push(number(place, variable, value)?),
            Some(length) => {
                let items = value.as_array().filter(|items| items.len() == length);
                let items = items.ok_or_else(|| {
                    wrong(place, &variable.name, &format!("must be a list of {length}"))
                })?;
                for item in items {
                    values.push(number(place, variable, item)?);
                }
            }
        }
    }
    Ok(values)
}

/// A value as expressions see it: of a category its place, of a bool 0 or 1.
#[expect(clippy::cast_precision_loss, reason = "categories are few")]
fn number(place: usize, variable: &Variable, value: &Value) -> Result<f64> {
    let found = match &variable.kind {
        VariableKind::Cat { values } => value
            .as_str()
            .and_then(|word| values.iter().position(|one| one == word))
            .map(|at| at as f64),
        VariableKind::Bool => value.as_bool().map(f64::from).or_else(|| value.as_f64()),
        _ => value.as_f64(),
    };
    let wanted = match &variable.kind {
        VariableKind::Cat { .. } => "must be one of its words",
        VariableKind::Bool => "must be true or false",
        _ => "must be a number",
    };
    found.ok_or_else(|| wrong(place, &variable.name, wanted))
}

/// `x` of `x[3]`.
fn variable_of(name: &str) -> String {
    name.split('[').next().unwrap_or_default().to_owned()
}

fn wrong(place: usize, name: &str, reason: &str) -> ToolError {
    let message =
        if reason.starts_with(name) { reason.to_owned() } else { format!("{name} {reason}") };
    ToolError::invalid(format!("/solutions/{place}/values/{name}"), message)
        .with_hint("get_run_result shows a whole point in best.values")
}
