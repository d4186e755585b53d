//! All rows of the graph in memory, with the ways to find them. What is answered from here is of
//! one moment: a change enters whole.

mod forget;

use std::collections::{BTreeMap, HashMap, HashSet};

use ulid::Ulid;

use super::{Cardinality, Delta, Entity, Fact, Merge, Observation, merges::Merges, names};
use crate::{
    catalog::{Form, form_of},
    moment::Moment,
};

pub(crate) use forget::Doomed;

/// Everything known of entities and facts, of all times.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(super) entities: HashMap<Ulid, Entity>,
    pub(super) observations: HashMap<Ulid, Observation>,
    pub(super) facts: HashMap<Ulid, Fact>,
    /// By lineage of the entity.
    pub(super) things: BTreeMap<Ulid, Thing>,
    /// Entities that the store still knows, by the keys of their names and aliases.
    pub(super) by_name: HashMap<String, Vec<Ulid>>,
    /// The same by each word of those keys, and by their first three letters.
    by_word: HashMap<String, Vec<Ulid>>,
    /// Versions of facts that have more than one, oldest first.
    by_lineage: HashMap<Ulid, Vec<Ulid>>,
    /// Facts that the store still says, by start and type, and by start, type and end.
    slots: HashMap<(Ulid, String), Vec<Ulid>>,
    triples: HashMap<(Ulid, String, Ulid), Vec<Ulid>>,
    rules: BTreeMap<String, Cardinality>,
    /// Types of facts there are, by key: rows of all versions.
    kinds: BTreeMap<String, usize>,
    pub(super) merges: Merges,
    bytes: usize,
}

/// An entity with all that was ever said of it.
#[derive(Debug, Default)]
pub(super) struct Thing {
    /// Oldest first.
    pub(super) versions: Vec<Ulid>,
    pub(super) observations: Vec<Ulid>,
    pub(super) out: Vec<Ulid>,
    pub(super) into: Vec<Ulid>,
    /// Texts of observations that are still said.
    forms: HashSet<Form>,
}

impl Graph {
    /// Rows held, all versions counted.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entities.len() + self.observations.len() + self.facts.len()
    }

    /// Rows held of entities, observations, facts and merges, all versions counted.
    pub(crate) fn counts(&self) -> (usize, usize, usize, usize) {
        let merges = self.merges.len();
        (self.entities.len(), self.observations.len(), self.facts.len(), merges)
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn last_id(&self) -> Option<Ulid> {
        let ids = self.entities.keys().chain(self.observations.keys()).chain(self.facts.keys());
        ids.max().copied().max(self.merges.last_id())
    }

    pub(crate) fn entity_row(&self, id: Ulid) -> Option<&Entity> {
        self.entities.get(&id)
    }

    pub(crate) fn observation_row(&self, id: Ulid) -> Option<&Observation> {
        self.observations.get(&id)
    }

    pub(crate) fn fact_row(&self, id: Ulid) -> Option<&Fact> {
        self.facts.get(&id)
    }

    /// The version of an entity that the store holds for true.
    pub(crate) fn open_entity(&self, lineage: Ulid) -> Option<&Entity> {
        let id = self.things.get(&lineage)?.versions.last()?;
        self.entities.get(id).filter(|entity| entity.is_open())
    }

    /// The version of an entity that was known then.
    pub(crate) fn entity_at(&self, lineage: Ulid, known_at: Moment) -> Option<&Entity> {
        let versions = &self.things.get(&lineage)?.versions;
        let mut rows = versions.iter().rev().filter_map(|id| self.entities.get(id));
        rows.find(|entity| entity.is_known_at(known_at))
    }

    /// Whether anything was ever known of an entity.
    pub(crate) fn knows(&self, lineage: Ulid) -> bool {
        self.things.contains_key(&lineage)
    }

    /// All versions of an entity, oldest first.
    pub(crate) fn entity_versions(&self, lineage: Ulid) -> impl Iterator<Item = &Entity> {
        let versions = self.things.get(&lineage).into_iter().flat_map(|thing| &thing.versions);
        versions.filter_map(|id| self.entities.get(id))
    }

    /// Entities still known under a key of a name.
    pub(crate) fn named(&self, key: &str) -> &[Ulid] {
        self.by_name.get(key).map_or(&[], Vec::as_slice)
    }

    /// Entities with a word, or the first letters, of a key; each once, in the order of their ids.
    pub(crate) fn resembling(&self, key: &str) -> Vec<Ulid> {
        /// Of a word that so many have, nobody can tell anything.
        const COMMON: usize = 200;
        let words = blocks(key).into_iter().filter_map(|word| self.by_word.get(&word));
        let mut found: Vec<Ulid> =
            words.filter(|ids| ids.len() <= COMMON).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    pub(crate) fn observes(&self, lineage: Ulid, form: &Form) -> bool {
        self.things.get(&lineage).is_some_and(|thing| thing.forms.contains(form))
    }

    /// Facts of a start and type that are still said, oldest first.
    pub(crate) fn slot(&self, from: Ulid, kind: &str) -> &[Ulid] {
        self.slots.get(&(from, kind.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The same to one end.
    pub(crate) fn triple(&self, from: Ulid, kind: &str, to: Ulid) -> &[Ulid] {
        self.triples.get(&(from, kind.to_owned(), to)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn cardinality(&self, kind: &str) -> Cardinality {
        self.rules.get(kind).copied().unwrap_or_default()
    }

    /// Whether there is, or was, a fact of a type.
    pub(crate) fn has_kind(&self, kind: &str) -> bool {
        self.kinds.contains_key(&names::kind(kind))
    }

    /// Starts that have facts of a type which are still said, in the order of their ids.
    pub(crate) fn starts_of(&self, kind: &str) -> Vec<Ulid> {
        let slots = self.slots.keys().filter(|(_, key)| key == kind);
        let mut starts: Vec<Ulid> = slots.map(|(from, _)| *from).collect();
        starts.sort_unstable();
        starts
    }

    /// All versions of the fact that `id` is a version of, oldest first.
    pub(crate) fn fact_versions(&self, id: Ulid) -> Vec<Ulid> {
        let Some(fact) = self.facts.get(&id) else { return Vec::new() };
        self.by_lineage.get(&fact.lineage).cloned().unwrap_or_else(|| vec![id])
    }

    /// Take a committed change in.
    pub(crate) fn apply(&mut self, delta: &Delta, at: Moment) {
        for id in &delta.facts.retract {
            self.end_fact(*id, at);
        }
        for id in &delta.observations.retract {
            self.end_observation(*id, at);
        }
        for id in &delta.entities.retract {
            self.end_entity(*id, at);
        }
        for id in &delta.facts.delete {
            self.delete_fact(*id);
        }
        for id in &delta.observations.delete {
            self.delete_observation(*id);
        }
        for id in &delta.entities.delete {
            self.delete_entity(*id);
        }
        for id in &delta.merges.retract {
            self.merges.end(*id, at);
        }
        for id in &delta.merges.delete {
            let bytes = self.merges.delete(*id).map_or(0, |row| row.bytes());
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        for entity in &delta.entities.insert {
            self.add_entity(entity.clone());
        }
        for observation in &delta.observations.insert {
            self.add_observation(observation.clone());
        }
        for fact in &delta.facts.insert {
            self.add_fact(fact.clone());
        }
        for merge in &delta.merges.insert {
            self.add_merge(merge.clone());
        }
        for (id, source) in &delta.sources {
            if let Some(fact) = self.facts.get_mut(id) {
                self.bytes += source.text.len() + 40;
                fact.sources.push(source.clone());
            }
        }
        for rule in &delta.rules {
            self.rule(rule.kind.clone(), rule.cardinality);
        }
    }

    pub(crate) fn rule(&mut self, kind: String, cardinality: Cardinality) {
        self.rules.insert(kind, cardinality);
    }

    pub(crate) fn add_entity(&mut self, entity: Entity) {
        self.bytes += entity.bytes();
        let thing = self.things.entry(entity.lineage).or_default();
        insert_in_order(&mut thing.versions, entity.id);
        if entity.is_open() {
            self.name(&entity);
        }
        self.entities.insert(entity.id, entity);
    }

    pub(crate) fn add_observation(&mut self, observation: Observation) {
        self.bytes += observation.bytes();
        if let Some(thing) = self.things.get_mut(&observation.entity) {
            insert_in_order(&mut thing.observations, observation.id);
            if observation.times.is_open() {
                thing.forms.insert(form_of(&observation.text));
            }
        }
        self.observations.insert(observation.id, observation);
    }

    pub(crate) fn add_fact(&mut self, fact: Fact) {
        self.bytes += fact.bytes();
        let (id, key) = (fact.id, names::kind(&fact.kind));
        *self.kinds.entry(key.clone()).or_default() += 1;
        if let Some(thing) = self.things.get_mut(&fact.from) {
            insert_in_order(&mut thing.out, id);
        }
        if let Some(thing) = self.things.get_mut(&fact.to) {
            insert_in_order(&mut thing.into, id);
        }
        if fact.lineage != id {
            let versions =
                self.by_lineage.entry(fact.lineage).or_insert_with(|| vec![fact.lineage]);
            insert_in_order(versions, id);
        }
        if fact.times.is_open() {
            insert_in_order(self.slots.entry((fact.from, key.clone())).or_default(), id);
            insert_in_order(self.triples.entry((fact.from, key, fact.to)).or_default(), id);
        }
        self.facts.insert(id, fact);
    }

    pub(crate) fn add_merge(&mut self, merge: Merge) {
        self.bytes += merge.bytes();
        self.merges.add(merge);
    }

    fn name(&mut self, entity: &Entity) {
        for key in entity.keys() {
            for word in blocks(&key) {
                insert_in_order(self.by_word.entry(word).or_default(), entity.lineage);
            }
            insert_in_order(self.by_name.entry(key).or_default(), entity.lineage);
        }
    }

    fn unname(&mut self, entity: &Entity) {
        for key in entity.keys() {
            for word in blocks(&key) {
                remove_from(&mut self.by_word, &word, entity.lineage);
            }
            remove_from(&mut self.by_name, &key, entity.lineage);
        }
    }

    fn end_entity(&mut self, id: Ulid, at: Moment) {
        let Some(entity) = self.entities.get_mut(&id).filter(|entity| entity.is_open()) else {
            return;
        };
        entity.retracted_at = at;
        let entity = entity.clone();
        self.unname(&entity);
    }

    fn end_observation(&mut self, id: Ulid, at: Moment) {
        let Some(row) = self.observations.get_mut(&id).filter(|row| row.times.is_open()) else {
            return;
        };
        row.times.retracted_at = at;
        let (entity, form) = (row.entity, form_of(&row.text));
        if let Some(thing) = self.things.get_mut(&entity) {
            thing.forms.remove(&form);
        }
    }

    fn end_fact(&mut self, id: Ulid, at: Moment) {
        let Some(fact) = self.facts.get_mut(&id).filter(|fact| fact.times.is_open()) else {
            return;
        };
        fact.times.retracted_at = at;
        let (from, to, key) = (fact.from, fact.to, names::kind(&fact.kind));
        self.close_fact(id, from, to, key);
    }

    fn close_fact(&mut self, id: Ulid, from: Ulid, to: Ulid, key: String) {
        remove_from(&mut self.slots, &(from, key.clone()), id);
        remove_from(&mut self.triples, &(from, key, to), id);
    }

    fn delete_entity(&mut self, id: Ulid) {
        let Some(entity) = self.entities.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(entity.bytes());
        if entity.is_open() {
            self.unname(&entity);
        }
        let Some(thing) = self.things.get_mut(&entity.lineage) else { return };
        thing.versions.retain(|other| *other != id);
        if thing.versions.is_empty() {
            self.things.remove(&entity.lineage);
        }
    }

    fn delete_observation(&mut self, id: Ulid) {
        self.end_observation(id, Moment::EVER);
        let Some(row) = self.observations.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(row.bytes());
        if let Some(thing) = self.things.get_mut(&row.entity) {
            thing.observations.retain(|other| *other != id);
        }
    }

    fn delete_fact(&mut self, id: Ulid) {
        let Some(fact) = self.facts.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(fact.bytes());
        let key = names::kind(&fact.kind);
        if let Some(rows) = self.kinds.get_mut(&key) {
            *rows -= 1;
            if *rows == 0 {
                self.kinds.remove(&key);
            }
        }
        if fact.times.is_open() {
            self.close_fact(id, fact.from, fact.to, key);
        }
        if let Some(thing) = self.things.get_mut(&fact.from) {
            thing.out.retain(|other| *other != id);
        }
        if let Some(thing) = self.things.get_mut(&fact.to) {
            thing.into.retain(|other| *other != id);
        }
        remove_from(&mut self.by_lineage, &fact.lineage, id);
    }
}

/// What entities with a like name are likely to share: words, and the first three letters.
fn blocks(key: &str) -> Vec<String> {
    let start: String = key.chars().take(3).collect();
    // A mark that no word has.
    names::words(key).map(str::to_owned).chain([format!(" {start}")]).collect()
}

fn insert_in_order(ids: &mut Vec<Ulid>, id: Ulid) {
    if let Err(at) = ids.binary_search(&id) {
        ids.insert(at, id);
    }
}

fn remove_from<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Vec<Ulid>>, key: &K, id: Ulid) {
    if let Some(ids) = map.get_mut(key) {
        if let Ok(at) = ids.binary_search(&id) {
            ids.remove(at);
        }
        if ids.is_empty() {
            map.remove(key);
        }
    }
}
