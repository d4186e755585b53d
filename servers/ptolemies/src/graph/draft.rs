//! What a batch changes, decided on what is known and what the batch said so far, before anything
//! is written.

mod entity;
mod fact;
mod merge;

use std::collections::{HashMap, HashSet};

use ulid::Ulid;

use super::{
    Cardinality, Delta, Entity, EntityOutcome, Fact, FactOutcome, Graph, KindRule, NewEntity,
    NewFact, names,
};
use crate::{
    Error,
    catalog::{Form, form_of},
    moment::Moment,
};

/// A change in the making.
pub(crate) struct Draft<'a> {
    graph: &'a Graph,
    at: Moment,
    seq: u64,
    new_id: &'a mut dyn FnMut() -> Ulid,
    delta: Delta,
    /// Entities of this batch: their places in the delta, by lineage.
    entities: HashMap<Ulid, usize>,
    /// Keys of names that this batch gave, with the entities they belong to.
    named: HashMap<String, Vec<Ulid>>,
    observed: HashSet<(Ulid, Form)>,
    /// Facts of this batch: their places in the delta, by start and type.
    facts: HashMap<(Ulid, String), Vec<usize>>,
    /// Facts that this batch ends.
    ended: HashSet<Ulid>,
    rules: HashMap<String, Cardinality>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        graph: &'a Graph,
        at: Moment,
        seq: u64,
        new_id: &'a mut dyn FnMut() -> Ulid,
    ) -> Self {
        Self {
            graph,
            at,
            seq,
            new_id,
            delta: Delta::default(),
            entities: HashMap::new(),
            named: HashMap::new(),
            observed: HashSet::new(),
            facts: HashMap::new(),
            ended: HashSet::new(),
            rules: HashMap::new(),
        }
    }

    pub(crate) fn finish(self) -> Delta {
        self.delta
    }

    /// Take entities in.
    ///
    /// # Errors
    /// `conflict` when a name belongs to several entities. Nothing is written then.
    pub(crate) fn upsert_entities(
        &mut self,
        items: Vec<NewEntity>,
    ) -> Result<Vec<EntityOutcome>, Error> {
        items.into_iter().enumerate().map(|(index, item)| self.entity(index, item)).collect()
    }

    /// Take facts in; the outcomes, and the ids of entities that had to be made.
    ///
    /// # Errors
    /// `not_found` for an unknown end that is not to be made, `conflict` when a name belongs to
    /// several entities or facts contradict a cardinality, `invalid_argument` for an interval that
    /// ends before it begins. Nothing is written then.
    pub(crate) fn upsert_facts(
        &mut self,
        rules: Vec<(String, Cardinality)>,
        items: Vec<NewFact>,
        create_missing: bool,
    ) -> Result<(Vec<FactOutcome>, Vec<String>), Error> {
        for (kind, cardinality) in rules {
            self.declare(&kind, cardinality)?;
        }
        let mut outcomes = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            outcomes.push(self.fact(index, item, create_missing)?);
        }
        let made = self.delta.entities.insert.iter().filter(|entity| entity.version == 1);
        Ok((outcomes, made.map(|entity| entity.lineage.to_string()).collect()))
    }

    /// Say how many values a type has.
    fn declare(&mut self, kind: &str, cardinality: Cardinality) -> Result<(), Error> {
        let key = names::kind(kind);
        let known = self.cardinality(&key);
        if known == cardinality {
            return Ok(());
        }
        if cardinality == Cardinality::One {
            let crowded = self.graph.starts_of(&key).into_iter().find(|&from| {
                let mut facts = self.slot(from, &key);
                facts.sort_by_key(|fact| fact.times.valid_from);
                facts.windows(2).any(|pair| {
                    let [one, other] = pair else { return false };
                    one.times.overlaps(other.times.valid_from, other.times.valid_to)
                })
            });
            if let Some(from) = crowded {
                let name = self.open_entity(from).map_or_else(String::new, |entity| entity.name);
                return Err(Error::Conflict {
                    field: format!("/cardinalities/{kind}"),
                    message: format!("cannot be one: {name} ({from}) has several values at a time"),
                    hint: "end or forget all but one of them, seen by get_entities, then declare it",
                });
            }
        }
        self.rules.insert(key.clone(), cardinality);
        self.delta.rules.push(KindRule { kind: key, cardinality });
        Ok(())
    }

    fn cardinality(&self, kind: &str) -> Cardinality {
        self.rules.get(kind).copied().unwrap_or_else(|| self.graph.cardinality(kind))
    }

    fn open_entity(&self, lineage: Ulid) -> Option<Entity> {
        let fresh = self.entities.get(&lineage).and_then(|&at| self.delta.entities.insert.get(at));
        fresh.or_else(|| self.graph.open_entity(lineage)).cloned()
    }

    /// Entities with a name or alias of this key, by the batch so far; sorted.
    fn named(&self, key: &str) -> Vec<Ulid> {
        let mut found: Vec<Ulid> = self.graph.named(key).to_vec();
        found.extend(self.named.get(key).into_iter().flatten());
        found.sort_unstable();
        found.dedup();
        found
    }

    fn observes(&self, lineage: Ulid, text: &str) -> bool {
        let form = form_of(text);
        self.observed.contains(&(lineage, form))
            || self.group(lineage).iter().any(|member| self.graph.observes(*member, &form))
    }

    /// The lineages that are one entity with this one.
    fn group(&self, lineage: Ulid) -> Vec<Ulid> {
        self.graph.group(lineage, self.at)
    }

    fn root(&self, lineage: Ulid) -> Ulid {
        self.graph.root(lineage, self.at)
    }

    /// Facts of a start and type that are said, by the batch so far.
    fn slot(&self, from: Ulid, kind: &str) -> Vec<Fact> {
        let group = self.group(from);
        let slots = group
            .iter()
            .flat_map(|from| self.said(self.graph.slot(*from, kind), *from, kind, |_| true));
        slots.collect()
    }

    /// The same to one end.
    fn triple(&self, from: Ulid, kind: &str, to: Ulid) -> Vec<Fact> {
        let (starts, ends) = (self.group(from), self.group(to));
        let mut facts = Vec::new();
        for from in starts {
            let known = ends.iter().flat_map(|to| self.graph.triple(from, kind, *to));
            let known: Vec<Ulid> = known.copied().collect();
            facts.extend(self.said(&known, from, kind, |fact| ends.contains(&fact.to)));
        }
        facts
    }

    fn said(
        &self,
        known: &[Ulid],
        from: Ulid,
        kind: &str,
        wanted: impl Fn(&Fact) -> bool,
    ) -> Vec<Fact> {
        let known = known.iter().filter(|id| !self.ended.contains(id));
        let known = known.filter_map(|id| self.graph.fact_row(*id)).cloned().map(|mut fact| {
            let added = self.delta.sources.iter().filter(|(id, _)| *id == fact.id);
            fact.sources.extend(added.map(|(_, source)| source.clone()));
            fact
        });
        let places = self.facts.get(&(from, kind.to_owned())).map_or(&[][..], Vec::as_slice);
        let fresh = places.iter().filter_map(|&at| self.delta.facts.insert.get(at));
        known.chain(fresh.filter(|fact| wanted(fact)).cloned()).collect()
    }

    /// The place of a fact that this batch made.
    fn fresh(&self, fact: &Fact) -> Option<usize> {
        let places = self.facts.get(&(fact.from, names::kind(&fact.kind)))?;
        let is = |at: &&usize| self.delta.facts.insert.get(**at).is_some_and(|it| it.id == fact.id);
        places.iter().find(is).copied()
    }

    fn insert_fact(&mut self, fact: Fact) {
        let place = self.delta.facts.insert.len();
        self.facts.entry((fact.from, names::kind(&fact.kind))).or_default().push(place);
        self.delta.facts.insert.push(fact);
    }
}

#[cfg(test)]
mod tests;
