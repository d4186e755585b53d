//! Changes taken into what is known.

use recall_engine::DocId;
use ulid::Ulid;

use super::{Item, State};
use crate::{
    catalog::form_of,
    graph::{Delta, Merge},
    memory::Memory,
    moment::Moment,
    record::{Record, Table},
    store::{Change, Op, WriteRecord},
};

impl State {
    /// Take a committed change in.
    pub(super) fn apply(&mut self, change: &Change) {
        for &id in &change.retract {
            if let Some(doc) = self.catalog.retract(id, change.at) {
                self.unlist(doc);
            }
        }
        for &id in &change.delete {
            if let Some(doc) = self.catalog.remove(id) {
                self.unlist(doc);
            }
        }
        self.apply_graph(&change.graph, change.at);
        self.apply_documents(&change.documents, change.at);
        if change.op == Op::Purge {
            // Purged words leave the dictionary at once; expired ones when the index next tidies.
            self.index.compact();
        }
        for memory in &change.insert {
            self.add(memory);
        }
        for write_id in &change.forget_writes {
            self.writes.remove(write_id);
        }
        if let Some(write) = &change.write {
            self.writes.insert(write.write_id.clone(), write.clone());
        }
        self.seq = change.seq;
        self.at = Some(change.at);
    }

    /// Where the journal stands, once everything is read.
    pub(super) fn stand_at(&mut self, seq: u64, at: Option<Moment>, writes: Vec<WriteRecord>) {
        self.seq = seq;
        self.at = at;
        self.writes = writes.into_iter().map(|write| (write.write_id.clone(), write)).collect();
    }

    fn apply_graph(&mut self, delta: &Delta, at: Moment) {
        let (entities, facts) = (&delta.entities, &delta.facts);
        let gone = [&entities.retract, &entities.delete, &facts.retract, &facts.delete];
        let observations = [&delta.observations.retract, &delta.observations.delete];
        for id in gone.into_iter().chain(observations).flatten() {
            if let Some(doc) = self.docs.remove(id) {
                self.unlist(doc);
            }
        }
        let parted = delta.merges.retract.iter().chain(&delta.merges.delete);
        let parted: Vec<Merge> =
            parted.filter_map(|id| self.graph.merge_row(*id)).cloned().collect();
        self.graph.apply(delta, at);
        for entity in &delta.entities.insert {
            self.list_entity(entity.id);
        }
        for observation in &delta.observations.insert {
            self.list_observation(observation.id);
        }
        for fact in &delta.facts.insert {
            self.list_fact(fact.id);
        }
        for merge in delta.merges.insert.iter().chain(&parted) {
            self.list_merged(merge);
        }
    }

    /// The last id that is in use.
    pub(super) fn last_id(&self) -> Option<Ulid> {
        self.catalog.last_id().max(self.graph.last_id()).max(self.documents.last_id())
    }

    /// Rows held, by table; types of facts aside.
    pub(super) fn counts(&self) -> Vec<(Table, usize)> {
        let (entities, observations, facts, merges) = self.graph.counts();
        vec![
            (Table::Entity, entities),
            (Table::Observation, observations),
            (Table::Fact, facts),
            (Table::Merge, merges),
            (Table::Memory, self.catalog.len()),
            (Table::Document, self.documents.len()),
            (Table::Chunk, self.documents.chunks()),
        ]
    }

    /// How a row of the store differs from what is known of it, if it does.
    pub(super) fn differs(&self, record: &Record) -> Option<&'static str> {
        const UNKNOWN: &str = "the index does not know it";
        const OTHER: &str = "the index knows it otherwise";
        const UNLISTED: &str = "it is current, and search does not find it";
        const LISTED: &str = "it is not current, and search finds it";
        let same = |same: Option<bool>| match same {
            None => Some(UNKNOWN),
            Some(false) => Some(OTHER),
            Some(true) => None,
        };
        let found = |open: bool, listed: bool| match (open, listed) {
            (true, false) => Some(UNLISTED),
            (false, true) => Some(LISTED),
            _ => None,
        };
        match record {
            Record::Rule(rule) => {
                same(Some(self.graph.cardinality(&rule.kind) == rule.cardinality))
            }
            Record::Entity(row) => same(self.graph.entity_row(row.id).map(|known| known == row)),
            Record::Observation(row) => {
                let known = self.graph.observation_row(row.id).map(|known| known == row);
                let listed = self.docs.contains_key(&row.id);
                same(known).or_else(|| found(row.times.is_open(), listed))
            }
            Record::Fact(row) => {
                let known = self.graph.fact_row(row.id).map(|known| known == row);
                let listed = self.docs.contains_key(&row.id);
                same(known).or_else(|| found(row.times.is_open(), listed))
            }
            Record::Merge(row) => same(self.graph.merge_row(row.id).map(|known| known == row)),
            Record::Memory(row) => {
                let known = self.catalog.get(row.id);
                let same = same(known.map(|known| {
                    known.form == form_of(&row.text)
                        && known.key.as_deref() == row.key.as_deref()
                        && *known.context == *row.context
                        && (known.recorded_at, known.retracted_at, known.expires_at)
                            == (row.recorded_at, row.retracted_at, row.expires_at)
                }));
                let listed = known.is_some_and(|known| known.doc.is_some());
                same.or_else(|| found(row.retracted_at == Moment::NEVER, listed))
            }
            Record::Document(row) => same(self.documents.get(row.id).map(|known| known == row)),
            Record::Chunk(row) => {
                let Some((document, _)) = self.documents.of_chunk(row.id) else {
                    return Some(UNKNOWN);
                };
                found(document.is_open(), self.docs.contains_key(&row.id))
            }
        }
    }

    pub(super) fn add(&mut self, memory: &Memory) {
        let indexed = memory.retracted_at == Moment::NEVER;
        let doc = indexed.then(|| self.enlist(&memory.indexed_text(), Item::Memory(memory.id)));
        self.catalog.insert(memory, doc);
    }

    /// Put a text into the index.
    pub(super) fn enlist(&mut self, text: &str, item: Item) -> DocId {
        self.items.push(item);
        self.index.insert(text, None)
    }

    /// Take a text out of the index.
    pub(super) fn unlist(&mut self, doc: DocId) {
        self.index.remove(doc);
        if let Some(item) = self.items.get_mut(doc as usize) {
            *item = Item::None;
        }
    }

    pub(super) fn item_of(&self, doc: DocId) -> Item {
        self.items.get(doc as usize).copied().unwrap_or(Item::None)
    }
}
