//! The record of truth.

mod surreal;

use std::future::Future;

use ulid::Ulid;

use crate::{
    Error,
    document::{Chunk, Document, DocumentDelta},
    graph::{
        Delta, Entity, EntityOutcome, Fact, FactOutcome, KindRule, Merge, MergeOutcome, Observation,
    },
    memory::{Memory, Outcome},
    moment::Moment,
    record::{Record, Table},
};

pub(crate) use surreal::{OpenError, SurrealStore};

/// Rows by table, in the order of their keys.
pub(crate) trait Source: Send + Sync {
    /// Rows behind a key, at most `limit`.
    fn records(
        &self,
        table: Table,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Record>, Error>> + Send;
}

/// A store as it was at one moment, whatever is written meanwhile.
pub(crate) trait Snapshot: Source + 'static {
    /// Where the journal stood, and when.
    fn stand(&self) -> impl Future<Output = Result<(u64, Moment), Error>> + Send;

    /// Let go of it. One that is only dropped may keep old rows on the disk.
    fn release(self) -> impl Future<Output = ()> + Send;
}

/// Keeps versions of memories and the journal of changes.
///
/// A change is atomic: all of it is there or nothing. [`Store::commit`] returns `Ok` when it also
/// outlives a crash of the machine.
pub(crate) trait Store: Source + Sized + 'static {
    type Snapshot: Snapshot;

    /// Random name of this store.
    fn id(&self) -> &str;

    /// Where the journal stands, and the writes that may be repeated.
    fn head(&self, repeatable_since: Moment) -> impl Future<Output = Result<Head, Error>> + Send;

    /// Versions after `after` by id, at most `limit`.
    fn page(
        &self,
        after: Option<Ulid>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Memory>, Error>> + Send;

    /// The versions among `ids` that are there, in any order.
    fn rows(&self, ids: &[Ulid]) -> impl Future<Output = Result<Vec<Memory>, Error>> + Send;

    /// Versions of entities after `after` by id, at most `limit`.
    fn entities(
        &self,
        after: Option<Ulid>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Entity>, Error>> + Send;

    /// Observations after `after` by id, at most `limit`.
    fn observations(
        &self,
        after: Option<Ulid>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Observation>, Error>> + Send;

    /// Versions of facts after `after` by id, at most `limit`.
    fn facts(
        &self,
        after: Option<Ulid>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Fact>, Error>> + Send;

    /// Versions of documents after `after` by id, at most `limit`.
    fn documents(
        &self,
        after: Option<Ulid>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Document>, Error>> + Send;

    /// Chunks after `after` by id, at most `limit`.
    fn chunks(
        &self,
        after: Option<Ulid>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Chunk>, Error>> + Send;

    /// The chunks among `ids` that are there, in any order.
    fn chunk_rows(&self, ids: &[Ulid]) -> impl Future<Output = Result<Vec<Chunk>, Error>> + Send;

    /// Merges of entities after `after` by id, at most `limit`.
    fn merges(
        &self,
        after: Option<Ulid>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Merge>, Error>> + Send;

    /// Types of facts that were declared.
    fn rules(&self) -> impl Future<Output = Result<Vec<KindRule>, Error>> + Send;

    /// Write a change.
    fn commit(&self, change: &Change) -> impl Future<Output = Result<(), CommitError>> + Send;

    /// Look at all of it as it is now.
    fn snapshot(&self) -> impl Future<Output = Result<Self::Snapshot, Error>> + Send;

    /// An empty store beside this one, to be filled and to take its place.
    fn successor(&self, now: Moment) -> impl Future<Output = Result<Self, Error>> + Send;

    /// A copy of this one without what was deleted, to take its place. Nothing is written meanwhile.
    fn compacted(&self, now: Moment) -> impl Future<Output = Result<Self, Error>> + Send;

    /// Be the store that is opened from now on. Lasts when this returns.
    fn take_over(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Close it and remove its files.
    fn remove(&self) -> impl Future<Output = ()> + Send;

    /// Flush and close.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// Where a journal stands.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// Changes so far.
    pub(crate) seq: u64,
    /// Time of the last one.
    pub(crate) at: Option<Moment>,
    /// Versions stored.
    pub(crate) versions: usize,
    /// Rows of entities, observations, facts and merges, all versions counted.
    pub(crate) graph: usize,
    /// Versions of documents and their chunks.
    pub(crate) documents: usize,
    pub(crate) writes: Vec<WriteRecord>,
}

/// One entry of the journal with the rows it writes.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) at: Moment,
    pub(crate) op: Op,
    pub(crate) insert: Vec<Memory>,
    /// Versions whose system interval ends at `at`.
    pub(crate) retract: Vec<Ulid>,
    /// Versions that leave the store.
    pub(crate) delete: Vec<Ulid>,
    pub(crate) graph: Delta,
    pub(crate) documents: DocumentDelta,
    pub(crate) write: Option<WriteRecord>,
    /// Writes that can no longer be repeated.
    pub(crate) forget_writes: Vec<String>,
}

/// Rows that a change touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) seq: u64,
    /// Added or ended.
    pub(crate) kept: Vec<Ulid>,
    /// Deleted.
    pub(crate) gone: Vec<Ulid>,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Store,
    Retract,
    Purge,
    Expire,
    Import,
}

impl Op {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Retract => "retract",
            Self::Purge => "purge",
            Self::Expire => "expire",
            Self::Import => "import",
        }
    }
}

/// The first answer to a `write_id`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WriteRecord {
    pub(crate) write_id: String,
    /// Keyed digest of the call, so that another call under the same id is noticed.
    pub(crate) digest: String,
    pub(crate) seq: u64,
    pub(crate) at: Moment,
    pub(crate) answer: Answer,
}

/// An answer that can be given again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Stored(Vec<Outcome>),
    Forgotten(Counts),
    Entities(Vec<EntityOutcome>),
    /// With the entities that were made for them.
    Facts(Vec<FactOutcome>, Vec<String>),
    Merged(MergeOutcome),
    /// What a longer work answered, as it was said.
    Said(String),
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Memories.
    pub(crate) memories: usize,
    /// Versions of them.
    pub(crate) versions: usize,
    /// Entities, observations and facts.
    pub(crate) graph: usize,
    /// Documents.
    pub(crate) documents: usize,
}

/// Why a commit did not return.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// Nothing was written.
    NotWritten(Error),
    /// The rows are there, but may not outlive a crash of the machine.
    Unconfirmed,
    /// It cannot be known what is there.
    Unknown(Error),
}
