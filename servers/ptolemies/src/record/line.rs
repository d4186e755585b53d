//! The form of a row as a line of JSON. Times are RFC 3339 in UTC; an open end is left out.

use mcp_core::prelude::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ulid::Ulid;

use super::{Record, Refused, check};
use crate::{
    document::{Chunk, Document},
    graph::{Cardinality, Entity, Fact, KindRule, Merge, Observation, Source, Times},
    memory::Memory,
    moment::Moment,
};

/// The row as one line, without its end. What no reader sees is written as an escape, so that a line
/// shows all it holds.
pub(crate) fn write(record: &Record) -> String {
    visible(serde_json::to_string(&Line::of(record)).unwrap_or_default())
}

/// Any value as one line with its end, in the same way.
pub(crate) fn line_of(value: &Value) -> String {
    visible(format!("{value}\n"))
}

/// The row of a line, its bounds checked.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(line: &str) -> Result<Record, Refused> {
    let line: Line = serde_json::from_str(line).map_err(|error| Refused::invalid(told(&error)))?;
    let record = line.into_record()?;
    check::check(&record)?;
    Ok(record)
}

/// What is wrong with a line, without what it holds.
fn told(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => mcp_core::untrusted::line(&error.to_string(), 200),
        _ => format!("is no JSON at column {}", error.column()),
    }
}

fn visible(line: String) -> String {
    if matches!(mcp_core::untrusted::clean(&line), std::borrow::Cow::Borrowed(_)) {
        return line;
    }
    let mut out = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if c != '\n' && (mcp_core::untrusted::is_invisible(c) || c.is_control()) {
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "table", rename_all = "snake_case")]
enum Line {
    Rule(RuleLine),
    Entity(EntityLine),
    Observation(ObservationLine),
    Fact(FactLine),
    Merge(MergeLine),
    Memory(MemoryLine),
    Document(DocumentLine),
    Chunk(ChunkLine),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleLine {
    #[serde(rename = "type")]
    kind: String,
    cardinality: Cardinality,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntityLine {
    id: String,
    entity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    version: u32,
    name: String,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    props: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    recorded_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retracted_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObservationLine {
    id: String,
    entity: String,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    valid_from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_to: Option<String>,
    recorded_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retracted_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactLine {
    id: String,
    fact: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    version: u32,
    from: String,
    #[serde(rename = "type")]
    kind: String,
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    props: Option<Map<String, Value>>,
    weight: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sources: Vec<SourceLine>,
    valid_from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_to: Option<String>,
    recorded_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retracted_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceLine {
    source: String,
    at: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeLine {
    id: String,
    keep: String,
    merged: Vec<String>,
    recorded_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retracted_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemoryLine {
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentLine {
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChunkLine {
    id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    path: Vec<String>,
    start: u64,
    text: String,
}

impl Line {
    fn of(record: &Record) -> Self {
        match record {
            Record::Rule(rule) => {
                Self::Rule(RuleLine { kind: rule.kind.clone(), cardinality: rule.cardinality })
            }
            Record::Entity(row) => Self::Entity(EntityLine::of(row)),
            Record::Observation(row) => Self::Observation(ObservationLine::of(row)),
            Record::Fact(row) => Self::Fact(FactLine::of(row)),
            Record::Merge(row) => Self::Merge(MergeLine {
                id: row.id.to_string(),
                keep: row.keep.to_string(),
                merged: row.merged.iter().map(ToString::to_string).collect(),
                recorded_at: row.recorded_at.to_string(),
                retracted_at: end(row.retracted_at),
            }),
            Record::Memory(row) => Self::Memory(MemoryLine::of(row)),
            Record::Document(row) => Self::Document(DocumentLine::of(row)),
            Record::Chunk(row) => Self::Chunk(ChunkLine {
                id: row.id.to_string(),
                path: row.path.clone(),
                start: row.start,
                text: row.text.clone(),
            }),
        }
    }

    fn into_record(self) -> Result<Record, Refused> {
        Ok(match self {
            Self::Rule(line) => {
                Record::Rule(KindRule { kind: line.kind, cardinality: line.cardinality })
            }
            Self::Entity(line) => Record::Entity(line.into_row()?),
            Self::Observation(line) => Record::Observation(line.into_row()?),
            Self::Fact(line) => Record::Fact(line.into_row()?),
            Self::Merge(line) => Record::Merge(Merge {
                id: ulid("id", &line.id)?,
                keep: ulid("keep", &line.keep)?,
                merged: line
                    .merged
                    .iter()
                    .map(|id| ulid("merged", id))
                    .collect::<Result<_, _>>()?,
                recorded_at: time("recorded_at", &line.recorded_at)?,
                retracted_at: open("retracted_at", line.retracted_at.as_ref())?,
                seq: 0,
            }),
            Self::Memory(line) => Record::Memory(line.into_row()?),
            Self::Document(line) => Record::Document(line.into_row()?),
            Self::Chunk(line) => Record::Chunk(Chunk {
                id: ulid("id", &line.id)?,
                path: line.path,
                start: line.start,
                text: line.text,
            }),
        })
    }
}

impl EntityLine {
    fn of(row: &Entity) -> Self {
        Self {
            id: row.id.to_string(),
            entity: row.lineage.to_string(),
            previous: row.supersedes.map(|id| id.to_string()),
            version: row.version,
            name: row.name.clone(),
            kind: row.kind.clone(),
            aliases: row.aliases.clone(),
            props: object(row.props.as_ref()),
            source: row.source.clone(),
            recorded_at: row.recorded_at.to_string(),
            retracted_at: end(row.retracted_at),
        }
    }

    fn into_row(self) -> Result<Entity, Refused> {
        Ok(Entity {
            id: ulid("id", &self.id)?,
            lineage: ulid("entity", &self.entity)?,
            supersedes: previous(self.previous.as_ref())?,
            version: self.version,
            name: self.name,
            kind: self.kind,
            aliases: self.aliases,
            props: stored(self.props)?,
            source: self.source,
            recorded_at: time("recorded_at", &self.recorded_at)?,
            retracted_at: open("retracted_at", self.retracted_at.as_ref())?,
            seq: 0,
        })
    }
}

impl ObservationLine {
    fn of(row: &Observation) -> Self {
        Self {
            id: row.id.to_string(),
            entity: row.entity.to_string(),
            text: row.text.clone(),
            source: row.source.clone(),
            valid_from: row.times.valid_from.to_string(),
            valid_to: end(row.times.valid_to),
            recorded_at: row.times.recorded_at.to_string(),
            retracted_at: end(row.times.retracted_at),
        }
    }

    fn into_row(self) -> Result<Observation, Refused> {
        let times = times(
            &self.valid_from,
            self.valid_to.as_ref(),
            &self.recorded_at,
            self.retracted_at.as_ref(),
        )?;
        Ok(Observation {
            id: ulid("id", &self.id)?,
            entity: ulid("entity", &self.entity)?,
            text: self.text,
            source: self.source,
            times,
            seq: 0,
        })
    }
}

impl FactLine {
    fn of(row: &Fact) -> Self {
        let sources = row.sources.iter();
        Self {
            id: row.id.to_string(),
            fact: row.lineage.to_string(),
            previous: row.supersedes.map(|id| id.to_string()),
            version: row.version,
            from: row.from.to_string(),
            kind: row.kind.clone(),
            to: row.to.to_string(),
            text: row.text.clone(),
            props: object(row.props.as_ref()),
            weight: row.weight,
            confidence: row.confidence,
            sources: sources
                .map(|source| SourceLine { source: source.text.clone(), at: source.at.to_string() })
                .collect(),
            valid_from: row.times.valid_from.to_string(),
            valid_to: end(row.times.valid_to),
            recorded_at: row.times.recorded_at.to_string(),
            retracted_at: end(row.times.retracted_at),
        }
    }

    fn into_row(self) -> Result<Fact, Refused> {
        let times = times(
            &self.valid_from,
            self.valid_to.as_ref(),
            &self.recorded_at,
            self.retracted_at.as_ref(),
        )?;
        let sources = self.sources.into_iter();
        let sources =
            sources.map(|line| Ok(Source { at: time("sources", &line.at)?, text: line.source }));
        Ok(Fact {
            id: ulid("id", &self.id)?,
            lineage: ulid("fact", &self.fact)?,
            supersedes: previous(self.previous.as_ref())?,
            version: self.version,
            from: ulid("from", &self.from)?,
            to: ulid("to", &self.to)?,
            kind: self.kind,
            text: self.text,
            props: stored(self.props)?,
            weight: self.weight,
            confidence: self.confidence,
            sources: sources.collect::<Result<_, _>>()?,
            times,
            seq: 0,
        })
    }
}

impl MemoryLine {
    fn of(row: &Memory) -> Self {
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

    fn into_row(self) -> Result<Memory, Refused> {
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

impl DocumentLine {
    fn of(row: &Document) -> Self {
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

    fn into_row(self) -> Result<Document, Refused> {
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

fn end(moment: Moment) -> Option<String> {
    moment.known().map(|moment| moment.to_string())
}

fn object(props: Option<&String>) -> Option<Map<String, Value>> {
    serde_json::from_str(props?).ok()
}

fn stored(props: Option<Map<String, Value>>) -> Result<Option<String>, Refused> {
    let text = props.map(|props| serde_json::to_string(&props)).transpose();
    text.map_err(|error| Refused::invalid(error.to_string()))
}

fn ulid(field: &str, text: &str) -> Result<Ulid, Refused> {
    Ulid::from_string(text)
        .ok()
        .filter(|id| id.to_string() == text)
        .ok_or_else(|| Refused::invalid(format!("{field} must be an id: 26 letters and digits")))
}

fn previous(text: Option<&String>) -> Result<Option<Ulid>, Refused> {
    text.map(|text| ulid("previous", text)).transpose()
}

fn time(field: &str, text: &str) -> Result<Moment, Refused> {
    Moment::parse(text).ok_or_else(|| {
        Refused::invalid(format!("{field} must be a time as in 2026-01-31T09:30:00Z"))
    })
}

fn open(field: &str, text: Option<&String>) -> Result<Moment, Refused> {
    text.map_or(Ok(Moment::NEVER), |text| time(field, text))
}

fn times(
    valid_from: &str,
    valid_to: Option<&String>,
    recorded_at: &str,
    retracted_at: Option<&String>,
) -> Result<Times, Refused> {
    Ok(Times {
        valid_from: time("valid_from", valid_from)?,
        valid_to: open("valid_to", valid_to)?,
        recorded_at: time("recorded_at", recorded_at)?,
        retracted_at: open("retracted_at", retracted_at)?,
    })
}
