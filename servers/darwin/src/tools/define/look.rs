//! What a few evaluations show of a problem.

use darwin_engine::{Inspection, Problem};
use mcp_core::prelude::*;
use serde_json::{Map, Value};

use crate::tools::problem::{by_name, coordinates};

/// What a few evaluations show.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Look {
    /// Variables in the middle of their ranges.
    #[serde(skip_serializing_if = "Option::is_none")]
    middle: Option<Map<String, Value>>,
    /// Objectives there; null when not finite.
    f: Vec<Option<f64>>,
    /// By how much constraints are broken there; absent when that is not a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    violation: Option<f64>,
    /// Random points that were tried.
    points: usize,
    /// How many of them have finite objectives.
    finite: usize,
    /// How many of them break no constraint.
    feasible: usize,
    /// Time of an evaluation among many, ns; measured, so it differs.
    cost_ns_per_eval: f64,
    /// What is likely not meant.
    warnings: Vec<String>,
}

/// Names in a warning.
const NAMED: usize = 10;

impl Look {
    pub(super) fn new(problem: &Problem, constraints: &[&str], seen: Inspection) -> Self {
        let named = problem.space().map(|space| by_name(space, &seen.middle.x));
        let warnings = warnings(problem, constraints, &seen);
        let violation = Some(seen.middle.violation).filter(|violation| violation.is_finite());
        Self {
            middle: named,
            f: seen.middle.values.into_iter().map(|f| f.is_finite().then_some(f)).collect(),
            violation,
            points: seen.points,
            finite: seen.finite,
            feasible: seen.feasible,
            cost_ns_per_eval: seen.ns_per_eval.round(),
            warnings,
        }
    }
}

fn warnings(problem: &Problem, constraints: &[&str], seen: &Inspection) -> Vec<String> {
    let (points, mut warnings) = (seen.points, Vec::new());
    if seen.finite * 2 < points {
        warnings.push(format!(
            "{} of {points} random points have finite objectives: narrow the bounds to where they \
             are defined",
            seen.finite
        ));
    }
    for objective in &seen.constant {
        warnings.push(format!("objective {objective} is the same at all {points} random points"));
    }
    for place in &seen.never_hold {
        let expr = constraints.get(*place).copied().unwrap_or_default();
        let expr: String = expr.chars().filter(|c| !c.is_control()).take(60).collect();
        warnings
            .push(format!("constraint {place}, `{expr}`, holds at none of {points} random points"));
    }
    if !seen.idle.is_empty() {
        let names = coordinates(problem);
        let idle: Vec<&str> = seen
            .idle
            .iter()
            .take(NAMED)
            .filter_map(|one| names.get(*one))
            .map(String::as_str)
            .collect();
        let more = seen.idle.len() - idle.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        warnings.push(format!("nothing changed wherever {}{more} was moved", idle.join(", ")));
    }
    warnings
}
