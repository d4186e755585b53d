//! What a mirror of the graph is made of.

use ulid::Ulid;

use super::{Entity, Graph};

impl Graph {
    /// The newest version of an entity, whether the store still holds it for true or not.
    pub(crate) fn newest_entity(&self, lineage: Ulid) -> Option<&Entity> {
        self.entities.get(self.things.get(&lineage)?.versions.last()?)
    }

    /// Ids of all rows that a mirror has: entities first, then what joins them.
    pub(crate) fn row_ids(&self) -> Vec<Ulid> {
        let entities = self.things.values().filter_map(|thing| thing.versions.last());
        let mut ids: Vec<Ulid> = entities.copied().collect();
        ids.extend(self.facts.keys());
        ids.extend(self.merges.ids());
        ids
    }
}
