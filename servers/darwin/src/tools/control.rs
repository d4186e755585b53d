//! Stored runs: step, pause, go on, stop, remove.

use darwin_engine::StopReason;
use mcp_core::prelude::*;

use super::{optimize::BudgetArgs, run::RunOutput, watch::OnCancel};
use crate::{
    Error, Server,
    run::{Active, Core, Entry, RunError, Status, StatusEntry, TIME, UpdateEntry},
};

/// What to change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateRunArgs {
    /// The run.
    #[schemars(length(max = 40))]
    run_id: String,
    /// Begin or go on, or pause after this generation.
    state: Option<Wanted>,
    /// Limits to replace; others stay.
    budget: Option<BudgetArgs>,
}

/// What a run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Wanted {
    Running,
    Paused,
}

/// How far to go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepRunArgs {
    /// The run: created or paused.
    #[schemars(length(max = 40))]
    run_id: String,
    /// Generations (default 1).
    #[schemars(range(min = 1, max = 1_000_000))]
    generations: Option<u64>,
    /// Refuse when it is at another generation.
    expected_generation: Option<u64>,
    /// Wait so long, ms (default 10000).
    #[schemars(range(max = 60_000))]
    wait_ms: Option<u32>,
}

/// Which run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunArgs {
    /// The run.
    #[schemars(length(max = 40))]
    run_id: String,
}

/// What was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeleteRunOutput {
    /// The run.
    run_id: String,
    /// That it is gone.
    deleted: bool,
}

/// How long a step is waited for by default, ms.
const STEP_WAIT: u32 = 10_000;

impl UpdateRunArgs {
    fn apply(&self, active: &Active, core: &mut Core) -> Result<(), RunError> {
        let is = core.ledger.status();
        if is.is_final() {
            return Err(RunError::Unfit { is, wanted: "cannot be changed any more" });
        }
        if let Some(budget) = &self.budget {
            update_budget(active, core, budget)?;
        }
        let next = match self.state {
            Some(Wanted::Running) if active.job.problem.is_external() => Status::WaitingTell,
            Some(Wanted::Running) => Status::Running,
            Some(Wanted::Paused) => Status::Paused,
            None => return Ok(()),
        };
        // A goal of an earlier step holds no longer.
        if next == is && core.ledger.last.until.is_none() {
            return Ok(());
        }
        active.set_status(core, StatusEntry::of(next))
    }
}

fn update_budget(active: &Active, core: &mut Core, given: &BudgetArgs) -> Result<(), RunError> {
    let budget = given.or(core.ledger.budget());
    let evals = core.run.status().evals;
    let built = budget.build(active.job.problem.bounds().dimension(), TIME, 0)?;
    if built.max_evals() <= evals {
        let reason = format!("must exceed the {evals} evaluations made");
        let error = darwin_engine::Error::InvalidBudget { field: "max_evals", reason };
        return Err(Error::from(error).into());
    }
    if budget == *core.ledger.budget() {
        return Ok(());
    }
    active.checkpoint(core)?;
    active.append(core, Entry::Update(UpdateEntry { at_evals: evals, budget }))?;
    core.open = None;
    core.take_updates(&active.job).map(drop)
}

#[tool_router(router = control_tools, vis = "pub(crate)")]
impl Server {
    /// Begin, pause or continue a stored run, or change its budget. On disk before the answer.
    #[tool(
        title = "Update a run",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn update_run(
        &self,
        Parameters(args): Parameters<UpdateRunArgs>,
        principal: Principal,
    ) -> Result<Json<RunOutput>> {
        let active = self.own(&principal, &args.run_id, "cannot be changed any more").await?;
        let change = move |active: &Active, core: &mut Core| args.apply(active, core);
        self.runs().command(&active, change).await?;
        Ok(Json(active.overview().into()))
    }

    /// Advance a created or paused run by some generations, then pause it.
    #[tool(
        title = "Step a run",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn step_run(
        &self,
        Parameters(args): Parameters<StepRunArgs>,
        principal: Principal,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<RunOutput>> {
        let active = self.own(&principal, &args.run_id, "cannot be stepped").await?;
        let (generations, expected) = (args.generations.unwrap_or(1), args.expected_generation);
        let step = move |active: &Active, core: &mut Core| {
            let (is, at) = (core.ledger.status(), core.run.status().generation);
            if active.job.problem.is_external() {
                return Err(RunError::Unfit { is, wanted: "goes on by tell_trials" });
            }
            if !matches!(is, Status::Created | Status::Paused) {
                return Err(RunError::Unfit { is, wanted: "can be stepped when it is paused" });
            }
            if let Some(expected) = expected.filter(|expected| *expected != at) {
                return Err(RunError::Stale { expected, is: at });
            }
            let until = Some(at.saturating_add(generations));
            active.set_status(core, StatusEntry { until, ..StatusEntry::of(Status::Running) })
        };
        self.runs().command(&active, step).await?;
        let wait_ms = args.wait_ms.unwrap_or(STEP_WAIT);
        self.watch(&active, wait_ms, (&ct, OnCancel::Pause), &progress).await;
        Ok(Json(active.overview().into()))
    }

    /// Stop a stored run for good; what it found stays readable.
    #[tool(
        title = "Cancel a run",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn cancel_run(
        &self,
        Parameters(args): Parameters<RunArgs>,
        principal: Principal,
    ) -> Result<Json<RunOutput>> {
        let run = self.runs().overview(&principal, &args.run_id).await?;
        if run.last.status == Status::Cancelled {
            return Ok(Json(run.into()));
        }
        let active = self.own(&principal, &args.run_id, "cannot be cancelled").await?;
        let cancel = |active: &Active, core: &mut Core| {
            let is = core.ledger.status();
            if is.is_final() {
                return Err(RunError::Unfit { is, wanted: "cannot be cancelled" });
            }
            active.finish(core, StopReason::Cancelled)
        };
        self.runs().command(&active, cancel).await?;
        Ok(Json(active.overview().into()))
    }

    /// Remove a stored run and all it found, for good; one that computes is stopped first.
    #[tool(
        title = "Delete a run",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn delete_run(
        &self,
        Parameters(args): Parameters<RunArgs>,
        principal: Principal,
    ) -> Result<Json<DeleteRunOutput>> {
        self.runs().delete(&principal, &args.run_id).await?;
        Ok(Json(DeleteRunOutput { run_id: args.run_id, deleted: true }))
    }
}

impl Server {
    /// A run of this caller's that has not ended, to change it.
    pub(super) async fn own(
        &self,
        principal: &Principal,
        id: &str,
        wanted: &'static str,
    ) -> Result<std::sync::Arc<Active>> {
        let run = self.runs().overview(principal, id).await?;
        if run.last.status.is_final() {
            return Err(RunError::Unfit { is: run.last.status, wanted }.into());
        }
        self.runs().hold(principal, id).await
    }
}
