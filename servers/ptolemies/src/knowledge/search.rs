//! Ranked retrieval.

use std::{collections::HashMap, sync::Arc};

use mcp_core::prelude::{CancellationToken, ToolError, task};
use recall_engine::{Answer, DocId, Explanation, Query, Ranked, Verdict, Weights};
use ulid::Ulid;

use super::Knowledge;
use crate::{Error, catalog::Filter, memory::Memory, moment::Moment, store::Store, text::clean};

/// Hits considered, so that folding and the budget have something to choose from.
const POOL: usize = 1_000;
/// Rows read at a time while hits are collected.
const READ: usize = 32;

/// What to look for.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    pub(crate) query: String,
    pub(crate) filter: Filter,
    /// Most hits.
    pub(crate) k: usize,
    /// Most tokens of text, as [`recall_engine::tokens`] counts them.
    pub(crate) max_tokens: usize,
    /// Least score.
    pub(crate) min_score: f64,
    pub(crate) explain: bool,
}

/// What was found, best first.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) seq: u64,
    /// Whether meaning took part.
    pub(crate) meaning: bool,
    pub(crate) found: Vec<Found>,
    /// Further hits among the best `k` that the token budget left out.
    pub(crate) over_budget: usize,
}

/// One hit.
#[derive(Debug)]
pub(crate) struct Found {
    /// The text is clean, and cut where `truncated` says so.
    pub(crate) memory: Memory,
    /// Relative to the best match, which has 1; a key equal to the query has 1 too.
    pub(crate) score: f64,
    /// The shares of words and meaning, which add up to the score of all but a key match.
    pub(crate) words: f64,
    pub(crate) meaning: f64,
    pub(crate) key_match: bool,
    pub(crate) truncated: bool,
    /// Hits of nearly the same text, folded into this one.
    pub(crate) near_duplicates: Vec<Ulid>,
    pub(crate) explanation: Option<Explanation>,
}

/// A hit before its text is read.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    id: Ulid,
    score: f64,
    words: f64,
    meaning: f64,
    key_match: bool,
}

impl<S: Store> Knowledge<S> {
    /// Rank current memories for a query: a key equal to it first, then words and meaning (0.7 and
    /// 0.3; words alone while there are too few texts for a model), then the newer. Importance and
    /// age are left out of the score until they are shown to help on every measured set.
    pub(crate) async fn search(
        &self,
        needle: Needle,
        token: &CancellationToken,
    ) -> Result<Results, ToolError> {
        self.ready().await?;
        let shared = Arc::clone(&self.shared);
        let asked = needle.clone();
        let (seq, meaning, now, candidates) = task::compute(token, move |cancel| {
            let state = shared.read();
            let now = shared.now(&state);
            shared.answer_for(now);
            let candidates = state.candidates(&asked, now, &|| cancel.is_cancelled());
            (state.seq, state.index.rank() > 0, now, candidates)
        })
        .await?;
        let (mut found, over_budget) = self.collect(&needle, candidates, now).await?;
        if needle.explain {
            let state = self.shared.read();
            for found in &mut found {
                let doc = state.catalog.get(found.memory.id).and_then(|entry| entry.doc);
                found.explanation =
                    doc.and_then(|doc| state.index.words().explain(&needle.query, doc));
            }
        }
        Ok(Results { seq, meaning, found, over_budget })
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
            let ids: Vec<Ulid> = chunk.iter().map(|candidate| candidate.id).collect();
            let rows = self.shared.store.rows(&ids).await?;
            let mut rows: HashMap<Ulid, Memory> =
                rows.into_iter().map(|row| (row.id, row)).collect();
            for candidate in chunk {
                // A row that was purged or expired meanwhile is no hit.
                let Some(mut memory) =
                    rows.remove(&candidate.id).filter(|row| row.expires_at > now)
                else {
                    continue;
                };
                memory.text = clean(&memory.text);
                match answer.offer(&memory.text, 0) {
                    Verdict::Taken { end, .. } => found.push(present(memory, end, *candidate)),
                    Verdict::Folded(into) => {
                        if let Some(found) = found.get_mut(into) {
                            found.near_duplicates.push(memory.id);
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
fn present(mut memory: Memory, end: usize, candidate: Candidate) -> Found {
    let truncated = end < memory.text.len();
    memory.text.truncate(end);
    let Candidate { score, words, meaning, key_match, .. } = candidate;
    Found {
        memory,
        score,
        words,
        meaning,
        key_match,
        truncated,
        near_duplicates: Vec::new(),
        explanation: None,
    }
}

impl super::State {
    fn candidates(&self, needle: &Needle, now: Moment, stop: &dyn Fn() -> bool) -> Vec<Candidate> {
        let accepts = |id: Ulid| {
            self.catalog
                .get(id)
                .is_some_and(|entry| entry.is_current(now) && needle.filter.accepts(entry))
        };
        let keyed = self.catalog.open_version(needle.query.trim()).map(|(id, _)| id);
        let keyed = keyed.filter(|&id| accepts(id));
        let query = Query {
            weights: Weights::flat(),
            accept: &|doc: DocId| {
                self.id_of(doc).is_some_and(|id| Some(id) != keyed && accepts(id))
            },
            stop,
            ..Query::new(&needle.query, POOL)
        };
        let hits = self.index.search(&query);
        let best = hits.first().map_or(1.0, |hit| hit.score);
        let first = Candidate {
            id: keyed.unwrap_or_default(),
            score: 1.0,
            words: 0.0,
            meaning: 0.0,
            key_match: true,
        };
        let ranked = hits.iter().filter_map(|hit| {
            let id = self.id_of(hit.doc)?;
            let candidate = Candidate::of(id, hit, best);
            (candidate.score >= needle.min_score).then_some(candidate)
        });
        keyed.map(|_| first).into_iter().chain(ranked).collect()
    }
}

impl Candidate {
    fn of(id: Ulid, hit: &Ranked, best: f64) -> Self {
        let [score, words, meaning] =
            [hit.score, hit.shares.words, hit.shares.meaning].map(|value| value / best);
        Self { id, score, words, meaning, key_match: false }
    }
}
