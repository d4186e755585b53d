//! An algorithm on problems whose answers are known.

use std::{sync::Arc, time::Duration};

use darwin_engine::{Measure, Outcome, Seed, StopReason, Suite, hypervolume, statistics::quantile};
use mcp_core::prelude::*;
use tokio::time::Instant;

use super::{
    optimize::{BudgetArgs, TimeRule, chosen},
    params::Params,
};
use crate::{
    Error, Server,
    job::{self, Job},
};

/// Which problems, which algorithm, how often.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunBenchmarkArgs {
    /// `seed`: sphere, Rastrigin, Rosenbrock, Ackley; `bbob_subset`: nine shapes of BBOB, shifted and
    /// turned our way; `zdt_dtlz`: fronts; `tsp_small`: round trips.
    suite: SuiteName,
    /// A name of `list_algorithms`, or `auto` (default).
    #[schemars(length(max = 40))]
    algorithm: Option<String>,
    #[serde(default)]
    params: Params,
    /// Runs of each problem, with the seeds 1, 2, .. (default 3).
    #[schemars(range(min = 1, max = 51))]
    seeds: Option<u64>,
    /// Variables, where they are free (default 10).
    #[schemars(range(min = 2, max = 40))]
    dimension: Option<u32>,
    /// Evaluations of a run (default: 10,000 per variable; 25,000 for fronts; 20,000 to 300,000 for
    /// trips).
    #[schemars(range(min = 100, max = 10_000_000))]
    max_evals: Option<u32>,
}

/// A suite by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum SuiteName {
    Seed,
    BbobSubset,
    ZdtDtlz,
    TspSmall,
}

/// Results beside what is known.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RunBenchmarkOutput {
    /// The problems.
    items: Vec<Measured>,
    /// Share of all runs that reached their goal, of those that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<f64>,
    /// Seeds of the runs: 1 to this.
    seeds: u64,
    /// Evaluations of all runs.
    evals: u64,
    /// Runs that ended by time: their figures depend on the machine.
    timed: usize,
    /// Version of the engine.
    engine_version: &'static str,
}

/// A problem's runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Measured {
    /// Its name and size.
    problem: String,
    /// The algorithm that ran.
    algorithm: &'static str,
    /// What the figures are: `error` above the known optimum, or `hypervolume`.
    measure: &'static str,
    /// Median over the seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    median: Option<f64>,
    /// Least and largest.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<[f64; 2]>,
    /// What counts as reached: an error of at most, a hypervolume of at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<f64>,
    /// Share of the runs that reached it.
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<f64>,
    /// Evaluations of all runs for each that reached it; of values only.
    #[serde(skip_serializing_if = "Option::is_none")]
    ert: Option<f64>,
    /// Hypervolume of the whole front.
    #[serde(skip_serializing_if = "Option::is_none")]
    whole: Option<f64>,
    /// Median of pymoo 0.6.2's NSGA-II, population 100, 25,000 evaluations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pymoo_nsga2: Option<f64>,
}

/// Runs of a problem.
#[derive(Default)]
struct Runs {
    figures: Vec<f64>,
    reached: usize,
    evals: u64,
}

const SEEDS: u64 = 3;
const DIMENSION: u32 = 10;
/// All runs together end within this time.
const TIME: Duration = Duration::from_secs(100);

impl SuiteName {
    const fn suite(self) -> Suite {
        match self {
            Self::Seed => Suite::Seed,
            Self::BbobSubset => Suite::Bbob,
            Self::ZdtDtlz => Suite::Fronts,
            Self::TspSmall => Suite::Tours,
        }
    }
}

impl RunBenchmarkArgs {
    /// What does not depend on the seed, checked.
    fn jobs(&self, threads: usize) -> Result<Vec<(String, Measure, Job)>> {
        let dimension = self.dimension.unwrap_or(DIMENSION) as usize;
        let tasks = self.suite.suite().tasks(dimension).map_err(Error::from)?;
        let longest = job::MAX_TIME.as_secs_f64();
        let time = TimeRule { default: Some(longest), longest };
        let mut jobs = Vec::with_capacity(tasks.len());
        for task in tasks {
            let (settings, reason) =
                chosen(self.algorithm.as_deref(), &self.params, &task.problem)?;
            let goal = match task.measure {
                Measure::Value { optimum, within } => Some(optimum + within),
                Measure::Volume { .. } => None,
            };
            let evals = self.max_evals.map_or(task.evals, u64::from);
            let budget = BudgetArgs {
                max_evals: i64::try_from(evals).ok(),
                target: goal,
                ..BudgetArgs::default()
            };
            let budget = budget.build(task.problem.bounds().dimension(), time, 0)?;
            let (problem, seed) = (Arc::new(task.problem), Seed::new(1).map_err(Error::from)?);
            let job = Job { problem, settings, reason, budget, seed, points: 2, threads };
            jobs.push((task.name, task.measure, job));
        }
        Ok(jobs)
    }
}

impl Runs {
    fn add(&mut self, measure: &Measure, outcome: Outcome) {
        self.evals += outcome.evals;
        match measure {
            Measure::Value { optimum, .. } => {
                let error = outcome.best.map_or(f64::INFINITY, |best| best.f - optimum);
                self.figures.push(error);
                self.reached += usize::from(outcome.stop == StopReason::Target);
            }
            Measure::Volume { reference, peer, within, .. } => {
                let values: Vec<Vec<f64>> =
                    outcome.front.into_iter().map(|one| one.values).collect();
                let width = values.first().map_or(2, Vec::len);
                let volume = hypervolume(&values, &vec![*reference; width]);
                self.reached += usize::from(peer.is_some_and(|peer| volume >= peer - within));
                self.figures.push(volume);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "at most 51 runs of 1e7 evaluations")]
    fn told(mut self, problem: String, measure: &Measure, algorithm: &'static str) -> Measured {
        self.figures.sort_by(f64::total_cmp);
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        let (first, last) = (self.figures.first().copied(), self.figures.last().copied());
        let share = self.reached as f64 / self.figures.len().max(1) as f64;
        let (name, goal, whole, peer) = match measure {
            Measure::Value { within, .. } => ("error", Some(*within), None, None),
            Measure::Volume { whole, peer, within, .. } => {
                ("hypervolume", peer.map(|peer| peer - within), *whole, *peer)
            }
        };
        let is_value = name == "error";
        Measured {
            problem,
            algorithm,
            measure: name,
            median: finite(quantile(&self.figures, 0.5)),
            range: finite(first).zip(finite(last)).map(|(low, high)| [low, high]),
            goal,
            success: goal.map(|_| share),
            ert: (is_value && self.reached > 0).then(|| self.evals as f64 / self.reached as f64),
            whole,
            pymoo_nsga2: peer,
        }
    }
}

#[tool_router(router = benchmark_tools, vis = "pub(crate)")]
impl Server {
    /// Run an algorithm on a suite of problems whose answers are known: median, range and success rate
    /// over the seeds, expected running time, beside the known optimum or another library's figures.
    #[tool(
        title = "Run a benchmark",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn run_benchmark(
        &self,
        Parameters(args): Parameters<RunBenchmarkArgs>,
        principal: Principal,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<RunBenchmarkOutput>> {
        let jobs = args.jobs(self.config().threads())?;
        let spending = self.spend(&principal)?;
        let seeds = args.seeds.unwrap_or(SEEDS);
        let end = Instant::now() + TIME;
        let count = u32::try_from(jobs.len() as u64 * seeds).unwrap_or(u32::MAX);
        let (mut items, mut done, mut timed, mut evals) = (Vec::new(), 0_u32, 0, 0);
        let (mut reached, mut aimed) = (0, 0_usize);
        for (problem, measure, job) in jobs {
            let mut runs = Runs::default();
            for seed in 1..=seeds {
                // Each of the runs that are left gets its share of the time.
                let left = (count - done).max(1);
                let share =
                    (end.saturating_duration_since(Instant::now()) / left).max(job::MIN_TIME);
                let budget = job.budget.with_max_time(share).map_err(Error::from)?;
                let seed = Seed::new(seed).map_err(Error::from)?;
                let one = Arc::new(Job { budget, seed, ..job.clone() });
                let pool = one.gains_from_threads().then(|| self.pool()).flatten();
                let outcome = one.run(pool, &ct, None, &spending).await?;
                timed += usize::from(outcome.stop == StopReason::MaxTime);
                runs.add(&measure, outcome);
                done += 1;
                progress.report(done.into(), Some(count.into()), &problem).await;
            }
            evals += runs.evals;
            let algorithm = job.settings.algorithm().name;
            let (hits, all) = (runs.reached, runs.figures.len());
            let item = runs.told(problem, &measure, algorithm);
            if item.goal.is_some() {
                (reached, aimed) = (reached + hits, aimed + all);
            }
            items.push(item);
        }
        #[expect(clippy::cast_precision_loss, reason = "at most some hundred runs")]
        let success = (aimed > 0).then(|| reached as f64 / aimed as f64);
        Ok(Json(RunBenchmarkOutput {
            items,
            success,
            seeds,
            evals,
            timed,
            engine_version: darwin_engine::VERSION,
        }))
    }
}
