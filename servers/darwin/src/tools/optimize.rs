//! Optimise in one call.

use std::{sync::Arc, time::Duration};

use darwin_engine::{Algorithm, Budget, Outcome, Plan, Problem, Seed, Settings};
use mcp_core::prelude::*;

use super::{
    found::{ArchiveItem, BestPoint, Found, FrontPoint, HistoryPoint, Stop},
    params::Params,
    problem::ProblemArgs,
};
use crate::{
    Error, Server,
    job::{self, Job},
    seed,
};

/// What to optimise, how, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptimizeProblemArgs {
    /// What to optimise.
    pub(crate) problem: ProblemArgs,
    /// A name of `list_algorithms`, such as `cma_es`, `ga`, `nsga2`; or `auto` (default), which says
    /// what it chose.
    #[schemars(length(max = 40))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) algorithm: Option<String>,
    #[serde(default)]
    pub(crate) params: Params,
    /// When to stop, whichever comes first.
    #[serde(default)]
    pub(crate) budget: BudgetArgs,
    /// Equal seeds give equal results; drawn and reported when absent.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// Most threads (default: all of the server's); never changes the result.
    #[schemars(range(min = 1, max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) threads: Option<u16>,
    /// Most points of the history, and of the front (default 20; of the front 100).
    #[schemars(range(min = 2, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) points: Option<u16>,
}

/// Limits of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BudgetArgs {
    /// Evaluations, 1 to 1e9 (default 10,000 per variable).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_evals: Option<i64>,
    /// Seconds, 0.01 to 110 (default 50).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_time_s: Option<f64>,
    /// Objective value that is good enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<f64>,
    /// Generations without improvement (default 200 for ga, else 0: never).
    #[schemars(range(max = 1_000_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stagnation_generations: Option<u64>,
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
    /// What `map_elites` filled: the best point of each niche of behaviour, thinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<ArchiveItem>,
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

/// Generations without improvement after which a run ends by default.
const STAGNATION: u64 = 200;
/// Points of the history, and of a front, by default.
pub(crate) const POINTS: u16 = 20;
const FRONT_POINTS: u16 = 100;
/// Evaluations of a run whose values are told: for each variable by default, and the most.
const TOLD_PER_VARIABLE: usize = 100;
pub(crate) const MAX_TOLD: u64 = 100_000;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Settings of the algorithm of that name, and why it was taken when that was left to us.
pub(super) fn chosen(
    name: Option<&str>,
    params: &Params,
    problem: &Problem,
) -> Result<(Plan, Option<&'static str>), Error> {
    match name {
        None | Some("auto") if params.is_empty() => {
            let (settings, why) = Settings::auto(problem)?;
            Ok((settings.into(), Some(why)))
        }
        None | Some("auto") => {
            let why = "the first algorithm that has all of the given params";
            Ok((params.plan(params.algorithm(problem)?, problem)?, Some(why)))
        }
        Some(name) => {
            let algorithm = Algorithm::from_name(name).ok_or_else(|| {
                let listed = darwin_engine::ALGORITHMS.iter().map(|algorithm| algorithm.name);
                let known = std::iter::once("auto").chain(listed).collect();
                Error::unknown("/algorithm", "algorithm", name, known)
            })?;
            Ok((params.plan(algorithm, problem)?, None))
        }
    }
}

impl OptimizeProblemArgs {
    /// Check everything. `external` is whether the caller may be the one who evaluates.
    pub(crate) fn job(
        &self,
        seed: Seed,
        threads: usize,
        time: TimeRule,
        external: bool,
    ) -> Result<Job, Error> {
        let problem = self.problem.build(external)?;
        let (settings, reason) = chosen(self.algorithm.as_deref(), &self.params, &problem)?;
        let stagnation = match settings.settings {
            Settings::Ga(_) => STAGNATION,
            // Restarts come when nothing improves.
            _ => 0,
        };
        let dimension = problem.bounds().dimension();
        let mut budget = self.budget.clone();
        if problem.is_external() {
            budget.limit_told(dimension)?;
        }
        let budget = budget.build(dimension, time, stagnation)?;
        let points = self.points.unwrap_or(POINTS).into();
        let threads = self.threads.map_or(threads, |wanted| threads.min(wanted.into()));
        let problem = Arc::new(problem);
        Ok(Job { problem, settings, reason, budget, seed, points, threads })
    }

    /// The same call, short enough for a line.
    pub(crate) fn in_short(self) -> Self {
        Self { problem: self.problem.in_short(), ..self }
    }

    /// The same call with nothing left to a default, to a drawn seed or to the clock.
    pub(crate) fn resolved(&self, job: &Job, max_evals: u64, max_time_s: Option<f64>) -> Self {
        Self {
            problem: self.problem.resolved(&job.problem),
            algorithm: Some(job.settings.algorithm().name.to_owned()),
            params: job.settings.into(),
            budget: BudgetArgs {
                max_evals: i64::try_from(max_evals).ok(),
                max_time_s,
                target: job.budget.target(),
                stagnation_generations: Some(job.budget.stagnation()),
            },
            seed: Some(job.seed.get()),
            threads: None,
            points: Some(self.points.unwrap_or(POINTS)),
        }
    }
}

/// How long a run may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeRule {
    /// When none is given; `None` is without end.
    pub(crate) default: Option<f64>,
    /// The longest, s.
    pub(crate) longest: f64,
}

impl BudgetArgs {
    /// What is told comes one by one: budgets are small.
    fn limit_told(&mut self, dimension: usize) -> Result<(), Error> {
        let usual = dimension.saturating_mul(TOLD_PER_VARIABLE);
        let most = i64::try_from(MAX_TOLD).unwrap_or(i64::MAX);
        let given = self.max_evals.unwrap_or(i64::try_from(usual).unwrap_or(most));
        if given > most && self.max_evals.is_some() {
            let reason = format!("must be at most {MAX_TOLD} when the caller evaluates");
            return Err(darwin_engine::Error::InvalidBudget { field: "max_evals", reason }.into());
        }
        self.max_evals = Some(given.min(most));
        Ok(())
    }

    /// These limits, and the others' where these are silent.
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self {
            max_evals: self.max_evals.or(other.max_evals),
            max_time_s: self.max_time_s.or(other.max_time_s),
            target: self.target.or(other.target),
            stagnation_generations: self.stagnation_generations.or(other.stagnation_generations),
        }
    }

    pub(crate) fn build(
        &self,
        dimension: usize,
        time: TimeRule,
        stagnation: u64,
    ) -> Result<Budget, Error> {
        let max_evals = match self.max_evals {
            // A negative number is as wrong as zero, and answered as such.
            Some(given) => u64::try_from(given).unwrap_or(0),
            None => Budget::default_evals(dimension),
        };
        let mut budget = Budget::evals(max_evals)?
            .with_stagnation(self.stagnation_generations.unwrap_or(stagnation));
        if let Some(given) = self.max_time_s.or(time.default) {
            let (min, max) = (job::MIN_TIME.as_secs_f64(), time.longest);
            if !(min..=max).contains(&given) {
                return Err(Error::InvalidTime { min, max, given });
            }
            budget = budget.with_max_time(Duration::from_secs_f64(given))?;
        }
        Ok(match self.target {
            Some(target) => budget.with_target(target)?,
            None => budget,
        })
    }
}

impl OptimizeProblemOutput {
    fn new(args: &OptimizeProblemArgs, job: &Job, outcome: Outcome) -> Result<Self> {
        let Some(stop_reason) = Stop::of(outcome.stop) else {
            return Err(ToolError::new(Kind::Cancelled, "cancelled", "the run was cancelled"));
        };
        let timed = stop_reason == Stop::MaxTime;
        let max_evals = if timed { outcome.evals } else { job.budget.max_evals() };
        let time = Some(job::MAX_TIME.as_secs_f64());
        let again = serde_json::to_string(&args.resolved(job, max_evals, time).in_short())
            .map_err(|error| ToolError::internal(error.to_string()))?;
        if outcome.best.is_none() && outcome.front.is_empty() {
            return Err(Error::NoFiniteValue { evals: outcome.evals }.into());
        }
        let found = Found::new(job, outcome, args.points.unwrap_or(FRONT_POINTS).into());
        Ok(Self {
            status: RunStatus::Done,
            stop_reason,
            best: found.best,
            front: found.front,
            front_size: found.front_size,
            archive: found.archive,
            evals: found.evals,
            non_finite_evals: found.non_finite_evals,
            generations: found.generations,
            history: found.history,
            algorithm: job.settings.algorithm().name,
            algorithm_reason: job.reason,
            seed: job.seed.get(),
            reproducible: !timed,
            engine_version: job.engine_version(),
            repro: format!("machina-darwin call optimize_problem '{again}'"),
        })
    }
}

#[tool_router(router = optimize_tools, vis = "pub(crate)")]
impl Server {
    /// Minimise or maximise your own expression, with constraints, or a built-in function, over
    /// real, whole, logarithmic, boolean and category variables, and permutations (tours, sequences);
    /// several objectives give a front.
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
        Parameters(mut args): Parameters<OptimizeProblemArgs>,
        principal: Principal,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<OptimizeProblemOutput>> {
        self.fill(&principal, &mut args.problem).await?;
        let seed = args.seed.map_or_else(seed::draw, |seed| Ok(Seed::new(seed)?))?;
        let time = TimeRule {
            default: Some(self.config().max_time_s),
            longest: job::MAX_TIME.as_secs_f64(),
        };
        let job = Arc::new(args.job(seed, self.config().threads(), time, false)?);
        let pool = job.gains_from_threads().then(|| self.pool()).flatten();
        let spending = self.spend(&principal)?;
        let outcome = job.run(pool, &ct, Some(&progress), &spending).await?;
        Ok(Json(OptimizeProblemOutput::new(&args, &job, outcome)?))
    }
}
