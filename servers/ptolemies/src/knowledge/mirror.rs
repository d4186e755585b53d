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
    let mut mirrored = shared.store().id().to_owned();
    while !shared.closing.load(Ordering::Relaxed) && !shutdown.is_cancelled() {
        let done = tokio::select! {
            done = follow(shared, neo4j, &mut mirrored) => done,
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

/// Bring the mirror up to the journal. `mirrored` is the store whose rows it has: a restore puts another
/// one in its place.
async fn follow(
    shared: &Shared<SurrealStore>,
    neo4j: &Neo4j,
    mirrored: &mut String,
) -> Result<(), Halt> {
    let store = shared.store();
    if store.id() != mirrored {
        neo4j.wipe(mirrored).await?;
        store.id().clone_into(mirrored);
    }
    let seq = shared.read().seq;
    let mut held = match neo4j.held(store.id()).await? {
        Some(held) if held <= seq && (held > 0 || seq == 0) => held,
        _ => anew(shared, store.id(), neo4j).await?,
    };
    loop {
        let head = shared.read().seq;
        if held >= head || shared.store().id() != store.id() {
            return Ok(());
        }
        let changes = store.changes(held, head, CHANGES).await?;
        if changes.first().is_none_or(|change| change.seq > held + 1) {
            // A vacuum has let go of what the mirror has not seen.
            held = anew(shared, store.id(), neo4j).await?;
            continue;
        }
        let batch = gather(shared, store.id(), held, &changes);
        neo4j.write(&batch).await?;
        held = batch.seq;
    }
}

/// Put all there is into the mirror; its position comes with the last batch, so that one that was cut
/// short begins again.
async fn anew(shared: &Shared<SurrealStore>, store: &str, neo4j: &Neo4j) -> Result<u64, Halt> {
    neo4j.wipe(store).await?;
    let (head, rows) = {
        let state = shared.read();
        (state.seq, state.graph.row_ids())
    };
    tracing::info!(rows = rows.len(), seq = head, "the mirror in Neo4j is made anew");
    for ids in rows.chunks(ROWS) {
        let mut batch = Batch::new(store, 0);
        add(&mut batch, shared, ids.iter().copied());
        neo4j.write(&batch).await?;
    }
    neo4j.write(&Batch::new(store, head)).await?;
    Ok(head)
}

/// Rows of the first of these changes, as they are now.
fn gather(shared: &Shared<SurrealStore>, store: &str, held: u64, changes: &[Touched]) -> Batch {
    let mut ids: BTreeSet<Ulid> = BTreeSet::new();
    let mut gone: BTreeSet<Ulid> = BTreeSet::new();
    let mut seq = held;
    for change in changes {
        if !ids.is_empty() && ids.len() + change.kept.len() + change.gone.len() > ROWS {
            break;
        }
        ids.extend(&change.kept);
        gone.extend(&change.gone);
        seq = change.seq;
    }
    let mut batch = Batch::new(store, seq);
    add(&mut batch, shared, ids.difference(&gone).copied());
    for id in gone {
        batch.remove(id.to_string());
    }
    batch
}

/// Add rows as they are now; of an entity its newest version stands for all.
fn add(batch: &mut Batch, shared: &Shared<SurrealStore>, ids: impl Iterator<Item = Ulid> + Clone) {
    let state = shared.read();
    let graph = &state.graph;
    let lineages: BTreeSet<Ulid> =
        ids.clone().filter_map(|id| graph.entity_row(id)).map(|row| row.lineage).collect();
    for entity in lineages.into_iter().filter_map(|lineage| graph.newest_entity(lineage)) {
        batch.add_entity(entity);
    }
    for id in ids {
        if let Some(fact) = graph.fact_row(id) {
            batch.add_fact(fact);
        }
        if let Some(merge) = graph.merge_row(id) {
            batch.add_merge(merge);
        }
    }
}
