//! Reading the graph, and its rows in the index.

use std::sync::Arc;

use mcp_core::prelude::{
    CancellationToken, ToolError,
    task::{self, Cancel},
};
use ulid::Ulid;

use super::{GraphWork, Item, Knowledge, Shared, State};
use crate::{
    Error,
    graph::{At, Draft, Entity, Fact, Graph, LATEST, Merge, Observation},
    memory::Memory,
    moment::Moment,
    store::{Answer, Store},
};

/// The times a question is about; what is absent is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Moments {
    pub(crate) as_of: Option<Moment>,
    pub(crate) known_at: Option<Moment>,
}

/// The graph while it is looked at.
pub(crate) struct Seen<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) at: At,
    pub(crate) seq: u64,
    pub(crate) now: Moment,
}

impl<S: Store> Knowledge<S> {
    /// Look at the graph at one point in both times. Writes wait meanwhile: nothing long is to be
    /// done in `look`.
    pub(crate) async fn look<T>(
        &self,
        moments: Moments,
        look: impl FnOnce(Seen<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.ready().await?;
        let state = self.shared.read();
        look(self.shared.seen(&state, moments)?)
    }

    /// The same beside the calls, for what takes longer.
    pub(crate) async fn survey<T: Send + 'static>(
        &self,
        moments: Moments,
        token: &CancellationToken,
        look: impl FnOnce(Seen<'_>, &Cancel) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, ToolError> {
        self.ready().await?;
        let shared = Arc::clone(&self.shared);
        let done = task::compute(token, move |cancel| {
            let state = shared.read();
            look(shared.seen(&state, moments)?, cancel)
        });
        Ok(done.await??)
    }

    /// What works would do one after the other, each by itself or not at all; nothing is written.
    pub(crate) async fn rehearse(
        &self,
        works: Vec<(usize, GraphWork)>,
        token: &CancellationToken,
    ) -> Result<(u64, Vec<(usize, Result<Answer, Error>)>), ToolError> {
        self.ready().await?;
        let shared = Arc::clone(&self.shared);
        let done = task::compute(token, move |cancel| {
            let state = shared.read();
            let mut last = 0;
            let mut new_id = || {
                last += 1;
                // Ids of no moment: they are thrown away with the draft.
                Ulid(u128::MAX - (1 << 64) + last)
            };
            let mut draft = Draft::new(&state.graph, shared.now(&state), state.seq, &mut new_id);
            let works = works.into_iter().take_while(|_| !cancel.is_cancelled());
            let outcomes = works.map(|(number, work)| (number, draft.work(work)));
            (state.seq, outcomes.collect())
        });
        done.await
    }

    /// All versions of the memory that is, or was, called `key` or has the id, oldest first.
    pub(crate) async fn memory_versions(&self, name: Name<'_>) -> Result<Vec<Memory>, Error> {
        self.ready().await?;
        let (ids, now) = {
            let state = self.shared.read();
            let now = self.shared.now(&state);
            self.shared.answer_for(now);
            let ids = match name {
                Name::Key(key) => state.catalog.versions_of_key(key).to_vec(),
                Name::Id(id) => state.catalog.versions(id),
            };
            (ids, now)
        };
        let mut rows = self.shared.store().rows(&ids).await?;
        rows.retain(|row| row.expires_at > now);
        rows.sort_by_key(|row| row.id);
        Ok(rows)
    }
}

impl<S: Store> Shared<S> {
    fn seen<'a>(&self, state: &'a State, moments: Moments) -> Result<Seen<'a>, Error> {
        let now = self.now(state);
        let known_at = moments.known_at.unwrap_or(now);
        if known_at > now {
            return Err(Error::invalid(
                "/known_at",
                format!("must not lie in the future: it is {now}"),
            ));
        }
        self.answer_for(known_at);
        let at = At { as_of: moments.as_of.unwrap_or(now), known_at };
        Ok(Seen { graph: &state.graph, at, seq: state.seq, now })
    }
}

/// How a memory is named.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name<'a> {
    Key(&'a str),
    Id(Ulid),
}

impl State {
    pub(super) fn add_entity(&mut self, entity: &Entity) {
        self.graph.add_entity(entity.clone());
        self.list_entity(entity.id);
    }

    pub(super) fn add_observation(&mut self, observation: &Observation) {
        self.graph.add_observation(observation.clone());
        self.list_observation(observation.id);
    }

    pub(super) fn add_fact(&mut self, fact: &Fact) {
        self.graph.add_fact(fact.clone());
        self.list_fact(fact.id);
    }

    pub(super) fn add_merge(&mut self, merge: &Merge) {
        self.graph.add_merge(merge.clone());
        self.list_merged(merge);
    }

    /// Index entities anew whose names a merge, or its end, has moved.
    pub(super) fn list_merged(&mut self, merge: &Merge) {
        let moved = merge.merged.iter().copied().chain([merge.keep]);
        let lineages = moved.flat_map(|lineage| [lineage, self.graph.root(lineage, LATEST)]);
        let rows = lineages.filter_map(|lineage| self.graph.open_entity(lineage));
        let mut ids: Vec<Ulid> = rows.map(|row| row.id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            if let Some(doc) = self.docs.remove(&id) {
                self.unlist(doc);
            }
            self.list_entity(id);
        }
    }

    pub(super) fn list_entity(&mut self, id: Ulid) {
        let row = self.graph.entity_row(id).filter(|row| row.is_open());
        if let Some(text) = row.and_then(|row| self.graph.entity_text(row)) {
            let doc = self.enlist(&text, Item::Entity(id));
            self.docs.insert(id, doc);
        }
    }

    pub(super) fn list_observation(&mut self, id: Ulid) {
        if let Some(text) = self.observation_text(id) {
            let doc = self.enlist(&text, Item::Observation(id));
            self.docs.insert(id, doc);
        }
    }

    pub(super) fn list_fact(&mut self, id: Ulid) {
        if let Some(text) = self.fact_text(id) {
            let doc = self.enlist(&text, Item::Fact(id));
            self.docs.insert(id, doc);
        }
    }

    /// An observation that is still said, with the name of what it is about.
    pub(super) fn observation_text(&self, id: Ulid) -> Option<String> {
        let row = self.graph.observation_row(id).filter(|row| row.times.is_open())?;
        Some(format!("{}: {}", self.graph.name_at(row.entity, row.times.recorded_at), row.text))
    }

    /// A fact that is still said, as a sentence.
    pub(super) fn fact_text(&self, id: Ulid) -> Option<String> {
        let fact = self.graph.fact_row(id).filter(|fact| fact.times.is_open())?;
        Some(self.graph.sentence(fact))
    }
}
