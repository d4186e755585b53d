//! The seat where processes cannot ask each other: one has the directory, the next is told so.

use std::{path::Path, sync::Arc};

use mcp_core::{
    Principal,
    prelude::*,
    relay::{Call, Outcome},
};
use serde_json::{Map, Value};

use super::repeat::Repeat;
use crate::{Config, server::Server};

/// Who has the store: this process.
pub(super) struct Role;

impl Role {
    /// For an operator.
    pub(super) fn told(self) -> (ProbeState, String) {
        (ProbeState::Up, "owner: this process has the store".to_owned())
    }
}

/// This process's seat: it has the store from its start to its end.
#[derive(Debug)]
pub(super) struct Seat(Arc<Server>);

impl Seat {
    pub(super) async fn take(
        config: Config,
        context: StartContext,
        _dir: &Path,
    ) -> Result<Arc<Self>, StartError> {
        let lock = context.lock_state_dir()?;
        Ok(Arc::new(Self(Arc::new(Server::open(config, context, lock).await?))))
    }

    #[expect(clippy::unused_self, reason = "as where there are several")]
    pub(super) fn role(&self) -> Role {
        Role
    }

    pub(super) fn here(&self) -> Option<Arc<Server>> {
        Some(Arc::clone(&self.0))
    }

    pub(super) async fn carry(
        &self,
        _call: Call,
        repeat: &Repeat,
        _token: CancellationToken,
        _told: Progress,
    ) -> Outcome {
        repeat.unknown().into()
    }

    pub(super) async fn effect(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        caller: &Principal,
    ) -> Result<Preview> {
        self.0.effect(tool, arguments, caller).await
    }

    pub(super) async fn document(&self, uri: &str, caller: &Principal) -> Result<Option<String>> {
        self.0.document(uri, caller).await
    }

    pub(super) async fn reports(&self) -> Vec<ProbeReport> {
        Vec::new()
    }

    pub(super) async fn leave(&self) {
        self.0.close().await;
    }
}
