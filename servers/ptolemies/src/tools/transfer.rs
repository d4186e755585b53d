//! Knowledge on its way out and in.

mod export;
mod import;
mod simple;

use mcp_core::{Principal, prelude::*};

use self::{
    export::{ExportKnowledgeArgs, ExportKnowledgeOutput},
    import::{ImportKnowledgeArgs, ImportKnowledgeOutput},
};
use crate::server::Server;

#[tool_router(router = transfer_tools, vis = "pub(crate)")]
impl Server {
    /// Read out what is stored as JSON lines, page by page; joined, the pages are the file.
    /// `jsonl` has every row with both times and history, and `import_knowledge` takes it back in;
    /// `memory_json` has what holds now, as the reference memory server keeps it.
    #[tool(
        title = "Export knowledge",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn export_knowledge(
        &self,
        Parameters(args): Parameters<ExportKnowledgeArgs>,
        caller: Principal,
        ct: CancellationToken,
    ) -> Result<Json<ExportKnowledgeOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        let pages = self.export_pages(&caller, &space);
        Ok(Json(export::answer(space.knowledge(), args, &pages, &ct).await?))
    }

    /// Take in an export: `jsonl` rows keep their ids and times, so that a repeat changes nothing;
    /// `memory_json` is the file of the reference memory server. Wrong lines are told and left out.
    /// Goes on as a job when `wait_ms` is over.
    #[tool(
        title = "Import knowledge",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn import_knowledge(
        &self,
        Parameters(args): Parameters<ImportKnowledgeArgs>,
        caller: Principal,
        told: Progress,
        ct: CancellationToken,
    ) -> Result<Json<ImportKnowledgeOutput>> {
        Ok(Json(import::answer(self, args, &caller, &told, &ct).await?))
    }
}
