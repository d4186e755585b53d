//! Rows as the tables have them.

use mcp_core::prelude::{Deserialize, Serialize};
use surrealdb::types::{Datetime, RecordId, RecordIdKey, SurrealValue};
use ulid::Ulid;

use crate::{
    Error,
    graph::{Delta, EntityOutcome, FactOutcome, MergeOutcome},
    memory::{Memory, Outcome, Status},
    moment::Moment,
    store::{Answer, Change, Counts, WriteRecord},
};

pub(super) fn datetime(moment: Moment) -> Datetime {
    moment.to_utc().map_or(Datetime::MAX_UTC, Datetime::from)
}

pub(super) fn open_end(time: Option<Datetime>) -> Moment {
    time.map_or(Moment::NEVER, |time| Moment::from(time.into_inner()))
}

#[derive(Debug, Clone, SurrealValue)]
pub(super) struct MetaRow {
    pub(super) format: i64,
    pub(super) store_id: String,
    pub(super) created_at: Datetime,
}

#[derive(Debug, SurrealValue)]
pub(super) struct HeadRow {
    pub(super) seq: i64,
    pub(super) at: Datetime,
    pub(super) versions: i64,
    pub(super) graph: i64,
    pub(super) documents: i64,
}

#[derive(Debug, SurrealValue)]
pub(super) struct MemoryRow {
    id: RecordId,
    lineage: String,
    supersedes: Option<String>,
    version: i64,
    key: Option<String>,
    context: String,
    text: String,
    tags: Vec<String>,
    importance: i64,
    confidence: Option<f64>,
    source: Option<String>,
    expires_at: Option<Datetime>,
    recorded_at: Datetime,
    retracted_at: Option<Datetime>,
    seq: i64,
}

impl MemoryRow {
    pub(super) fn of(memory: &Memory) -> Self {
        Self {
            id: RecordId::new("memory", memory.id.to_string()),
            lineage: memory.lineage.to_string(),
            supersedes: memory.supersedes.map(|id| id.to_string()),
            version: i64::from(memory.version),
            key: memory.key.clone(),
            context: memory.context.clone(),
            text: memory.text.clone(),
            tags: memory.tags.clone(),
            importance: i64::from(memory.importance),
            confidence: memory.confidence,
            source: memory.source.clone(),
            expires_at: memory.expires_at.known().map(datetime),
            recorded_at: datetime(memory.recorded_at),
            retracted_at: memory.retracted_at.known().map(datetime),
            seq: i64::try_from(memory.seq).unwrap_or(i64::MAX),
        }
    }

    pub(super) fn into_memory(self) -> Result<Memory, Error> {
        let RecordIdKey::String(id) = &self.id.key else { return Err(odd("the id of a memory")) };
        Ok(Memory {
            id: ulid(id)?,
            lineage: ulid(&self.lineage)?,
            supersedes: self.supersedes.as_deref().map(ulid).transpose()?,
            version: u32::try_from(self.version).map_err(|_| odd("a version"))?,
            key: self.key,
            context: self.context,
            text: self.text,
            tags: self.tags,
            importance: u8::try_from(self.importance).map_err(|_| odd("an importance"))?,
            confidence: self.confidence,
            source: self.source,
            expires_at: open_end(self.expires_at),
            recorded_at: Moment::from(self.recorded_at.into_inner()),
            retracted_at: open_end(self.retracted_at),
            seq: self.seq.unsigned_abs(),
        })
    }
}

#[derive(Debug, SurrealValue)]
pub(super) struct ChangeRow {
    op: String,
    at: Datetime,
    added: Vec<String>,
    retracted: Vec<String>,
    deleted: Vec<String>,
    write_id: Option<String>,
}

impl ChangeRow {
    pub(super) fn of(change: &Change) -> Self {
        // Chunks are told by their document.
        let documents = &change.documents;
        let added = change.insert.iter().map(|memory| memory.id);
        let added = added.chain(documents.insert.iter().map(|document| document.id));
        let retracted = change.retract.iter().chain(&documents.retract).copied();
        let deleted = change.delete.iter().copied();
        let deleted = deleted.chain(documents.delete.iter().map(|document| document.id));
        Self {
            op: change.op.label().to_owned(),
            at: datetime(change.at),
            added: ids(added, &change.graph, |graph| {
                let entities = graph.entities.insert.iter().map(|row| row.id);
                let observations = graph.observations.insert.iter().map(|row| row.id);
                let facts = graph.facts.insert.iter().map(|row| row.id);
                let merges = graph.merges.insert.iter().map(|row| row.id);
                entities.chain(observations).chain(facts).chain(merges).collect()
            }),
            retracted: ids(retracted, &change.graph, |graph| {
                let (entities, facts) = (&graph.entities.retract, &graph.facts.retract);
                [entities, &graph.observations.retract, facts, &graph.merges.retract]
                    .into_iter()
                    .flatten()
                    .copied()
                    .collect()
            }),
            deleted: ids(deleted, &change.graph, |graph| {
                let (entities, facts) = (&graph.entities.delete, &graph.facts.delete);
                [entities, &graph.observations.delete, facts, &graph.merges.delete]
                    .into_iter()
                    .flatten()
                    .copied()
                    .collect()
            }),
            write_id: change.write.as_ref().map(|write| write.write_id.clone()),
        }
    }
}

fn ids(
    others: impl Iterator<Item = Ulid>,
    graph: &Delta,
    rows: fn(&Delta) -> Vec<Ulid>,
) -> Vec<String> {
    others.chain(rows(graph)).map(|id| id.to_string()).collect()
}

#[derive(Debug, SurrealValue)]
pub(super) struct WrittenRow {
    id: RecordId,
    digest: String,
    seq: i64,
    at: Datetime,
    answer: String,
}

/// An [`Answer`] as the row keeps it.
#[derive(Serialize, Deserialize)]
enum AnswerForm {
    Stored(Vec<(String, String, u32, Option<String>)>),
    Forgotten {
        memories: usize,
        versions: usize,
        #[serde(default)]
        graph: usize,
        #[serde(default)]
        documents: usize,
    },
    Entities(Vec<EntityOutcome>),
    Facts(Vec<FactOutcome>, Vec<String>),
    Merged(MergeOutcome),
    Said(String),
}

impl WrittenRow {
    pub(super) fn of(write: &WriteRecord) -> Self {
        let form = match &write.answer {
            Answer::Stored(outcomes) => AnswerForm::Stored(
                outcomes
                    .iter()
                    .map(|outcome| {
                        let previous = outcome.previous.map(|id| id.to_string());
                        (
                            outcome.status.label().to_owned(),
                            outcome.id.to_string(),
                            outcome.version,
                            previous,
                        )
                    })
                    .collect(),
            ),
            &Answer::Forgotten(Counts { memories, versions, graph, documents }) => {
                AnswerForm::Forgotten { memories, versions, graph, documents }
            }
            Answer::Entities(outcomes) => AnswerForm::Entities(outcomes.clone()),
            Answer::Facts(outcomes, made) => AnswerForm::Facts(outcomes.clone(), made.clone()),
            Answer::Merged(outcome) => AnswerForm::Merged(outcome.clone()),
            Answer::Said(text) => AnswerForm::Said(text.clone()),
        };
        Self {
            id: super::written_id(&write.write_id),
            digest: write.digest.clone(),
            seq: i64::try_from(write.seq).unwrap_or(i64::MAX),
            at: datetime(write.at),
            answer: serde_json::to_string(&form).unwrap_or_default(),
        }
    }

    pub(super) fn into_record(self) -> Result<WriteRecord, Error> {
        let RecordIdKey::String(write_id) = self.id.key else { return Err(odd("a write id")) };
        let answer = match serde_json::from_str(&self.answer).map_err(|_| odd("an answer"))? {
            AnswerForm::Stored(outcomes) => {
                Answer::Stored(outcomes.into_iter().map(outcome).collect::<Result<_, _>>()?)
            }
            AnswerForm::Forgotten { memories, versions, graph, documents } => {
                Answer::Forgotten(Counts { memories, versions, graph, documents })
            }
            AnswerForm::Entities(outcomes) => Answer::Entities(outcomes),
            AnswerForm::Facts(outcomes, made) => Answer::Facts(outcomes, made),
            AnswerForm::Merged(outcome) => Answer::Merged(outcome),
            AnswerForm::Said(text) => Answer::Said(text),
        };
        let at = Moment::from(self.at.into_inner());
        Ok(WriteRecord { write_id, digest: self.digest, seq: self.seq.unsigned_abs(), at, answer })
    }
}

fn outcome(
    (status, id, version, previous): (String, String, u32, Option<String>),
) -> Result<Outcome, Error> {
    Ok(Outcome {
        status: Status::from_label(&status).ok_or_else(|| odd("a status"))?,
        id: ulid(&id)?,
        version,
        previous: previous.as_deref().map(ulid).transpose()?,
    })
}

pub(super) fn ulid(text: &str) -> Result<Ulid, Error> {
    Ulid::from_string(text).map_err(|_| odd("an id"))
}

pub(super) fn odd(what: &str) -> Error {
    Error::StoreCorrupt(format!("{what} is not readable"))
}
