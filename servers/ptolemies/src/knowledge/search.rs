//! Ranked retrieval.

mod graph;
mod parents;

use std::{collections::HashMap, sync::Arc};

use mcp_core::prelude::{CancellationToken, ToolError, task};
use recall_engine::{Answer, DocId, Explanation, Query, Ranked, Verdict, Weights};
use ulid::Ulid;

use super::Knowledge;
use crate::{
    Error,
    catalog::Filter,
    document::Document,
    graph::{At, Entity, LATEST, names},
    memory::Memory,
    moment::Moment,
    store::Store,
    text::clean,
};

/// Hits considered, so that folding and the budget have something to choose from.
const POOL: usize = 1_000;
/// Rows read at a time while hits are collected.
const READ: usize = 32;

/// What a chunk's score is multiplied with: beside its own text it has a document, which counts up
/// to .3, so that one which is the whole document weighs like a memory of the same text.
const CHUNK_FACTOR: f64 = 1.0 / 1.3;

/// What a text of the index is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    Memory(Ulid),
    /// A version of an entity.
    Entity(Ulid),
    Observation(Ulid),
    Fact(Ulid),
    /// A piece of a document.
    Chunk(Ulid),
    /// Gone.
    None,
}

/// What to look for.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    pub(crate) query: String,
    /// Of memories; one that names anything leaves all else out.
    pub(crate) filter: Filter,
    /// Names of [`Item::kind`]; all when there are none.
    pub(crate) kinds: Vec<&'static str>,
    /// Chunks of this document alone, by name or id.
    pub(crate) document: Option<String>,
    /// Rank documents by all their chunks, and show the best one of each.
    pub(crate) parents: bool,
    /// Facts that held in the world then; now when absent.
    pub(crate) as_of: Option<Moment>,
    /// Most hits.
    pub(crate) k: usize,
    /// Most tokens of text, as [`recall_engine::tokens`] counts them.
    pub(crate) max_tokens: usize,
    /// Least score.
    pub(crate) min_score: f64,
    pub(crate) explain: bool,
    /// Tell how much of the query the best hit holds: to compare with other namespaces.
    pub(crate) coverage: bool,
}

/// What was found, best first.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) seq: u64,
    /// Whether meaning took part.
    pub(crate) meaning: bool,
    /// Whether the query names entities, so that nearness to them took part.
    pub(crate) graph: bool,
    pub(crate) found: Vec<Found>,
    /// Share of the words of the query that the best hit holds, if it was asked for.
    pub(crate) coverage: Option<f64>,
    /// Further hits among the best `k` that the token budget left out.
    pub(crate) over_budget: usize,
}

impl Item {
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::Entity(_) => "entity",
            Self::Observation(_) => "observation",
            Self::Fact(_) => "fact",
            Self::Chunk(_) => "chunk",
            Self::None => "",
        }
    }

    fn id(self) -> Ulid {
        match self {
            Self::Memory(id) | Self::Entity(id) | Self::Observation(id) => id,
            Self::Fact(id) | Self::Chunk(id) => id,
            Self::None => Ulid::nil(),
        }
    }
}

/// What a hit is.
#[derive(Debug)]
pub(crate) enum Hit {
    /// Its text has moved to [`Found::text`].
    Memory(Box<Memory>),
    Graph {
        kind: &'static str,
        /// The entities it is, or is about.
        entities: Vec<Ulid>,
        sources: Vec<String>,
        recorded_at: Moment,
        valid_from: Option<Moment>,
        valid_to: Option<Moment>,
    },
    Chunk {
        document: Box<Document>,
        number: u32,
        path: Vec<String>,
        /// It stands for its document.
        is_parent: bool,
    },
}

/// What makes a score: the parts add up to it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Shares {
    pub(crate) words: f64,
    pub(crate) meaning: f64,
    /// Of the chunks beside it.
    pub(crate) beside: f64,
    /// Of the document it is part of.
    pub(crate) parent: f64,
    /// Of a document: of its best chunk.
    pub(crate) best: f64,
    /// Of its nearness to entities that the query names.
    pub(crate) graph: f64,
}

/// One hit.
#[derive(Debug)]
pub(crate) struct Found {
    /// Of the version; of an entity that of the entity.
    pub(crate) id: Ulid,
    /// Clean, and cut where `truncated` says so.
    pub(crate) text: String,
    pub(crate) hit: Hit,
    item: Item,
    /// Relative to the best match, which has 1; a key equal to the query has 1 too.
    pub(crate) score: f64,
    /// They add up to the score of all but a key match.
    pub(crate) shares: Shares,
    pub(crate) key_match: bool,
    pub(crate) truncated: bool,
    /// Hits of nearly the same text, folded into this one.
    pub(crate) near_duplicates: Vec<Ulid>,
    pub(crate) explanation: Option<Explanation>,
}

/// A hit before its text is read.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    item: Item,
    score: f64,
    shares: Shares,
    key_match: bool,
}

impl<S: Store> Knowledge<S> {
    /// Rank what is known now for a query: a key or name equal to it first, then words and meaning (0.7 and
    /// 0.3; words alone while there are too few texts for a model) and nearness to entities it names (0.15),
    /// then the newer. Importance and age are left out of the score until they are shown to help on every measured set.
    pub(crate) async fn search(
        &self,
        needle: Needle,
        token: &CancellationToken,
    ) -> Result<Results, ToolError> {
        self.ready().await?;
        let document = self.shared.read().documents_asked(&needle)?;
        let shared = Arc::clone(&self.shared);
        let asked = needle.clone();
        let (seq, meaning, now, (graph, candidates)) = task::compute(token, move |cancel| {
            let state = shared.read();
            let now = shared.now(&state);
            shared.answer_for(now);
            let needle = Asked { needle: &asked, document, now };
            let candidates = state.candidates(needle, &|| cancel.is_cancelled());
            (state.seq, state.index.rank() > 0, now, candidates)
        })
        .await?;
        let (mut found, over_budget) = self.collect(&needle, candidates, now).await?;
        if needle.explain {
            let state = self.shared.read();
            for found in &mut found {
                found.explanation = state
                    .doc_of(found.item)
                    .and_then(|doc| state.index.words().explain(&needle.query, doc));
            }
        }
        let coverage = needle.coverage.then(|| {
            let state = self.shared.read();
            let docs: Vec<DocId> =
                found.iter().filter_map(|found| state.doc_of(found.item)).collect();
            state.index.words().coverage(&needle.query, &docs)
        });
        Ok(Results { seq, meaning, graph, found, coverage, over_budget })
    }

    /// Read rows in rank order until the answer is full.
    async fn collect(
        &self,
        needle: &Needle,
        candidates: Vec<Candidate>,
        now: Moment,
    ) -> Result<(Vec<Found>, usize), Error> {
        let mut answer = Answer::new(needle.k, needle.max_tokens);
        let mut found: Vec<Found> = Vec::new();
        for chunk in candidates.chunks(READ) {
            let ids: Vec<Ulid> = chunk
                .iter()
                .filter(|candidate| matches!(candidate.item, Item::Memory(_)))
                .map(|candidate| candidate.item.id())
                .collect();
            let rows = self.shared.store().rows(&ids).await?;
            let mut rows: HashMap<Ulid, Memory> =
                rows.into_iter().map(|row| (row.id, row)).collect();
            let mut chunks = self.chunks_of(chunk).await?;
            for candidate in chunk {
                // A row that was purged or expired meanwhile is no hit.
                let shown = match candidate.item {
                    Item::Memory(id) => {
                        rows.remove(&id).filter(|row| row.expires_at > now).map(|mut row| {
                            let text = std::mem::take(&mut row.text);
                            (id, text, Hit::Memory(Box::new(row)))
                        })
                    }
                    Item::Chunk(id) => {
                        let row = chunks.remove(&id);
                        row.and_then(|row| self.shared.read().shown_chunk(row, needle.parents))
                    }
                    item => self.shared.read().shown(item),
                };
                let Some((id, text, hit)) = shown else { continue };
                let text = clean(&text);
                match answer.offer(&text, 0) {
                    Verdict::Taken { end, .. } => {
                        found.push(present(id, text, hit, end, *candidate));
                    }
                    Verdict::Folded(into) => {
                        if let Some(found) = found.get_mut(into) {
                            found.near_duplicates.push(id);
                        }
                    }
                    Verdict::OverBudget => {}
                    Verdict::Full => return Ok((found, answer.over_budget())),
                }
            }
        }
        Ok((found, answer.over_budget()))
    }
}

/// A hit with its text up to a byte.
fn present(id: Ulid, mut text: String, hit: Hit, end: usize, candidate: Candidate) -> Found {
    let truncated = end < text.len();
    text.truncate(end);
    let Candidate { item, score, shares, key_match } = candidate;
    Found {
        id,
        text,
        hit,
        item,
        score,
        shares,
        key_match,
        truncated,
        near_duplicates: Vec::new(),
        explanation: None,
    }
}

/// A needle with what of it was looked up.
#[derive(Clone, Copy)]
struct Asked<'a> {
    needle: &'a Needle,
    /// Chunks of this version alone.
    document: Option<Ulid>,
    now: Moment,
}

impl super::State {
    /// What may be hits, best first, and whether the graph took part.
    fn candidates(&self, asked: Asked<'_>, stop: &dyn Fn() -> bool) -> (bool, Vec<Candidate>) {
        let needle = asked.needle;
        let accepts = |item: Item| self.accepts(asked, item);
        let named: Vec<Item> =
            self.named(&needle.query).into_iter().filter(|item| accepts(*item)).collect();
        let near = self.nearness(asked, stop);
        let query = Query {
            weights: Weights::default(),
            graph: &near,
            accept: &|doc: DocId| {
                let item = self.item_of(doc);
                !named.contains(&item) && accepts(item)
            },
            factor: &|doc: DocId| match self.item_of(doc) {
                Item::Chunk(_) => CHUNK_FACTOR,
                _ => 1.0,
            },
            stop,
            ..Query::new(&needle.query, POOL)
        };
        let hits = self.index.search(&query);
        let first = named.iter().map(|&item| Candidate {
            item,
            score: 1.0,
            shares: Shares::default(),
            key_match: true,
        });
        if needle.parents {
            let parents = self.index.search_parents(&query);
            let ranked = self.best_chunks(&parents, &hits, &named, needle.min_score);
            return (!near.is_empty(), first.chain(ranked).collect());
        }
        let best = hits.first().map_or(1.0, |hit| hit.score);
        let ranked = hits.iter().filter_map(|hit| {
            let candidate = Candidate::of(self.item_of(hit.doc), hit, best);
            (candidate.score >= needle.min_score).then_some(candidate)
        });
        (!near.is_empty(), first.chain(ranked).collect())
    }

    /// What the query names exactly: a key, then names of entities, then a document.
    fn named(&self, query: &str) -> Vec<Item> {
        let keyed = self.catalog.open_version(query.trim()).map(|(id, _)| Item::Memory(id));
        let lineages = self.graph.named(&names::key(query)).to_vec();
        let lineages = self.graph.roots(lineages, LATEST).into_iter();
        let entities = lineages.filter_map(|lineage| self.graph.open_entity(lineage));
        let document = self.documents.open(query.trim());
        let chunk = document.map(|document| Item::Chunk(document.chunk_id(0)));
        let entities = entities.map(|entity| Item::Entity(entity.id));
        keyed.into_iter().chain(entities).chain(chunk).collect()
    }

    fn accepts(&self, asked: Asked<'_>, item: Item) -> bool {
        let Asked { needle, document, now } = asked;
        let at = At { as_of: needle.as_of.unwrap_or(now), known_at: now };
        if !needle.kinds.is_empty() && !needle.kinds.contains(&item.kind()) {
            return false;
        }
        if (document.is_some() || needle.parents) && !matches!(item, Item::Chunk(_)) {
            return false;
        }
        // What is no memory has neither context nor tags.
        let unfiltered = needle.filter == Filter::default();
        match item {
            Item::Memory(id) => self
                .catalog
                .get(id)
                .is_some_and(|entry| entry.is_current(at.known_at) && needle.filter.accepts(entry)),
            Item::Entity(id) => {
                unfiltered && self.graph.entity_row(id).is_some_and(Entity::is_open)
            }
            Item::Observation(id) => {
                let row = self.graph.observation_row(id);
                unfiltered && row.is_some_and(|row| row.times.holds_at(at))
            }
            Item::Fact(id) => {
                let row = self.graph.fact_row(id);
                unfiltered && row.is_some_and(|row| row.times.holds_at(at))
            }
            Item::Chunk(id) => self.accepts_chunk(needle, document, id),
            Item::None => false,
        }
    }

    fn doc_of(&self, item: Item) -> Option<DocId> {
        match item {
            Item::Memory(id) => self.catalog.get(id)?.doc,
            item => self.docs.get(&item.id()).copied(),
        }
    }

    /// A row of the graph as a hit.
    fn shown(&self, item: Item) -> Option<(Ulid, String, Hit)> {
        let graph = &self.graph;
        match item {
            Item::Entity(id) => {
                let row = graph.entity_row(id).filter(|row| row.is_open())?;
                let kind = row.kind.iter().map(|kind| format!(" ({kind})"));
                let mut text: String = [row.name.clone()].into_iter().chain(kind).collect();
                let aliases = graph.aliases_at(row.lineage, LATEST);
                if !aliases.is_empty() {
                    text.push_str(&format!(", also {}", aliases.join(", ")));
                }
                let hit = Hit::Graph {
                    kind: item.kind(),
                    entities: Vec::new(),
                    sources: row.source.clone().into_iter().collect(),
                    recorded_at: row.recorded_at,
                    valid_from: None,
                    valid_to: None,
                };
                Some((row.lineage, text, hit))
            }
            Item::Observation(id) => {
                let row = graph.observation_row(id)?;
                let hit = Hit::Graph {
                    kind: item.kind(),
                    entities: vec![graph.root(row.entity, LATEST)],
                    sources: row.source.clone().into_iter().collect(),
                    recorded_at: row.times.recorded_at,
                    valid_from: Some(row.times.valid_from),
                    valid_to: row.times.valid_to.known(),
                };
                Some((id, self.observation_text(id)?, hit))
            }
            Item::Fact(id) => {
                let row = graph.fact_row(id)?;
                let hit = Hit::Graph {
                    kind: item.kind(),
                    entities: [row.from, row.to].map(|end| graph.root(end, LATEST)).to_vec(),
                    sources: row.sources.iter().map(|source| source.text.clone()).collect(),
                    recorded_at: row.times.recorded_at,
                    valid_from: Some(row.times.valid_from),
                    valid_to: row.times.valid_to.known(),
                };
                Some((id, self.fact_text(id)?, hit))
            }
            Item::Memory(_) | Item::Chunk(_) | Item::None => None,
        }
    }
}

impl Candidate {
    fn of(item: Item, hit: &Ranked, best: f64) -> Self {
        let plain = hit.score - hit.shares.factor;
        // The factor is part of each share, so that they add up.
        let scale = if plain > 0.0 { hit.score / plain / best } else { 0.0 };
        let shares = Shares {
            words: hit.shares.words * scale,
            meaning: hit.shares.meaning * scale,
            beside: (hit.shares.before + hit.shares.after) * scale,
            parent: hit.shares.parent * scale,
            best: 0.0,
            graph: hit.shares.graph * scale,
        };
        Self { item, score: hit.score / best, shares, key_match: false }
    }
}
