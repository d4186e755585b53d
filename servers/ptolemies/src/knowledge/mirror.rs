//! Keeps the mirror in Neo4j up with the journal.
//!
//! The journal says which rows a change touched, the state in memory how they are now. So a batch
//! may be written twice, or after a restart on either side, and what is there ends up the same. It
//! runs beside the writer and is never waited for.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use mcp_core::prelude::{CancellationToken, StartContext};
use ulid::Ulid;

use super::{Knowledge, Readiness, Shared};
use crate::{
    Error,
    neo4j::{Batch, Failure, Neo4j},
    store::{Store, SurrealStore, Touched},
};

/// Changes read at a time.
const CHANGES: usize = 500;
/// Rows of a batch, beyond which no further change is taken in.
const ROWS: usize = 2_000;
/// How often a server with nothing to do is asked whether it is there.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// How long to wait after a failure: twice as long each time, up to the last.
const WAITS: [Duration; 6] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

impl Knowledge<SurrealStore> {
    /// Mirror what is known to Neo4j from now on.
    pub(crate) fn mirror(&self, neo4j: Arc<Neo4j>, context: &StartContext) {
        let shared = Arc::clone(&self.shared);
        let mut readiness = self.readiness.clone();
        let shutdown = context.shutdown.clone();
        context.spawn("neo4j-mirror", async move {
            let built = readiness.wait_for(|state| !matches!(state, Readiness::Building { .. }));
            let ready = matches!(built.await.as_deref(), Ok(Readiness::Ready));
            if ready {
                keep(&shared, &neo4j, &shutdown).await;
            }
        });
    }

    /// Changes so far.
    pub(crate) fn seq(&self) -> u64 {
        self.shared.read().seq
    }
}

/// Why the mirror stands still.
enum Halt {
    Server(Failure),
    Store(Error),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Server(failure)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

async fn keep(shared: &Shared<SurrealStore>, neo4j: &Neo4j, shutdown: &CancellationToken) {
    let mut failures = 0;
    while !shared.closing.load(Ordering::Relaxed) && !shutdown.is_cancelled() {
        let done = tokio::select! {
            done = follow(shared, neo4j) => done,
            () = shutdown.cancelled() => return,
        };
        let wait = match done {
            Ok(()) => ASK_EVERY,
            Err(Halt::Store(error)) => {
                tracing::error!(%error, "the journal could not be read for the mirror");
                ASK_EVERY
            }
            Err(Halt::Server(failure)) => {
                let wait = WAITS[failures.min(WAITS.len() - 1)];
                if failures == 0 {
                    tracing::warn!(%failure, "the mirror in Neo4j stands still");
                }
                failures += 1;
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = shutdown.cancelled() => return,
                }
                continue;
            }
        };
        if failures > 0 {
            tracing::info!(seq = neo4j.seq(), "the mirror in Neo4j goes on");
        }
        failures = 0;
        tokio::select! {
            () = shared.journal.notified() => {}
            () = tokio::time::sleep(wait) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Bring the mirror up to the journal.
async fn follow(shared: &Shared<SurrealStore>, neo4j: &Neo4j) -> Result<(), Halt> {
    let store = shared.store.id();
    let mut held = match neo4j.held(store).await? {
        Some(held) if held > shared.read().seq => {
            tracing::warn!(held, "the mirror is ahead of the store: it is made anew");
            neo4j.wipe(store).await?;
            0
        }
        held => held.unwrap_or(0),
    };
    loop {
        let head = shared.read().seq;
        if held >= head {
            return Ok(());
        }
        let changes = shared.store.changes(held, head, CHANGES).await?;
        let batch = gather(shared, held, head, &changes);
        neo4j.write(&batch).await?;
        held = batch.seq;
    }
}

/// Rows of the first of these changes, as they are now.
fn gather(shared: &Shared<SurrealStore>, held: u64, head: u64, changes: &[Touched]) -> Batch {
    let mut ids: BTreeSet<Ulid> = BTreeSet::new();
    let mut gone: BTreeSet<Ulid> = BTreeSet::new();
    // Changes that no row tells of are passed over.
    let mut seq = if changes.is_empty() { head } else { held };
    for change in changes {
        if !ids.is_empty() && ids.len() + change.kept.len() + change.gone.len() > ROWS {
            break;
        }
        ids.extend(&change.kept);
        gone.extend(&change.gone);
        seq = change.seq;
    }
    let mut batch = Batch::new(shared.store.id(), seq);
    let state = shared.read();
    let graph = &state.graph;
    let mut entities: BTreeSet<Ulid> = BTreeSet::new();
    for id in ids.difference(&gone) {
        entities.extend(graph.entity_row(*id).map(|row| row.lineage));
    }
    // Of an entity that loses versions, others may stay.
    for entity in entities.into_iter().filter_map(|lineage| graph.newest_entity(lineage)) {
        batch.add_entity(entity);
    }
    for id in &ids {
        if let Some(fact) = graph.fact_row(*id) {
            batch.add_fact(fact);
        }
        if let Some(merge) = graph.merge_row(*id) {
            batch.add_merge(merge);
        }
    }
    for id in gone {
        batch.remove(id.to_string());
    }
    batch
}
