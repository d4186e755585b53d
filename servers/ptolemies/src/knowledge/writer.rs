//! The one writer: decide, commit, take in, answer.

mod documents;
mod graph;
mod import;
mod upkeep;

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use ulid::Ulid;

use super::{Command, Forgotten, Load, Mode, REPEATABLE, Shared, Stored, Target, WriteId};
use crate::{
    Error,
    catalog::Catalog,
    document::DocumentDelta,
    graph::{Delta, Doomed as Graph},
    memory::{Memory, NewMemory},
    moment::Moment,
    plan::{self, Plan, Scene},
    record::Table,
    store::{Answer, Change, CommitError, Counts, Op, Store, WriteRecord},
};

/// How often expired memories are purged.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// Most versions one change retracts or deletes; more go into several.
const FORGET_CHUNK: usize = 500;
/// Most memories a call may purge.
const PURGE_LIMIT: usize = 100;

/// Carry out commands until closed; who waits for the end.
pub(super) async fn run<S: Store>(
    shared: &Arc<Shared<S>>,
    mut queue: mpsc::Receiver<Command>,
) -> Option<oneshot::Sender<()>> {
    let last_id = shared.read().last_id();
    let mut writer = Writer { shared, last_id, doubt: None };
    let first = tokio::time::Instant::now() + SWEEP_EVERY;
    let mut sweep = tokio::time::interval_at(first, SWEEP_EVERY);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let command = tokio::select! {
            biased;
            command = queue.recv() => command,
            _ = sweep.tick() => {
                if let Err(error) = writer.sweep().await {
                    tracing::warn!(%error, "expired memories were not purged");
                }
                continue;
            }
        };
        // A caller that has gone gets no answer; what it asked for is done all the same.
        match command {
            Some(Command::Store { items, write, answer }) => {
                drop(answer.send(writer.store(items, write).await));
            }
            Some(Command::Forget { target, mode, dry_run, write, answer }) => {
                drop(answer.send(writer.forget(&target, mode, dry_run, write).await));
            }
            Some(Command::Graph { work, write, answer }) => {
                drop(answer.send(writer.graph(work, write).await));
            }
            Some(Command::Ingest { document, answer }) => {
                drop(answer.send(writer.ingest(*document).await));
            }
            Some(Command::Say { write, text, answer }) => {
                drop(answer.send(writer.say(write, text).await));
            }
            Some(Command::Said { write, answer }) => drop(answer.send(writer.said(&write))),
            Some(Command::Import { rows, answer }) => {
                drop(answer.send(writer.import(rows).await));
            }
            Some(Command::Upkeep { upkeep, tell, answer }) => {
                drop(answer.send(writer.upkeep(upkeep, tell).await));
            }
            Some(Command::Close { answer }) => return Some(answer),
            None => return None,
        }
    }
}

/// Answer nothing until closed: the store could not be read, and every call says so before it
/// comes here.
pub(super) async fn refuse(mut queue: mpsc::Receiver<Command>) -> Option<oneshot::Sender<()>> {
    while let Some(command) = queue.recv().await {
        if let Command::Close { answer } = command {
            return Some(answer);
        }
    }
    None
}

struct Writer<'a, S> {
    shared: &'a Arc<Shared<S>>,
    last_id: Option<Ulid>,
    /// Set when nobody knows what the store holds: no more writes until a restart.
    doubt: Option<Error>,
}

/// What a forget would do.
#[derive(Default)]
struct Doomed {
    memories: usize,
    versions: Vec<Ulid>,
    graph: Graph,
    documents: documents::Doomed,
    missing: Vec<usize>,
}

impl<S: Store> Writer<'_, S> {
    async fn store(
        &mut self,
        items: Vec<NewMemory>,
        write: Option<WriteId>,
    ) -> Result<Stored, Error> {
        let at = self.next_moment();
        let digest = write.as_ref().map(|write| self.digest(write));
        if let Some(record) = self.repeated(write.as_ref(), digest.as_deref(), at)? {
            let Answer::Stored(outcomes) = record.answer else { return Err(other_call()) };
            return Ok(Stored { seq: record.seq, outcomes, repeated: true });
        }
        let touched = plan::touched(&self.shared.read().catalog, &items, at);
        let rows: HashMap<Ulid, Memory> = self
            .shared
            .store()
            .rows(&touched)
            .await?
            .into_iter()
            .map(|row| (row.id, row))
            .collect();
        let seq = self.shared.read().seq + 1;
        let mut last_id = self.last_id;
        let Plan { insert, retract, outcomes } = {
            let state = self.shared.read();
            let scene = Scene { catalog: &state.catalog, rows: &rows, at, seq };
            plan::plan(&scene, items, || next_id(&mut last_id, at))?
        };
        if insert.is_empty() && retract.is_empty() && write.is_none() {
            return Ok(Stored { seq: seq - 1, outcomes, repeated: false });
        }
        let repeatable = write.is_some();
        let write = record(write, digest, seq, at, || Answer::Stored(outcomes.clone()));
        let change = Change { insert, retract, write, ..self.change(seq, at, Op::Store) };
        self.last_id = last_id;
        self.commit(change, repeatable).await?;
        Ok(Stored { seq, outcomes, repeated: false })
    }

    async fn forget(
        &mut self,
        target: &Target,
        mode: Mode,
        dry_run: bool,
        write: Option<WriteId>,
    ) -> Result<Forgotten, Error> {
        let now = self.next_moment();
        let digest = write.as_ref().map(|write| self.digest(write));
        if let Some(record) = self.repeated(write.as_ref(), digest.as_deref(), now)? {
            let Answer::Forgotten(counts) = record.answer else { return Err(other_call()) };
            let (seq, missing, purged) = (record.seq, Vec::new(), Vec::new());
            return Ok(Forgotten { seq, counts, missing, purged, repeated: true });
        }
        let Doomed { memories, versions, graph, documents, missing } = self.doomed(target, mode);
        let counts = Counts {
            memories,
            versions: versions.len(),
            graph: graph.items,
            documents: documents.items,
        };
        let items = memories + graph.items + documents.items;
        let op = match (target, mode) {
            (Target::Expired, _) => Op::Expire,
            (_, Mode::Purge) if items > PURGE_LIMIT => return Err(too_many(items)),
            (_, Mode::Purge) => Op::Purge,
            (_, Mode::Retract) => Op::Retract,
        };
        let mut seq = self.shared.read().seq;
        let nothing = versions.is_empty() && graph.len() == 0 && documents.versions.is_empty();
        if dry_run || (nothing && write.is_none()) {
            let purged = Vec::new();
            return Ok(Forgotten { seq, counts, missing, purged, repeated: false });
        }
        let purged =
            if op == Op::Retract { Vec::new() } else { rows_of(&versions, &graph, &documents) };
        let repeatable = write.is_some();
        let mut parts: Vec<Part> = versions.chunks(FORGET_CHUNK).map(Part::of_memories).collect();
        parts.extend(graph::parts(&graph, FORGET_CHUNK, op == Op::Retract));
        parts.extend(documents::parts(documents, op == Op::Retract));
        if parts.is_empty() {
            parts.push(Part::default());
        }
        let mut write = write;
        let last = parts.len() - 1;
        for (number, part) in parts.into_iter().enumerate() {
            seq = self.shared.read().seq + 1;
            let at = self.next_moment();
            // The last change carries the record: before it, a repeat does what is left.
            let write = if number == last { write.take() } else { None };
            let write = record(write, digest.clone(), seq, at, || Answer::Forgotten(counts));
            let (graph, documents) = (part.graph, part.documents);
            let mut change = Change { graph, documents, write, ..self.change(seq, at, op) };
            if op == Op::Retract {
                change.retract = part.memories;
            } else {
                change.delete = part.memories;
            }
            self.commit(change, repeatable).await?;
        }
        Ok(Forgotten { seq, counts, missing, purged, repeated: false })
    }

    /// Keep an answer for a repeat of its call.
    async fn say(&mut self, write: WriteId, text: String) -> Result<(), Error> {
        let at = self.next_moment();
        let digest = self.digest(&write);
        if self.repeated(Some(&write), Some(&digest), at)?.is_some() {
            return Ok(());
        }
        let seq = self.shared.read().seq + 1;
        let write = record(Some(write), Some(digest), seq, at, || Answer::Said(text));
        let change = Change { write, ..self.change(seq, at, Op::Store) };
        self.commit(change, true).await
    }

    /// The answer that was kept for a call.
    fn said(&self, write: &WriteId) -> Result<Option<String>, Error> {
        let digest = self.digest(write);
        match self.repeated(Some(write), Some(&digest), self.next_moment())? {
            None => Ok(None),
            Some(WriteRecord { answer: Answer::Said(text), .. }) => Ok(Some(text)),
            Some(_) => Err(other_call()),
        }
    }

    /// What a forget would take.
    fn doomed(&self, target: &Target, mode: Mode) -> Doomed {
        let state = self.shared.read();
        // As a reader sees them: the next moment may be one later, in which one of them expires.
        let mut found = doomed(&state.catalog, target, mode, self.shared.now(&state));
        if let Target::Ids(ids) = target {
            found.missing.retain(|&at| {
                !ids.get(at)
                    .is_some_and(|id| state.graph.doom(*id, mode == Mode::Purge, &mut found.graph))
            });
            found.graph.settle();
        }
        let (documents, absent) = documents::doomed(&state.documents, target, mode);
        match target {
            Target::Document(_) => found.missing = absent,
            Target::Ids(_) => found.missing.retain(|at| absent.contains(at)),
            _ => {}
        }
        Doomed { documents, ..found }
    }

    /// Purge what has expired.
    async fn sweep(&mut self) -> Result<(), Error> {
        let expired = {
            let state = self.shared.read();
            state.catalog.expired(self.shared.now(&state))
        };
        for chunk in expired.chunks(FORGET_CHUNK) {
            let seq = self.shared.read().seq + 1;
            let at = self.next_moment();
            let change = Change { delete: chunk.to_vec(), ..self.change(seq, at, Op::Expire) };
            self.commit(change, true).await?;
        }
        Ok(())
    }

    async fn commit(&mut self, change: Change, repeatable: bool) -> Result<(), Error> {
        if let Some(doubt) = &self.doubt {
            return Err(doubt.clone());
        }
        self.shared.limits().admit(self.shared.read().load(), Load::of(&change))?;
        match self.shared.store().commit(&change).await {
            Ok(()) => {
                self.shared.apply(&change);
                Ok(())
            }
            Err(CommitError::NotWritten(error)) => Err(error),
            Err(CommitError::Unconfirmed) => {
                self.shared.apply(&change);
                Err(Error::OutcomeUnknown { repeatable })
            }
            Err(CommitError::Unknown(error)) => {
                tracing::error!(%error, seq = change.seq, "the outcome of a commit cannot be known");
                self.doubt = Some(Error::StoreCorrupt(format!(
                    "the outcome of change {} is unknown",
                    change.seq
                )));
                Err(Error::OutcomeUnknown { repeatable })
            }
        }
    }

    fn change(&self, seq: u64, at: Moment, op: Op) -> Change {
        let old = Moment::from_millis(at.millis() - REPEATABLE.cast_signed() * 1_000);
        let state = self.shared.read();
        let forget_writes = state
            .writes
            .values()
            .filter(|write| write.at < old)
            .map(|write| write.write_id.clone())
            .take(FORGET_CHUNK)
            .collect();
        Change {
            seq,
            at,
            op,
            insert: Vec::new(),
            retract: Vec::new(),
            delete: Vec::new(),
            graph: Delta::default(),
            documents: DocumentDelta::default(),
            write: None,
            forget_writes,
        }
    }

    /// Later than every change and every answer given.
    fn next_moment(&self) -> Moment {
        let answered = Moment::from_millis(self.shared.answered.load(Ordering::SeqCst));
        let state = self.shared.read();
        let changed = state.at.unwrap_or(Moment::EVER);
        self.shared.now(&state).max(answered.next()).max(changed.next())
    }

    fn repeated(
        &self,
        write: Option<&WriteId>,
        digest: Option<&str>,
        now: Moment,
    ) -> Result<Option<WriteRecord>, Error> {
        let Some(write) = write else { return Ok(None) };
        let state = self.shared.read();
        let Some(record) = state.writes.get(&write.id) else { return Ok(None) };
        if record.at.after_seconds(REPEATABLE) < now {
            return Ok(None);
        }
        if Some(record.digest.as_str()) == digest {
            Ok(Some(record.clone()))
        } else {
            Err(other_call())
        }
    }

    /// Digest of a call under the random name of this store: of no use to one who has only the
    /// digest.
    fn digest(&self, write: &WriteId) -> String {
        let mut digest = Sha256::new();
        digest.update(self.shared.store().id());
        digest.update([0]);
        digest.update(&write.call);
        hex::encode(digest.finalize())
    }
}

/// Every row that a purge takes.
fn rows_of(versions: &[Ulid], graph: &Graph, documents: &documents::Doomed) -> Vec<(Table, Ulid)> {
    let of = |table: Table, ids: &[Ulid]| -> Vec<(Table, Ulid)> {
        ids.iter().map(|id| (table, *id)).collect()
    };
    let mut rows = of(Table::Memory, versions);
    rows.extend(of(Table::Entity, &graph.entities));
    rows.extend(of(Table::Observation, &graph.observations));
    rows.extend(of(Table::Fact, &graph.facts));
    rows.extend(of(Table::Merge, &graph.merges));
    for document in &documents.versions {
        rows.push((Table::Document, document.id));
        rows.extend(document.chunk_ids().map(|id| (Table::Chunk, id)));
    }
    rows
}

fn record(
    write: Option<WriteId>,
    digest: Option<String>,
    seq: u64,
    at: Moment,
    answer: impl FnOnce() -> Answer,
) -> Option<WriteRecord> {
    let (write, digest) = write.zip(digest)?;
    Some(WriteRecord { write_id: write.id, digest, seq, at, answer: answer() })
}

fn other_call() -> Error {
    Error::Conflict {
        field: "/write_id".to_owned(),
        message: "must be new: it belongs to another call of the last 24 hours".to_owned(),
        hint: "repeat the earlier call unchanged, or give this one a write_id of its own",
    }
}

/// What one change of a forget takes.
#[derive(Default)]
struct Part {
    memories: Vec<Ulid>,
    graph: Delta,
    documents: DocumentDelta,
}

impl Part {
    fn of_memories(ids: &[Ulid]) -> Self {
        Self { memories: ids.to_vec(), ..Self::default() }
    }
}

fn too_many(memories: usize) -> Error {
    Error::TooLarge {
        field: "/mode".to_owned(),
        message: format!("a call purges at most {PURGE_LIMIT} items, these are {memories}"),
        hint: "narrow the selection, or use mode retract",
    }
}

/// Which versions go. Retracting takes what is current; purging takes every version of a memory,
/// the retracted ones too.
fn doomed(catalog: &Catalog, target: &Target, mode: Mode, now: Moment) -> Doomed {
    let mut found: Vec<Ulid> = Vec::new();
    let mut missing = Vec::new();
    let current = |id: Ulid| catalog.get(id).is_some_and(|entry| entry.is_current(now));
    match target {
        Target::Expired => {
            let versions = catalog.expired(now);
            return Doomed { memories: versions.len(), versions, ..Doomed::default() };
        }
        Target::Ids(ids) => {
            for (index, &id) in ids.iter().enumerate() {
                let there =
                    if mode == Mode::Purge { catalog.get(id).is_some() } else { current(id) };
                if there { found.push(id) } else { missing.push(index) }
            }
        }
        Target::Keys(keys) => {
            for (index, key) in keys.iter().enumerate() {
                let versions = catalog.versions_of_key(key);
                let before = found.len();
                match mode {
                    Mode::Purge => found.extend(versions),
                    Mode::Retract => {
                        found.extend(versions.iter().copied().filter(|&id| current(id)));
                    }
                }
                if found.len() == before {
                    missing.push(index);
                }
            }
        }
        Target::Document(_) => {}
        Target::Filter(filter) => {
            let accepted = catalog
                .newest(None)
                .filter(|(_, entry)| entry.is_current(now) && filter.accepts(entry));
            found.extend(accepted.map(|(id, _)| id));
        }
    }
    let mut versions: Vec<Ulid> = match mode {
        Mode::Retract => found,
        Mode::Purge => found.iter().flat_map(|&id| catalog.versions(id)).collect(),
    };
    versions.sort_unstable();
    versions.dedup();
    let mut memories: Vec<Ulid> =
        versions.iter().filter_map(|&id| catalog.get(id)).map(|entry| entry.lineage).collect();
    memories.sort_unstable();
    memories.dedup();
    Doomed { memories: memories.len(), versions, missing, ..Doomed::default() }
}

/// An id later than every one before, even when the clock stands or goes back.
fn next_id(last: &mut Option<Ulid>, at: Moment) -> Ulid {
    let mut random = [0u8; 16];
    // Without randomness ids are still unique: they count on from the last one.
    let random = if getrandom::fill(&mut random).is_ok() { u128::from_be_bytes(random) } else { 0 };
    let fresh = Ulid::from_parts(at.millis().unsigned_abs(), random >> 1);
    let id = match *last {
        Some(last) if last >= fresh => Ulid(last.0.saturating_add(1)),
        _ => fresh,
    };
    *last = Some(id);
    id
}
