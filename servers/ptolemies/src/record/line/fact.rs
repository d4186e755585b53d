//! Facts.

use mcp_core::prelude::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::value::{end, object, previous, stored, time, times, ulid};
use crate::{
    graph::{Fact, Source},
    record::Refused,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactLine {
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

impl FactLine {
    pub(super) fn of(row: &Fact) -> Self {
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

    pub(super) fn into_row(self) -> Result<Fact, Refused> {
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceLine {
    source: String,
    at: String,
}
