//! The in-memory index.

use std::collections::HashMap;

use crate::{Analyzer, Bm25, postings::Postings};

/// Number of a text in an index: given at insertion, never given again.
pub type DocId = u32;

/// Texts under words and neighbouring word pairs.
///
/// Pairs are not stored: they are read off the positions of their words, which keeps the index at
/// about a third of the size of the texts.
#[derive(Debug, Clone, Default)]
pub struct LexicalIndex {
    pub(crate) analyzer: Analyzer,
    pub(crate) bm25: Bm25,
    pub(crate) terms: HashMap<Box<str>, u32>,
    pub(crate) lists: Vec<Postings>,
    pub(crate) docs: Vec<Doc>,
    pub(crate) live: u32,
    /// Removed texts whose postings are still there.
    stale: u32,
    words: u64,
    pairs: u64,
}

/// Size of one text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doc {
    pub(crate) words: u32,
    pub(crate) pairs: u32,
    pub(crate) live: bool,
}

/// Size of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Texts that can be found.
    pub texts: u32,
    /// Distinct terms.
    pub terms: usize,
    /// Bytes of the posting lists.
    pub posting_bytes: usize,
}

impl LexicalIndex {
    /// An empty index with the given parameters.
    pub fn new(bm25: Bm25) -> Self {
        Self { bm25, ..Self::default() }
    }

    /// Add a text. It is searchable at once.
    pub fn insert(&mut self, text: &str) -> DocId {
        self.insert_seeing(text, |_| {})
    }

    /// Add a text and show each of its terms, repeats included.
    pub(crate) fn insert_seeing(&mut self, text: &str, mut see: impl FnMut(&str)) -> DocId {
        let doc = DocId::try_from(self.docs.len()).unwrap_or(DocId::MAX);
        let mut found: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut words = 0;
        let positions = self.analyzer.analyze(text, |term, position| {
            words += 1;
            see(term);
            let known = self.terms.get(term).copied();
            let number = known.unwrap_or_else(|| {
                let next = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
                self.terms.insert(term.into(), next);
                self.lists.push(Postings::default());
                next
            });
            found.entry(number).or_default().push(position);
        });
        for (number, positions) in found {
            if let Some(list) = self.lists.get_mut(number as usize) {
                list.push(doc, &positions);
            }
        }
        let size = Doc { words, pairs: positions.saturating_sub(1), live: true };
        self.docs.push(size);
        self.live += 1;
        self.words += u64::from(size.words);
        self.pairs += u64::from(size.pairs);
        doc
    }

    /// Forget a text; whether it was there. Its words leave the memory at the next
    /// [`Self::compact`], which happens by itself when a third of the index is stale.
    pub fn remove(&mut self, doc: DocId) -> bool {
        let Some(size) = self.docs.get_mut(doc as usize).filter(|size| size.live) else {
            return false;
        };
        size.live = false;
        self.live -= 1;
        self.stale += 1;
        self.words -= u64::from(size.words);
        self.pairs -= u64::from(size.pairs);
        if self.stale > 1_000 && self.stale > self.live / 2 {
            self.compact();
        }
        true
    }

    /// Drop every trace of removed texts: postings, and terms that no other text holds.
    pub fn compact(&mut self) {
        if self.stale == 0 {
            return;
        }
        let docs = &self.docs;
        let mut lists = Vec::with_capacity(self.lists.len());
        let mut terms = HashMap::with_capacity(self.terms.len());
        for (term, number) in std::mem::take(&mut self.terms) {
            let Some(list) = self.lists.get(number as usize) else { continue };
            let kept = list.retain(|doc| docs.get(doc as usize).is_some_and(|doc| doc.live));
            if !kept.is_empty() {
                terms.insert(term, u32::try_from(lists.len()).unwrap_or(u32::MAX));
                lists.push(kept);
            }
        }
        self.terms = terms;
        self.lists = lists;
        self.stale = 0;
    }

    /// Texts that can be found.
    pub fn len(&self) -> usize {
        self.live as usize
    }

    /// Whether nothing can be found.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Size of the index.
    pub fn stats(&self) -> Stats {
        Stats {
            texts: self.live,
            terms: self.terms.len(),
            posting_bytes: self.lists.iter().map(Postings::byte_len).sum(),
        }
    }

    /// Terms in alphabetical order with the live texts from `from` on that hold them, and how often.
    pub(crate) fn counts(&self, from: DocId) -> Vec<(&str, Vec<(DocId, u32)>)> {
        let mut terms: Vec<(&str, u32)> =
            self.terms.iter().map(|(term, &number)| (&**term, number)).collect();
        terms.sort_unstable();
        let mut counts = Vec::new();
        for (term, number) in terms {
            let Some(list) = self.lists.get(number as usize) else { continue };
            let mut found = Vec::new();
            let mut cursor = list.cursor();
            while let Some(posting) = cursor.next(None) {
                if posting.doc >= from && self.is_live(posting.doc) {
                    found.push((posting.doc, posting.frequency));
                }
            }
            if !found.is_empty() {
                counts.push((term, found));
            }
        }
        counts
    }

    /// Whether a text can be found.
    pub fn is_live(&self, doc: DocId) -> bool {
        self.docs.get(doc as usize).is_some_and(|doc| doc.live)
    }

    pub(crate) fn list(&self, term: &str) -> Option<&Postings> {
        self.lists.get(*self.terms.get(term)? as usize)
    }

    pub(crate) fn mean_words(&self) -> f64 {
        mean(self.words, self.live)
    }

    pub(crate) fn mean_pairs(&self) -> f64 {
        mean(self.pairs, self.live)
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53 words")]
fn mean(total: u64, count: u32) -> f64 {
    if count == 0 { 0.0 } else { total as f64 / f64::from(count) }
}
