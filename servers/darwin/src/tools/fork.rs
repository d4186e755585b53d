//! Runs that begin where others are.

use darwin_engine::Seed;
use mcp_core::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    optimize::{BudgetArgs, OptimizeProblemArgs},
    problem::ProblemArgs,
    run::{RunOutput, checked},
    watch::OnCancel,
};
use crate::{
    Error, Server,
    run::{NewRun, Status, TIME},
};

/// What to fork, and what is to be different.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForkRunArgs {
    /// Any run of yours, ended or not; it stays as it is.
    #[schemars(length(max = 40))]
    run_id: String,
    /// Begin after this generation (default: the latest), which is computed again for that.
    generation: Option<u64>,
    /// Another seed from here on (default: the same).
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: Option<u64>,
    /// Parameters to replace; the population stays.
    #[serde(default)]
    params: Map<String, Value>,
    /// Limits to replace; evaluations made before the fork count.
    budget: Option<BudgetArgs>,
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

#[tool_router(router = fork_tools, vis = "pub(crate)")]
impl Server {
    /// Begin a new stored run from the state that another has now, or had after an earlier generation,
    /// with another seed, budget or rates; both go their own ways.
    #[tool(
        title = "Fork a run",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn fork_run(
        &self,
        Parameters(args): Parameters<ForkRunArgs>,
        principal: Principal,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<RunOutput>> {
        let old = self.runs().overview(&principal, &args.run_id).await?;
        let (origin, state) =
            self.runs().state(&principal, &args.run_id, args.generation, &ct).await?;
        // The problem was checked when it was stored, and may be of a kind that no call spells out.
        let OptimizeProblemArgs { problem, .. } = old.header.spec.clone();
        let bare =
            OptimizeProblemArgs { problem: ProblemArgs::default(), ..old.header.spec.clone() };
        let mut spec =
            serde_json::to_value(bare).map_err(|error| ToolError::internal(error.to_string()))?;
        for (name, value) in args.params {
            spec["params"][name] = value;
        }
        spec["budget"] = json!(args.budget.unwrap_or_default().or(&old.budget));
        if let Some(seed) = args.seed {
            spec["seed"] = seed.into();
        }
        let mut spec = OptimizeProblemArgs { problem, ..checked(&spec)? };
        let seed = Seed::new(spec.seed.unwrap_or_default()).map_err(Error::from)?;
        let job = spec.job(seed, self.config().threads(), TIME, true)?;
        if job.budget.max_evals() <= origin.evals {
            let reason = format!("must exceed the {} evaluations made", origin.evals);
            let error = darwin_engine::Error::InvalidBudget { field: "max_evals", reason };
            return Err(Error::from(error).into());
        }
        let time = job.budget.max_time().map(|time| time.as_secs_f64());
        let threads = spec.threads;
        spec = spec.resolved(&job, job.budget.max_evals(), time);
        spec.threads = threads;
        // What does not fit is refused before anything is written.
        job.fits(&state.state)?;
        let first = match (args.start, job.problem.is_external()) {
            (false, _) => Status::Created,
            (true, false) => Status::Running,
            (true, true) => Status::WaitingTell,
        };
        let new = NewRun { name: args.name, spec, job, first, origin: Some((origin, state)) };
        let run = self.runs().create(&principal, new).await?;
        if let Some(active) = self.runs().held(&principal, &run.id) {
            self.watch(&active, args.wait_ms, (&ct, OnCancel::Stop), &progress).await;
            return Ok(Json(active.overview().into()));
        }
        Ok(Json(run.into()))
    }
}
