//! Entities that turned out to be one. A merge is a row that redirects: what was said of either
//! stays where it was said, and is read together while the row holds. So undoing is exact, and
//! questions about a time before the merge are answered as before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mcp_core::prelude::{Deserialize, JsonSchema, Serialize};
use ulid::Ulid;

use super::{Entity, Fact, Graph, ROW, names};
use crate::moment::Moment;

/// After everything that is recorded, before what never ends: what the store says.
pub(crate) const LATEST: Moment = Moment::from_millis(i64::MAX - 1);

/// One merge. Only `retracted_at` ever changes, once: by undoing it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Merge {
    pub(crate) id: Ulid,
    /// Lineage of the entity that the others became.
    pub(crate) keep: Ulid,
    /// Lineages of the others.
    pub(crate) merged: Vec<Ulid>,
    pub(crate) recorded_at: Moment,
    pub(crate) retracted_at: Moment,
    pub(crate) seq: u64,
}

impl Merge {
    pub(crate) fn is_known_at(&self, known_at: Moment) -> bool {
        self.recorded_at <= known_at && known_at < self.retracted_at
    }

    /// Bytes it keeps in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        ROW + 64 * self.merged.len()
    }
}

/// What became of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct MergeOutcome {
    /// Pass it as `undo` to part them again.
    pub(crate) merge_id: String,
    /// Id of the entity kept.
    pub(crate) id: String,
    /// Ids of the others: they lead to it while they are merged.
    pub(crate) merged: Vec<String>,
    /// True when they were parted again.
    pub(crate) undone: bool,
}

impl MergeOutcome {
    pub(super) fn of(merge: &Merge, undone: bool) -> Self {
        Self {
            merge_id: merge.id.to_string(),
            id: merge.keep.to_string(),
            merged: merge.merged.iter().map(ToString::to_string).collect(),
            undone,
        }
    }
}

/// All merges, found by the entities on either side.
#[derive(Debug, Default)]
pub(super) struct Merges {
    rows: BTreeMap<Ulid, Merge>,
    /// By each lineage that was merged into another.
    away: HashMap<Ulid, BTreeSet<Ulid>>,
    /// By the lineage that was kept.
    kept: HashMap<Ulid, BTreeSet<Ulid>>,
}

impl Merges {
    pub(super) fn ids(&self) -> impl Iterator<Item = Ulid> {
        self.rows.keys().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn last_id(&self) -> Option<Ulid> {
        self.rows.last_key_value().map(|(&id, _)| id)
    }

    fn of<'a>(
        &'a self,
        map: &'a HashMap<Ulid, BTreeSet<Ulid>>,
        lineage: Ulid,
    ) -> impl Iterator<Item = &'a Merge> {
        map.get(&lineage).into_iter().flatten().filter_map(|id| self.rows.get(id))
    }

    pub(super) fn add(&mut self, merge: Merge) {
        for lineage in &merge.merged {
            self.away.entry(*lineage).or_default().insert(merge.id);
        }
        self.kept.entry(merge.keep).or_default().insert(merge.id);
        self.rows.insert(merge.id, merge);
    }

    pub(super) fn end(&mut self, id: Ulid, at: Moment) {
        if let Some(row) = self.rows.get_mut(&id).filter(|row| row.retracted_at == Moment::NEVER) {
            row.retracted_at = at;
        }
    }

    pub(super) fn delete(&mut self, id: Ulid) -> Option<Merge> {
        let merge = self.rows.remove(&id)?;
        let kept = self.kept.get_mut(&merge.keep).map(|ids| (ids.remove(&id), ids.is_empty()));
        if kept.is_some_and(|(_, empty)| empty) {
            self.kept.remove(&merge.keep);
        }
        for lineage in &merge.merged {
            let left = self.away.get_mut(lineage).map(|ids| (ids.remove(&id), ids.is_empty()));
            if left.is_some_and(|(_, empty)| empty) {
                self.away.remove(lineage);
            }
        }
        Some(merge)
    }
}

impl Graph {
    pub(crate) fn merge_row(&self, id: Ulid) -> Option<&Merge> {
        self.merges.rows.get(&id)
    }

    /// Merges that hold.
    pub(crate) fn merges_at(&self, known_at: Moment) -> impl Iterator<Item = &Merge> {
        self.merges.rows.values().filter(move |row| row.is_known_at(known_at))
    }

    /// The entity that one was part of then; itself if it was merged into none.
    pub(crate) fn root(&self, lineage: Ulid, known_at: Moment) -> Ulid {
        let mut root = lineage;
        // As many steps as there are merges at most: rows that were tampered with end too.
        for _ in 0..self.merges.rows.len() {
            let next = self.merges.of(&self.merges.away, root);
            match next.filter(|row| row.is_known_at(known_at)).last() {
                Some(row) => root = row.keep,
                None => break,
            }
        }
        root
    }

    /// The lineages that were one entity with this one then: the one kept first, then by id.
    pub(crate) fn group(&self, lineage: Ulid, known_at: Moment) -> Vec<Ulid> {
        let root = self.root(lineage, known_at);
        if !self.merges.kept.contains_key(&root) {
            return vec![root];
        }
        let mut members = BTreeSet::new();
        let mut open = vec![root];
        while let Some(lineage) = open.pop() {
            let rows = self.merges.of(&self.merges.kept, lineage);
            for row in rows.filter(|row| row.is_known_at(known_at)) {
                for &merged in &row.merged {
                    if merged != root && members.insert(merged) {
                        open.push(merged);
                    }
                }
            }
        }
        [root].into_iter().chain(members).collect()
    }

    /// Merges that an entity took part in, those undone too; oldest first.
    pub(crate) fn merges_of(&self, lineage: Ulid) -> Vec<&Merge> {
        let group = self.group(lineage, LATEST);
        let ids: BTreeSet<Ulid> = group
            .iter()
            .flat_map(|&lineage| {
                let kept = self.merges.of(&self.merges.kept, lineage);
                kept.chain(self.merges.of(&self.merges.away, lineage)).map(|row| row.id)
            })
            .collect();
        ids.iter().filter_map(|id| self.merges.rows.get(id)).collect()
    }

    /// Merges that go when all these lineages are purged: what redirects to one of them, or from
    /// them alone.
    pub(super) fn merges_doomed(&self, lineages: &[Ulid]) -> Vec<Ulid> {
        let rows = lineages.iter().flat_map(|&lineage| {
            let kept = self.merges.of(&self.merges.kept, lineage);
            let away = self.merges.of(&self.merges.away, lineage);
            kept.chain(away.filter(|row| row.merged.iter().all(|id| lineages.contains(id))))
        });
        rows.map(|row| row.id).collect()
    }

    /// Other names of an entity, with those of what was merged into it; each once.
    pub(crate) fn aliases_at(&self, lineage: Ulid, known_at: Moment) -> Vec<&str> {
        let mut keys = BTreeSet::new();
        let mut aliases = Vec::new();
        for (number, member) in self.group(lineage, known_at).into_iter().enumerate() {
            let Some(row) = self.entity_at(member, known_at) else { continue };
            let own = [&row.name].into_iter().chain(&row.aliases);
            for (place, name) in own.enumerate() {
                if keys.insert(names::key(name)) && (number, place) != (0, 0) {
                    aliases.push(name.as_str());
                }
            }
        }
        aliases
    }

    /// What the index holds of an entity, with the names of what was merged into it; none of one
    /// that was merged into another.
    pub(crate) fn entity_text(&self, row: &Entity) -> Option<String> {
        if self.root(row.lineage, LATEST) != row.lineage {
            return None;
        }
        let others = self.group(row.lineage, LATEST).into_iter().skip(1);
        let others = others.filter_map(|member| self.open_entity(member)).map(Entity::indexed_text);
        Some([row.indexed_text()].into_iter().chain(others).collect::<Vec<_>>().join("\n"))
    }

    /// Facts that start at any of these lineages and are still said, by id.
    pub(super) fn said_from(&self, lineages: &[Ulid]) -> Vec<&Fact> {
        let things = lineages.iter().filter_map(|lineage| self.things.get(lineage));
        let facts = things.flat_map(|thing| &thing.out).filter_map(|id| self.facts.get(id));
        let mut facts: Vec<&Fact> = facts.filter(|fact| fact.times.is_open()).collect();
        facts.sort_by_key(|fact| fact.id);
        facts
    }
}
