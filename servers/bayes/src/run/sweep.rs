//! Removing what has expired.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use mcp_core::prelude::*;

use super::{RunError, Runs, Shared};
use crate::{data::Datasets, store::now_ms};

/// How often expired runs are looked for.
const EVERY: Duration = Duration::from_secs(600);
/// What is left of a run that was being made or deleted, after this, is of a crash.
const LEFT_OVER: Duration = Duration::from_secs(3600);

impl Runs {
    /// Remove expired runs and data now and then, in the background.
    pub(crate) fn sweep(&self, data: &Datasets) {
        let data = data.clone();
        let shared = Arc::clone(&self.0);
        let stopping = shared.context.shutdown.clone();
        self.0.context.spawn("sweep runs", async move {
            loop {
                let (own, data) = (Arc::clone(&shared), data.clone());
                let swept = task::blocking(move || {
                    own.sweep_all(now_ms());
                    data.sweep_all();
                });
                if let Err(error) = swept.await {
                    tracing::debug!(
                        error = error.message(),
                        "expired runs stay until the next sweep"
                    );
                }
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    () = stopping.cancelled() => return,
                }
            }
        });
    }
}

impl Shared {
    fn sweep_all(&self, now_ms: u64) {
        let Some(folders) = &self.folders else { return };
        let mut total = 0;
        for owner in folders.owners().unwrap_or_default() {
            if let Err(error) = folders.purge(&owner, LEFT_OVER) {
                tracing::debug!(%error, "left-over files stay until the next sweep");
            }
            self.sweep_owner(&owner, now_ms);
            total += folders.bytes(&owner).unwrap_or(0);
        }
        self.total.store(total, Ordering::Relaxed);
    }

    /// Remove a caller's expired runs.
    pub(super) fn sweep_owner(&self, owner: &str, now_ms: u64) {
        let Some(folders) = &self.folders else { return };
        for id in folders.ids(owner).unwrap_or_default() {
            let Some(folder) = folders.folder(owner, &id) else { continue };
            if self.held().contains_key(&id) {
                continue;
            }
            let read = super::Overview::read(folder, None, (self.lifetime, now_ms));
            if matches!(read, Err(RunError::Unknown(_)))
                && let Err(error) = self.remove(owner, &id)
            {
                tracing::debug!(%error, "an expired run stays until the next sweep");
            }
        }
    }
}
