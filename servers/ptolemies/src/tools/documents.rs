//! Documents: take them in, list them, read them.

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
use crate::Server;

#[tool_router(router = document_tools, vis = "pub(crate)")]
impl Server {
    /// Take in a text, a conversation, or files and directories below the configured root: Markdown,
    /// plain text, HTML, JSON, CSV, source code. Each is cut into chunks and stored whole, durable and
    /// searchable when answered. What is unchanged is left alone; what changed becomes a new version,
    /// the old one stays readable.
    #[tool(
        title = "Ingest documents",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn ingest_documents(
        &self,
        Parameters(args): Parameters<IngestDocumentsArgs>,
        ct: CancellationToken,
        told: Progress,
    ) -> Result<Json<IngestDocumentsOutput>> {
        Ok(Json(ingest::answer(self, args, &ct, &told).await?))
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
        Ok(Json(list::answer(self.knowledge(), args, &self.document_pages(caller)).await?))
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
    ) -> Result<Json<GetDocumentOutput>> {
        Ok(Json(get::answer(self.knowledge(), args).await?))
    }
}
