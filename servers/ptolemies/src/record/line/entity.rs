//! Types of facts, entities, merges, and what is observed of them.

use mcp_core::prelude::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::value::{end, object, open, previous, stored, time, times, ulid};
use crate::{
    graph::{Cardinality, Entity, KindRule, Merge, Observation},
    record::Refused,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleLine {
    #[serde(rename = "type")]
    kind: String,
    cardinality: Cardinality,
}

impl RuleLine {
    pub(super) fn of(row: &KindRule) -> Self {
        Self { kind: row.kind.clone(), cardinality: row.cardinality }
    }

    pub(super) fn into_row(self) -> KindRule {
        KindRule { kind: self.kind, cardinality: self.cardinality }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntityLine {
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

impl EntityLine {
    pub(super) fn of(row: &Entity) -> Self {
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

    pub(super) fn into_row(self) -> Result<Entity, Refused> {
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MergeLine {
    id: String,
    keep: String,
    merged: Vec<String>,
    recorded_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retracted_at: Option<String>,
}

impl MergeLine {
    pub(super) fn of(row: &Merge) -> Self {
        Self {
            id: row.id.to_string(),
            keep: row.keep.to_string(),
            merged: row.merged.iter().map(ToString::to_string).collect(),
            recorded_at: row.recorded_at.to_string(),
            retracted_at: end(row.retracted_at),
        }
    }

    pub(super) fn into_row(self) -> Result<Merge, Refused> {
        let merged = self.merged.iter().map(|id| ulid("merged", id));
        Ok(Merge {
            id: ulid("id", &self.id)?,
            keep: ulid("keep", &self.keep)?,
            merged: merged.collect::<Result<_, _>>()?,
            recorded_at: time("recorded_at", &self.recorded_at)?,
            retracted_at: open("retracted_at", self.retracted_at.as_ref())?,
            seq: 0,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ObservationLine {
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

impl ObservationLine {
    pub(super) fn of(row: &Observation) -> Self {
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

    pub(super) fn into_row(self) -> Result<Observation, Refused> {
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
