//! Arguments and answer of `upsert_facts`.

use std::collections::BTreeMap;

use mcp_core::prelude::*;
use serde_json::{Map, Value};

use super::entities::{MAX_TEXT, fits};
use crate::{
    Error,
    graph::{Cardinality, End, FactOutcome, NewFact},
    knowledge::{GraphDone, GraphWork, WriteId},
    store::Answer,
    tools::arguments::{label, optional_moment, plain_text, props, write_id},
};

/// Facts to store.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpsertFactsArgs {
    /// The facts; together at most 4 MiB.
    #[schemars(length(min = 1, max = 500))]
    items: Vec<Item>,
    /// Make entities that are not there.
    #[serde(default = "yes")]
    create_missing: bool,
    /// By type: `one` if an entity has one value at a time, so that a new one ends the old. Kept
    /// for later calls; `many` until declared.
    #[schemars(length(max = 100))]
    #[serde(default)]
    cardinalities: BTreeMap<String, Cardinality>,
    /// Name of this write: a repeat within 24 h returns the first answer.
    #[schemars(length(min = 1, max = 100))]
    #[serde(default)]
    write_id: Option<String>,
    /// Namespace; your home if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
}

fn yes() -> bool {
    true
}

/// One fact.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Item {
    /// Name or id of the entity it is about.
    #[schemars(length(min = 1, max = 200))]
    from: String,
    /// Such as `works_at`.
    #[schemars(length(min = 1, max = 64))]
    #[serde(rename = "type")]
    kind: String,
    /// Name or id of the other entity.
    #[schemars(length(min = 1, max = 200))]
    to: String,
    /// Type of the entity `from`.
    #[schemars(length(min = 1, max = 64))]
    #[serde(default)]
    from_type: Option<String>,
    /// Type of the entity `to`.
    #[schemars(length(min = 1, max = 64))]
    #[serde(default)]
    to_type: Option<String>,
    /// The fact in words, at most 16 KiB.
    #[schemars(length(min = 1, max = 16_384))]
    #[serde(default)]
    text: Option<String>,
    /// Any object, at most 32 KiB.
    #[serde(default)]
    props: Option<Map<String, Value>>,
    /// Strength, 1 if absent.
    #[schemars(range(min = 0.000_001, max = 1_000_000))]
    #[serde(default)]
    weight: Option<f64>,
    /// How sure it is.
    #[schemars(range(min = 0, max = 1))]
    #[serde(default)]
    confidence: Option<f64>,
    /// Holds from here on (RFC 3339); now if absent.
    #[serde(default)]
    valid_from: Option<String>,
    /// Up to here; open if absent.
    #[serde(default)]
    valid_to: Option<String>,
    /// Where it comes from.
    #[schemars(length(min = 1, max = 500))]
    #[serde(default)]
    source: Option<String>,
}

impl UpsertFactsArgs {
    pub(super) fn into_parts(mut self) -> Result<(GraphWork, Option<WriteId>), Error> {
        let write = write_id(self.write_id.take(), &self)?;
        let items = self.items.into_iter().enumerate().map(|(at, item)| item.into_fact(at));
        let items: Vec<NewFact> = items.collect::<Result<_, _>>()?;
        let bytes = items.iter().map(|item| {
            [&item.text, &item.props].into_iter().flatten().map(String::len).sum::<usize>()
        });
        fits(bytes.sum())?;
        for kind in self.cardinalities.keys() {
            label("/cardinalities", kind)?;
            if kind.chars().count() > 64 {
                return Err(Error::invalid("/cardinalities", "types must be <= 64 characters"));
            }
        }
        let work = GraphWork::Facts {
            items,
            create_missing: self.create_missing,
            rules: self.cardinalities.into_iter().collect(),
        };
        Ok((work, write))
    }
}

impl Item {
    fn into_fact(self, index: usize) -> Result<NewFact, Error> {
        let field = |name: &str| format!("/items/{index}/{name}");
        for (name, text) in [("from", &self.from), ("type", &self.kind), ("to", &self.to)] {
            label(&field(name), text)?;
        }
        let optional =
            [("from_type", &self.from_type), ("to_type", &self.to_type), ("source", &self.source)];
        for (name, text) in optional {
            if let Some(text) = text {
                label(&field(name), text)?;
            }
        }
        if let Some(text) = &self.text {
            plain_text(&field("text"), text, MAX_TEXT)?;
        }
        let valid_from = optional_moment(&field("valid_from"), self.valid_from.as_ref())?;
        let valid_to = optional_moment(&field("valid_to"), self.valid_to.as_ref())?;
        if valid_from.zip(valid_to).is_some_and(|(from, to)| to <= from) {
            return Err(Error::invalid(field("valid_to"), "must be after valid_from"));
        }
        Ok(NewFact {
            from: End { name: self.from, kind: self.from_type },
            kind: self.kind,
            to: End { name: self.to, kind: self.to_type },
            text: self.text,
            props: props(&field("props"), self.props)?,
            weight: self.weight,
            confidence: self.confidence,
            valid_from,
            valid_to,
            source: self.source,
        })
    }
}

/// What became of the facts.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UpsertFactsOutput {
    /// Journal position.
    seq: u64,
    /// One per item, in order.
    results: Vec<FactOutcome>,
    /// Entities that were made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    created_entities: Vec<String>,
    /// True when this is the answer of an earlier call with the same `write_id`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
}

impl From<GraphDone> for UpsertFactsOutput {
    fn from(done: GraphDone) -> Self {
        let (results, created_entities) = match done.answer {
            Answer::Facts(results, made) => (results, made),
            Answer::Stored(_)
            | Answer::Said(_)
            | Answer::Forgotten(_)
            | Answer::Entities(_)
            | Answer::Merged(_) => Default::default(),
        };
        Self { seq: done.seq, results, created_entities, repeated: done.repeated }
    }
}
