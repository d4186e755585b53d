//! Several namespaces searched at once: each on its own, then put in one order.
//!
//! A score is relative to the best match of its own namespace, with the statistics of that namespace
//! alone; it stays what it is without the others. What orders hits of different namespaces is the
//! score times the share of the query's words that the best hit of the namespace holds.

use std::cmp::Ordering;

use recall_engine::{Answer, Verdict};

use crate::knowledge::{Found, Results};

/// Weight of a namespace whose hits hold none of the query's words, only something alike.
const ALIKE: f64 = 0.1;

/// What was found in one namespace.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) namespace: String,
    pub(super) results: Results,
}

/// Hits of all, best first.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// With the number of the namespace.
    pub(super) hits: Vec<(usize, Found)>,
    /// Hits that the budget left out.
    pub(super) over_budget: usize,
}

impl Part {
    /// What the scores of a namespace weigh beside those of others.
    pub(super) fn weight(&self) -> f64 {
        self.results.coverage.unwrap_or(1.0).max(ALIKE)
    }
}

/// Put hits in one order and fill the answer with them.
pub(super) fn merge(parts: &mut [Part], k: usize, max_tokens: usize) -> Merged {
    let mut ranked: Vec<(f64, usize, Found)> = Vec::new();
    let mut left_out = 0;
    for (number, part) in parts.iter_mut().enumerate() {
        let weight = part.weight();
        left_out += part.results.over_budget;
        for found in std::mem::take(&mut part.results.found) {
            let rank = if found.key_match { f64::INFINITY } else { found.score * weight };
            ranked.push((rank, number, found));
        }
    }
    // Stable: of equals the namespace named first comes first, and each keeps its own order.
    ranked.sort_by(|one, other| other.0.partial_cmp(&one.0).unwrap_or(Ordering::Equal));
    let mut answer = Answer::new(k, max_tokens);
    let mut merged = Merged::default();
    for (_, number, mut found) in ranked {
        match answer.offer(&found.text, 0) {
            Verdict::Taken { end, .. } => {
                found.truncated |= end < found.text.len();
                found.text.truncate(end);
                merged.hits.push((number, found));
            }
            Verdict::Folded(into) => {
                if let Some((_, twin)) = merged.hits.get_mut(into) {
                    twin.near_duplicates.push(found.id);
                    twin.near_duplicates.extend(found.near_duplicates);
                }
            }
            Verdict::OverBudget => {}
            Verdict::Full => break,
        }
    }
    let room = k.saturating_sub(merged.hits.len());
    merged.over_budget = room.min(answer.over_budget() + left_out);
    merged
}
