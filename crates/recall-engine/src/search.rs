//! Ranking.

use std::{cmp::Ordering, collections::HashMap};

use crate::{
    Bm25, DocId, LexicalIndex,
    index::Doc,
    postings::{Posting, Postings},
};

/// A text that shares a term with the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The text.
    pub doc: DocId,
    /// `BM25(words) + w BM25(pairs)`, > 0.
    pub score: f64,
}

/// What made a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The score.
    pub score: f64,
    /// Its parts, largest first; a pair is `first second`.
    pub parts: Vec<PartScore>,
}

/// What one term, or one pair of neighbours, adds to a score.
#[derive(Debug, Clone, PartialEq)]
pub struct PartScore {
    /// The term in the form of the index.
    pub term: String,
    /// Occurrences in the text.
    pub frequency: u32,
    /// Live texts that hold it.
    pub texts: u32,
    /// Its share, the pair weight included.
    pub score: f64,
}

/// A term or pair of the query with the texts that hold it.
pub(crate) struct Leg {
    pub(crate) name: String,
    /// Times in the query.
    pub(crate) weight: f64,
    pub(crate) pair: bool,
    pub(crate) found: Vec<Posting>,
}

impl LexicalIndex {
    /// The best `limit` texts among those that `accept` lets pass, best first; of equals the newer
    /// first. Statistics are those of all live texts, whatever is accepted.
    ///
    /// `stop` is asked between terms; when it says yes, the answer is empty.
    pub fn search(
        &self,
        query: &str,
        limit: usize,
        accept: impl Fn(DocId) -> bool,
        stop: &dyn Fn() -> bool,
    ) -> Vec<Hit> {
        let Some(scores) = self.scores(&self.legs(query, stop), stop) else { return Vec::new() };
        let mut hits: Vec<Hit> = (0..)
            .zip(&scores)
            .filter(|&(doc, &score)| score > 0.0 && accept(doc))
            .map(|(doc, &score)| Hit { doc, score })
            .collect();
        let order = |a: &Hit, b: &Hit| {
            b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then(b.doc.cmp(&a.doc))
        };
        if limit > 0 && hits.len() > limit {
            hits.select_nth_unstable_by(limit - 1, order);
        }
        hits.truncate(limit);
        hits.sort_by(order);
        hits
    }

    /// What makes the score of one text for a query; `None` for a text that is not there.
    pub fn explain(&self, query: &str, doc: DocId) -> Option<Explanation> {
        self.docs.get(doc as usize).filter(|doc| doc.live)?;
        let mut explanation = Explanation { score: 0.0, parts: Vec::new() };
        for leg in self.legs(query, &|| false) {
            let Some(posting) = leg.found.iter().find(|posting| posting.doc == doc) else {
                continue;
            };
            let mut score = 0.0;
            self.score_leg(&leg, |other, part| {
                if other == doc {
                    score = part;
                }
            });
            explanation.score += score;
            explanation.parts.push(PartScore {
                term: leg.name,
                frequency: posting.frequency,
                texts: u32::try_from(leg.found.len()).unwrap_or(u32::MAX),
                score,
            });
        }
        explanation.parts.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal));
        Some(explanation)
    }

    /// The score of each text by its number; `None` when `stop` says yes between terms.
    pub(crate) fn scores(&self, legs: &[Leg], stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        let mut scores = vec![0.0f64; self.docs.len()];
        for leg in legs {
            if stop() {
                return None;
            }
            self.score_leg(leg, |doc, score| {
                if let Some(sum) = scores.get_mut(doc as usize) {
                    *sum += score;
                }
            });
        }
        Some(scores)
    }

    fn score_leg(&self, leg: &Leg, mut add: impl FnMut(DocId, f64)) {
        let containing = u32::try_from(leg.found.len()).unwrap_or(u32::MAX);
        let idf = Bm25::idf(self.live, containing) * leg.weight;
        let mean = if leg.pair { self.mean_pairs() } else { self.mean_words() };
        let factor = if leg.pair { self.bm25.pairs * idf } else { idf };
        for posting in &leg.found {
            let Some(size) = self.docs.get(posting.doc as usize) else { continue };
            let length = if leg.pair { size.pairs } else { size.words };
            add(posting.doc, factor * self.bm25.saturation(posting.frequency, length, mean));
        }
    }

    /// Words of the query, then its pairs of neighbours, each once, in the order of the query.
    pub(crate) fn legs(&self, query: &str, stop: &dyn Fn() -> bool) -> Vec<Leg> {
        let terms = self.analyzer.terms(query);
        let mut legs: Vec<Leg> = Vec::new();
        let mut at: HashMap<(&str, &str), usize> = HashMap::new();
        for (term, _) in &terms {
            if let Some(&index) = at.get(&(term.as_str(), "")) {
                legs[index].weight += 1.0;
            } else if let Some(list) = self.list(term) {
                at.insert((term, ""), legs.len());
                legs.push(Leg {
                    name: term.clone(),
                    weight: 1.0,
                    pair: false,
                    found: live(list, &self.docs),
                });
            }
        }
        for (first, second) in neighbours(&terms) {
            if stop() {
                break;
            }
            if let Some(&index) = at.get(&(first, second)) {
                legs[index].weight += 1.0;
            } else if let (Some(left), Some(right)) = (self.list(first), self.list(second)) {
                at.insert((first, second), legs.len());
                let found = adjacent(left, right, &self.docs);
                legs.push(Leg {
                    name: format!("{first} {second}"),
                    weight: 1.0,
                    pair: true,
                    found,
                });
            }
        }
        legs.retain(|leg| !leg.found.is_empty());
        legs
    }
}

/// Terms at neighbouring positions.
fn neighbours(terms: &[(String, u32)]) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    for (index, (first, at)) in terms.iter().enumerate() {
        let after = terms.iter().skip(index + 1).take_while(|(_, place)| *place <= at + 1);
        for (second, place) in after {
            if *place == at + 1 {
                pairs.push((first.as_str(), second.as_str()));
            }
        }
    }
    pairs
}

fn live(list: &Postings, docs: &[Doc]) -> Vec<Posting> {
    let mut found = Vec::new();
    let mut cursor = list.cursor();
    while let Some(posting) = cursor.next(None) {
        if docs.get(posting.doc as usize).is_some_and(|doc| doc.live) {
            found.push(posting);
        }
    }
    found
}

/// Live texts where `left` stands right before `right`, and how often.
fn adjacent(left: &Postings, right: &Postings, docs: &[Doc]) -> Vec<Posting> {
    let (mut left, mut right) = (left.cursor(), right.cursor());
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    let mut found = Vec::new();
    let mut a = left.next(Some(&mut firsts));
    let mut b = right.next(Some(&mut seconds));
    while let (Some(first), Some(second)) = (a, b) {
        match first.doc.cmp(&second.doc) {
            Ordering::Less => a = left.next(Some(&mut firsts)),
            Ordering::Greater => b = right.next(Some(&mut seconds)),
            Ordering::Equal => {
                let frequency = count_adjacent(&firsts, &seconds);
                if frequency > 0 && docs.get(first.doc as usize).is_some_and(|doc| doc.live) {
                    found.push(Posting { doc: first.doc, frequency });
                }
                a = left.next(Some(&mut firsts));
                b = right.next(Some(&mut seconds));
            }
        }
    }
    found
}

fn count_adjacent(firsts: &[u32], seconds: &[u32]) -> u32 {
    let adjacent = firsts.iter().filter(|&&at| seconds.binary_search(&(at + 1)).is_ok()).count();
    u32::try_from(adjacent).unwrap_or(u32::MAX)
}
