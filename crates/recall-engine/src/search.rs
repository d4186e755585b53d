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

    /// Live texts in which the words of `text` stand one after the other, by number; none when more than
    /// `most` words of the rarest were met, or when it has no words.
    pub fn phrase(&self, text: &str, most: usize) -> Vec<DocId> {
        let mut lists: Vec<(&Postings, u32)> = Vec::new();
        for (term, at) in self.analyzer.terms(text) {
            let Some(list) = self.list(&term) else { return Vec::new() };
            lists.push((list, at));
        }
        lists.sort_by_key(|(list, _)| list.byte_len());
        let Some((&(rarest, first), others)) = lists.split_first() else { return Vec::new() };
        // Where the text would begin, with the words' own offsets.
        let mut starts: Vec<(DocId, Vec<i64>)> = Vec::new();
        let (mut cursor, mut positions) = (rarest.cursor(), Vec::new());
        while let Some(posting) = cursor.next(Some(&mut positions)) {
            if starts.len() == most {
                return Vec::new();
            }
            if self.is_live(posting.doc) {
                let begins = positions.iter().map(|&at| i64::from(at) - i64::from(first));
                starts.push((posting.doc, begins.collect()));
            }
        }
        for &(list, offset) in others {
            keep_following(&mut starts, list, i64::from(offset));
        }
        starts.into_iter().map(|(doc, _)| doc).collect()
    }

    /// Share of the words of a query that the best of some texts holds, each word counted by its rarity:
    /// 1 for all of them, 0 for none. A word that no text holds counts most, so that, unlike scores, it
    /// can be compared between indexes.
    pub fn coverage(&self, query: &str, docs: &[DocId]) -> f64 {
        let words = self.analyzer.terms(query).into_iter();
        let mut words: Vec<String> = words.map(|(term, _)| term).collect();
        words.sort_unstable();
        words.dedup();
        let (mut whole, mut held) = (0.0, vec![0.0f64; docs.len()]);
        for word in &words {
            let found = self.list(word).map_or_else(Vec::new, |list| live(list, &self.docs));
            let idf = Bm25::idf(self.live, u32::try_from(found.len()).unwrap_or(u32::MAX));
            whole += idf;
            for (sum, doc) in held.iter_mut().zip(docs) {
                if found.binary_search_by_key(doc, |posting| posting.doc).is_ok() {
                    *sum += idf;
                }
            }
        }
        let best = held.into_iter().fold(0.0, f64::max);
        if whole > 0.0 { best / whole } else { 0.0 }
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

/// Keep the beginnings after which, at an offset, a word stands.
fn keep_following(starts: &mut Vec<(DocId, Vec<i64>)>, list: &Postings, offset: i64) {
    let (mut cursor, mut positions) = (list.cursor(), Vec::new());
    let mut posting = cursor.next(Some(&mut positions));
    starts.retain_mut(|(doc, begins)| {
        while posting.as_ref().is_some_and(|posting| posting.doc < *doc) {
            posting = cursor.next(Some(&mut positions));
        }
        if posting.as_ref().is_none_or(|posting| posting.doc > *doc) {
            return false;
        }
        let stands = |begin: i64| {
            u32::try_from(begin + offset).is_ok_and(|at| positions.binary_search(&at).is_ok())
        };
        begins.retain(|&begin| stands(begin));
        !begins.is_empty()
    });
}

fn count_adjacent(firsts: &[u32], seconds: &[u32]) -> u32 {
    let adjacent = firsts.iter().filter(|&&at| seconds.binary_search(&(at + 1)).is_ok()).count();
    u32::try_from(adjacent).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts over so few words that phrases recur.
    fn texts() -> impl Strategy<Value = Vec<String>> {
        let word =
            prop::sample::select(vec!["ada", "met", "the", "query_graph", "node.js", "Ada's"]);
        prop::collection::vec(
            prop::collection::vec(word, 0..9).prop_map(|words| words.join(" ")),
            0..9,
        )
    }

    #[test]
    fn coverage_counts_words_by_their_rarity_and_what_is_nowhere_most() {
        let mut index = LexicalIndex::default();
        let (both, one) = (index.insert("the crane lifts tons"), index.insert("a crane is a bird"));
        let near = |found: f64, wanted: f64| (found - wanted).abs() < 1e-12;
        assert!(near(index.coverage("crane tons", &[both]), 1.0));
        let (common, rare) = (Bm25::idf(2, 2), Bm25::idf(2, 1));
        assert!(near(index.coverage("tons crane crane", &[one]), common / (common + rare)));
        let nowhere = Bm25::idf(2, 0);
        let best = (common + rare) / (common + rare + nowhere);
        assert!(near(index.coverage("crane tons harbour", &[one, both]), best));
        for (query, docs) in [("harbour", &[one][..]), ("the", &[both]), ("crane", &[])] {
            assert!(near(index.coverage(query, docs), 0.0), "{query}");
        }
    }

    proptest! {
        #[test]
        fn a_phrase_is_found_where_its_words_follow_each_other(texts in texts(), wanted in 0usize..9, gone in 0usize..9) {
            let mut index = LexicalIndex::default();
            let docs: Vec<DocId> = texts.iter().map(|text| index.insert(text)).collect();
            if let Some(&doc) = docs.get(gone) {
                index.remove(doc);
            }
            let phrase = texts.get(wanted).cloned().unwrap_or_default();
            let phrase = phrase.split(' ').take(2).collect::<Vec<_>>().join(" ");
            let terms = index.analyzer.terms(&phrase);
            let stands = |doc: &DocId| {
                let held = index.analyzer.terms(&texts[*doc as usize]);
                let first = terms.first().map_or(0, |(_, at)| *at);
                let begins = held.iter().map(|(_, at)| i64::from(*at) - i64::from(first));
                let follows = |begin: i64| terms.iter().all(|(term, at)| {
                    held.iter().any(|(other, place)| other == term && i64::from(*place) == begin + i64::from(*at))
                });
                index.is_live(*doc) && !terms.is_empty() && begins.into_iter().any(follows)
            };
            let naive: Vec<DocId> = docs.iter().copied().filter(stands).collect();
            prop_assert_eq!(index.phrase(&phrase, usize::MAX), naive.clone());
            prop_assert!(naive.is_empty() || index.phrase(&phrase, 0).is_empty());
        }
    }
}
