//! Memories.

use mcp_core::prelude::{Deserialize, Serialize};

use super::value::{end, open, previous, time, ulid};
use crate::{memory::Memory, record::Refused};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemoryLine {
    id: String,
    memory: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    context: String,
    text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    importance: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    recorded_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retracted_at: Option<String>,
}

impl MemoryLine {
    pub(super) fn of(row: &Memory) -> Self {
        Self {
            id: row.id.to_string(),
            memory: row.lineage.to_string(),
            previous: row.supersedes.map(|id| id.to_string()),
            version: row.version,
            key: row.key.clone(),
            context: row.context.clone(),
            text: row.text.clone(),
            tags: row.tags.clone(),
            importance: row.importance,
            confidence: row.confidence,
            source: row.source.clone(),
            expires_at: end(row.expires_at),
            recorded_at: row.recorded_at.to_string(),
            retracted_at: end(row.retracted_at),
        }
    }

    pub(super) fn into_row(self) -> Result<Memory, Refused> {
        Ok(Memory {
            id: ulid("id", &self.id)?,
            lineage: ulid("memory", &self.memory)?,
            supersedes: previous(self.previous.as_ref())?,
            version: self.version,
            key: self.key,
            context: self.context,
            text: self.text,
            tags: self.tags,
            importance: self.importance,
            confidence: self.confidence,
            source: self.source,
            expires_at: open("expires_at", self.expires_at.as_ref())?,
            recorded_at: time("recorded_at", &self.recorded_at)?,
            retracted_at: open("retracted_at", self.retracted_at.as_ref())?,
            seq: 0,
        })
    }
}
