//! Problems that are defined once and used by name.

mod look;

use std::time::Duration;

use darwin_engine::{Seed, inspect};
use mcp_core::{cursor::Cursor, prelude::*};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use self::look::Look;
use super::{
    problem::{DatasetArgs, ProblemArgs, WasmArgs},
    run::checked,
};
use crate::{
    Server,
    problem::{ProblemError, Stored},
    run::Fault,
};

/// What to store.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefineProblemArgs {
    /// As in `optimize_problem`; as in `create_run` when the caller evaluates. Without objectives with
    /// `wasm` or `dataset`.
    problem: Map<String, Value>,
    /// A name to find it by; part of what `problem_id` stands for.
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    wasm: Option<WasmArgs>,
    dataset: Option<DatasetArgs>,
}

/// What was stored, and a first look at it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DefineProblemOutput {
    /// For `problem: {problem_id}`; follows from the content.
    problem_id: String,
    /// Whether it was not there before.
    is_new: bool,
    /// Coordinates of the variables.
    coordinates: usize,
    /// Objectives.
    objectives: usize,
    /// Constraints.
    constraints: usize,
    /// What an evaluation shows; absent when the caller evaluates.
    #[serde(skip_serializing_if = "Option::is_none")]
    look: Option<Look>,
}

/// Which.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListProblemsArgs {
    /// Only this one, with all of its parts.
    #[schemars(length(max = 40))]
    problem_id: Option<String>,
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

/// Problems.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListProblemsOutput {
    /// The newest first.
    items: Vec<ProblemItem>,
    /// For the next page, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A problem.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProblemItem {
    /// The problem.
    problem_id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Coordinates of the variables.
    coordinates: usize,
    /// Objectives.
    objectives: usize,
    /// Constraints.
    constraints: usize,
    /// The whole, when one was asked for; long data and modules by their beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Value>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
}

/// Which problem.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteProblemArgs {
    /// The problem.
    #[schemars(length(max = 40))]
    problem_id: String,
}

/// What was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeleteProblemOutput {
    /// The problem.
    problem_id: String,
    /// That it is gone.
    deleted: bool,
}

const LIMIT: u16 = 20;
/// Longest first look at a costly problem.
const LOOK: Duration = Duration::from_secs(5);

impl ProblemItem {
    fn new(problem_id: String, stored: Result<Stored, ProblemError>, whole: bool) -> Self {
        match stored {
            Ok(stored) => {
                let [coordinates, objectives, constraints] = stored.problem.counts();
                let name = stored.name;
                let problem = whole.then(|| json!(stored.problem.shortened()));
                Self {
                    problem_id,
                    name,
                    coordinates,
                    objectives,
                    constraints,
                    problem,
                    error: None,
                }
            }
            Err(error) => Self {
                problem_id,
                name: None,
                coordinates: 0,
                objectives: 0,
                constraints: 0,
                problem: None,
                error: Some(Fault { code: error.code().to_owned(), message: error.to_string() }),
            },
        }
    }
}

#[tool_router(router = define_tools, vis = "pub(crate)")]
impl Server {
    /// Check a problem, store it and take a first look: value in the middle, cost of an evaluation,
    /// what is likely not meant. Later calls give `problem: {problem_id}`.
    #[tool(
        title = "Define a problem",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn define_problem(
        &self,
        Parameters(args): Parameters<DefineProblemArgs>,
        principal: Principal,
        ct: CancellationToken,
    ) -> Result<Json<DefineProblemOutput>> {
        let DefineProblemArgs { problem, name, wasm, dataset } = args;
        let given = self.problem_of(&principal, problem).await?;
        let files = self.files().clone();
        let given = task::blocking(move || given.with_computed(wasm, dataset, &files)).await??;
        self.allow(&given)?;
        self.define(&principal, name, given, &ct).await.map(Json)
    }

    /// List your stored problems, the newest first; one of them with all of its parts.
    #[tool(
        title = "List problems",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn list_problems(
        &self,
        Parameters(args): Parameters<ListProblemsArgs>,
        principal: Principal,
    ) -> Result<Json<ListProblemsOutput>> {
        if let Some(id) = args.problem_id {
            let stored = self.problems().get(&principal, &id).await?;
            let items = vec![ProblemItem::new(id, Ok(stored), true)];
            return Ok(Json(ListProblemsOutput { items, next_cursor: None }));
        }
        let cursor: &Cursor = self.problem_cursor();
        let after: Option<String> = match &args.cursor {
            Some(word) => Some(cursor.decode(&principal, &args.name, word)?),
            None => None,
        };
        let all = self.problems().list(&principal).await?;
        let place = after.and_then(|after| all.iter().position(|(id, _)| *id == after));
        let limit = usize::from(args.limit.unwrap_or(LIMIT));
        let is_wanted = |item: &ProblemItem| {
            args.name.as_ref().is_none_or(|part| {
                item.name.as_ref().is_some_and(|name| name.contains(part.as_str()))
            })
        };
        let rest = all.into_iter().skip(place.map_or(0, |place| place + 1));
        let items = rest.map(|(id, stored)| ProblemItem::new(id, stored, false));
        let mut items: Vec<ProblemItem> = items.filter(is_wanted).take(limit + 1).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more).map(|item| item.problem_id.clone());
        let next = last.map(|last| cursor.encode(&principal, &args.name, &last)).transpose()?;
        Ok(Json(ListProblemsOutput { items, next_cursor: next }))
    }

    /// Remove a stored problem for good; runs keep their own copy.
    #[tool(
        title = "Delete a problem",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn delete_problem(
        &self,
        Parameters(args): Parameters<DeleteProblemArgs>,
        principal: Principal,
    ) -> Result<Json<DeleteProblemOutput>> {
        self.problems().delete(&principal, &args.problem_id).await?;
        Ok(Json(DeleteProblemOutput { problem_id: args.problem_id, deleted: true }))
    }
}

impl Server {
    /// Check, look at and store a problem.
    pub(super) async fn define(
        &self,
        principal: &Principal,
        name: Option<String>,
        given: ProblemArgs,
        ct: &CancellationToken,
    ) -> Result<DefineProblemOutput> {
        let problem = given.build(true)?;
        let [coordinates, objectives, constraints] = given.counts();
        let exprs: Vec<String> = given.constraints().map(str::to_owned).collect();
        let look = if problem.is_external() {
            None
        } else {
            let look = task::compute(ct, move |cancel| {
                let started = Instant::now();
                let clock = || started.elapsed();
                let cancelled = || cancel.is_cancelled() || started.elapsed() > LOOK;
                let seen = inspect(&problem, Seed::new(1)?, &clock, &cancelled);
                let exprs: Vec<&str> = exprs.iter().map(String::as_str).collect();
                Ok::<_, darwin_engine::Error>(Look::new(&problem, &exprs, seen))
            });
            Some(look.await?.map_err(crate::Error::from)?)
        };
        let (problem_id, is_new) = self.problems().keep(principal, name, given).await?;
        Ok(DefineProblemOutput { problem_id, is_new, coordinates, objectives, constraints, look })
    }

    /// Put the stored problem in place of what only names it.
    pub(super) async fn fill(&self, principal: &Principal, given: &mut ProblemArgs) -> Result<()> {
        let Some(id) = given.stored()?.map(str::to_owned) else { return Ok(()) };
        let stored = self.problems().get(principal, &id).await;
        *given = stored
            .map_err(|error| match error.field() {
                Some(field) => {
                    let place = format!("/problem{field}");
                    error.with_field(place)
                }
                None => error,
            })?
            .problem;
        given.came_from(&id);
        self.allow(given)
    }

    /// Refuse code of a caller's where the operator does not allow it.
    pub(super) fn allow(&self, given: &ProblemArgs) -> Result<()> {
        if given.is_wasm() && !self.config().wasm {
            return Err(crate::Error::Disabled.into());
        }
        Ok(())
    }

    /// `problem` of a tool with an open schema, checked, with the stored one in its place.
    pub(super) async fn problem_of(
        &self,
        principal: &Principal,
        problem: Map<String, Value>,
    ) -> Result<ProblemArgs> {
        let mut given = checked(&json!({ "problem": problem }))?.problem;
        self.fill(principal, &mut given).await?;
        Ok(given)
    }
}
