//! What goes together when something is forgotten.

use std::collections::HashSet;

use ulid::Ulid;

use super::Graph;
use crate::graph::LATEST;

/// Rows that are forgotten together.
#[derive(Debug, Default)]
pub(crate) struct Doomed {
    pub(crate) entities: Vec<Ulid>,
    pub(crate) observations: Vec<Ulid>,
    pub(crate) facts: Vec<Ulid>,
    pub(crate) merges: Vec<Ulid>,
    /// Entities, observations and facts that were named, or hang on what was named; versions aside.
    pub(crate) items: usize,
}

impl Graph {
    /// Add what goes when the row `id` is forgotten; whether there was anything. `purge` takes all
    /// versions, else what is still said. An entity takes along what is said of it.
    pub(crate) fn doom(&self, id: Ulid, purge: bool, doomed: &mut Doomed) -> bool {
        let goes = |open: bool| purge || open;
        if let Some(row) = self.observations.get(&id).filter(|row| goes(row.times.is_open())) {
            doomed.observations.push(row.id);
            doomed.items += 1;
            return true;
        }
        if self.facts.contains_key(&id) {
            let versions = self.fact_versions(id).into_iter().filter_map(|id| self.facts.get(&id));
            let rows: Vec<Ulid> =
                versions.filter(|fact| goes(fact.times.is_open())).map(|fact| fact.id).collect();
            // A fact is retracted by the version that is named; purged, with all of them.
            let rows =
                if purge { rows } else { rows.into_iter().filter(|row| *row == id).collect() };
            doomed.items += usize::from(!rows.is_empty());
            let any = !rows.is_empty();
            doomed.facts.extend(rows);
            return any;
        }
        let Some(lineage) = self.entities.get(&id).map(|entity| entity.lineage) else {
            return false;
        };
        // What was merged is one entity, by whichever id it is named.
        let group = self.group(lineage, LATEST);
        let before = doomed.entities.len();
        for lineage in &group {
            self.doom_thing(*lineage, goes, doomed);
        }
        if purge {
            doomed.merges.extend(self.merges_doomed(&group));
        }
        doomed.entities.len() > before
    }

    fn doom_thing(&self, lineage: Ulid, goes: impl Fn(bool) -> bool, doomed: &mut Doomed) {
        let Some(thing) = self.things.get(&lineage) else { return };
        let before = doomed.entities.len();
        let open = |id: &&Ulid| self.entities.get(id).is_some_and(|entity| goes(entity.is_open()));
        doomed.entities.extend(thing.versions.iter().filter(open));
        if doomed.entities.len() == before {
            return;
        }
        doomed.items += 1;
        for id in &thing.observations {
            if self.observations.get(id).is_some_and(|row| goes(row.times.is_open())) {
                doomed.observations.push(*id);
                doomed.items += 1;
            }
        }
        let mut lineages = HashSet::new();
        for id in thing.out.iter().chain(&thing.into) {
            if let Some(fact) = self.facts.get(id).filter(|fact| goes(fact.times.is_open())) {
                doomed.facts.push(*id);
                doomed.items += usize::from(lineages.insert(fact.lineage));
            }
        }
    }
}

impl Doomed {
    /// Each row once.
    pub(crate) fn settle(&mut self) {
        let Self { entities, observations, facts, merges, .. } = self;
        for ids in [entities, observations, facts, merges] {
            ids.sort_unstable();
            ids.dedup();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entities.len() + self.observations.len() + self.facts.len() + self.merges.len()
    }
}
