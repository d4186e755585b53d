//! Documents: texts with a name, kept in versions, read and found by their chunks.

mod catalog;
mod format;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::moment::Moment;

pub(crate) use catalog::{Documents, Filter};
pub(crate) use format::{Format, MAX_BYTES, MAX_CHUNKS, Origin, Raw, read, within};

/// One version of a document, as stored. Only `retracted_at` ever changes, once.
///
/// Its chunks have the ids that follow its own: the first chunk's is its own plus one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) id: Ulid,
    /// Id of the first version.
    pub(crate) lineage: Ulid,
    pub(crate) supersedes: Option<Ulid>,
    /// Counts from 1.
    pub(crate) version: u32,
    /// Its unique name: a URI, a path.
    pub(crate) uri: String,
    pub(crate) title: Option<String>,
    pub(crate) mime: String,
    pub(crate) context: String,
    /// Of the bytes it was read from, in hexadecimal digits.
    pub(crate) sha256: String,
    /// Bytes of its text.
    pub(crate) bytes: u64,
    pub(crate) chunks: u32,
    pub(crate) recorded_at: Moment,
    pub(crate) retracted_at: Moment,
    /// The change that wrote it.
    pub(crate) seq: u64,
}

impl Document {
    pub(crate) fn is_open(&self) -> bool {
        self.retracted_at == Moment::NEVER
    }

    pub(crate) fn is_known_at(&self, known_at: Moment) -> bool {
        self.recorded_at <= known_at && known_at < self.retracted_at
    }

    /// Id of a chunk, counted from 0.
    pub(crate) fn chunk_id(&self, number: u32) -> Ulid {
        Ulid(self.id.0.saturating_add(u128::from(number) + 1))
    }

    /// Ids of its chunks, in order.
    pub(crate) fn chunk_ids(&self) -> impl Iterator<Item = Ulid> + use<> {
        let first = self.id.0;
        (1..=u128::from(self.chunks)).map(move |number| Ulid(first.saturating_add(number)))
    }

    /// Number of the chunk that has an id, if one of its chunks has.
    pub(crate) fn number_of(&self, chunk: Ulid) -> Option<u32> {
        let number = u32::try_from(chunk.0.checked_sub(self.id.0)?.checked_sub(1)?).ok()?;
        (number < self.chunks).then_some(number)
    }
}

/// A piece of a version. The texts of all of them, joined, are the text of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) id: Ulid,
    /// Headings it stands under, outermost first.
    pub(crate) path: Vec<String>,
    /// Bytes of the document before it.
    pub(crate) start: u64,
    /// With the space up to the next chunk.
    pub(crate) text: String,
}

impl Chunk {
    /// What the index holds of it: title, headings and text in one field.
    pub(crate) fn indexed_text(&self, title: Option<&str>) -> String {
        let title = title.filter(|title| self.path.first().is_none_or(|first| first != title));
        let mut lines: Vec<&str> = title.into_iter().collect();
        lines.extend(self.path.iter().map(String::as_str).filter(|line| !line.is_empty()));
        lines.push(self.text.trim_end());
        lines.join("\n")
    }
}

/// A document to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewDocument {
    pub(crate) uri: String,
    pub(crate) title: Option<String>,
    pub(crate) mime: String,
    /// That of the version before, else the default, when absent.
    pub(crate) context: Option<String>,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) pieces: Vec<Piece>,
}

/// A chunk without a place in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) path: Vec<String>,
    pub(crate) start: u64,
    pub(crate) text: String,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentOutcome {
    pub(crate) status: DocumentStatus,
    /// Of the version that holds now; of none when it would be new.
    pub(crate) id: Option<Ulid>,
    pub(crate) version: u32,
    pub(crate) previous: Option<Ulid>,
    pub(crate) chunks: u32,
}

/// How a document was taken in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, mcp_core::prelude::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(crate = "mcp_core::prelude::schemars")]
pub(crate) enum DocumentStatus {
    /// Its name is new.
    Added,
    /// It took the place of an older version.
    Updated,
    /// It is there already.
    Unchanged,
}

/// What a change does to documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DocumentDelta {
    pub(crate) insert: Vec<Document>,
    /// Of the documents that are inserted, in their order.
    pub(crate) chunks: Vec<Chunk>,
    /// Versions whose system interval ends.
    pub(crate) retract: Vec<Ulid>,
    /// Versions that leave the store with their chunks.
    pub(crate) delete: Vec<Document>,
}

impl DocumentDelta {
    /// Rows added, less those deleted.
    pub(crate) fn growth(&self) -> i64 {
        let count = |documents: &[Document]| -> i64 {
            documents.iter().map(|document| i64::from(document.chunks) + 1).sum()
        };
        count(&self.insert) - count(&self.delete)
    }
}
