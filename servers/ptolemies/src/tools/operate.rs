//! Long work, and care of the store.

mod jobs;
mod namespace;
mod upkeep;

use mcp_core::{Principal, prelude::*};

use self::{
    jobs::{CancelJobArgs, CancelJobOutput, ListJobsArgs, ListJobsOutput},
    namespace::{CreateNamespaceArgs, CreateNamespaceOutput},
    upkeep::{
        CreateBackupArgs, CreateBackupOutput, RestoreBackupArgs, RestoreBackupOutput,
        RunMaintenanceArgs, RunMaintenanceOutput,
    },
};
use crate::server::Server;

pub(crate) use upkeep::preview;

#[tool_router(router = operate_tools, vis = "pub(crate)")]
impl Server {
    /// Your jobs since the server was started, newest first, with progress, result or error.
    #[tool(
        title = "List jobs",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn list_jobs(
        &self,
        Parameters(args): Parameters<ListJobsArgs>,
        caller: Principal,
    ) -> Result<Json<ListJobsOutput>> {
        Ok(Json(jobs::list(self, &args, &caller).await?))
    }

    /// Stop a job of yours. What it has written is kept.
    #[tool(
        title = "Cancel a job",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn cancel_job(
        &self,
        Parameters(args): Parameters<CancelJobArgs>,
        caller: Principal,
    ) -> Result<Json<CancelJobOutput>> {
        Ok(Json(jobs::cancel(self, &args, &caller).await?))
    }

    /// Make a namespace below your home: a store of its own, with its own index, scores, backups and
    /// bounds. One that is there stays as it is; its quota and rules may be set anew.
    #[tool(
        title = "Create a namespace",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn create_namespace(
        &self,
        Parameters(args): Parameters<CreateNamespaceArgs>,
        caller: Principal,
    ) -> Result<Json<CreateNamespaceOutput>> {
        Ok(Json(namespace::create(self, args, &caller).await?))
    }

    /// Write all that is stored into a file beside the store, as it is at one moment, while reads and
    /// writes go on; checked by reading it back. Returns its id, journal position and SHA-256.
    #[tool(
        title = "Create a backup",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn create_backup(
        &self,
        Parameters(args): Parameters<CreateBackupArgs>,
        caller: Principal,
    ) -> Result<Json<CreateBackupOutput>> {
        Ok(Json(upkeep::back_up(self, &args, &caller).await?))
    }

    /// Put a backup in the place of what is stored. It is read into a store of its own first, which
    /// takes over when it is whole; writes wait meanwhile.
    #[tool(
        title = "Restore a backup",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn restore_backup(
        &self,
        Parameters(args): Parameters<RestoreBackupArgs>,
        caller: Principal,
    ) -> Result<Json<RestoreBackupOutput>> {
        Ok(Json(upkeep::restore(self, args, &caller).await?))
    }

    /// See to the store; writes wait meanwhile, reads go on.
    #[tool(
        title = "Run maintenance",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn run_maintenance(
        &self,
        Parameters(args): Parameters<RunMaintenanceArgs>,
        caller: Principal,
    ) -> Result<Json<RunMaintenanceOutput>> {
        Ok(Json(upkeep::maintain(self, &args, &caller).await?))
    }
}
