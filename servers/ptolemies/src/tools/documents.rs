//! Documents: take them in, list them, read them.

mod desk;
mod files;
mod get;
mod ingest;
mod list;

use mcp_core::{Principal, prelude::*};

use self::{
    get::{GetDocumentArgs, GetDocumentOutput},
    ingest::{IngestDocumentsArgs, IngestDocumentsOutput},
    list::{ListDocumentsArgs, ListDocumentsOutput},
};
use crate::server::Server;

#[tool_router(router = document_tools, vis = "pub(crate)")]
impl Server {
    /// Take in a text, a conversation, files and directories below the configured root, or URLs of
    /// listed hosts: Markdown, plain text, HTML, JSON, CSV, source code. Each is cut into chunks and
    /// stored whole, durable and searchable when told. What is unchanged is left alone; what changed
    /// becomes a new version, the old one stays readable. Goes on as a job when `wait_ms` is over.
    #[tool(
        title = "Ingest documents",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        )
    )]
    async fn ingest_documents(
        &self,
        Parameters(args): Parameters<IngestDocumentsArgs>,
        caller: Principal,
        ct: CancellationToken,
        told: Progress,
    ) -> Result<Json<IngestDocumentsOutput>> {
        Ok(Json(ingest::answer(self, args, &caller, &ct, &told).await?))
    }

    /// Documents with version, chunks and digest, newest first.
    #[tool(
        title = "List documents",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn list_documents(
        &self,
        Parameters(args): Parameters<ListDocumentsArgs>,
        caller: Principal,
    ) -> Result<Json<ListDocumentsOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        let pages = self.document_pages(&caller, &space);
        Ok(Json(list::answer(space.knowledge(), args, &pages).await?))
    }

    /// Read a document, or part of it: from a chunk on, around a chunk, one section, or its outline;
    /// also an older version. Returns text by chunks with their places, and where to go on.
    #[tool(
        title = "Get a document",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn get_document(
        &self,
        Parameters(args): Parameters<GetDocumentArgs>,
        caller: Principal,
    ) -> Result<Json<GetDocumentOutput>> {
        let space = self.reads(&caller, args.namespace.as_deref()).await?;
        Ok(Json(get::answer(space.knowledge(), args).await?))
    }
}
