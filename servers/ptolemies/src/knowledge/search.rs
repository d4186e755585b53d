//! Ranked retrieval.

use std::{collections::HashMap, sync::Arc};

use mcp_core::prelude::{CancellationToken, ToolError, task};
use recall_engine::{Explanation, Shingles};
use ulid::Ulid;

use super::Knowledge;
use crate::{
    Error,
    catalog::Filter,
    memory::Memory,
    moment::Moment,
    store::Store,
    text::{clean, tokens, within_tokens},
};

/// Hits considered, so that folding and the budget have something to choose from.
const POOL: usize = 1_000;
/// Likeness from which a lower hit folds into a higher one.
const NEAR_DUPLICATE: f64 = 0.9;
/// Rows read at a time while hits are collected.
const READ: usize = 32;

/// What to look for.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    pub(crate) query: String,
    pub(crate) filter: Filter,
    /// Most hits.
    pub(crate) k: usize,
    /// Most tokens of text.
    pub(crate) max_tokens: usize,
    /// Least score.
    pub(crate) min_score: f64,
    pub(crate) explain: bool,
}

/// What was found, best first.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) seq: u64,
    pub(crate) found: Vec<Found>,
    /// Further hits among the best `k` that the token budget left out.
    pub(crate) over_budget: usize,
}

/// One hit.
#[derive(Debug)]
pub(crate) struct Found {
    /// The text is clean, and cut where `truncated` says so.
    pub(crate) memory: Memory,
    /// Relative to the best match of words, which has 1; a key equal to the query has 1 too.
    pub(crate) score: f64,
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
    key_match: bool,
}

impl<S: Store> Knowledge<S> {
    /// Rank current memories for a query: a key equal to it first, then `BM25(words) + 0.2
    /// BM25(pairs)`, then the newer. Importance and age are left out of the score until they are
    /// shown to help on every measured set.
    pub(crate) async fn search(
        &self,
        needle: Needle,
        token: &CancellationToken,
    ) -> Result<Results, ToolError> {
        self.ready().await?;
        let shared = Arc::clone(&self.shared);
        let asked = needle.clone();
        let (seq, now, candidates) = task::compute(token, move |cancel| {
            let state = shared.read();
            let now = shared.now(&state);
            shared.answer_for(now);
            (state.seq, now, state.candidates(&asked, now, &|| cancel.is_cancelled()))
        })
        .await?;
        let mut results = self.collect(&needle, candidates, now).await?;
        results.seq = seq;
        if needle.explain {
            let state = self.shared.read();
            for found in &mut results.found {
                let doc = state.catalog.get(found.memory.id).and_then(|entry| entry.doc);
                found.explanation = doc.and_then(|doc| state.index.explain(&needle.query, doc));
            }
        }
        Ok(results)
    }

    /// Read rows in rank order until `k` hits stand or the budget is full; fold near-duplicates.
    async fn collect(
        &self,
        needle: &Needle,
        candidates: Vec<Candidate>,
        now: Moment,
    ) -> Result<Results, Error> {
        let mut results = Results { seq: 0, found: Vec::new(), over_budget: 0 };
        let mut shingles: Vec<Shingles> = Vec::new();
        let mut spent = 0;
        for chunk in candidates.chunks(READ) {
            let ids: Vec<Ulid> = chunk.iter().map(|candidate| candidate.id).collect();
            let rows = self.shared.store.rows(&ids).await?;
            let mut rows: HashMap<Ulid, Memory> =
                rows.into_iter().map(|row| (row.id, row)).collect();
            for candidate in chunk {
                // A row that was purged or expired meanwhile is no hit.
                let Some(memory) = rows.remove(&candidate.id).filter(|row| row.expires_at > now)
                else {
                    continue;
                };
                let these = Shingles::of(&memory.text);
                let twin =
                    shingles.iter().position(|other| these.likeness(other) >= NEAR_DUPLICATE);
                if let Some(found) = twin.and_then(|index| results.found.get_mut(index)) {
                    found.near_duplicates.push(memory.id);
                    continue;
                }
                if results.found.len() + results.over_budget == needle.k {
                    return Ok(results);
                }
                match present(memory, *candidate, needle.max_tokens, spent) {
                    Some((found, cost)) if results.over_budget == 0 => {
                        spent += cost;
                        shingles.push(these);
                        results.found.push(found);
                    }
                    _ => results.over_budget += 1,
                }
            }
        }
        Ok(results)
    }
}

/// A hit that fits into what is left of the budget, and its cost; the first one always fits, cut
/// if need be.
fn present(
    mut memory: Memory,
    candidate: Candidate,
    budget: usize,
    spent: usize,
) -> Option<(Found, usize)> {
    memory.text = clean(&memory.text);
    let mut cost = tokens(&memory.text);
    let mut truncated = false;
    if spent + cost > budget {
        if spent > 0 {
            return None;
        }
        let end = within_tokens(&memory.text, budget).len();
        memory.text.truncate(end);
        cost = budget;
        truncated = true;
    }
    let Candidate { score, key_match, .. } = candidate;
    let found = Found {
        memory,
        score,
        key_match,
        truncated,
        near_duplicates: Vec::new(),
        explanation: None,
    };
    Some((found, cost))
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
        let hits = self.index.search(
            &needle.query,
            POOL,
            |doc| self.id_of(doc).is_some_and(|id| Some(id) != keyed && accepts(id)),
            stop,
        );
        let best = hits.first().map_or(1.0, |hit| hit.score);
        let first = keyed.map(|id| Candidate { id, score: 1.0, key_match: true });
        let ranked = hits.iter().filter_map(|hit| {
            let score = hit.score / best;
            let id = self.id_of(hit.doc)?;
            (score >= needle.min_score).then_some(Candidate { id, score, key_match: false })
        });
        first.into_iter().chain(ranked).collect()
    }
}
