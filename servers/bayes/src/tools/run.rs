//! `list_runs`, `cancel_run` and `delete_objects`.

use std::time::Duration;

use mcp_core::{Principal, cursor::Pages, prelude::*};
use serde::de::DeserializeOwned;

use crate::{
    Server,
    run::{Overview, RunError},
    store::{Fault, Status, now_ms},
};

/// Which runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListRunsArgs {
    /// Only this.
    #[schemars(length(max = 64))]
    run_id: Option<String>,
    /// Only those that do this, or ended so.
    status: Option<Status>,
    /// Items of a page.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: usize,
    /// `next_cursor` of the page before.
    #[schemars(length(max = 1000))]
    cursor: Option<String>,
}

pub(super) fn limit() -> usize {
    20
}

/// Runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListRunsOutput {
    /// The newest first.
    items: Vec<RunItem>,
    /// For the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
struct RunItem {
    /// Its handle.
    run_id: String,
    /// What it does, or how it ended; `interrupted`: the server stopped first.
    status: Status,
    /// How far it is, while this process samples it.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressOutput>,
    /// Kept draws of all chains; of a running one those so far.
    draws_kept: usize,
    /// Why it failed, or cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
    /// How it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    begun: Option<BegunOutput>,
    /// When it goes.
    #[serde(flatten)]
    age: Age,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct ProgressOutput {
    /// Kept draws of this attempt, all chains.
    pub(crate) draws: usize,
    /// Draws wanted.
    pub(crate) total: usize,
    /// Attempt, from 1; each has smaller steps.
    pub(crate) attempt: usize,
}

/// How a run was begun.
#[derive(Debug, Serialize, JsonSchema)]
struct BegunOutput {
    /// Its parameters, the first 10.
    parameters: Vec<String>,
    /// Free parameters.
    dimension: usize,
    /// Chains.
    chains: usize,
    /// Adapting draws of each chain.
    tune: usize,
    /// Wanted draws of each chain.
    draws: usize,
    /// Wanted acceptance, when the caller named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_accept: Option<f64>,
    /// Longest sampling in seconds.
    max_time_s: f64,
    /// Seed used.
    seed: u64,
    /// Version of the engine.
    engine_version: String,
}

/// How old a thing is.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub(crate) struct Age {
    /// Seconds since it was made.
    age_s: u64,
    /// Seconds until it is removed.
    expires_in_s: u64,
}

/// Which run to stop.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelArgs {
    /// The run.
    #[schemars(length(max = 64))]
    run_id: String,
}

/// A run that was stopped.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CancelOutput {
    /// The run.
    run_id: String,
    /// `cancelled`; how it ended if that was before; `running` while it is still giving up.
    status: Status,
    /// Draws of all chains that stay, for `summarize_run` and `get_draws`.
    draws_kept: usize,
}

/// What to remove.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteArgs {
    /// Handles of runs and data.
    #[schemars(length(min = 1, max = 100), inner(length(max = 64)))]
    ids: Vec<String>,
    /// Only tell what would be removed.
    #[serde(default)]
    dry_run: bool,
}

/// What was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeleteOutput {
    /// What is gone, or would be.
    deleted: Vec<DeletedOutput>,
    /// What is not there: never was, another's, expired, gone.
    unknown: Vec<String>,
    /// Whether nothing was changed.
    dry_run: bool,
}

/// A removed thing.
#[derive(Debug, Serialize, JsonSchema)]
struct DeletedOutput {
    /// Its handle.
    id: String,
    /// Bytes on disk.
    bytes: u64,
}

/// Names of parameters in an item.
const NAMES: usize = 10;

#[tool_router(router = run_tools, vis = "pub(crate)")]
impl Server {
    /// List your runs, the newest first: status, progress, draws, settings. They outlive the server's
    /// restarts.
    #[tool(
        title = "List runs",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn list_runs(
        &self,
        Parameters(args): Parameters<ListRunsArgs>,
        caller: Principal,
    ) -> Result<Json<ListRunsOutput>> {
        if let Some(id) = args.run_id {
            let run = self.runs.overview(&caller, &id).await?;
            let items = vec![RunItem::new(id, Ok(run))];
            return Ok(Json(ListRunsOutput { items, next_cursor: None }));
        }
        let mut all = self.runs.list(&caller).await?;
        if let Some(wanted) = args.status {
            all.retain(|(_, run)| run.as_ref().map_or(Status::Failed, |run| run.status) == wanted);
        }
        let pages = self.listed_runs.of(caller);
        let page = PageArgs { limit: args.limit, cursor: args.cursor.as_deref() };
        let position = |(id, run): &(String, Result<Overview, RunError>)| {
            (run.as_ref().map_or(0, |run| run.head.created_ms), id.clone())
        };
        let (page, next_cursor) = page.of(&pages, &args.status, all, position)?;
        let items = page.into_iter().map(|(id, run)| RunItem::new(id, run)).collect();
        Ok(Json(ListRunsOutput { items, next_cursor }))
    }

    /// Stop a run that is being sampled; the draws made so far stay, marked as partial.
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
        Parameters(args): Parameters<CancelArgs>,
        caller: Principal,
    ) -> Result<Json<CancelOutput>> {
        let run = self.runs.cancel(&caller, &args.run_id).await?;
        let (status, draws_kept) = (run.status, draws(&run));
        Ok(Json(CancelOutput { run_id: args.run_id, status, draws_kept }))
    }

    /// Remove runs and registered data for good; a run that is being sampled is stopped first.
    #[tool(
        title = "Delete runs and data",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn delete_objects(
        &self,
        Parameters(args): Parameters<DeleteArgs>,
        caller: Principal,
    ) -> Result<Json<DeleteOutput>> {
        let (mut deleted, mut unknown) = (Vec::new(), Vec::new());
        for id in args.ids {
            let done = match (id.starts_with("data_"), args.dry_run) {
                (true, true) => self.data.bytes(&caller, &id).await,
                (true, false) => self.data.delete(&caller, &id).await,
                (false, true) => self.runs.bytes(&caller, &id).await,
                (false, false) => self.runs.delete(&caller, &id).await,
            };
            match done {
                Ok(bytes) => deleted.push(DeletedOutput { id, bytes }),
                Err(error) if error.code() == "unknown_id" => unknown.push(id),
                Err(error) => return Err(error.with_field("/ids")),
            }
        }
        Ok(Json(DeleteOutput { deleted, unknown, dry_run: args.dry_run }))
    }
}

/// Which page of a listing.
pub(super) struct PageArgs<'call> {
    pub(super) limit: usize,
    pub(super) cursor: Option<&'call str>,
}

impl PageArgs<'_> {
    /// The items of this page, of all in falling order of position, and where the next goes on.
    pub(super) fn of<T, F: Serialize, P: Ord + Serialize + DeserializeOwned>(
        &self,
        pages: &Pages,
        filter: &F,
        mut all: Vec<T>,
        position: impl Fn(&T) -> P,
    ) -> Result<(Vec<T>, Option<String>)> {
        if let Some(word) = self.cursor {
            let last: P = pages.open(filter, word)?;
            all.retain(|item| position(item) < last);
        }
        let has_more = all.len() > self.limit;
        all.truncate(self.limit);
        let next = match all.last() {
            Some(last) if has_more => Some(pages.next(filter, &position(last))?),
            _ => None,
        };
        Ok((all, next))
    }
}

impl Age {
    pub(super) fn of(created_ms: u64, lifetime: Duration) -> Self {
        let age_s = now_ms().saturating_sub(created_ms) / 1000;
        Self { age_s, expires_in_s: lifetime.as_secs().saturating_sub(age_s) }
    }
}

impl RunItem {
    fn new(run_id: String, run: Result<Overview, RunError>) -> Self {
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                let (code, message) = (error.code(), error.to_string());
                let error = Some(Fault { code, message, fix: String::new() });
                let (progress, begun, age) = (None, None, Age::default());
                let status = Status::Failed;
                return Self { run_id, status, progress, draws_kept: 0, error, begun, age };
            }
        };
        let age_s = now_ms().saturating_sub(run.head.created_ms) / 1000;
        let expires_in_s = run.expires_ms.saturating_sub(now_ms()) / 1000;
        Self {
            run_id,
            status: run.status,
            progress: progress(&run),
            draws_kept: draws(&run),
            error: run.state.as_ref().and_then(|state| state.error.clone()),
            begun: Some(BegunOutput::of(&run)),
            age: Age { age_s, expires_in_s },
        }
    }
}

impl BegunOutput {
    fn of(run: &Overview) -> Self {
        let head = &run.head;
        let names = head.variables.iter().filter_map(|variable| variable.parameter());
        Self {
            parameters: names.take(NAMES).map(str::to_owned).collect(),
            dimension: head.dimension,
            chains: head.chains,
            tune: head.tune,
            draws: head.draws,
            target_accept: head.target_accept,
            max_time_s: head.max_time_s,
            seed: head.seed,
            engine_version: head.engine.clone(),
        }
    }
}

/// How far a run is that this process samples.
fn progress(run: &Overview) -> Option<ProgressOutput> {
    run.watched.map(|watched| ProgressOutput {
        draws: watched.done,
        total: watched.total,
        attempt: watched.attempt,
    })
}

fn draws(run: &Overview) -> usize {
    match (&run.state, run.watched) {
        (Some(state), _) => state.draws,
        (None, Some(watched)) => watched.done,
        (None, None) => 0,
    }
}
