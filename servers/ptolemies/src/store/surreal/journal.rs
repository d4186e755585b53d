//! Reading the journal.

use surrealdb::types::{RecordId, RecordIdKey, RecordIdKeyRange, SurrealValue};

use super::{SurrealStore, graph::signed, row, vars};
use crate::{Error, store::Touched};

#[derive(Debug, SurrealValue)]
struct TouchedRow {
    id: RecordId,
    added: Vec<String>,
    retracted: Vec<String>,
    deleted: Vec<String>,
}

impl SurrealStore {
    /// Changes after `after`, up to `last`, at most `limit`, oldest first.
    pub(crate) async fn changes(
        &self,
        after: u64,
        last: u64,
        limit: usize,
    ) -> Result<Vec<Touched>, Error> {
        let key = |seq: u64| RecordIdKey::Number(signed(seq));
        let range = RecordIdKeyRange {
            start: std::ops::Bound::Excluded(key(after)),
            end: std::ops::Bound::Included(key(last)),
        };
        let range = RecordId::new("change", RecordIdKey::Range(Box::new(range)));
        let bound = vars([
            ("range", range.into_value()),
            ("limit", i64::try_from(limit).unwrap_or(i64::MAX).into_value()),
        ]);
        let statement = "SELECT id, added, retracted, deleted FROM $range LIMIT $limit";
        let rows: Vec<TouchedRow> = self.read(statement, bound).await?;
        rows.into_iter().map(TouchedRow::into_touched).collect()
    }
}

impl TouchedRow {
    fn into_touched(self) -> Result<Touched, Error> {
        let RecordIdKey::Number(seq) = self.id.key else { return Err(row::odd("a change")) };
        let ids =
            |texts: &[String]| texts.iter().map(|id| row::ulid(id)).collect::<Result<Vec<_>, _>>();
        let mut kept = ids(&self.added)?;
        kept.extend(ids(&self.retracted)?);
        Ok(Touched { seq: seq.unsigned_abs(), kept, gone: ids(&self.deleted)? })
    }
}
