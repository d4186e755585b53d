//! Trials of runs whose objectives the caller evaluates.

use mcp_core::prelude::*;
use serde_json::{Map, Value};

use super::problem::by_name;
use crate::{
    Server,
    run::{Active, Core, RunError, Status, Told},
};

/// How many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskTrialsArgs {
    /// The run: created with start, or running.
    #[schemars(length(max = 40))]
    run_id: String,
    /// How many (default 1).
    #[schemars(range(min = 1, max = 1000))]
    count: Option<u64>,
    /// The same key gives the same trials again, as far as they are not told.
    #[schemars(length(min = 1, max = 100))]
    request_key: Option<String>,
}

/// Points to evaluate.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AskTrialsOutput {
    /// Points to evaluate; none while all of the generation are pending.
    trials: Vec<TrialItem>,
    /// Trials that were given and not told.
    pending: u64,
    /// Generation.
    generation: u64,
}

/// A point to evaluate.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TrialItem {
    /// Its number, for `tell_trials`.
    id: u64,
    /// Values of the variables by name.
    values: Map<String, Value>,
}

/// What came out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TellTrialsArgs {
    /// The run.
    #[schemars(length(max = 40))]
    run_id: String,
    /// In any order, as many as there are.
    #[schemars(length(min = 1, max = 1000))]
    trials: Vec<TellArgs>,
}

/// What came out of a trial.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TellArgs {
    /// Its number.
    id: u64,
    /// A value for each objective; left out when it failed.
    #[schemars(length(max = 15))]
    values: Option<Vec<f64>>,
    /// By how much it breaks constraints (default 0: all hold).
    #[schemars(range(min = 0.0, max = 1e200))]
    violation: Option<f64>,
    /// `failed`: it could not be evaluated, and counts as worst.
    #[serde(default)]
    status: TrialStatus,
}

/// Whether a trial came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum TrialStatus {
    #[default]
    Ok,
    Failed,
}

/// What was taken.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TellTrialsOutput {
    /// Trials that were taken; they are on disk.
    accepted: usize,
    /// Trials that were told the same before.
    duplicates: usize,
    /// Trials that were given and not told.
    pending: u64,
    /// What the run does.
    status: Status,
    /// Generation.
    generation: u64,
    /// Evaluations in closed generations.
    evals: u64,
    /// Best value so far, in closed generations.
    #[serde(skip_serializing_if = "Option::is_none")]
    best_f: Option<f64>,
}

impl TellArgs {
    fn told(self, place: usize) -> Result<Told, RunError> {
        let id = self.id;
        let wrong = |wanted: &str| RunError::Values { place, id, wanted: wanted.to_owned() };
        let values = match (self.status, self.values) {
            (TrialStatus::Ok, None) => return Err(wrong("values, or status failed")),
            (TrialStatus::Failed, Some(_)) => return Err(wrong("no values when it failed")),
            (_, values) => values,
        };
        Ok(Told { id, values, violation: self.violation.unwrap_or_default() })
    }
}

#[tool_router(router = trial_tools, vis = "pub(crate)")]
impl Server {
    /// Get the next points that a run wants evaluated by the caller.
    #[tool(
        title = "Ask for trials",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn ask_trials(
        &self,
        Parameters(args): Parameters<AskTrialsArgs>,
        principal: Principal,
    ) -> Result<Json<AskTrialsOutput>> {
        let active = self.own(&principal, &args.run_id, "gives no trials").await?;
        let (count, key) = (args.count.unwrap_or(1), args.request_key);
        let ask = move |active: &Active, core: &mut Core| {
            let trials = active.ask(core, count, key)?;
            Ok((trials, core.pending(), core.run.status().generation))
        };
        let (trials, pending, generation) = self.runs().command(&active, ask).await?;
        let named = |x: &[f64]| active.job.problem.space().map(|space| by_name(space, x));
        let item = |one: crate::run::Trial| TrialItem {
            id: one.id,
            values: named(&one.x).unwrap_or_default(),
        };
        let trials = trials.into_iter().map(item).collect();
        Ok(Json(AskTrialsOutput { trials, pending, generation }))
    }

    /// Tell what trials came to. All are taken and on disk before the answer, or none; a generation
    /// is learnt from when all of its trials are told.
    #[tool(
        title = "Tell trials",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn tell_trials(
        &self,
        Parameters(args): Parameters<TellTrialsArgs>,
        principal: Principal,
    ) -> Result<Json<TellTrialsOutput>> {
        let told = (0..).zip(args.trials).map(|(place, one)| one.told(place));
        let told: Vec<Told> = told.collect::<Result<_, _>>()?;
        let active = self.own(&principal, &args.run_id, "takes no values any more").await?;
        let tell = move |active: &Active, core: &mut Core| {
            let taken = active.tell(core, told)?;
            Ok((taken, core.pending()))
        };
        let (taken, pending) = self.runs().command(&active, tell).await?;
        let run = active.overview();
        Ok(Json(TellTrialsOutput {
            accepted: taken.accepted,
            duplicates: taken.duplicates,
            pending,
            status: run.last.status,
            generation: run.seen.generation,
            evals: run.seen.evals,
            best_f: run.seen.best_f,
        }))
    }
}
