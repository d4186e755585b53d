//! The list of stored runs.

use mcp_core::{cursor::Cursor, prelude::*};

use crate::{
    Server,
    run::{Fault, Overview, RunError, Status},
};

/// Filters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListRunsArgs {
    /// Only those that do this.
    status: Option<Status>,
    /// Only those whose name holds this.
    #[schemars(length(max = 100))]
    name: Option<String>,
    /// Most items (default 20).
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `next_cursor` of an earlier answer.
    #[schemars(length(max = 500))]
    cursor: Option<String>,
}

/// Runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListRunsOutput {
    /// The newest first.
    items: Vec<RunItem>,
    /// For the next page, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RunItem {
    /// The run.
    run_id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What it does.
    status: Status,
    /// Why it failed, or cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
    /// Algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    /// Evaluations so far.
    evals: u64,
    /// Best value so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    best_f: Option<f64>,
}

const LIMIT: u16 = 20;

impl RunItem {
    fn new((run_id, run): (String, Result<Overview, RunError>)) -> Self {
        match run {
            Ok(run) => Self {
                run_id,
                name: run.header.name,
                status: run.last.status,
                error: run.last.fault,
                algorithm: run.header.spec.algorithm,
                evals: run.seen.evals,
                best_f: run.seen.best_f,
            },
            Err(error) => Self {
                run_id,
                name: None,
                status: Status::Failed,
                error: Some(Fault { code: error.code().to_owned(), message: error.to_string() }),
                algorithm: None,
                evals: 0,
                best_f: None,
            },
        }
    }

    fn is_wanted(&self, args: &ListRunsArgs) -> bool {
        args.status.is_none_or(|status| self.status == status)
            && args.name.as_ref().is_none_or(|part| {
                self.name.as_ref().is_some_and(|name| name.contains(part.as_str()))
            })
    }
}

#[tool_router(router = list_tools, vis = "pub(crate)")]
impl Server {
    /// List your stored runs, the newest first.
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
        principal: Principal,
    ) -> Result<Json<ListRunsOutput>> {
        let filter = (args.status, args.name.clone());
        let cursor: &Cursor = self.cursor();
        let after: Option<String> = match &args.cursor {
            Some(word) => Some(cursor.decode(&principal, &filter, word)?),
            None => None,
        };
        let runs = self.runs().list(&principal).await?;
        let place = after.and_then(|after| runs.iter().position(|(id, _)| *id == after));
        let skipped = place.map_or(0, |place| place + 1);
        let limit = usize::from(args.limit.unwrap_or(LIMIT));
        let rest = runs.into_iter().skip(skipped).map(RunItem::new);
        let mut items: Vec<RunItem> =
            rest.filter(|item| item.is_wanted(&args)).take(limit + 1).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more).map(|item| item.run_id.clone());
        let next = last.map(|last| cursor.encode(&principal, &filter, &last)).transpose()?;
        Ok(Json(ListRunsOutput { items, next_cursor: next }))
    }
}
