//! Raw reads.

mod run;

use mcp_core::{Principal, prelude::*};

use self::run::{QueryGraphArgs, QueryGraphOutput};
use crate::server::Server;

#[tool_router(router = query_tools, vis = "pub(crate)")]
impl Server {
    /// One raw read. `surrealql`: `SELECT`, `RETURN` or `INFO FOR TABLE` of the store's memory, entity,
    /// observation, fact, merge, rule, document, chunk, change. `cypher`: the mirror in Neo4j, where
    /// `(:Entity {uid, name, kind})` are joined by facts of their type. All versions are there; what
    /// holds now has no `retracted_at`. Nothing can be written; a refusal says the place and the repair.
    #[tool(
        title = "Query the graph",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn query_graph(
        &self,
        Parameters(args): Parameters<QueryGraphArgs>,
        caller: Principal,
        token: CancellationToken,
    ) -> Result<Json<QueryGraphOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        Ok(Json(run::answer(self, &space, args, &token).await?))
    }
}
