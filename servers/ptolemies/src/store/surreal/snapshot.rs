//! All tables by one door, from the live store or from a moment of it.

use std::ops::Bound;

use surrealdb::{
    IndexedResults, Surreal,
    engine::local::Db,
    method::Transaction,
    types::{Object, RecordId, RecordIdKey, RecordIdKeyRange, SurrealValue},
};

use super::{
    SurrealStore, broken,
    document::{ChunkRow, DocumentRow},
    graph::{EntityRow, FactRow, ObservationRow, RuleRow},
    head_id,
    merge::MergeRow,
    row::{HeadRow, MemoryRow},
    vars,
};
use crate::{
    Error,
    moment::Moment,
    record::{Record, Table},
    store::{Snapshot, Source},
};

/// A transaction that only reads: it sees the store as it was when it began.
pub(crate) struct SurrealSnapshot(pub(super) Transaction<Db>);

/// Where a query goes.
enum Door<'a> {
    Live(&'a Surreal<Db>),
    Then(&'a Transaction<Db>),
}

/// Some rows of a table, behind a key.
#[derive(Clone, Copy)]
struct Page<'a> {
    table: Table,
    after: Option<&'a str>,
    limit: usize,
}

impl Source for SurrealStore {
    async fn records(
        &self,
        table: Table,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        Door::Live(&self.db).records(Page { table, after, limit }).await
    }
}

impl Source for SurrealSnapshot {
    async fn records(
        &self,
        table: Table,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        Door::Then(&self.0).records(Page { table, after, limit }).await
    }
}

impl Snapshot for SurrealSnapshot {
    async fn stand(&self) -> Result<(u64, Moment), Error> {
        let bound = vars([("id", head_id().into_value())]);
        let rows: Vec<HeadRow> = Door::Then(&self.0).read("SELECT * FROM $id", bound).await?;
        let head = rows
            .into_iter()
            .next()
            .ok_or_else(|| Error::StoreCorrupt("the head row is missing".to_owned()))?;
        Ok((head.seq.unsigned_abs(), Moment::from(head.at.into_inner())))
    }

    async fn release(self) {
        if let Err(error) = self.0.cancel().await {
            tracing::warn!(%error, "a snapshot was not released");
        }
    }
}

impl Door<'_> {
    async fn read<R: SurrealValue>(
        &self,
        statement: &'static str,
        bound: Object,
    ) -> Result<Vec<R>, Error> {
        let answer = match self {
            Self::Live(db) => db.query(statement).bind(bound).await,
            Self::Then(transaction) => transaction.query(statement).bind(bound).await,
        };
        let answer = answer.and_then(IndexedResults::check);
        answer.and_then(|mut answer| answer.take::<Vec<R>>(0)).map_err(|error| broken(&error))
    }

    /// Rows of one table, read in two steps: what a row of the store is, then which record.
    async fn rows<R: SurrealValue, T>(
        &self,
        page: Page<'_>,
        read: fn(R) -> Result<T, Error>,
        record: fn(T) -> Record,
    ) -> Result<Vec<Record>, Error> {
        let bound = vars([
            ("range", after_key(page.table.label(), page.after).into_value()),
            ("limit", i64::try_from(page.limit).unwrap_or(i64::MAX).into_value()),
        ]);
        let rows: Vec<R> = self.read("SELECT * FROM $range LIMIT $limit", bound).await?;
        rows.into_iter().map(|row| read(row).map(record)).collect()
    }

    async fn records(&self, page: Page<'_>) -> Result<Vec<Record>, Error> {
        match page.table {
            Table::Rule => self.rows(page, RuleRow::into_rule, Record::Rule).await,
            Table::Entity => self.rows(page, EntityRow::into_entity, Record::Entity).await,
            Table::Observation => {
                self.rows(page, ObservationRow::into_observation, Record::Observation).await
            }
            Table::Fact => self.rows(page, FactRow::into_fact, Record::Fact).await,
            Table::Merge => self.rows(page, MergeRow::into_merge, Record::Merge).await,
            Table::Memory => self.rows(page, MemoryRow::into_memory, Record::Memory).await,
            Table::Document => self.rows(page, DocumentRow::into_document, Record::Document).await,
            Table::Chunk => self.rows(page, ChunkRow::into_chunk, Record::Chunk).await,
        }
    }
}

/// Rows of a table behind a key.
pub(super) fn after_key(table: &'static str, after: Option<&str>) -> RecordId {
    let after = after.map(|key| RecordIdKey::String(key.to_owned()));
    range(table, after)
}

pub(super) fn range(table: &'static str, after: Option<RecordIdKey>) -> RecordId {
    let range = RecordIdKeyRange {
        start: after.map_or(Bound::Unbounded, Bound::Excluded),
        end: Bound::Unbounded,
    };
    RecordId::new(table, RecordIdKey::Range(Box::new(range)))
}
