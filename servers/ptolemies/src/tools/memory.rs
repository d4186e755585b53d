//! Store, list, forget.

mod forget;
mod list;
mod store;

use mcp_core::{Principal, prelude::*};

use self::{
    forget::{ForgetItemsArgs, ForgetItemsOutput},
    list::{ListMemoriesArgs, ListMemoriesOutput},
    store::{StoreMemoryArgs, StoreMemoryOutput},
};
use crate::server::Server;

#[tool_router(router = memory_tools, vis = "pub(crate)")]
impl Server {
    /// Remember up to 500 texts, all of them or none; durable and searchable when answered. A new
    /// value of a key replaces the old one, which is kept as history; a text that is there already
    /// is a duplicate.
    #[tool(
        title = "Store memories",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn store_memory(
        &self,
        Parameters(args): Parameters<StoreMemoryArgs>,
        caller: Principal,
    ) -> Result<Json<StoreMemoryOutput>> {
        let space = self.writes(&caller, args.namespace.as_deref()).await?;
        let (items, write) = args.into_parts()?;
        Ok(Json(space.knowledge().store(items, write).await?.into()))
    }

    /// Read memories back by id, key or property, newest first; or count them by context or tag.
    #[tool(
        title = "List memories",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn list_memories(
        &self,
        Parameters(args): Parameters<ListMemoriesArgs>,
        caller: Principal,
    ) -> Result<Json<ListMemoriesOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        let pages = self.listing(&caller, &space);
        Ok(Json(list::answer(space.knowledge(), args, &pages).await?))
    }

    /// Forget what is named by ids, keys, a filter or expiry; an entity with all that is said of it.
    /// `retract` hides it and keeps the history; `purge` deletes all versions.
    #[tool(
        title = "Forget items",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn forget_items(
        &self,
        Parameters(args): Parameters<ForgetItemsArgs>,
        caller: Principal,
    ) -> Result<Json<ForgetItemsOutput>> {
        let space = self.writes(&caller, args.namespace.as_deref()).await?;
        Ok(Json(forget::answer(self, &space, args).await?))
    }
}
