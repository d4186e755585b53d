//! Documents and their chunks.

use mcp_core::prelude::{Deserialize, Serialize};

use super::value::{end, open, previous, time, ulid};
use crate::{
    document::{Chunk, Document},
    record::Refused,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentLine {
    id: String,
    document: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    version: u32,
    uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    mime: String,
    context: String,
    sha256: String,
    bytes: u64,
    chunks: u32,
    recorded_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retracted_at: Option<String>,
}

impl DocumentLine {
    pub(super) fn of(row: &Document) -> Self {
        Self {
            id: row.id.to_string(),
            document: row.lineage.to_string(),
            previous: row.supersedes.map(|id| id.to_string()),
            version: row.version,
            uri: row.uri.clone(),
            title: row.title.clone(),
            mime: row.mime.clone(),
            context: row.context.clone(),
            sha256: row.sha256.clone(),
            bytes: row.bytes,
            chunks: row.chunks,
            recorded_at: row.recorded_at.to_string(),
            retracted_at: end(row.retracted_at),
        }
    }

    pub(super) fn into_row(self) -> Result<Document, Refused> {
        Ok(Document {
            id: ulid("id", &self.id)?,
            lineage: ulid("document", &self.document)?,
            supersedes: previous(self.previous.as_ref())?,
            version: self.version,
            uri: self.uri,
            title: self.title,
            mime: self.mime,
            context: self.context,
            sha256: self.sha256,
            bytes: self.bytes,
            chunks: self.chunks,
            recorded_at: time("recorded_at", &self.recorded_at)?,
            retracted_at: open("retracted_at", self.retracted_at.as_ref())?,
            seq: 0,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChunkLine {
    id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    path: Vec<String>,
    start: u64,
    text: String,
}

impl ChunkLine {
    pub(super) fn of(row: &Chunk) -> Self {
        Self {
            id: row.id.to_string(),
            path: row.path.clone(),
            start: row.start,
            text: row.text.clone(),
        }
    }

    pub(super) fn into_row(self) -> Result<Chunk, Refused> {
        Ok(Chunk { id: ulid("id", &self.id)?, path: self.path, start: self.start, text: self.text })
    }
}
