//! What changes of the journal come to in the mirror.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    graph::{Entity, Fact, Merge},
    moment::Moment,
};

const GONE_NODES: &str = "MATCH (n:Entity) WHERE n.uid IN $gone DETACH DELETE n";
const GONE_FACTS: &str = "MATCH (:Entity)-[r]->(:Entity) WHERE r.uid IN $gone DELETE r";
const ENTITIES: &str = "UNWIND $rows AS row MERGE (n:Entity {uid: row.uid}) SET n = row";
const MERGES: &str = "UNWIND $rows AS row \
    MATCH (a:Entity {uid: row.from}) MATCH (b:Entity {uid: row.to}) \
    MERGE (a)-[r:MERGED_INTO {uid: row.uid}]->(b) SET r = row.props";
const MARK: &str = "MERGE (m:_Ptolemies {store: $store}) SET m.seq = $seq, m.at = timestamp()";

/// The type of facts whose own is no plain name; it is in their property `type`.
const OTHER_FACTS: &str = "FACT";

/// Some changes, as rows: each says how its node or relationship is now, so that writing it twice, or
/// after a later one, does no harm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    store: String,
    /// The last of the changes.
    pub(crate) seq: u64,
    gone: Vec<String>,
    entities: Vec<Value>,
    /// By type of relationship.
    facts: BTreeMap<String, Vec<Value>>,
    merges: Vec<Value>,
}

impl Batch {
    pub(crate) fn new(store: &str, seq: u64) -> Self {
        let store = store.to_owned();
        let (gone, entities, merges) = (Vec::new(), Vec::new(), Vec::new());
        Self { store, seq, gone, entities, facts: BTreeMap::new(), merges }
    }

    /// An id that is no longer there, of whatever it was.
    pub(crate) fn remove(&mut self, id: String) {
        self.gone.push(id);
    }

    /// The newest version of an entity; the node stands for all of them.
    pub(crate) fn add_entity(&mut self, entity: &Entity) {
        self.entities.push(json!({
            "uid": entity.lineage.to_string(),
            "store": self.store,
            "ns": "default",
            "version_id": entity.id.to_string(),
            "version": entity.version,
            "name": entity.name,
            "kind": entity.kind,
            "aliases": entity.aliases,
            "props": entity.props,
            "source": entity.source,
            "recorded_at": millis(entity.recorded_at),
            "retracted_at": millis(entity.retracted_at),
        }));
    }

    /// A version of a fact, between the nodes of its ends.
    pub(crate) fn add_fact(&mut self, fact: &Fact) {
        let plain = is_plain(&fact.kind);
        let kind = if plain { fact.kind.as_str() } else { OTHER_FACTS };
        let sources: Vec<&str> = fact.sources.iter().map(|source| source.text.as_str()).collect();
        let row = json!({
            "uid": fact.id.to_string(),
            "from": fact.from.to_string(),
            "to": fact.to.to_string(),
            "props": {
                "uid": fact.id.to_string(),
                "ns": "default",
                "lineage": fact.lineage.to_string(),
                "version": fact.version,
                "type": fact.kind,
                "text": fact.text,
                "props": fact.props,
                "weight": fact.weight,
                "confidence": fact.confidence,
                "sources": sources,
                "valid_from": millis(fact.times.valid_from),
                "valid_to": millis(fact.times.valid_to),
                "recorded_at": millis(fact.times.recorded_at),
                "retracted_at": millis(fact.times.retracted_at),
            },
        });
        self.facts.entry(kind.to_owned()).or_default().push(row);
    }

    /// A merge: each entity that became another leads to it.
    pub(crate) fn add_merge(&mut self, merge: &Merge) {
        for merged in &merge.merged {
            self.merges.push(json!({
                "uid": merge.id.to_string(),
                "from": merged.to_string(),
                "to": merge.keep.to_string(),
                "props": {
                    "uid": merge.id.to_string(),
                    "ns": "default",
                    "recorded_at": millis(merge.recorded_at),
                    "retracted_at": millis(merge.retracted_at),
                },
            }));
        }
    }

    /// What to run, in this order, in one transaction.
    pub(super) fn statements(&self) -> Vec<(String, Value)> {
        let mut statements = Vec::new();
        if !self.gone.is_empty() {
            let gone = json!({"gone": self.gone});
            statements.push((GONE_FACTS.to_owned(), gone.clone()));
            statements.push((GONE_NODES.to_owned(), gone));
        }
        let mut rows = |query: String, rows: &[Value]| {
            if !rows.is_empty() {
                statements.push((query, json!({"rows": rows})));
            }
        };
        rows(ENTITIES.to_owned(), &self.entities);
        for (kind, facts) in &self.facts {
            // The type is a plain name: see `add_fact`.
            let query = format!(
                "UNWIND $rows AS row \
                 MATCH (a:Entity {{uid: row.from}}) MATCH (b:Entity {{uid: row.to}}) \
                 MERGE (a)-[r:`{kind}` {{uid: row.uid}}]->(b) SET r = row.props"
            );
            rows(query, facts);
        }
        rows(MERGES.to_owned(), &self.merges);
        statements.push((MARK.to_owned(), json!({"store": self.store, "seq": self.seq})));
        statements
    }
}

/// `[A-Za-z_][A-Za-z0-9_]{0,63}`, and not one that the mirror uses itself.
fn is_plain(kind: &str) -> bool {
    let first = kind.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first
        && kind.len() <= 64
        && kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(kind, OTHER_FACTS | "MERGED_INTO")
}

/// Milliseconds since 1970; an interval that is open has no such end.
fn millis(moment: Moment) -> Option<i64> {
    Some(moment)
        .filter(|moment| !matches!(*moment, Moment::NEVER | Moment::EVER))
        .map(Moment::millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_become_types() {
        for plain in ["lives_in", "_x", "KNOWS2"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in ["", "2x", "lives in", "a`b", "müller", "FACT", "MERGED_INTO", &"x".repeat(65)]
        {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn an_empty_batch_moves_the_mark() {
        let statements = Batch::new("s", 7).statements();
        assert_eq!(statements, [(MARK.to_owned(), json!({"store": "s", "seq": 7}))]);
    }
}
