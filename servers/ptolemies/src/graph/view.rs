//! What shows of the graph at one point in both times.

use std::collections::{BTreeSet, HashSet};

use ulid::Ulid;

use super::{At, Entity, Fact, Graph, LATEST, Observation, ledger::Thing, names};
use crate::moment::Moment;

/// What a name or id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolved {
    One(Ulid),
    /// Several entities bear it.
    Several(Vec<Ulid>),
    None,
}

impl Graph {
    /// What a name, alias or id of an entity stood for at a time.
    pub(crate) fn resolve(&self, text: &str, known_at: Moment) -> Resolved {
        if let Ok(id) = Ulid::from_string(text) {
            let lineage = self.entities.get(&id).map_or(id, |entity| entity.lineage);
            let lineage = self.root(lineage, known_at);
            if self.entity_at(lineage, known_at).is_some() {
                return Resolved::One(lineage);
            }
        }
        let key = names::key(text);
        let has = |lineage: &Ulid| {
            self.entity_at(*lineage, known_at)
                .is_some_and(|entity| entity.keys().any(|other| other == key))
        };
        let mut found: Vec<Ulid> = self.named(&key).iter().copied().filter(&has).collect();
        if found.is_empty() {
            // Names of the past are in no map.
            let past = self
                .things
                .iter()
                .filter(|(_, thing)| thing.versions.len() > 1 || !self.is_open(thing));
            found = past.map(|(&lineage, _)| lineage).filter(has).collect();
        }
        if found.len() > 1 {
            let bears = |lineage: &&Ulid| {
                self.entity_at(**lineage, known_at)
                    .is_some_and(|entity| names::key(&entity.name) == key)
            };
            let bearers: Vec<Ulid> = found.iter().filter(bears).copied().collect();
            found = self.roots(found, known_at);
            let bearers = self.roots(bearers, known_at);
            if bearers.len() == 1 {
                found = bearers;
            }
        } else {
            found = self.roots(found, known_at);
        }
        match found[..] {
            [] => Resolved::None,
            [one] => Resolved::One(one),
            _ => Resolved::Several(found),
        }
    }

    /// What entities were part of then, each once.
    pub(crate) fn roots(&self, lineages: Vec<Ulid>, known_at: Moment) -> Vec<Ulid> {
        let mut roots: Vec<Ulid> =
            lineages.into_iter().map(|lineage| self.root(lineage, known_at)).collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }

    fn is_open(&self, thing: &Thing) -> bool {
        let last = thing.versions.last().and_then(|id| self.entities.get(id));
        last.is_some_and(Entity::is_open)
    }

    /// Names like one that is nobody's, the likest first.
    pub(crate) fn nearest(&self, name: &str, count: usize) -> Vec<String> {
        /// Below this a name is no help.
        const LEAST: f64 = 0.6;
        let key = names::key(name);
        let rows = self.resembling(&key).into_iter().filter_map(|id| self.open_entity(id));
        let mut near: Vec<(f64, &str)> = rows
            .map(|entity| (names::likeness(&key, &names::key(&entity.name), None), &*entity.name))
            .filter(|(likeness, _)| *likeness >= LEAST)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        near.dedup_by(|a, b| a.1 == b.1);
        near.into_iter().take(count).map(|(_, name)| name.to_owned()).collect()
    }

    /// Name of an entity as it was known then, or at all.
    pub(crate) fn name_at(&self, lineage: Ulid, known_at: Moment) -> &str {
        let lineage = self.root(lineage, known_at);
        let known = self.entity_at(lineage, known_at);
        let row = known.or_else(|| {
            self.things.get(&lineage).and_then(|thing| self.entities.get(thing.versions.first()?))
        });
        row.map_or("", |entity| &entity.name)
    }

    /// Facts of an entity that hold, first those that start at it; each by type, newest first.
    pub(crate) fn facts_at(&self, lineage: Ulid, at: At) -> Vec<&Fact> {
        let group = self.group(lineage, at.known_at);
        let things: Vec<&Thing> = group.iter().filter_map(|id| self.things.get(id)).collect();
        let holding = |ids: fn(&Thing) -> &[Ulid]| {
            let rows = things.iter().flat_map(|thing| ids(thing));
            let rows = rows.filter_map(|id| self.facts.get(id));
            let mut facts: Vec<&Fact> = rows.filter(|fact| fact.times.holds_at(at)).collect();
            facts.sort_by(|a, b| {
                (&a.kind, b.times.valid_from, b.id).cmp(&(&b.kind, a.times.valid_from, a.id))
            });
            facts
        };
        let mut facts = holding(|thing| &thing.out);
        let from_outside = |fact: &&Fact| !group.contains(&fact.from);
        facts.extend(holding(|thing| &thing.into).into_iter().filter(from_outside));
        facts
    }

    /// Facts that start at an entity and hold, in the order of their ids.
    #[cfg(test)]
    pub(crate) fn out_at(&self, lineage: Ulid, at: At) -> impl Iterator<Item = &Fact> {
        let ids = self.things.get(&lineage).map_or(&[][..], |thing| thing.out.as_slice());
        ids.iter().filter_map(|id| self.facts.get(id)).filter(move |fact| fact.times.holds_at(at))
    }

    /// Observations of an entity that hold, newest first.
    pub(crate) fn observations_at(&self, lineage: Ulid, at: At) -> Vec<&Observation> {
        let group = self.group(lineage, at.known_at);
        let ids = group.iter().filter_map(|id| self.things.get(id));
        let rows = ids.flat_map(|thing| &thing.observations);
        let rows = rows.filter_map(|id| self.observations.get(id));
        let mut rows: Vec<&Observation> = rows.filter(|row| row.times.holds_at(at)).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        rows
    }

    /// All rows about an entity, and about what is merged into it, there ever were: its versions,
    /// observations, facts.
    pub(crate) fn history(&self, lineage: Ulid) -> (Vec<&Entity>, Vec<&Observation>, Vec<&Fact>) {
        let group = self.group(lineage, LATEST);
        let things: Vec<&Thing> = group.iter().filter_map(|id| self.things.get(id)).collect();
        let all = |ids: fn(&Thing) -> &[Ulid]| things.iter().flat_map(move |thing| ids(thing));
        let facts: BTreeSet<Ulid> =
            all(|thing| &thing.out).chain(all(|thing| &thing.into)).copied().collect();
        (
            all(|thing| &thing.versions).filter_map(|id| self.entities.get(id)).collect(),
            all(|thing| &thing.observations).filter_map(|id| self.observations.get(id)).collect(),
            facts.iter().filter_map(|id| self.facts.get(id)).collect(),
        )
    }

    /// Share of neighbours two entities have in common, if both have some.
    pub(crate) fn shared_neighbours(&self, one: Ulid, other: Ulid) -> Option<f64> {
        /// Of so many each: the share of a hub says little.
        const MOST: usize = 200;
        let around = |lineage: Ulid| -> HashSet<Ulid> {
            let Some(thing) = self.things.get(&lineage) else { return HashSet::new() };
            let facts = thing.out.iter().chain(&thing.into).rev().take(MOST);
            let open =
                facts.filter_map(|id| self.facts.get(id)).filter(|fact| fact.times.is_open());
            open.map(|fact| if fact.from == lineage { fact.to } else { fact.from }).collect()
        };
        let (a, b) = (around(one), around(other));
        if a.is_empty() || b.is_empty() {
            return None;
        }
        Some(names::jaccard(a.intersection(&b).count(), a.len(), b.len()))
    }
}

impl Graph {
    /// A fact as a sentence.
    pub(crate) fn sentence(&self, fact: &Fact) -> String {
        let known_at = fact.times.recorded_at;
        let mut sentence = format!(
            "{} {} {}",
            self.name_at(fact.from, known_at),
            fact.kind.replace('_', " "),
            self.name_at(fact.to, known_at)
        );
        if let Some(text) = &fact.text {
            sentence.push_str(": ");
            sentence.push_str(text);
        }
        sentence
    }
}
