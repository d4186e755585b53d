//! Entities and facts: write them, read them, look back.

mod entities;
mod facts;
mod get;
mod merge;
mod timeline;

use mcp_core::{Principal, prelude::*};

use self::{
    entities::{UpsertEntitiesArgs, UpsertEntitiesOutput},
    facts::{UpsertFactsArgs, UpsertFactsOutput},
    get::{GetEntitiesArgs, GetEntitiesOutput},
    merge::{MergeEntitiesArgs, MergeEntitiesOutput},
    timeline::{GetTimelineArgs, GetTimelineOutput},
};
use crate::server::Server;

#[tool_router(router = graph_tools, vis = "pub(crate)")]
impl Server {
    /// Store up to 500 entities, all or none; durable and searchable when answered. One whose name
    /// or alias equals that of a known one (case and punctuation aside) is matched: what is new is
    /// added. Others that are merely alike are returned as candidates.
    #[tool(
        title = "Store entities",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn upsert_entities(
        &self,
        Parameters(args): Parameters<UpsertEntitiesArgs>,
        caller: Principal,
    ) -> Result<Json<UpsertEntitiesOutput>> {
        let space = self.writes(&caller, args.namespace.as_deref()).await?;
        let (work, write) = args.into_parts()?;
        Ok(Json(space.knowledge().upsert(work, write).await?.into()))
    }

    /// Store up to 500 facts (from, type, to) with the time they hold, all or none. A fact that is
    /// known is confirmed; `valid_to` ends it; where its type has one value at a time, a new value
    /// ends the old one from `valid_from` on. Nothing is lost: replaced versions stay readable.
    #[tool(
        title = "Store facts",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn upsert_facts(
        &self,
        Parameters(args): Parameters<UpsertFactsArgs>,
        caller: Principal,
    ) -> Result<Json<UpsertFactsOutput>> {
        let space = self.writes(&caller, args.namespace.as_deref()).await?;
        let (work, write) = args.into_parts()?;
        Ok(Json(space.knowledge().upsert(work, write).await?.into()))
    }

    /// Make entities one that are the same, or part them again. Their names and ids then all lead to
    /// the entity kept, with what is said of each. Undoing is exact; what was written meanwhile stays
    /// with the entity kept. Questions about an earlier `known_at` are answered as before.
    #[tool(
        title = "Merge entities",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn merge_entities(
        &self,
        Parameters(args): Parameters<MergeEntitiesArgs>,
        caller: Principal,
    ) -> Result<Json<MergeEntitiesOutput>> {
        let space = self.writes(&caller, args.namespace.as_deref()).await?;
        let (work, write) = args.into_parts()?;
        Ok(Json(space.knowledge().upsert(work, write).await?.try_into()?))
    }

    /// Read entities by name, alias or id: what is observed of them and the facts they take part in,
    /// as they held at `as_of` by what was known at `known_at`.
    #[tool(
        title = "Get entities",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn get_entities(
        &self,
        Parameters(args): Parameters<GetEntitiesArgs>,
        caller: Principal,
    ) -> Result<Json<GetEntitiesOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        Ok(Json(get::answer(space.knowledge(), args).await?))
    }

    /// History of one memory, fact, observation or entity, oldest first: every version with the time
    /// it held in the world and the time the store held it for true. With `from` and `to`: what was
    /// learned and dropped between.
    #[tool(
        title = "Get a history",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn get_timeline(
        &self,
        Parameters(args): Parameters<GetTimelineArgs>,
        caller: Principal,
    ) -> Result<Json<GetTimelineOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        let pages = self.history(&caller, &space);
        Ok(Json(timeline::answer(space.knowledge(), args, &pages).await?))
    }
}
