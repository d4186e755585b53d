//! Entities, what is observed of them, and facts between them, in time.

mod draft;
mod ledger;
mod lens;
mod merges;
mod mirrored;
pub(crate) mod names;
mod view;

use mcp_core::prelude::{Deserialize, JsonSchema, Serialize};
use ulid::Ulid;

use crate::{moment::Moment, text::is_zero};

pub(crate) use draft::Draft;
pub(crate) use ledger::{Doomed, Graph};
pub(crate) use lens::{Direction, Edge, Lens, Near};
pub(crate) use merges::{LATEST, Merge, MergeOutcome};
pub(crate) use view::Resolved;

/// When something holds in the world and when the store knows it: two half-open intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) valid_from: Moment,
    pub(crate) valid_to: Moment,
    pub(crate) recorded_at: Moment,
    pub(crate) retracted_at: Moment,
}

impl Times {
    pub(crate) fn holds_at(&self, at: At) -> bool {
        self.valid_from <= at.as_of && at.as_of < self.valid_to && self.known_at(at.known_at)
    }

    pub(crate) fn known_at(&self, known_at: Moment) -> bool {
        self.recorded_at <= known_at && known_at < self.retracted_at
    }

    /// Whether the store still says it, of whatever time in the world.
    pub(crate) fn is_open(&self) -> bool {
        self.retracted_at == Moment::NEVER
    }

    pub(crate) fn overlaps(&self, from: Moment, to: Moment) -> bool {
        self.valid_from < to && from < self.valid_to
    }
}

/// A point in both times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    /// In the world.
    pub(crate) as_of: Moment,
    /// Of what the store knew.
    pub(crate) known_at: Moment,
}

/// One version of an entity. Only `retracted_at` ever changes, once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entity {
    pub(crate) id: Ulid,
    /// Id of the first version: what facts and callers name.
    pub(crate) lineage: Ulid,
    pub(crate) supersedes: Option<Ulid>,
    /// Counts from 1.
    pub(crate) version: u32,
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) aliases: Vec<String>,
    /// A JSON object.
    pub(crate) props: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) recorded_at: Moment,
    pub(crate) retracted_at: Moment,
    pub(crate) seq: u64,
}

impl Entity {
    pub(crate) fn is_open(&self) -> bool {
        self.retracted_at == Moment::NEVER
    }

    pub(crate) fn is_known_at(&self, known_at: Moment) -> bool {
        self.recorded_at <= known_at && known_at < self.retracted_at
    }

    /// Keys under which it is found: of its name, then of its aliases.
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> {
        [&self.name].into_iter().chain(&self.aliases).map(|name| names::key(name))
    }

    /// What the index holds of it.
    pub(crate) fn indexed_text(&self) -> String {
        let mut text = self.name.clone();
        for part in self.aliases.iter().chain(&self.kind) {
            text.push('\n');
            text.push_str(part);
        }
        text
    }

    /// Bytes it keeps in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let aliases: usize = self.aliases.iter().map(|alias| alias.len() + 80).sum();
        ROW + self.name.len()
            + aliases
            + len(self.kind.as_ref())
            + len(self.props.as_ref())
            + len(self.source.as_ref())
    }
}

/// One observation of an entity.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observation {
    pub(crate) id: Ulid,
    /// Lineage of the entity.
    pub(crate) entity: Ulid,
    pub(crate) text: String,
    pub(crate) source: Option<String>,
    pub(crate) times: Times,
    pub(crate) seq: u64,
}

impl Observation {
    pub(crate) fn bytes(&self) -> usize {
        ROW + self.text.len() + len(self.source.as_ref())
    }
}

/// One version of a fact: `from` stands in a relation of some type to `to`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fact {
    pub(crate) id: Ulid,
    /// Id of the first version.
    pub(crate) lineage: Ulid,
    /// The version this one corrects, or the value it took the place of.
    pub(crate) supersedes: Option<Ulid>,
    /// Counts from 1.
    pub(crate) version: u32,
    /// Lineages of the entities at its ends.
    pub(crate) from: Ulid,
    pub(crate) to: Ulid,
    pub(crate) kind: String,
    pub(crate) text: Option<String>,
    /// A JSON object.
    pub(crate) props: Option<String>,
    pub(crate) weight: f64,
    pub(crate) confidence: Option<f64>,
    /// Who says so, in the order of their saying.
    pub(crate) sources: Vec<Source>,
    pub(crate) times: Times,
    pub(crate) seq: u64,
}

impl Fact {
    pub(crate) fn bytes(&self) -> usize {
        let sources: usize = self.sources.iter().map(|source| source.text.len() + 40).sum();
        ROW + self.kind.len() + len(self.text.as_ref()) + len(self.props.as_ref()) + sources
    }
}

/// Bytes of a row beside its texts, with its places in maps and index.
const ROW: usize = 400;

fn len(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

/// Who says so, and since when the store knows that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) at: Moment,
}

/// How many values of a type of fact one entity has at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cardinality {
    /// A new value ends the old one.
    One,
    #[default]
    Many,
}

/// A type of fact that was declared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KindRule {
    /// See [`names::kind`].
    pub(crate) kind: String,
    pub(crate) cardinality: Cardinality,
}

/// Rows of one table that a change adds, ends and deletes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rows<T> {
    pub(crate) insert: Vec<T>,
    pub(crate) retract: Vec<Ulid>,
    pub(crate) delete: Vec<Ulid>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { insert: Vec::new(), retract: Vec::new(), delete: Vec::new() }
    }
}

impl<T> Rows<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.insert.is_empty() && self.retract.is_empty() && self.delete.is_empty()
    }
}

/// What a change does to the graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Delta {
    pub(crate) entities: Rows<Entity>,
    pub(crate) observations: Rows<Observation>,
    pub(crate) facts: Rows<Fact>,
    /// Further sources of facts that are there.
    pub(crate) sources: Vec<(Ulid, Source)>,
    pub(crate) rules: Vec<KindRule>,
    pub(crate) merges: Rows<Merge>,
}

impl Delta {
    pub(crate) fn is_empty(&self) -> bool {
        self.entities.is_empty()
            && self.observations.is_empty()
            && self.facts.is_empty()
            && self.sources.is_empty()
            && self.rules.is_empty()
            && self.merges.is_empty()
    }

    /// Rows added, less those deleted.
    pub(crate) fn growth(&self) -> i64 {
        fn of<T>(rows: &Rows<T>) -> i64 {
            let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
            count(rows.insert.len()) - count(rows.delete.len())
        }
        of(&self.entities) + of(&self.observations) + of(&self.facts) + of(&self.merges)
    }

    /// Bytes its rows will keep in memory.
    pub(crate) fn bytes(&self) -> usize {
        let entities: usize = self.entities.insert.iter().map(Entity::bytes).sum();
        let observations: usize = self.observations.insert.iter().map(Observation::bytes).sum();
        let facts: usize = self.facts.insert.iter().map(Fact::bytes).sum();
        let sources: usize = self.sources.iter().map(|(_, source)| source.text.len() + 40).sum();
        let merges: usize = self.merges.insert.iter().map(Merge::bytes).sum();
        entities + observations + facts + sources + merges
    }
}

/// An entity to store.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NewEntity {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) observations: Vec<String>,
    pub(crate) props: Option<String>,
    pub(crate) source: Option<String>,
}

/// A fact to store. `None` says nothing: what is known stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NewFact {
    pub(crate) from: End,
    pub(crate) kind: String,
    pub(crate) to: End,
    pub(crate) text: Option<String>,
    pub(crate) props: Option<String>,
    pub(crate) weight: Option<f64>,
    pub(crate) confidence: Option<f64>,
    pub(crate) valid_from: Option<Moment>,
    pub(crate) valid_to: Option<Moment>,
    pub(crate) source: Option<String>,
}

/// An end of a fact: an entity by id or name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct End {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
}

/// What became of an entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EntityOutcome {
    /// Whether it was there.
    pub(crate) status: EntityStatus,
    /// Id of the entity.
    pub(crate) id: String,
    /// Number of the version that holds now.
    pub(crate) version: u32,
    /// Observations that were new.
    pub(crate) observed: usize,
    /// Entities that may be the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) candidates: Vec<Candidate>,
}

/// Whether an entity was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntityStatus {
    Created,
    Matched,
}

/// An entity that may be the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Candidate {
    /// Id of the entity.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// How like, 0-1; 1 when it has the name as an alias.
    pub(crate) likeness: f64,
}

/// What became of a fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FactOutcome {
    /// How it was taken in.
    pub(crate) status: FactStatus,
    /// Id of the version that holds now.
    pub(crate) id: String,
    /// Ids of the entities at its ends.
    pub(crate) from: String,
    /// See `from`.
    pub(crate) to: String,
    /// Holds from here on.
    pub(crate) valid_from: String,
    /// Up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) valid_to: Option<String>,
    /// Versions whose place it took, wholly or for a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) closed: Vec<String>,
    /// Other values of this type that hold at the same time, counted up to 9.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) alongside: usize,
}

/// How a fact was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FactStatus {
    /// It is new.
    Created,
    /// It was known; a new source was added.
    Confirmed,
    /// It corrects or ends what was known.
    Superseded,
}
