//! Runs that are stored: begin, look, list, read the result.

use std::sync::LazyLock;

use darwin_engine::{Seed, StopReason};
use mcp_core::{prelude::*, validation::Schema};
use serde_json::{Map, Value, json};

use super::{
    found::{HistoryPoint, Stop},
    optimize::OptimizeProblemArgs,
    watch::OnCancel,
};
use crate::{
    Server,
    run::{Active, Fault, NewRun, Overview, Report, Status, TIME},
    seed,
};

/// A run to store.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRunArgs {
    /// As in `optimize_problem`. With objectives that have no expr the caller evaluates: `ask_trials`,
    /// `tell_trials`.
    problem: Map<String, Value>,
    /// As in `optimize_problem`.
    #[schemars(length(max = 40))]
    algorithm: Option<String>,
    /// As in `optimize_problem`.
    #[serde(default)]
    params: Map<String, Value>,
    /// As in `optimize_problem`, but `max_time_s` is up to 86400 (default none); told values: `max_evals`
    /// up to 100000 (default 100 per variable).
    #[serde(default)]
    budget: Map<String, Value>,
    /// As in `optimize_problem`.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: Option<u64>,
    /// Most threads.
    #[schemars(range(min = 1, max = 256))]
    threads: Option<u16>,
    /// Most points of the history (default 20).
    #[schemars(range(min = 2, max = 1000))]
    points: Option<u16>,
    /// A name to find it by.
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    /// Begin at once (default false).
    #[serde(default)]
    start: bool,
    /// Wait so long for its end, ms (default 0).
    #[schemars(range(max = 60_000))]
    #[serde(default)]
    wait_ms: u32,
}

/// Which run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetRunArgs {
    /// The run.
    #[schemars(length(max = 40))]
    run_id: String,
    /// Wait so long for it to end or pause, ms (default 0).
    #[schemars(range(max = 60_000))]
    #[serde(default)]
    wait_ms: u32,
}

/// Which run, and how much.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetRunResultArgs {
    /// The run.
    #[schemars(length(max = 40))]
    run_id: String,
    /// Most points of a front (default 100).
    #[schemars(range(min = 2, max = 1000))]
    points: Option<u16>,
}

/// Where a run is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RunOutput {
    /// The run.
    run_id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What it does.
    status: Status,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<Stop>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
    /// Algorithm.
    algorithm: String,
    /// Why `auto` chose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm_reason: Option<String>,
    /// Seed.
    seed: u64,
    /// Generations after the initial sample.
    generation: u64,
    /// Evaluations so far.
    evals: u64,
    /// Evaluations at which it ends.
    max_evals: u64,
    /// Best value so far, for one objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    best_f: Option<f64>,
    /// Time it has computed, s.
    active_s: f64,
    /// Time to the last evaluation at this pace, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    eta_s: Option<f64>,
    /// Best value so far, evenly thinned.
    history: Vec<HistoryPoint>,
}

/// What a run found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GetRunResultOutput {
    /// The run.
    run_id: String,
    /// What it does.
    status: Status,
    /// What it found, up to now if it has not ended; absent for one that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Report>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
}

/// Points of a front in an answer.
const FRONT_POINTS: u16 = 100;

impl CreateRunArgs {
    /// The run as `optimize_problem` would take it, checked as there.
    fn spec(&self) -> Result<OptimizeProblemArgs> {
        let mut spec = json!({
            "problem": self.problem, "params": self.params, "budget": self.budget,
        });
        for (field, value) in [
            ("algorithm", self.algorithm.clone().map(Value::from)),
            ("seed", self.seed.map(Value::from)),
            ("threads", self.threads.map(Value::from)),
            ("points", self.points.map(Value::from)),
        ] {
            if let Some(value) = value {
                spec[field] = value;
            }
        }
        checked(&spec)
    }
}

/// Arguments of `optimize_problem`, checked as there. Tools that take them in part have open
/// schemas, so that theirs is told once.
pub(super) fn checked(spec: &Value) -> Result<OptimizeProblemArgs> {
    static SCHEMA: LazyLock<Result<Schema, String>> = LazyLock::new(|| {
        Schema::compile_bounded(schemars::schema_for!(OptimizeProblemArgs).as_value())
    });
    let schema = SCHEMA.as_ref().map_err(|error| ToolError::internal(error.as_str()))?;
    schema.check(spec).map_err(|broken| ToolError::invalid(broken.pointer, broken.message))?;
    OptimizeProblemArgs::deserialize(spec)
        .map_err(|error| ToolError::invalid("", error.to_string()))
}

impl From<Overview> for RunOutput {
    fn from(run: Overview) -> Self {
        let Overview { id, header, last, seen, budget } = run;
        let max_evals = u64::try_from(budget.max_evals.unwrap_or_default()).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day, 1e9 evaluations")]
        let [active_s, evals, left] =
            [seen.active_ms, seen.evals, max_evals.saturating_sub(seen.evals)].map(|n| n as f64);
        let active_s = active_s / 1000.0;
        let paced = last.status == Status::Running && seen.evals > 0;
        Self {
            run_id: id,
            name: header.name,
            status: last.status,
            stop_reason: last.stop_reason,
            error: last.fault,
            algorithm: header.spec.algorithm.unwrap_or_default(),
            algorithm_reason: header.reason,
            seed: header.spec.seed.unwrap_or_default(),
            generation: seen.generation,
            evals: seen.evals,
            max_evals,
            best_f: seen.best_f,
            active_s,
            eta_s: paced.then(|| active_s / evals * left),
            history: seen.history,
        }
    }
}

#[tool_router(router = run_tools, vis = "pub(crate)")]
impl Server {
    /// Store a run, which then survives this call and a restart: long ones, and those whose
    /// objective the caller evaluates. Nothing acknowledged is lost; the result is that of
    /// `optimize_problem`.
    #[tool(
        title = "Create a run",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn create_run(
        &self,
        Parameters(args): Parameters<CreateRunArgs>,
        principal: Principal,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<RunOutput>> {
        let mut spec = args.spec()?;
        self.fill(&principal, &mut spec.problem).await?;
        let seed = spec.seed.map_or_else(seed::draw, |seed| Ok(Seed::new(seed)?))?;
        let threads = self.config().threads();
        let job = spec.job(seed, threads, TIME, true)?;
        let time = job.budget.max_time().map(|time| time.as_secs_f64());
        let threads = spec.threads;
        spec = spec.resolved(&job, job.budget.max_evals(), time);
        spec.threads = threads;
        let first = match (args.start, job.problem.is_external()) {
            (false, _) => Status::Created,
            (true, false) => Status::Running,
            (true, true) => Status::WaitingTell,
        };
        let new = NewRun { name: args.name, spec, job, first, origin: None };
        let run = self.runs().create(&principal, new).await?;
        if let Some(active) = self.runs().held(&principal, &run.id) {
            self.watch(&active, args.wait_ms, (&ct, OnCancel::Stop), &progress).await;
            return Ok(Json(active.overview().into()));
        }
        Ok(Json(run.into()))
    }

    /// Show where a stored run is: status, generation, best value, history, time left.
    #[tool(
        title = "Get a run",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn get_run(
        &self,
        Parameters(args): Parameters<GetRunArgs>,
        principal: Principal,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<RunOutput>> {
        let run = self.runs().overview(&principal, &args.run_id).await?;
        if let Some(active) = self.runs().held(&principal, &args.run_id) {
            self.watch(&active, args.wait_ms, (&ct, OnCancel::GoOn), &progress).await;
            return Ok(Json(active.overview().into()));
        }
        Ok(Json(run.into()))
    }

    /// Read what a stored run found: best point or front, history, seed, a line that repeats it. Of
    /// one that has not ended, what it has up to now.
    #[tool(
        title = "Get the result of a run",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn get_run_result(
        &self,
        Parameters(args): Parameters<GetRunResultArgs>,
        principal: Principal,
    ) -> Result<Json<GetRunResultOutput>> {
        let (run, report) = self.report_of(&principal, &args.run_id).await?;
        let mut result = report;
        if let Some(result) = &mut result {
            result.thin(args.points.unwrap_or(FRONT_POINTS).into());
        }
        let (status, error) = (run.last.status, run.last.fault);
        Ok(Json(GetRunResultOutput { run_id: args.run_id, status, result, error }))
    }
}

impl Server {
    /// A run of this caller's, and what it found up to now; nothing of one that failed.
    pub(super) async fn report_of(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<(Overview, Option<Report>)> {
        let mut run = self.runs().overview(principal, id).await?;
        let mut found = run.last.result.clone();
        if !run.last.status.is_final() {
            let active = self.runs().hold(principal, id).await?;
            let look = |active: &Active, core: &mut crate::run::Core| {
                active.result(core, StopReason::Cancelled)
            };
            let value = self.runs().command(&active, look).await?;
            // It may have ended meanwhile: then its own result counts.
            run = active.overview();
            found = run.last.result.clone().or(Some(value));
        }
        let report = found.map(serde_json::from_value::<Report>).transpose();
        let report = report
            .map_err(|error| ToolError::internal(format!("a result cannot be read: {error}")))?;
        Ok((run, report))
    }
}
