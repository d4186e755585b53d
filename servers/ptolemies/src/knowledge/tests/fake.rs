//! A store in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use ulid::Ulid;

use crate::{
    Error,
    document::{Chunk, Document, DocumentDelta},
    graph::{Delta, Entity, Fact, KindRule, Merge, Observation, Rows as GraphRows},
    memory::Memory,
    moment::Moment,
    record::{Record, Table},
    store::{Change, CommitError, Head, Snapshot, Source, Store, WriteRecord},
};

/// How the next commit ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Failure {
    NotWritten,
    Unconfirmed,
    Unknown,
}

#[derive(Debug, Default, Clone)]
pub(super) struct FakeStore(Arc<Mutex<Rows>>);

#[derive(Debug, Default, Clone)]
struct Rows {
    memories: BTreeMap<Ulid, Memory>,
    entities: BTreeMap<Ulid, Entity>,
    observations: BTreeMap<Ulid, Observation>,
    facts: BTreeMap<Ulid, Fact>,
    documents: BTreeMap<Ulid, Document>,
    chunks: BTreeMap<Ulid, Chunk>,
    merges: BTreeMap<Ulid, Merge>,
    rules: BTreeMap<String, KindRule>,
    graph: i64,
    writes: BTreeMap<String, WriteRecord>,
    seq: u64,
    at: Option<Moment>,
    versions: usize,
    failure: Option<Failure>,
}

impl FakeStore {
    pub(super) fn fail(&self, failure: Failure) {
        self.0.lock().unwrap().failure = Some(failure);
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap().memories.len()
    }

    pub(super) fn lose_a_row(&self) {
        self.0.lock().unwrap().memories.pop_first();
    }
}

impl Source for FakeStore {
    async fn records(
        &self,
        table: Table,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        fn of<K, R: Clone>(rows: &BTreeMap<K, R>, record: fn(R) -> Record) -> Vec<Record> {
            rows.values().cloned().map(record).collect()
        }
        let rows = self.0.lock().unwrap();
        let all = match table {
            Table::Rule => of(&rows.rules, Record::Rule),
            Table::Entity => of(&rows.entities, Record::Entity),
            Table::Observation => of(&rows.observations, Record::Observation),
            Table::Fact => of(&rows.facts, Record::Fact),
            Table::Merge => of(&rows.merges, Record::Merge),
            Table::Memory => of(&rows.memories, Record::Memory),
            Table::Document => of(&rows.documents, Record::Document),
            Table::Chunk => of(&rows.chunks, Record::Chunk),
        };
        let behind = |record: &Record| after.is_none_or(|after| record.key().as_str() > after);
        Ok(all.into_iter().filter(behind).take(limit).collect())
    }
}

impl Snapshot for FakeStore {
    async fn stand(&self) -> Result<(u64, Moment), Error> {
        let rows = self.0.lock().unwrap();
        Ok((rows.seq, rows.at.unwrap_or(Moment::EVER)))
    }

    async fn release(self) {}
}

impl FakeStore {
    fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().clone())))
    }
}

impl Store for FakeStore {
    type Snapshot = Self;

    fn id(&self) -> &'static str {
        "fake"
    }

    async fn head(&self, since: Moment) -> Result<Head, Error> {
        let rows = self.0.lock().unwrap();
        let writes = rows.writes.values().filter(|write| write.at > since).cloned().collect();
        Ok(Head {
            seq: rows.seq,
            at: rows.at,
            versions: rows.versions,
            graph: usize::try_from(rows.graph).unwrap(),
            documents: rows.documents.len() + rows.chunks.len(),
            writes,
        })
    }

    async fn page(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Memory>, Error> {
        Ok(page(&self.0.lock().unwrap().memories, after, limit))
    }

    async fn entities(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Entity>, Error> {
        Ok(page(&self.0.lock().unwrap().entities, after, limit))
    }

    async fn observations(
        &self,
        after: Option<Ulid>,
        limit: usize,
    ) -> Result<Vec<Observation>, Error> {
        Ok(page(&self.0.lock().unwrap().observations, after, limit))
    }

    async fn facts(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Fact>, Error> {
        Ok(page(&self.0.lock().unwrap().facts, after, limit))
    }

    async fn documents(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Document>, Error> {
        Ok(page(&self.0.lock().unwrap().documents, after, limit))
    }

    async fn chunks(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Chunk>, Error> {
        Ok(page(&self.0.lock().unwrap().chunks, after, limit))
    }

    async fn chunk_rows(&self, ids: &[Ulid]) -> Result<Vec<Chunk>, Error> {
        let rows = self.0.lock().unwrap();
        Ok(ids.iter().filter_map(|id| rows.chunks.get(id).cloned()).collect())
    }

    async fn merges(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Merge>, Error> {
        Ok(page(&self.0.lock().unwrap().merges, after, limit))
    }

    async fn rules(&self) -> Result<Vec<KindRule>, Error> {
        Ok(self.0.lock().unwrap().rules.values().cloned().collect())
    }

    async fn rows(&self, ids: &[Ulid]) -> Result<Vec<Memory>, Error> {
        let rows = self.0.lock().unwrap();
        Ok(ids.iter().filter_map(|id| rows.memories.get(id).cloned()).collect())
    }

    async fn commit(&self, change: &Change) -> Result<(), CommitError> {
        let mut rows = self.0.lock().unwrap();
        let failure = rows.failure.take();
        if let Some(Failure::NotWritten) = failure {
            return Err(CommitError::NotWritten(Error::StorageFull));
        }
        assert!(rows.seq == 0 || change.seq == rows.seq + 1, "the journal has no gaps");
        assert!(Some(change.at) > rows.at, "time goes on");
        for memory in &change.insert {
            assert!(rows.memories.insert(memory.id, memory.clone()).is_none(), "ids are new");
        }
        for id in &change.retract {
            let row = rows.memories.get_mut(id).expect("what is retracted is there");
            assert_eq!(row.retracted_at, Moment::NEVER, "an interval ends once");
            row.retracted_at = change.at;
        }
        for id in &change.delete {
            rows.memories.remove(id).expect("what is deleted is there");
        }
        rows.write_graph(&change.graph, change.at);
        rows.write_documents(&change.documents, change.at);
        for id in &change.forget_writes {
            rows.writes.remove(id);
        }
        if let Some(write) = &change.write {
            rows.writes.insert(write.write_id.clone(), write.clone());
        }
        rows.versions = rows.versions + change.insert.len() - change.delete.len();
        rows.seq = change.seq;
        rows.at = Some(change.at);
        match failure {
            Some(Failure::Unconfirmed) => Err(CommitError::Unconfirmed),
            Some(_) => Err(CommitError::Unknown(Error::StoreCorrupt("unreadable".into()))),
            None => Ok(()),
        }
    }

    async fn snapshot(&self) -> Result<Self, Error> {
        Ok(self.copy())
    }

    async fn successor(&self, _now: Moment) -> Result<Self, Error> {
        Ok(Self::default())
    }

    async fn compacted(&self, _now: Moment) -> Result<Self, Error> {
        Ok(self.copy())
    }

    async fn take_over(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn remove(&self) {}

    async fn close(&self) {}
}

impl Rows {
    fn write_documents(&mut self, delta: &DocumentDelta, at: Moment) {
        for id in &delta.retract {
            let row = self.documents.get_mut(id).expect("what is retracted is there");
            assert!(row.is_open(), "an interval ends once");
            row.retracted_at = at;
        }
        for document in &delta.delete {
            self.documents.remove(&document.id).expect("what is deleted is there");
            for id in document.chunk_ids() {
                self.chunks.remove(&id).expect("its chunks are there");
            }
        }
        for document in &delta.insert {
            let ids: Vec<Ulid> = document.chunk_ids().collect();
            let given: Vec<Ulid> = delta.chunks.iter().map(|chunk| chunk.id).collect();
            assert_eq!(ids, given, "its chunks come with it");
            assert!(self.documents.insert(document.id, document.clone()).is_none(), "ids are new");
        }
        for chunk in &delta.chunks {
            assert!(self.chunks.insert(chunk.id, chunk.clone()).is_none(), "ids are new");
        }
    }

    fn write_graph(&mut self, graph: &Delta, at: Moment) {
        write(
            &mut self.entities,
            &graph.entities,
            |row| row.id,
            |row| std::mem::replace(&mut row.retracted_at, at),
        );
        write(
            &mut self.observations,
            &graph.observations,
            |row| row.id,
            |row| std::mem::replace(&mut row.times.retracted_at, at),
        );
        write(
            &mut self.facts,
            &graph.facts,
            |row| row.id,
            |row| std::mem::replace(&mut row.times.retracted_at, at),
        );
        write(
            &mut self.merges,
            &graph.merges,
            |row| row.id,
            |row| std::mem::replace(&mut row.retracted_at, at),
        );
        for (id, source) in &graph.sources {
            self.facts.get_mut(id).expect("a fact with a new source").sources.push(source.clone());
        }
        for rule in &graph.rules {
            self.rules.insert(rule.kind.clone(), rule.clone());
        }
        self.graph += graph.growth();
    }
}

fn page<R: Clone>(rows: &BTreeMap<Ulid, R>, after: Option<Ulid>, limit: usize) -> Vec<R> {
    let after = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
    let range = rows.range((after, std::ops::Bound::Unbounded));
    range.take(limit).map(|(_, row)| row.clone()).collect()
}

fn write<R: Clone>(
    table: &mut BTreeMap<Ulid, R>,
    rows: &GraphRows<R>,
    id: fn(&R) -> Ulid,
    end: impl Fn(&mut R) -> Moment,
) {
    for row in &rows.insert {
        assert!(table.insert(id(row), row.clone()).is_none(), "ids are new");
    }
    for id in &rows.retract {
        let row = table.get_mut(id).expect("what is retracted is there");
        assert_eq!(end(row), Moment::NEVER, "an interval ends once");
    }
    for id in &rows.delete {
        table.remove(id).expect("what is deleted is there");
    }
}
