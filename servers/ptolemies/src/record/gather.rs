//! Lines of an export as rows to take in.

use std::collections::BTreeMap;

use ulid::Ulid;

use super::{Record, Refused, parse};
use crate::document::Chunk;

/// A row to take in, with the number of its line; a document with its chunks.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) line: usize,
    pub(crate) record: Record,
    pub(crate) chunks: Vec<Chunk>,
}

/// Puts chunks to their documents: a document can be taken in once all its chunks are there.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    /// Documents that wait for chunks, by id.
    waiting: BTreeMap<Ulid, Incoming>,
}

impl Gather {
    /// The row that is whole with this line, if one is.
    pub(crate) fn push(
        &mut self,
        line: usize,
        text: &str,
    ) -> Option<Result<Incoming, (usize, Refused)>> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return None;
        }
        match parse(text) {
            Err(refused) => Some(Err((line, refused))),
            Ok(Record::Document(document)) => {
                let id = document.id;
                if self.waiting.contains_key(&id) {
                    let refused = Refused::conflict("its id stands in an earlier line");
                    return Some(Err((line, refused)));
                }
                let record = Record::Document(document);
                self.waiting.insert(id, Incoming { line, record, chunks: Vec::new() });
                None
            }
            Ok(Record::Chunk(chunk)) => self.chunk(line, chunk).map(Ok),
            Ok(record) => Some(Ok(Incoming { line, record, chunks: Vec::new() })),
        }
    }

    /// Documents that lack chunks.
    pub(crate) fn rest(self) -> impl Iterator<Item = Incoming> {
        self.waiting.into_values()
    }

    /// Put a chunk to its document: the document once it is whole, the chunk if it is of none.
    fn chunk(&mut self, line: usize, chunk: Chunk) -> Option<Incoming> {
        let waiting = self.waiting.range_mut(..chunk.id).next_back();
        let wanted = waiting.and_then(|(id, row)| match &row.record {
            Record::Document(document) if document.number_of(chunk.id).is_some() => {
                Some((*id, document.chunks as usize, &mut row.chunks))
            }
            _ => None,
        });
        let Some((id, count, chunks)) = wanted else {
            return Some(Incoming { line, record: Record::Chunk(chunk), chunks: Vec::new() });
        };
        chunks.push(chunk);
        if chunks.len() == count { self.waiting.remove(&id) } else { None }
    }
}
