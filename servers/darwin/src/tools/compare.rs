//! Several algorithms on one problem, with equal budgets and seeds.

use std::{sync::Arc, time::Duration};

use darwin_engine::{
    Outcome, Seed, StopReason,
    statistics::{friedman_test, quantile, rank_sum_test},
};
use mcp_core::prelude::*;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{optimize::TimeRule, problem::ProblemArgs, run::checked};
use crate::{
    Error, Server,
    job::{self, Job},
};

/// What to compare.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompareAlgorithmsArgs {
    /// As in `optimize_problem`, with one objective.
    problem: Map<String, Value>,
    /// Names, as `list_algorithms` has them; each runs with its defaults.
    #[schemars(length(min = 2, max = 10), inner(length(max = 40)))]
    algorithms: Vec<String>,
    /// Runs of each, with the seeds 1, 2, .. (default 5).
    #[schemars(range(min = 2, max = 51))]
    seeds: Option<u64>,
    /// Of each run, as in `optimize_problem` (default 1,000 evaluations per variable).
    #[serde(default)]
    budget: Map<String, Value>,
}

/// The algorithms side by side.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CompareAlgorithmsOutput {
    /// Best median first.
    items: Vec<Compared>,
    /// Probability that they differ as much by chance: Friedman's test over the seeds.
    friedman_p: f64,
    /// Evaluations of each run.
    max_evals: u64,
    /// Runs that ended by time: their figures depend on the machine.
    timed: usize,
}

/// An algorithm's runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Compared {
    /// Its name.
    algorithm: &'static str,
    /// Median of the best values; absent when it is not finite: no feasible point was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    median: Option<f64>,
    /// Quartiles of the best values.
    #[serde(skip_serializing_if = "Option::is_none")]
    quartiles: Option<[f64; 2]>,
    /// Share of runs that reached the target, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<f64>,
    /// Evaluations of all runs for each that reached the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    ert: Option<f64>,
    /// Probability that it differs as much from the first by chance: Wilcoxon's rank sum test.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank_sum_p: Option<f64>,
    /// Best value of each seed; null without a feasible point.
    values: Vec<Option<f64>>,
    /// Evaluations of each seed.
    evals: Vec<u64>,
}

/// The runs of an algorithm as they are compared: smaller is better, infinite without a point.
struct Runs {
    algorithm: &'static str,
    costs: Vec<f64>,
    outcomes: Vec<(u64, StopReason)>,
}

const SEEDS: u64 = 5;
/// Evaluations for each variable, when no budget is given.
const EVALS: usize = 1000;
/// All runs together end within this time.
const TIME: Duration = Duration::from_secs(100);

impl CompareAlgorithmsArgs {
    /// The runs of an algorithm, checked.
    fn jobs(&self, problem: &ProblemArgs, name: &str, threads: usize) -> Result<Vec<Job>> {
        let spec = checked(&json!({
            "problem": problem, "algorithm": name, "budget": self.budget,
        }))?;
        let longest = job::MAX_TIME.as_secs_f64();
        let time = TimeRule { default: Some(longest), longest };
        let job = |seed| -> Result<Job> {
            let mut spec = spec.clone();
            if spec.budget.max_evals.is_none() {
                let problem = spec.problem.build(false)?;
                let evals = EVALS * problem.bounds().dimension();
                spec.budget.max_evals = i64::try_from(evals).ok();
            }
            // All are to spend the same.
            spec.budget.stagnation_generations.get_or_insert(0);
            let seed = Seed::new(seed).map_err(Error::from)?;
            let job = spec.job(seed, threads, time, false)?;
            if job.problem.senses().len() > 1 {
                let reason = "must be one: fronts are not compared here";
                return Err(Error::Problem { field: "objectives", reason }.into());
            }
            Ok(job)
        };
        (1..=self.seeds.unwrap_or(SEEDS)).map(job).collect()
    }
}

impl Runs {
    fn add(&mut self, maximised: bool, outcome: &Outcome) {
        let found = outcome.best.as_ref().filter(|best| best.violation <= 0.0);
        let cost = found.map_or(f64::INFINITY, |best| if maximised { -best.f } else { best.f });
        self.costs.push(cost);
        self.outcomes.push((outcome.evals, outcome.stop));
    }

    fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.costs.clone();
        sorted.sort_by(f64::total_cmp);
        quantile(&sorted, share).unwrap_or(f64::INFINITY)
    }

    #[expect(clippy::cast_precision_loss, reason = "evaluations are at most 51e9")]
    fn told(&self, first: &Self, targeted: bool, maximised: bool) -> Compared {
        let value =
            |cost: f64| cost.is_finite().then_some(if maximised { 0.0 - cost } else { cost });
        let reached = self.outcomes.iter().filter(|(_, stop)| *stop == StopReason::Target).count();
        let evals: Vec<u64> = self.outcomes.iter().map(|(evals, _)| *evals).collect();
        let all: u64 = evals.iter().sum();
        let quartiles = value(self.quantile(0.25)).zip(value(self.quantile(0.75)));
        Compared {
            algorithm: self.algorithm,
            median: value(self.median()),
            quartiles: quartiles.map(|(low, high)| [low, high]),
            success: targeted.then(|| reached as f64 / self.costs.len() as f64),
            ert: (targeted && reached > 0).then(|| all as f64 / reached as f64),
            rank_sum_p: (self.algorithm != first.algorithm)
                .then(|| rank_sum_test(&first.costs, &self.costs)),
            values: self.costs.iter().map(|cost| value(*cost)).collect(),
            evals,
        }
    }
}

#[tool_router(router = compare_tools, vis = "pub(crate)")]
impl Server {
    /// Run algorithms on one problem with equal budgets and seeds: median, quartiles, success rate,
    /// expected running time, and tests whether they differ. `optimize_problem` with algorithm, seed
    /// and budget repeats every run.
    #[tool(
        title = "Compare algorithms",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn compare_algorithms(
        &self,
        Parameters(mut args): Parameters<CompareAlgorithmsArgs>,
        principal: Principal,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<CompareAlgorithmsOutput>> {
        let threads = self.config().threads();
        let problem = self.problem_of(&principal, std::mem::take(&mut args.problem)).await?;
        let mut jobs = Vec::new();
        for (place, name) in args.algorithms.iter().enumerate() {
            if args.algorithms.iter().take(place).any(|other| other == name) {
                let field = format!("/algorithms/{place}");
                return Err(ToolError::invalid(field, "is named twice"));
            }
            jobs.push(args.jobs(&problem, name, threads)?);
        }
        let spending = self.spend(&principal)?;
        let end = Instant::now() + TIME;
        let count: usize = jobs.iter().map(Vec::len).sum();
        let (mut all, mut done) = (Vec::with_capacity(jobs.len()), 0_u32);
        let (mut max_evals, mut targeted, mut maximised, mut timed) = (0, false, false, 0);
        for runs in jobs {
            let algorithm = runs.first().map_or("", |job| job.settings.algorithm().name);
            let mut one = Runs { algorithm, costs: Vec::new(), outcomes: Vec::new() };
            for mut job in runs {
                maximised = job.problem.sense() == darwin_engine::Sense::Max;
                (max_evals, targeted) = (job.budget.max_evals(), job.budget.target().is_some());
                // Each of the runs that are left gets its share of the time.
                let left = u32::try_from(count).unwrap_or(u32::MAX) - done;
                let share = (end.saturating_duration_since(Instant::now()) / left.max(1))
                    .max(job::MIN_TIME);
                let share = job.budget.max_time().map_or(share, |given| given.min(share));
                job.budget = job.budget.with_max_time(share).map_err(Error::from)?;
                let job = Arc::new(job);
                let pool = job.gains_from_threads().then(|| self.pool()).flatten();
                let outcome = job.run(pool, &ct, None, &spending).await?;
                timed += usize::from(outcome.stop == StopReason::MaxTime);
                one.add(maximised, &outcome);
                done += 1;
                #[expect(clippy::cast_precision_loss, reason = "at most 510 runs")]
                progress.report(done.into(), Some(count as f64), algorithm).await;
            }
            all.push(one);
        }
        all.sort_by(|a, b| a.median().total_cmp(&b.median()));
        let seeds = all.first().map_or(0, |one| one.costs.len());
        let rows: Vec<Vec<f64>> =
            (0..seeds).map(|seed| all.iter().map(|one| one.costs[seed]).collect()).collect();
        let items = all.first().map_or_else(Vec::new, |first| {
            all.iter().map(|one| one.told(first, targeted, maximised)).collect()
        });
        Ok(Json(CompareAlgorithmsOutput {
            items,
            friedman_p: friedman_test(&rows),
            max_evals,
            timed,
        }))
    }
}
