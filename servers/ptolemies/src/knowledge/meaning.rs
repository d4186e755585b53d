//! The model of meaning, made anew beside reads and writes when enough has changed.

use std::sync::{Arc, atomic::Ordering};

use mcp_core::prelude::task;

use super::Shared;
use crate::store::Store;

/// Keep the model up to date until the knowledge is closed.
pub(super) async fn keep<S: Store>(shared: Arc<Shared<S>>) {
    while !shared.closing.load(Ordering::Relaxed) {
        shared.changed.notified().await;
        if !shared.read().index.wants_refit() {
            continue;
        }
        let worker = Arc::clone(&shared);
        // Not among the computations of calls: those would wait for it.
        if let Err(error) = task::blocking(move || worker.refit()).await {
            tracing::warn!(%error, "no model of meaning was made");
        }
    }
}

impl<S: Store> Shared<S> {
    /// Make a model of what is there, while others read and write, and put it in.
    fn refit(&self) {
        let (due, generation) = {
            let state = self.read();
            (state.index.refit(), state.generation)
        };
        let Some(fitted) = due.run(&|| self.closing.load(Ordering::Relaxed)) else { return };
        let mut state = self.write();
        if state.generation != generation {
            // It is about texts under numbers that mean others now.
            return;
        }
        state.index.install(fitted);
        // A word that was purged meanwhile is not to come back with the model.
        state.index.compact();
        let (texts, rank) = (state.index.words().len(), state.index.rank());
        drop(state);
        tracing::debug!(texts, rank, "a model of meaning was made");
        self.changed.notify_one();
    }
}
