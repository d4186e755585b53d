//! Everything that is remembered, searchable: the store, the catalogue and the index together.

mod documents;
mod export;
mod graph;
mod holdings;
mod import;
mod list;
mod meaning;
mod mirror;
mod query;
mod rescan;
mod room;
mod search;
mod state;
mod upkeep;
mod writer;

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use mcp_core::prelude::StartContext;
use recall_engine::{DocId, ParentId, Recall};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use ulid::Ulid;

use crate::{
    Error,
    catalog::{Catalog, Filter},
    document::{Documents, NewDocument},
    graph::{Cardinality, Graph, NewEntity, NewFact},
    memory::{NewMemory, Outcome},
    moment::Moment,
    record::{Incoming, Table},
    store::{Answer, Change, Counts, Head, Store, WriteRecord},
};

pub(crate) use documents::Ingested;
pub(crate) use export::{Export, Resume, UNTYPED};
pub(crate) use graph::{Moments, Name, Seen};
pub(crate) use holdings::Holdings;
pub(crate) use import::{Intake, Judge};
pub(crate) use list::{Page, Place, Query, Selection};
pub(crate) use room::{Limits, Load};
pub(crate) use search::{Found, Hit, Item, Needle, Results, Shares};
pub(crate) use upkeep::{Finding, Kept, Tell, Upkeep};

/// How long an answer to a `write_id` can be asked for again.
const REPEATABLE: u64 = 24 * 60 * 60;
/// Longest wait of a call for the index.
const READY_WAIT: Duration = Duration::from_secs(20);
/// Versions read at a time when the index is built.
const BUILD_PAGE: usize = 1_000;
/// Writes that may wait; more are held back in their calls.
const QUEUE: usize = 64;

/// Where time comes from.
pub(crate) type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// The memories of one namespace. Cheap to clone.
pub(crate) struct Knowledge<S> {
    shared: Arc<Shared<S>>,
    commands: mpsc::Sender<Command>,
    readiness: watch::Receiver<Readiness>,
    /// One for each clone.
    clones: Arc<()>,
}

/// What readers and the one writer share.
struct Shared<S> {
    /// Another takes its place when it is restored or compacted.
    store: RwLock<Arc<S>>,
    state: RwLock<State>,
    clock: Clock,
    /// The latest moment that an answer was given for: a later write must be later than it, or an
    /// answer about the past could change.
    answered: AtomicI64,
    limits: RwLock<Limits>,
    /// Told after each change.
    changed: Notify,
    /// The same, for the mirror.
    journal: Notify,
    closing: AtomicBool,
    /// Held by whoever sees to the store: one at a time.
    upkeep: Arc<tokio::sync::Mutex<()>>,
}

impl<S> Clone for Knowledge<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            commands: self.commands.clone(),
            readiness: self.readiness.clone(),
            clones: Arc::clone(&self.clones),
        }
    }
}

impl<S> std::fmt::Debug for Knowledge<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Knowledge").finish_non_exhaustive()
    }
}

/// What is known without asking the store.
#[derive(Debug, Default)]
struct State {
    catalog: Catalog,
    graph: Graph,
    documents: Documents,
    index: Recall,
    /// The row behind each text of the index.
    items: Vec<Item>,
    /// Texts of the index by their rows in the graph, or their chunks.
    docs: HashMap<Ulid, DocId>,
    /// Documents that are still known, as the index has them.
    parents: HashMap<Ulid, ParentId>,
    seq: u64,
    at: Option<Moment>,
    writes: HashMap<String, WriteRecord>,
    /// Counts how often all of it was read anew.
    generation: u64,
}

/// How far the index is.
#[derive(Debug, Clone)]
pub(crate) enum Readiness {
    Building { done: usize, total: usize },
    Ready,
    Failed(Error),
}

/// What to forget.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    Ids(Vec<Ulid>),
    Keys(Vec<String>),
    Filter(Filter),
    /// By name, or the id of a version.
    Document(String),
    /// What has expired, purged now instead of within a minute.
    Expired,
}

/// How to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// End the system interval: invisible now, still there for questions about the past.
    Retract,
    /// Delete all versions.
    Purge,
}

/// Makes a write repeatable.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WriteId {
    pub(crate) id: String,
    /// What was asked, in one canonical text.
    pub(crate) call: String,
}

/// What a store answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) seq: u64,
    pub(crate) outcomes: Vec<Outcome>,
    /// The answer is that of an earlier call with the same write id.
    pub(crate) repeated: bool,
}

/// What a forget answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forgotten {
    pub(crate) seq: u64,
    pub(crate) counts: Counts,
    /// Positions in the list of ids or keys for which there was nothing.
    pub(crate) missing: Vec<usize>,
    /// Rows that were deleted, those of the documents' chunks too; none in a repeat.
    pub(crate) purged: Vec<(Table, Ulid)>,
    pub(crate) repeated: bool,
}

enum Command {
    Store {
        items: Vec<NewMemory>,
        write: Option<WriteId>,
        answer: oneshot::Sender<Result<Stored, Error>>,
    },
    Forget {
        target: Target,
        mode: Mode,
        dry_run: bool,
        write: Option<WriteId>,
        answer: oneshot::Sender<Result<Forgotten, Error>>,
    },
    Graph {
        work: GraphWork,
        write: Option<WriteId>,
        answer: oneshot::Sender<Result<GraphDone, Error>>,
    },
    Ingest {
        document: Box<NewDocument>,
        answer: oneshot::Sender<Result<Ingested, Error>>,
    },
    Say {
        write: WriteId,
        text: String,
        answer: oneshot::Sender<Result<(), Error>>,
    },
    Said {
        write: WriteId,
        answer: oneshot::Sender<Result<Option<String>, Error>>,
    },
    Import {
        rows: Vec<Incoming>,
        answer: oneshot::Sender<Result<Intake, Error>>,
    },
    Upkeep {
        upkeep: Upkeep,
        tell: Tell,
        answer: oneshot::Sender<Result<Kept, Error>>,
    },
    Close {
        answer: oneshot::Sender<()>,
    },
}

/// What to write into the graph.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GraphWork {
    Entities(Vec<NewEntity>),
    Facts {
        items: Vec<NewFact>,
        /// Make entities that are not there.
        create_missing: bool,
        /// Types that are declared.
        rules: Vec<(String, Cardinality)>,
    },
    /// Names or ids: of the entity to keep, and of those that become one with it.
    Merge {
        keep: String,
        merge: Vec<String>,
    },
    /// Id of the merge to undo.
    Undo(Ulid),
}

/// What a write into the graph answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GraphDone {
    pub(crate) seq: u64,
    pub(crate) answer: Answer,
    pub(crate) repeated: bool,
}

impl<S: Store> Knowledge<S> {
    /// Start on an open store: the index is built in the background, calls wait for it.
    pub(crate) fn start(store: S, limits: Limits, clock: Clock, context: &StartContext) -> Self {
        let shared = Arc::new(Shared {
            store: RwLock::new(Arc::new(store)),
            state: RwLock::default(),
            clock,
            answered: AtomicI64::new(i64::MIN),
            limits: RwLock::new(limits),
            changed: Notify::new(),
            journal: Notify::new(),
            closing: AtomicBool::new(false),
            upkeep: Arc::default(),
        });
        let (commands, queue) = mpsc::channel(QUEUE);
        let (progress, readiness) = watch::channel(Readiness::Building { done: 0, total: 0 });
        let writer = Arc::clone(&shared);
        context.spawn("memory-writer", async move {
            let closed = match writer.build(&progress).await {
                Ok(()) => {
                    progress.send_replace(Readiness::Ready);
                    writer.changed.notify_one();
                    writer::run(&writer, queue).await
                }
                Err(error) => {
                    tracing::error!(%error, "the index could not be built");
                    progress.send_replace(Readiness::Failed(error));
                    writer::refuse(queue).await
                }
            };
            writer.closing.store(true, Ordering::Relaxed);
            writer.changed.notify_one();
            writer.store().close().await;
            if let Some(answer) = closed {
                // Nobody waits when the server was dropped instead of stopped.
                answer.send(()).unwrap_or_default();
            }
        });
        context.spawn("memory-meaning", meaning::keep(Arc::clone(&shared)));
        Self { shared, commands, readiness, clones: Arc::default() }
    }

    /// Store a batch: all of it or nothing.
    pub(crate) async fn store(
        &self,
        items: Vec<NewMemory>,
        write: Option<WriteId>,
    ) -> Result<Stored, Error> {
        self.ready().await?;
        let (answer, wait) = oneshot::channel();
        let repeatable = write.is_some();
        self.send(Command::Store { items, write, answer }, wait, repeatable).await?
    }

    /// Forget memories.
    pub(crate) async fn forget(
        &self,
        target: Target,
        mode: Mode,
        dry_run: bool,
        write: Option<WriteId>,
    ) -> Result<Forgotten, Error> {
        self.ready().await?;
        let (answer, wait) = oneshot::channel();
        let repeatable = write.is_some();
        self.send(Command::Forget { target, mode, dry_run, write, answer }, wait, repeatable)
            .await?
    }

    /// Write into the graph: all of it or nothing.
    pub(crate) async fn upsert(
        &self,
        work: GraphWork,
        write: Option<WriteId>,
    ) -> Result<GraphDone, Error> {
        self.ready().await?;
        let (answer, wait) = oneshot::channel();
        let repeatable = write.is_some();
        self.send(Command::Graph { work, write, answer }, wait, repeatable).await?
    }

    /// Keep what a longer work answered, for a repeat of its call.
    pub(crate) async fn say(&self, write: WriteId, text: String) -> Result<(), Error> {
        self.ready().await?;
        let (answer, wait) = oneshot::channel();
        self.send(Command::Say { write, text, answer }, wait, true).await?
    }

    /// What a longer work answered to this call.
    pub(crate) async fn said(&self, write: &WriteId) -> Result<Option<String>, Error> {
        self.ready().await?;
        let (answer, wait) = oneshot::channel();
        self.send(Command::Said { write: write.clone(), answer }, wait, true).await?
    }

    /// Finish what is queued and close the store.
    pub(crate) async fn close(&self) {
        let (answer, wait) = oneshot::channel();
        if self.commands.send(Command::Close { answer }).await.is_ok() {
            // An error means that the writer has gone: there is nothing to wait for.
            wait.await.unwrap_or_default();
        }
    }

    /// Whether it can be closed without anyone noticing: no clone is in use, nothing waits to expire.
    pub(crate) fn is_at_rest(&self) -> bool {
        Arc::strong_count(&self.clones) == 1 && !self.shared.read().catalog.awaits_expiry()
    }

    /// How far the index is.
    pub(crate) fn readiness(&self) -> Readiness {
        self.readiness.borrow().clone()
    }

    async fn send<T>(
        &self,
        command: Command,
        answer: oneshot::Receiver<T>,
        repeatable: bool,
    ) -> Result<T, Error> {
        self.commands.send(command).await.map_err(|_| Error::Stopping)?;
        // The writer owns the command now: without an answer it may have been carried out.
        answer.await.map_err(|_| Error::OutcomeUnknown { repeatable })
    }

    /// Wait until answers are complete.
    async fn ready(&self) -> Result<(), Error> {
        let mut readiness = self.readiness.clone();
        let built = readiness.wait_for(|state| !matches!(state, Readiness::Building { .. }));
        let ended = tokio::time::timeout(READY_WAIT, built).await.map(|state| state.is_ok());
        match (ended, self.readiness()) {
            (_, Readiness::Ready) => Ok(()),
            (_, Readiness::Failed(error)) => Err(error),
            (Ok(_), Readiness::Building { .. }) => Err(Error::Stopping),
            (Err(_), Readiness::Building { done, total }) => {
                Err(Error::IndexBuilding { done, total })
            }
        }
    }
}

impl<S: Store> Shared<S> {
    /// The moment a reader of `state` is at: never before its last change, so that what a write saw
    /// as expired shows to no later reader, however the clock goes.
    fn now(&self, state: &State) -> Moment {
        state.at.map_or_else(&*self.clock, |at| at.max((self.clock)()))
    }

    fn store(&self) -> Arc<S> {
        Arc::clone(&self.store.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Take a committed change in.
    fn apply(&self, change: &Change) {
        self.list_ahead(&change.documents);
        self.write().apply(change);
        self.changed.notify_one();
        self.journal.notify_one();
    }

    /// Remember that an answer is about this moment.
    fn answer_for(&self, moment: Moment) {
        self.answered.fetch_max(moment.millis(), Ordering::SeqCst);
    }

    /// Read the store into catalogue and index.
    async fn build(&self, progress: &watch::Sender<Readiness>) -> Result<(), Error> {
        let store = self.store();
        let since = Moment::from_millis((self.clock)().millis() - REPEATABLE.cast_signed() * 1_000);
        let Head { seq, at, versions, graph, documents, writes } = store.head(since).await?;
        let total = versions + graph + documents;
        let mut done = 0;
        let mut tell = |more: usize| {
            done += more;
            progress.send_replace(Readiness::Building { done, total });
        };
        let memories = self
            .read_in(|after| store.page(after, BUILD_PAGE), |row| row.id, State::add, &mut tell)
            .await?;
        for rule in store.rules().await? {
            self.write().graph.rule(rule.kind, rule.cardinality);
        }
        let entities = self
            .read_in(
                |after| store.entities(after, BUILD_PAGE),
                |row| row.id,
                State::add_entity,
                &mut tell,
            )
            .await?;
        let observations = self
            .read_in(
                |after| store.observations(after, BUILD_PAGE),
                |row| row.id,
                State::add_observation,
                &mut tell,
            )
            .await?;
        let facts = self
            .read_in(
                |after| store.facts(after, BUILD_PAGE),
                |row| row.id,
                State::add_fact,
                &mut tell,
            )
            .await?;
        let merges = self
            .read_in(
                |after| store.merges(after, BUILD_PAGE),
                |row| row.id,
                State::add_merge,
                &mut tell,
            )
            .await?;
        counted("versions of memories", versions, memories)?;
        counted("rows of the graph", graph, entities + observations + facts + merges)?;
        counted("documents and chunks", documents, self.read_documents(&mut tell).await?)?;
        self.write().stand_at(seq, at, writes);
        tracing::info!(seq, versions, graph, documents, "the index is built");
        Ok(())
    }

    /// Read a table into the state, page by page; how many rows it has.
    async fn read_in<R, F>(
        &self,
        page: impl Fn(Option<Ulid>) -> F,
        id: fn(&R) -> Ulid,
        add: fn(&mut State, &R),
        tell: &mut impl FnMut(usize),
    ) -> Result<usize, Error>
    where
        F: Future<Output = Result<Vec<R>, Error>>,
    {
        let (mut after, mut done) = (None, 0);
        loop {
            let rows = page(after).await?;
            let Some(last) = rows.last() else { break };
            after = Some(id(last));
            done += rows.len();
            let mut state = self.write();
            for row in &rows {
                add(&mut state, row);
            }
            drop(state);
            tell(rows.len());
            if rows.len() < BUILD_PAGE {
                break;
            }
        }
        Ok(done)
    }
}

/// Whether the store holds what the journal counts.
fn counted(what: &str, counted: usize, held: usize) -> Result<(), Error> {
    if counted == held {
        return Ok(());
    }
    Err(Error::StoreCorrupt(format!("the journal counts {counted} {what}, the store holds {held}")))
}

#[cfg(test)]
mod tests;
