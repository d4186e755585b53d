//! A store in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use ulid::Ulid;

use crate::{
    Error,
    memory::Memory,
    moment::Moment,
    store::{Change, CommitError, Head, Store, WriteRecord},
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

#[derive(Debug, Default)]
struct Rows {
    memories: BTreeMap<Ulid, Memory>,
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

impl Store for FakeStore {
    fn id(&self) -> &'static str {
        "fake"
    }

    async fn head(&self, since: Moment) -> Result<Head, Error> {
        let rows = self.0.lock().unwrap();
        let writes = rows.writes.values().filter(|write| write.at > since).cloned().collect();
        Ok(Head { seq: rows.seq, at: rows.at, versions: rows.versions, writes })
    }

    async fn page(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Memory>, Error> {
        let rows = self.0.lock().unwrap();
        let after = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let range = rows.memories.range((after, std::ops::Bound::Unbounded));
        Ok(range.take(limit).map(|(_, memory)| memory.clone()).collect())
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
        assert_eq!(change.seq, rows.seq + 1, "the journal has no gaps");
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

    async fn close(&self) {}
}
