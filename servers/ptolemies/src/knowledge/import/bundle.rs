//! Rows that were taken in, as what a change writes.

use ulid::Ulid;

use crate::{
    document::DocumentDelta,
    graph::Delta,
    memory::Memory,
    record::{Incoming, Record},
};

/// Most rows and bytes of one change: it has to fit the store's write buffer.
const MOST: usize = 500;
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Rows of one change.
#[derive(Debug, Default)]
pub(in crate::knowledge) struct Bundle {
    pub(in crate::knowledge) memories: Vec<Memory>,
    pub(in crate::knowledge) graph: Delta,
    pub(in crate::knowledge) documents: DocumentDelta,
    rows: usize,
    bytes: usize,
    /// The last of its ids.
    pub(in crate::knowledge) last_id: Option<Ulid>,
}

impl Bundle {
    pub(in crate::knowledge) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(in crate::knowledge) fn is_full(&self) -> bool {
        self.rows >= MOST || self.bytes >= MOST_BYTES
    }

    pub(in crate::knowledge) fn push(&mut self, row: Incoming, seq: u64) {
        let Incoming { mut record, chunks, .. } = row;
        record.set_seq(seq);
        let last = chunks.last().map(|chunk| chunk.id).max(record.id());
        self.last_id = self.last_id.max(last);
        self.rows += 1 + chunks.len();
        self.bytes += chunks.iter().map(|chunk| chunk.text.len()).sum::<usize>();
        match record {
            Record::Rule(rule) => self.graph.rules.push(rule),
            Record::Entity(row) => {
                self.bytes += row.bytes();
                self.graph.entities.insert.push(row);
            }
            Record::Observation(row) => {
                self.bytes += row.bytes();
                self.graph.observations.insert.push(row);
            }
            Record::Fact(row) => {
                self.bytes += row.bytes();
                self.graph.facts.insert.push(row);
            }
            Record::Merge(row) => self.graph.merges.insert.push(row),
            Record::Memory(row) => {
                self.bytes += row.text.len();
                self.memories.push(row);
            }
            Record::Document(row) => {
                self.documents.insert.push(row);
                self.documents.chunks.extend(chunks);
            }
            // Chunks come with their documents.
            Record::Chunk(_) => {}
        }
    }
}
