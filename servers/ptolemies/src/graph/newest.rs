//! The newest version of an entity, whether the store still holds it for true or not.

use ulid::Ulid;

use super::{Entity, Graph};

impl Graph {
    pub(crate) fn newest_entity(&self, lineage: Ulid) -> Option<&Entity> {
        self.entities.get(self.things.get(&lineage)?.versions.last()?)
    }
}
