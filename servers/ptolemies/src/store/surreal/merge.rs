//! The table of merges.

use surrealdb::types::{Datetime, RecordId, SurrealValue};

use super::{
    graph::{id_of, signed},
    row::{datetime, open_end, ulid},
};
use crate::{Error, graph::Merge, moment::Moment};

/// From the layout with the graph (2) to that with merges (3).
pub(super) const DEFINE: &str = "
DEFINE TABLE merge TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD keep ON merge TYPE string;
DEFINE FIELD merged ON merge TYPE array<string>;
DEFINE FIELD recorded_at ON merge TYPE datetime;
DEFINE FIELD retracted_at ON merge TYPE option<datetime>;
DEFINE FIELD seq ON merge TYPE int;
";

#[derive(Debug, SurrealValue)]
pub(super) struct MergeRow {
    id: RecordId,
    keep: String,
    merged: Vec<String>,
    recorded_at: Datetime,
    retracted_at: Option<Datetime>,
    seq: i64,
}

impl MergeRow {
    pub(super) fn of(merge: &Merge) -> Self {
        Self {
            id: RecordId::new("merge", merge.id.to_string()),
            keep: merge.keep.to_string(),
            merged: merge.merged.iter().map(ToString::to_string).collect(),
            recorded_at: datetime(merge.recorded_at),
            retracted_at: merge.retracted_at.known().map(datetime),
            seq: signed(merge.seq),
        }
    }

    pub(super) fn into_merge(self) -> Result<Merge, Error> {
        Ok(Merge {
            id: id_of(&self.id)?,
            keep: ulid(&self.keep)?,
            merged: self.merged.iter().map(|id| ulid(id)).collect::<Result<_, _>>()?,
            recorded_at: Moment::from(self.recorded_at.into_inner()),
            retracted_at: open_end(self.retracted_at),
            seq: self.seq.unsigned_abs(),
        })
    }
}
