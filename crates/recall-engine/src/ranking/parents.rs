//! Parents: documents, sessions.

use super::{Legs, Query, Scale, at, best};
use crate::{Bm25, ParentId, Recall};

/// A parent that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedParent {
    /// The parent.
    pub parent: ParentId,
    /// The sum of what its words, its best text and its meaning count for.
    pub score: f64,
    /// Its words.
    pub words: f64,
    /// Its best text.
    pub best: f64,
    /// Its meaning.
    pub meaning: f64,
}

impl Recall {
    /// The best parents for a query, best first; of equals the newer first. What is not accepted
    /// does not count as a parent's best text; words and meaning are those of all its texts.
    pub fn search_parents(&self, query: &Query<'_>) -> Vec<RankedParent> {
        let Some(legs) = self.query_legs(query) else { return Vec::new() };
        let mut parents = self.rank_parents(query, &legs);
        parents.retain(|parent| parent.score > 0.0);
        best(&mut parents, query.limit, |a, b| {
            b.score.total_cmp(&a.score).then(b.parent.cmp(&a.parent))
        });
        parents
    }

    /// Scores of the parents in the pool, by number.
    pub(super) fn parent_scores(&self, query: &Query<'_>, legs: &Legs) -> Vec<(ParentId, f64)> {
        if query.weights.parent <= 0.0 {
            return Vec::new();
        }
        let parents = self.rank_parents(query, legs);
        parents.into_iter().map(|parent| (parent.parent, parent.score)).collect()
    }

    fn rank_parents(&self, query: &Query<'_>, legs: &Legs) -> Vec<RankedParent> {
        if self.live_parents == 0 {
            return Vec::new();
        }
        let mut best_text: Vec<Option<f64>> = vec![None; self.parents.len()];
        for &doc in &legs.pool {
            let parent = self.units.get(doc as usize).and_then(|unit| unit.parent);
            if let Some(best) = parent.and_then(|parent| best_text.get_mut(parent as usize)) {
                let (words, meaning) = Self::own(query, legs, doc);
                *best = Some(best.unwrap_or(0.0).max(words + meaning));
            }
        }
        let scores = self.parent_words(legs);
        let mut found: Vec<RankedParent> = (0..)
            .zip(best_text)
            .filter_map(|(parent, best)| {
                let (words, meaning) = (at(&scores, parent), self.parent_likeness(legs, parent));
                Some(RankedParent { parent, score: 0.0, words, best: best?, meaning })
            })
            .collect();
        let words = Scale::of(found.iter().map(|parent| parent.words).chain([0.0]));
        let meaning = Scale::of(found.iter().map(|parent| parent.meaning));
        for parent in &mut found {
            parent.words = query.weights.parent_words * words.apply(parent.words);
            parent.best *= query.weights.parent_best;
            parent.meaning = query.weights.parent_meaning * meaning.apply(parent.meaning);
            parent.score = parent.words + parent.best + parent.meaning;
        }
        found
    }

    /// BM25 of each parent as if it were one text, by number.
    fn parent_words(&self, legs: &Legs) -> Vec<f64> {
        let mut scores = vec![0.0; self.parents.len()];
        let mut counts = vec![0u32; self.parents.len()];
        let total = |size: fn(&crate::recall::Parent) -> u32| {
            self.parents.iter().map(|parent| f64::from(size(parent))).sum::<f64>()
                / f64::from(self.live_parents)
        };
        let (words, pairs) = (total(|parent| parent.words), total(|parent| parent.pairs));
        let bm25 = self.words.bm25;
        for leg in &legs.terms {
            let mut touched = Vec::new();
            for posting in &leg.found {
                let parent = self.units.get(posting.doc as usize).and_then(|unit| unit.parent);
                let Some(count) = parent.and_then(|parent| counts.get_mut(parent as usize)) else {
                    continue;
                };
                if *count == 0 {
                    touched.extend(parent);
                }
                *count += posting.frequency;
            }
            let holding = u32::try_from(touched.len()).unwrap_or(u32::MAX);
            let idf = Bm25::idf(self.live_parents, holding) * leg.weight;
            for number in touched {
                let Some(parent) = self.parents.get(number as usize) else { continue };
                let count = std::mem::take(&mut counts[number as usize]);
                scores[number as usize] += if leg.pair {
                    idf * bm25.pairs * bm25.saturation(count, parent.pairs, pairs)
                } else {
                    idf * bm25.saturation(count, parent.words, words)
                };
            }
        }
        scores
    }

    fn parent_likeness(&self, legs: &Legs, parent: ParentId) -> f64 {
        let (Some(needle), Some(parent)) = (&legs.needle, self.parents.get(parent as usize)) else {
            return 0.0;
        };
        needle.likeness(&parent.place)
    }
}
