//! What can be seen and computed on the graph of entities and facts.

mod analyze;
mod diagram;
mod explore;
mod groups;
mod paths;
mod picture;
mod report;
mod schema;

use mcp_core::{Principal, prelude::*};
use ulid::Ulid;

use self::{
    analyze::{AnalyzeGraphArgs, AnalyzeGraphOutput},
    explore::{ExploreGraphArgs, ExploreGraphOutput},
    paths::{FindPathsArgs, FindPathsOutput},
    report::{AnalyzeKnowledgeArgs, AnalyzeKnowledgeOutput},
    schema::{GetSchemaArgs, GetSchemaOutput},
};
use crate::{
    Error,
    graph::{Graph, Resolved},
    knowledge::Seen,
    server::Server,
    tools::arguments::labels,
};

pub(crate) use schema::{RESOURCES, document};

/// Characters of one answer, as JSON: it stays under the server's cap.
const ROOM: usize = 40_000;

#[tool_router(router = network_tools, vis = "pub(crate)")]
impl Server {
    /// Entities around some seeds and the facts between them, as they held at `as_of` by what was
    /// known at `known_at`; says where it was cut. `dependencies` orders them so that each comes after
    /// what it leads to, `cycles` finds circles; as JSON, Mermaid, DOT or `GraphML`.
    #[tool(
        title = "Explore the graph",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn explore_graph(
        &self,
        Parameters(args): Parameters<ExploreGraphArgs>,
        caller: Principal,
        token: CancellationToken,
    ) -> Result<Json<ExploreGraphOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        Ok(Json(explore::answer(space.knowledge(), args, &token).await?))
    }

    /// How two entities are connected: paths of facts, the fewest steps (`shortest`, `k_shortest`) or
    /// the strongest facts (`weighted`: a fact costs 1 / weight) first.
    #[tool(
        title = "Find paths",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn find_paths(
        &self,
        Parameters(args): Parameters<FindPathsArgs>,
        caller: Principal,
        token: CancellationToken,
    ) -> Result<Json<FindPathsOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        Ok(Json(paths::answer(space.knowledge(), args, &token).await?))
    }

    /// Which entities matter (`pagerank`, `personalized` to seeds, `degree`, `betweenness`), or which
    /// hang together (`components`) and belong together (`communities`), with a summary of each.
    #[tool(
        title = "Analyse the graph",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn analyze_graph(
        &self,
        Parameters(args): Parameters<AnalyzeGraphArgs>,
        caller: Principal,
        token: CancellationToken,
    ) -> Result<Json<AnalyzeGraphOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        Ok(Json(analyze::answer(space.knowledge(), args, &token).await?))
    }

    /// What may want mending, each with the call that would mend it: entities much alike
    /// (`duplicates`), several values where there nearly always is one (`contradictions`), entities of
    /// which nothing is said (`orphans`), facts nobody said again for long (`stale`).
    #[tool(
        title = "Review what is known",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn analyze_knowledge(
        &self,
        Parameters(args): Parameters<AnalyzeKnowledgeArgs>,
        caller: Principal,
        token: CancellationToken,
    ) -> Result<Json<AnalyzeKnowledgeOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        Ok(Json(report::answer(space.knowledge(), args, &token).await?))
    }

    /// What is stored: types of entities and facts with counts and cardinality, contexts of memories,
    /// limits and what is used of them, and calls to try.
    #[tool(
        title = "Get the schema",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn get_schema(
        &self,
        Parameters(args): Parameters<GetSchemaArgs>,
        caller: Principal,
        token: CancellationToken,
    ) -> Result<Json<GetSchemaOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        Ok(Json(schema::answer(self, &caller, &space, args, &token).await?))
    }
}

/// The entity that a name, alias or id stands for.
fn entity(seen: &Seen<'_>, field: &str, name: &str) -> Result<Ulid, Error> {
    match seen.graph.resolve(name, seen.at.known_at) {
        Resolved::One(lineage) => Ok(lineage),
        Resolved::Several(ids) => Err(Error::Conflict {
            field: field.to_owned(),
            message: format!("names {} entities, {} is one of them", ids.len(), ids[0]),
            hint: "name the entity by its id, seen by get_entities",
        }),
        Resolved::None => Err(Error::NotFound {
            field: field.to_owned(),
            message: format!("no entity was called {} then", mcp_core::untrusted::line(name, 80)),
            hint: "get_entities shows names like it; known_at moves the time",
        }),
    }
}

fn entities(seen: &Seen<'_>, field: &str, given: &[String]) -> Result<Vec<Ulid>, Error> {
    let find = |(at, name): (usize, &String)| entity(seen, &format!("{field}/{at}"), name);
    let mut found: Vec<Ulid> = Vec::new();
    for lineage in given.iter().enumerate().map(find) {
        let lineage = lineage?;
        if !found.contains(&lineage) {
            found.push(lineage);
        }
    }
    Ok(found)
}

/// Whether all these types of facts are, or were, there.
fn known_types(graph: &Graph, types: &[String]) -> Result<(), Error> {
    labels("/types", types)?;
    match types.iter().position(|kind| !graph.has_kind(kind)) {
        None => Ok(()),
        Some(at) => Err(Error::NotFound {
            field: format!("/types/{at}"),
            message: format!(
                "no fact is of the type {}",
                mcp_core::untrusted::line(&types[at], 64)
            ),
            hint: "get_schema lists the types of facts",
        }),
    }
}

/// Characters an answer takes.
fn size(answer: &impl Serialize) -> usize {
    serde_json::to_string(answer).map_or(usize::MAX, |text| text.chars().count())
}
