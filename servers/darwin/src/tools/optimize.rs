//! Optimise in one call.

use std::{sync::Arc, time::Duration};

use darwin_engine::{Algorithm, Budget, Outcome, Problem, Seed, Settings, StopReason};
use mcp_core::prelude::*;
use serde_json::{Map, Value};

use super::{
    params::Params,
    problem::{ProblemArgs, by_name},
};
use crate::{
    Error, Server,
    job::{self, Job},
    seed,
};

/// What to optimise, how, and for how long.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptimizeProblemArgs {
    /// What to optimise.
    problem: ProblemArgs,
    /// `portfolio`, `cma_es`, `lshade`, `ga`; `nsga2` for several objectives; or `auto` (default),
    /// which says what it chose.
    #[schemars(length(max = 40))]
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    #[serde(default)]
    params: Params,
    /// When to stop, whichever comes first.
    #[serde(default)]
    budget: BudgetArgs,
    /// Equal seeds give equal results; drawn and reported when absent.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// Most threads (default: all of the server's); never changes the result.
    #[schemars(range(min = 1, max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    threads: Option<u16>,
    /// Most points of the history, and of the front (default 20; of the front 100).
    #[schemars(range(min = 2, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<u16>,
}

/// Limits of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BudgetArgs {
    /// Evaluations, 1 to 1e9 (default 10,000 per variable).
    #[serde(skip_serializing_if = "Option::is_none")]
    max_evals: Option<i64>,
    /// Seconds, 0.01 to 110 (default 50).
    #[serde(skip_serializing_if = "Option::is_none")]
    max_time_s: Option<f64>,
    /// Objective value that is good enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f64>,
    /// Generations without improvement (default 200 for ga, else 0: never).
    #[schemars(range(max = 1_000_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    stagnation_generations: Option<u64>,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OptimizeProblemOutput {
    /// State of the run.
    status: RunStatus,
    /// Why it ended; evaluations and best are those of the last whole generation.
    stop_reason: Stop,
    /// Best point, for one objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<BestPoint>,
    /// For several objectives: points that none found dominates, by the first objective, evenly
    /// thinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    front: Option<Vec<FrontPoint>>,
    /// Points of the whole front.
    #[serde(skip_serializing_if = "Option::is_none")]
    front_size: Option<usize>,
    /// Evaluations made.
    evals: u64,
    /// Evaluations without a finite value; counted as worst.
    #[serde(skip_serializing_if = "is_zero")]
    non_finite_evals: u64,
    /// Generations after the initial sample.
    generations: u64,
    /// Best value so far, evenly thinned.
    history: Vec<HistoryPoint>,
    /// Algorithm used.
    algorithm: &'static str,
    /// Why `auto` chose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm_reason: Option<&'static str>,
    /// Seed used.
    seed: u64,
    /// Whether the same arguments with this seed give the same result; not after a time stop,
    /// which `repro` repeats by its evaluations.
    reproducible: bool,
    /// Version of the engine, and revision of the algorithm.
    engine_version: String,
    /// Command that gives this result again; its JSON works as arguments too.
    repro: String,
}

/// State of a run.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum RunStatus {
    Done,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Stop {
    Target,
    MaxEvals,
    MaxTime,
    Stagnation,
    Converged,
}

/// A point and its value.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BestPoint {
    /// Coordinates in the order of the variables; a category by its place among its words.
    x: Vec<f64>,
    /// The same by name, when variables were named.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Map<String, Value>>,
    /// Objective value.
    f: f64,
    /// By how much constraints are broken, when there are any; 0: all hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    violation: Option<f64>,
}

/// A point of a front.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FrontPoint {
    /// Values of the variables by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Map<String, Value>>,
    /// Objective values in their order.
    f: Vec<f64>,
    /// By how much constraints are broken, when there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    violation: Option<f64>,
}

/// Best so far.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HistoryPoint {
    /// Generation; 0 is the initial sample.
    generation: u64,
    /// Evaluations so far.
    evals: u64,
    /// Best value so far; absent while none was finite.
    #[serde(skip_serializing_if = "Option::is_none")]
    f: Option<f64>,
}

/// Generations without improvement after which a run ends by default.
const STAGNATION: u64 = 200;
/// Points of the history, and of a front, by default.
const POINTS: u16 = 20;
const FRONT_POINTS: u16 = 100;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl OptimizeProblemArgs {
    /// Settings of the algorithm, and why it was taken when that was left to us.
    fn settings(&self, problem: &Problem) -> Result<(Settings, Option<&'static str>), Error> {
        match self.algorithm.as_deref() {
            None | Some("auto") if self.params.is_empty() => {
                let (settings, why) = Settings::auto(problem)?;
                Ok((settings, Some(why)))
            }
            None | Some("auto") => {
                let why = "the first algorithm that has all of the given params";
                let settings = self.params.settings(self.params.algorithm(problem)?, problem)?;
                Ok((settings, Some(why)))
            }
            Some(name) => {
                let algorithm = Algorithm::from_name(name).ok_or_else(|| {
                    let listed = darwin_engine::ALGORITHMS.iter().map(|algorithm| algorithm.name);
                    let known = std::iter::once("auto").chain(listed).collect();
                    Error::unknown("/algorithm", "algorithm", name, known)
                })?;
                Ok((self.params.settings(algorithm, problem)?, None))
            }
        }
    }

    fn job(&self, seed: Seed, threads: usize, default_time: f64) -> Result<Job, Error> {
        let problem = self.problem.build()?;
        let (settings, reason) = self.settings(&problem)?;
        let stagnation = match settings {
            Settings::Ga(_) => STAGNATION,
            // Restarts come when nothing improves.
            _ => 0,
        };
        let dimension = problem.bounds().dimension();
        let budget = self.budget.build(dimension, default_time, stagnation)?;
        let points = self.points.unwrap_or(POINTS).into();
        let threads = self.threads.map_or(threads, |wanted| threads.min(wanted.into()));
        Ok(Job { problem, settings, reason, budget, seed, points, threads })
    }

    /// The same call with nothing left to a default, to a drawn seed or to the clock.
    fn resolved(&self, job: &Job, outcome: &Outcome) -> Self {
        let timed = outcome.stop == StopReason::MaxTime;
        let max_evals = if timed { outcome.evals } else { job.budget.max_evals() };
        Self {
            problem: self.problem.resolved(&job.problem),
            algorithm: Some(job.settings.algorithm().name.to_owned()),
            params: job.settings.into(),
            budget: BudgetArgs {
                max_evals: i64::try_from(max_evals).ok(),
                max_time_s: Some(job::MAX_TIME.as_secs_f64()),
                target: job.budget.target(),
                stagnation_generations: Some(job.budget.stagnation()),
            },
            seed: Some(job.seed.get()),
            threads: None,
            points: Some(self.points.unwrap_or(POINTS)),
        }
    }
}

impl BudgetArgs {
    fn build(&self, dimension: usize, default_time: f64, stagnation: u64) -> Result<Budget, Error> {
        let max_evals = match self.max_evals {
            // A negative number is as wrong as zero, and answered as such.
            Some(given) => u64::try_from(given).unwrap_or(0),
            None => Budget::default_evals(dimension),
        };
        let given = self.max_time_s.unwrap_or(default_time);
        let (min, max) = (job::MIN_TIME.as_secs_f64(), job::MAX_TIME.as_secs_f64());
        if !(min..=max).contains(&given) {
            return Err(Error::InvalidTime { min, max, given });
        }
        let budget = Budget::evals(max_evals)?
            .with_max_time(Duration::from_secs_f64(given))?
            .with_stagnation(self.stagnation_generations.unwrap_or(stagnation));
        Ok(match self.target {
            Some(target) => budget.with_target(target)?,
            None => budget,
        })
    }
}

impl OptimizeProblemOutput {
    fn new(args: &OptimizeProblemArgs, job: &Job, outcome: Outcome) -> Result<Self> {
        let algorithm = job.settings.algorithm();
        let stop_reason = match outcome.stop {
            StopReason::Target => Stop::Target,
            StopReason::MaxEvals => Stop::MaxEvals,
            StopReason::MaxTime => Stop::MaxTime,
            StopReason::Stagnation => Stop::Stagnation,
            StopReason::Converged => Stop::Converged,
            StopReason::Cancelled => {
                return Err(ToolError::new(Kind::Cancelled, "cancelled", "the run was cancelled"));
            }
        };
        let again = serde_json::to_string(&args.resolved(job, &outcome))
            .map_err(|error| ToolError::internal(error.to_string()))?;
        let evals = outcome.evals;
        let many = job.problem.senses().len() > 1;
        if outcome.best.is_none() && outcome.front.is_empty() {
            return Err(Error::NoFiniteValue { evals }.into());
        }
        let limited = job.problem.constraints() > 0;
        let named = |x: &[f64]| job.problem.space().map(|space| by_name(space, x));
        let best = outcome.best.map(|best| BestPoint {
            values: named(&best.x),
            violation: limited.then_some(best.violation),
            x: best.x,
            f: best.f,
        });
        let front_size = many.then_some(outcome.front.len());
        let rows = thinned(outcome.front, args.points.unwrap_or(FRONT_POINTS).into());
        let front = rows.into_iter().map(|one| FrontPoint {
            values: named(&one.x),
            f: one.values,
            violation: limited.then_some(one.violation),
        });
        let history = outcome.history.iter().filter(|_| !many).map(|point| HistoryPoint {
            generation: point.generation,
            evals: point.evals,
            f: point.f,
        });
        Ok(Self {
            status: RunStatus::Done,
            stop_reason,
            best,
            front: many.then(|| front.collect()),
            front_size,
            evals,
            non_finite_evals: outcome.non_finite_evals,
            generations: outcome.generations,
            history: history.collect(),
            algorithm: algorithm.name,
            algorithm_reason: job.reason,
            seed: job.seed.get(),
            reproducible: stop_reason != Stop::MaxTime,
            engine_version: format!(
                "{} {}-{}",
                darwin_engine::VERSION,
                algorithm.name,
                algorithm.revision
            ),
            repro: format!("machina-darwin call optimize_problem '{again}'"),
        })
    }
}

/// At most `most` >= 2 of the rows, evenly, the first and the last among them.
fn thinned<T>(rows: Vec<T>, most: usize) -> Vec<T> {
    let (all, gaps) = (rows.len(), most.max(2) - 1);
    if all <= most {
        return rows;
    }
    let mut next = 0;
    let keep = |(place, row): (usize, T)| {
        let kept = place == next * (all - 1) / gaps;
        next += usize::from(kept);
        kept.then_some(row)
    };
    rows.into_iter().enumerate().filter_map(keep).collect()
}

#[tool_router(router = optimize_tools, vis = "pub(crate)")]
impl Server {
    /// Minimise or maximise your own expression, with constraints, or a built-in function, over
    /// real, whole, logarithmic, boolean and category variables; several objectives give a front.
    /// Gives best point and value, convergence history, seed, and a line that repeats the run.
    #[tool(
        title = "Optimise a problem",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn optimize_problem(
        &self,
        Parameters(args): Parameters<OptimizeProblemArgs>,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<OptimizeProblemOutput>> {
        let seed = args.seed.map_or_else(seed::draw, |seed| Ok(Seed::new(seed)?))?;
        let job = Arc::new(args.job(seed, self.config().threads(), self.config().max_time_s)?);
        let pool = job.gains_from_threads().then(|| self.pool()).flatten();
        let outcome = job.run(pool, &ct, &progress).await?;
        Ok(Json(OptimizeProblemOutput::new(&args, &job, outcome)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_ends_and_the_bound() {
        for all in 0_usize..60 {
            for most in 2..30 {
                let kept = thinned((0..all).collect(), most);
                assert_eq!(kept.len(), all.min(most), "{all} {most}");
                assert_eq!(kept.first().copied(), (all > 0).then_some(0));
                assert_eq!(kept.last().copied(), all.checked_sub(1));
            }
        }
    }
}
