//! Everything that is remembered, searchable: the store, the catalogue and the index together.

mod list;
mod meaning;
mod search;
mod writer;

use std::{
    collections::HashMap,
    sync::{
        Arc, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use mcp_core::prelude::StartContext;
use recall_engine::{DocId, Recall};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use ulid::Ulid;

use crate::{
    Error,
    catalog::{Catalog, Filter},
    memory::{Memory, NewMemory, Outcome},
    moment::Moment,
    store::{Change, Counts, Head, Op, Store, WriteRecord},
};

pub(crate) use list::{Page, Place, Query, Selection};
pub(crate) use search::{Found, Needle, Results};

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

/// The memories of one namespace.
pub(crate) struct Knowledge<S> {
    shared: Arc<Shared<S>>,
    commands: mpsc::Sender<Command>,
    readiness: watch::Receiver<Readiness>,
}

/// What readers and the one writer share.
struct Shared<S> {
    store: S,
    state: RwLock<State>,
    clock: Clock,
    /// The latest moment that an answer was given for: a later write must be later than it, or an
    /// answer about the past could change.
    answered: AtomicI64,
    max_memories: u32,
    /// Told after each change.
    changed: Notify,
    closing: AtomicBool,
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
    index: Recall,
    /// The version behind each text of the index.
    ids: Vec<Ulid>,
    seq: u64,
    at: Option<Moment>,
    writes: HashMap<String, WriteRecord>,
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
    Close {
        answer: oneshot::Sender<()>,
    },
}

impl<S: Store> Knowledge<S> {
    /// Start on an open store: the index is built in the background, calls wait for it.
    pub(crate) fn start(store: S, max_memories: u32, clock: Clock, context: &StartContext) -> Self {
        let shared = Arc::new(Shared {
            store,
            state: RwLock::default(),
            clock,
            answered: AtomicI64::new(i64::MIN),
            max_memories,
            changed: Notify::new(),
            closing: AtomicBool::new(false),
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
            writer.store.close().await;
            if let Some(answer) = closed {
                // Nobody waits when the server was dropped instead of stopped.
                answer.send(()).unwrap_or_default();
            }
        });
        context.spawn("memory-meaning", meaning::keep(Arc::clone(&shared)));
        Self { shared, commands, readiness }
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

    /// Finish what is queued and close the store.
    pub(crate) async fn close(&self) {
        let (answer, wait) = oneshot::channel();
        if self.commands.send(Command::Close { answer }).await.is_ok() {
            // An error means that the writer has gone: there is nothing to wait for.
            wait.await.unwrap_or_default();
        }
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

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Take a committed change in.
    fn apply(&self, change: &Change) {
        self.write().apply(change);
        self.changed.notify_one();
    }

    /// Remember that an answer is about this moment.
    fn answer_for(&self, moment: Moment) {
        self.answered.fetch_max(moment.millis(), Ordering::SeqCst);
    }

    /// Read the store into catalogue and index.
    async fn build(&self, progress: &watch::Sender<Readiness>) -> Result<(), Error> {
        let since = Moment::from_millis((self.clock)().millis() - REPEATABLE.cast_signed() * 1_000);
        let Head { seq, at, versions: total, writes } = self.store.head(since).await?;
        let mut after = None;
        let mut done = 0;
        loop {
            let page = self.store.page(after, BUILD_PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            done += page.len();
            let full = page.len() == BUILD_PAGE;
            let mut state = self.write();
            for memory in &page {
                state.add(memory);
            }
            drop(state);
            progress.send_replace(Readiness::Building { done, total });
            if !full {
                break;
            }
        }
        if done != total {
            return Err(Error::StoreCorrupt(format!(
                "the journal counts {total} versions of memories, the store holds {done}"
            )));
        }
        let mut state = self.write();
        state.seq = seq;
        state.at = at;
        state.writes = writes.into_iter().map(|write| (write.write_id.clone(), write)).collect();
        tracing::info!(seq, versions = total, "the index is built");
        Ok(())
    }
}

impl State {
    /// Take a committed change in.
    fn apply(&mut self, change: &Change) {
        for &id in &change.retract {
            if let Some(doc) = self.catalog.retract(id, change.at) {
                self.index.remove(doc);
            }
        }
        for &id in &change.delete {
            if let Some(doc) = self.catalog.remove(id) {
                self.index.remove(doc);
                if let Some(id) = self.ids.get_mut(doc as usize) {
                    *id = Ulid::nil();
                }
            }
        }
        if change.op == Op::Purge {
            // Purged words leave the dictionary at once; expired ones when the index next tidies.
            self.index.compact();
        }
        for memory in &change.insert {
            self.add(memory);
        }
        for write_id in &change.forget_writes {
            self.writes.remove(write_id);
        }
        if let Some(write) = &change.write {
            self.writes.insert(write.write_id.clone(), write.clone());
        }
        self.seq = change.seq;
        self.at = Some(change.at);
    }

    fn add(&mut self, memory: &Memory) {
        let indexed = memory.retracted_at == Moment::NEVER;
        let doc = indexed.then(|| self.index.insert(&memory.indexed_text(), None));
        if doc.is_some() {
            self.ids.push(memory.id);
        }
        self.catalog.insert(memory, doc);
    }

    fn id_of(&self, doc: DocId) -> Option<Ulid> {
        self.ids.get(doc as usize).copied()
    }
}

#[cfg(test)]
mod tests;
