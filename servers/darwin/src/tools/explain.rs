//! Why a run is where it is: every figure is of the run, or of probes around its best point.

mod advice;
mod evidence;

use darwin_engine::{look_around, progress, walls};
use mcp_core::prelude::*;
use serde_json::{Map, Value};

use self::evidence::Evidence;
use super::{found::Stop, problem::coordinates};
use crate::{
    Server,
    run::{Looked, Status},
};

/// Which run, and how closely to look.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainRunArgs {
    /// Any run of yours that has not failed.
    #[schemars(length(max = 40))]
    run_id: String,
    /// Evaluations around the best point: at most, and by default, 4 per coordinate; none when the
    /// caller evaluates, or for a front.
    #[schemars(range(max = 4000))]
    probe_evals: Option<u64>,
}

/// What became of a run, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExplainRunOutput {
    /// The run.
    run_id: String,
    /// What it does.
    status: Status,
    /// Algorithm.
    algorithm: String,
    /// Why `auto` chose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm_reason: Option<String>,
    /// Why it ended, or how far it is.
    stop: String,
    /// Why it ended, as a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<Stop>,
    /// Evaluations made.
    evals: u64,
    /// Evaluations that failed or were not finite.
    non_finite_evals: u64,
    /// Generations after the initial sample.
    generation: u64,
    /// The last of them that found something better, for one objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    improved_at: Option<u64>,
    /// What doublings of the evaluations gained, for one objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressItem>,
    /// Coordinates of the best point by how much a small step matters, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sensitivity: Vec<Sensitivity>,
    /// Coordinates of the best point that are at a bound; of a front, of most of its points.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    at_bounds: Vec<AtBound>,
    /// Constraints at the best point.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<ConstraintItem>,
    /// Least and largest value of each objective in the front.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    front: Vec<[f64; 2]>,
    /// What limited it, each with the figures that show it.
    limits: Vec<LimitItem>,
    /// What to try, most telling first; none when the target was reached.
    next: Vec<Advice>,
    /// Evaluations made around the best point; they are not the run's.
    probe_evals: u64,
}

/// How a run gained.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProgressItem {
    /// Best value at the end, about half way, at a quarter, ..
    steps: Vec<StepItem>,
    /// By how much the last of these doublings bettered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_gain: Option<f64>,
    /// What one more would gain if it falls behind the last as that did behind the one before: an
    /// extrapolation.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_gain: Option<f64>,
}

/// Best value after so many evaluations.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StepItem {
    evals: u64,
    f: f64,
}

/// What steps along a coordinate do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Sensitivity {
    /// The coordinate.
    variable: String,
    /// Its value.
    value: Value,
    /// Largest change of the objective by a step of 0.1 % of the range, or to the next value.
    effect: f64,
    /// A value that is better than the best, the others unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    better: Option<Value>,
    /// The objective there.
    #[serde(skip_serializing_if = "Option::is_none")]
    better_f: Option<f64>,
}

/// A coordinate at its bound.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AtBound {
    /// The coordinate.
    variable: String,
    /// The bound.
    bound: f64,
    /// Whether it is the upper one.
    upper: bool,
    /// How much worse a step of 0.1 % of the range inwards is, when that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    inwards: Option<f64>,
}

/// A constraint at the best point.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConstraintItem {
    /// Its left side, shortened.
    expr: String,
    /// What that is; absent when it is not finite.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// Right side.
    rhs: f64,
    /// By how much it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<f64>,
    /// Whether it holds with nothing to spare: within its tolerance, or a millionth of its size.
    active: bool,
}

/// What limited a run.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LimitItem {
    /// Kind.
    limit: LimitKind,
    /// What shows it.
    evidence: String,
}

/// What can limit a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum LimitKind {
    /// More evaluations would have gained.
    Evaluations,
    /// The time.
    Time,
    /// Nothing better was found for long.
    Standstill,
    /// A step from the best point is better.
    NotLocal,
    /// Bounds hold the best point back.
    Bounds,
    /// No point breaks no constraint.
    Infeasible,
    /// Evaluations without a finite value.
    NonFinite,
    /// Coordinates that do nothing at the best point.
    Idle,
}

/// What to try.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Advice {
    /// Tool.
    tool: &'static str,
    /// Its arguments; of `create_run` those in which it differs from this run.
    arguments: Map<String, Value>,
    /// Why, in figures of this run.
    because: String,
}

/// Probes for each coordinate.
const PROBES: u64 = 4;

#[tool_router(router = explain_tools, vis = "pub(crate)")]
impl Server {
    /// Explain a stored run: why it ended, what limited it (budget, bounds, constraints, standstill),
    /// what each variable does at the best point, what more evaluations would gain, what to try next.
    /// All is computed from the run and a few probes around its best point.
    #[tool(
        title = "Explain a run",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn explain_run(
        &self,
        Parameters(args): Parameters<ExplainRunArgs>,
        principal: Principal,
        ct: CancellationToken,
    ) -> Result<Json<ExplainRunOutput>> {
        let looked = self.runs().look(&principal, &args.run_id).await?;
        let probes = args.probe_evals;
        let explained = task::compute(&ct, move |cancel| {
            let evidence = gather(looked, probes, &|| cancel.is_cancelled());
            evidence.map(Evidence::told)
        });
        Ok(Json(explained.await??))
    }
}

fn gather(
    looked: Looked,
    probes: Option<u64>,
    cancelled: &dyn Fn() -> bool,
) -> Result<Evidence, crate::Error> {
    let problem = &looked.job.problem;
    let most = PROBES * problem.bounds().dimension() as u64;
    let probes = probes.unwrap_or(most).min(most);
    let best = looked.outcome.best.as_ref().map(|best| best.x.clone());
    let can_probe = !problem.is_external() && probes > 0;
    let x = best.as_ref().filter(|_| can_probe);
    let around = x.map(|x| look_around(problem, x, probes, cancelled));
    let at = best.as_ref().filter(|_| !problem.is_external());
    let constraints = at.map(|x| problem.constraints_at(x)).unwrap_or_default();
    let one = problem.senses().len() == 1;
    let progress = one.then(|| progress(&looked.outcome.history, problem.sense())).flatten();
    let walls = best.as_ref().map(|x| walls(problem, x)).unwrap_or_default();
    let auto = darwin_engine::Settings::auto(problem)?;
    Ok(Evidence {
        names: coordinates(problem),
        around,
        constraints,
        progress,
        walls,
        auto: (auto.0.algorithm().name, auto.1),
        looked,
    })
}
