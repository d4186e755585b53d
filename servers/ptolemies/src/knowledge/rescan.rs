//! Whether rows that were purged are anywhere still.

use ulid::Ulid;

use super::{Finding, Kept, Knowledge, State, Tell};
use crate::{
    Error,
    record::{Record, Table},
    store::Store,
};

/// Rows read at a time.
const READ: usize = 1_000;
/// Findings that are told.
const LISTED: usize = 50;

impl<S: Store> Knowledge<S> {
    /// Random name of the store.
    pub(crate) fn store_id(&self) -> String {
        self.shared.store().id().to_owned()
    }

    /// How many of some rows are in the store or in what is known of it.
    pub(crate) async fn remains(&self, rows: &[(Table, Ulid)]) -> Result<usize, Error> {
        let store = self.shared.store();
        let mut found = 0;
        let (chunks, others): (Vec<_>, Vec<_>) =
            rows.iter().copied().partition(|(table, _)| *table == Table::Chunk);
        for (table, id) in others {
            let before = Ulid(id.0.saturating_sub(1)).to_string();
            let page = store.records(table, Some(&before), 1).await?;
            let stored = page.first().is_some_and(|row| row.id() == Some(id));
            found += usize::from(stored || self.shared.read().knows(table, id));
        }
        for chunks in chunks.chunks(READ) {
            let ids: Vec<Ulid> = chunks.iter().map(|(_, id)| *id).collect();
            let stored = store.chunk_rows(&ids).await?.len();
            let state = self.shared.read();
            let known = ids.iter().filter(|id| state.knows(Table::Chunk, **id)).count();
            found += stored.max(known);
        }
        Ok(found)
    }

    /// Look at every row of the store for those that `is_gone` says should not be there.
    pub(crate) async fn look_for(
        &self,
        is_gone: impl Fn(Table, Ulid) -> bool + Send,
        mut tell: Tell,
    ) -> Result<Kept, Error> {
        self.ready().await?;
        let store = self.shared.store();
        let mut kept = Kept { seq: self.shared.read().seq, ..Kept::default() };
        let mut total = 0;
        for table in Table::ALL {
            let mut after: Option<String> = None;
            loop {
                let rows = store.records(table, after.as_deref(), READ).await?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key());
                total += rows.len();
                *kept.rows.entry(table.label().to_owned()).or_default() += rows.len();
                let found = rows.iter().filter_map(Record::id);
                for id in found.filter(|id| is_gone(table, *id)) {
                    kept.wrong += 1;
                    if kept.findings.len() < LISTED {
                        let (table, id) = (table.label().to_owned(), id.to_string());
                        let what = "this receipt says that it was purged";
                        kept.findings.push(Finding { table, id, what });
                    }
                }
                if !tell(total) {
                    return Err(Error::Cancelled);
                }
            }
        }
        Ok(kept)
    }
}

impl State {
    /// Whether anything of a row is known, or found by search.
    fn knows(&self, table: Table, id: Ulid) -> bool {
        let known = match table {
            Table::Rule => false,
            Table::Entity => self.graph.entity_row(id).is_some(),
            Table::Observation => self.graph.observation_row(id).is_some(),
            Table::Fact => self.graph.fact_row(id).is_some(),
            Table::Merge => self.graph.merge_row(id).is_some(),
            Table::Memory => self.catalog.get(id).is_some(),
            Table::Document => self.documents.get(id).is_some(),
            Table::Chunk => self.documents.of_chunk(id).is_some(),
        };
        known || self.docs.contains_key(&id)
    }
}
