//! Changes taken into what is known.

use recall_engine::DocId;

use super::{Item, State};
use crate::{
    graph::{Delta, Merge},
    memory::Memory,
    moment::Moment,
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
