//! How much is kept, and how much may be.

use std::sync::PoisonError;

use super::{Knowledge, Shared, State};
use crate::{
    Error,
    error::Quota,
    memory::Memory,
    space::Allowance,
    store::{Change, Store},
};

/// How much is kept, all versions counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Most memories.
    pub(crate) memories: u32,
    /// Most bytes of entities, observations and facts.
    pub(crate) graph_bytes: usize,
    /// Most chunks of documents.
    pub(crate) chunks: u32,
    /// Of all together.
    pub(crate) allowance: Allowance,
}

/// What is held of the limits, or would be added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) memories: usize,
    pub(crate) graph_bytes: usize,
    pub(crate) chunks: usize,
    /// Rows of every table.
    pub(crate) items: usize,
    /// Of all texts.
    pub(crate) bytes: usize,
}

impl Load {
    /// What a change adds; what it deletes is not counted against it.
    pub(super) fn of(change: &Change) -> Self {
        let (graph, documents) = (&change.graph, &change.documents);
        let rows = graph.entities.insert.len()
            + graph.observations.insert.len()
            + graph.facts.insert.len()
            + graph.merges.insert.len();
        let memory_bytes: usize = change.insert.iter().map(Memory::bytes).sum();
        let document_bytes: usize = documents.chunks.iter().map(|chunk| chunk.text.len()).sum();
        let (memories, graph_bytes) = (change.insert.len(), graph.bytes());
        let chunks = documents.chunks.len();
        Self {
            memories,
            graph_bytes,
            chunks,
            items: memories + rows + documents.insert.len() + chunks,
            bytes: memory_bytes + graph_bytes + document_bytes,
        }
    }
}

impl Limits {
    /// Whether more fits beside what is held.
    pub(super) fn admit(self, held: Load, more: Load) -> Result<(), Error> {
        let over = |limit: usize, held: usize, more: usize| {
            (more > 0 && held.saturating_add(more) > limit).then_some((limit, held, more))
        };
        let most = |bound: Option<u64>| {
            bound.map_or(usize::MAX, |bound| usize::try_from(bound).unwrap_or(usize::MAX))
        };
        let refused = if over(self.memories as usize, held.memories, more.memories).is_some() {
            Quota::Memories { limit: self.memories, held: held.memories }
        } else if let Some((limit, held, more)) =
            over(self.graph_bytes, held.graph_bytes, more.graph_bytes)
        {
            Quota::Graph { limit, held, more }
        } else if over(self.chunks as usize, held.chunks, more.chunks).is_some() {
            Quota::Chunks { limit: self.chunks, held: held.chunks, more: more.chunks }
        } else if let Some((limit, held, more)) =
            over(most(self.allowance.items), held.items, more.items)
        {
            Quota::Items { limit, held, more }
        } else if let Some((limit, held, more)) =
            over(most(self.allowance.bytes), held.bytes, more.bytes)
        {
            Quota::Bytes { limit, held, more }
        } else {
            return Ok(());
        };
        Err(Error::QuotaExceeded(refused))
    }
}

impl State {
    /// What is held of the limits.
    pub(super) fn load(&self) -> Load {
        Load {
            memories: self.catalog.len(),
            graph_bytes: self.graph.bytes(),
            chunks: self.documents.chunks(),
            items: self.counts().into_iter().map(|(_, count)| count).sum(),
            bytes: self.catalog.bytes() + self.graph.bytes() + self.documents.bytes(),
        }
    }
}

impl<S> Shared<S> {
    pub(super) fn limits(&self) -> Limits {
        *self.limits.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Store> Knowledge<S> {
    /// Keep to other limits from now on. What is there stays.
    pub(crate) fn bound(&self, limits: Limits) {
        *self.shared.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_is_named_by_the_first_that_would_be_passed() {
        let allowance = Allowance { items: Some(10), bytes: Some(100) };
        let limits = Limits { memories: 5, graph_bytes: 50, chunks: 4, allowance };
        let held = Load { memories: 5, graph_bytes: 40, chunks: 4, items: 9, bytes: 90 };
        let none = Load::default();
        assert!(limits.admit(held, none).is_ok(), "what adds nothing fits");
        let of = |more: Load| match limits.admit(held, more) {
            Err(Error::QuotaExceeded(quota)) => Some(quota),
            _ => None,
        };
        for (more, quota) in [
            (Load { memories: 1, ..none }, Some(Quota::Memories { limit: 5, held: 5 })),
            (
                Load { graph_bytes: 11, ..none },
                Some(Quota::Graph { limit: 50, held: 40, more: 11 }),
            ),
            (Load { graph_bytes: 10, ..none }, None),
            (Load { chunks: 1, ..none }, Some(Quota::Chunks { limit: 4, held: 4, more: 1 })),
            (Load { items: 2, ..none }, Some(Quota::Items { limit: 10, held: 9, more: 2 })),
            (Load { items: 1, bytes: 10, ..none }, None),
            (Load { bytes: 11, ..none }, Some(Quota::Bytes { limit: 100, held: 90, more: 11 })),
        ] {
            assert_eq!(of(more), quota, "{more:?}");
        }
        let over = Load { memories: 9, ..held };
        assert!(limits.admit(over, none).is_ok(), "a lowered bound keeps what is there");
    }
}
