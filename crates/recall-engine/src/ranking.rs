//! From the scores of single legs to one order.

pub mod parents;

use std::cmp::Ordering;

use crate::{
    DocId, ParentId, Recall,
    lsa::{Needle, Placer},
    search::Leg,
};

/// Texts of each leg that are looked at.
const POOL: usize = 1_000;

/// Texts whose neighbours are looked at too.
const NEAR: usize = 200;

/// What each leg counts for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Words of the text itself.
    pub words: f64,
    /// Meaning of the text itself.
    pub meaning: f64,
    /// Words of each text beside it.
    pub neighbour: f64,
    /// What it is part of.
    pub parent: f64,
    /// Nearness in the graph.
    pub graph: f64,
    /// Within a parent: its words.
    pub parent_words: f64,
    /// Within a parent: its best text.
    pub parent_best: f64,
    /// Within a parent: its meaning.
    pub parent_meaning: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            words: 0.7,
            meaning: 0.3,
            neighbour: 0.3,
            parent: 0.3,
            graph: 0.15,
            parent_words: 0.6,
            parent_best: 0.2,
            parent_meaning: 0.2,
        }
    }
}

impl Weights {
    /// Words alone.
    pub fn words_only() -> Self {
        Self { words: 1.0, meaning: 0.0, parent_words: 1.0, ..Self::flat() }
    }

    /// Words and meaning of the text itself.
    pub fn flat() -> Self {
        Self { neighbour: 0.0, parent: 0.0, graph: 0.0, parent_best: 0.0, ..Self::default() }
    }
}

/// What to look for.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The words.
    pub text: &'a str,
    /// Most hits.
    pub limit: usize,
    /// What each leg counts for.
    pub weights: Weights,
    /// Texts that may be found; statistics are those of all live texts.
    pub accept: &'a dyn Fn(DocId) -> bool,
    /// Nearness in the graph, > 0, of texts that have any.
    pub graph: &'a [(DocId, f64)],
    /// What a text's score is multiplied with, such as [`crate::boost()`].
    pub factor: &'a dyn Fn(DocId) -> f64,
    /// Asked now and then; when it says yes, the answer is empty.
    pub stop: &'a dyn Fn() -> bool,
}

impl std::fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query").field("text", &self.text).finish_non_exhaustive()
    }
}

impl<'a> Query<'a> {
    /// All texts, the default weights, no graph.
    pub fn new(text: &'a str, limit: usize) -> Self {
        Self {
            text,
            limit,
            weights: Weights::default(),
            accept: &|_| true,
            graph: &[],
            factor: &|_| 1.0,
            stop: &|| false,
        }
    }
}

/// What makes a score: the parts add up to it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Shares {
    /// Words of the text itself.
    pub words: f64,
    /// Meaning of the text itself.
    pub meaning: f64,
    /// Words of the text before.
    pub before: f64,
    /// Words of the text after.
    pub after: f64,
    /// The parent.
    pub parent: f64,
    /// Nearness in the graph.
    pub graph: f64,
    /// What the factor of the query adds or takes.
    pub factor: f64,
}

impl Shares {
    /// The score.
    pub fn sum(&self) -> f64 {
        self.plain() + self.factor
    }

    fn plain(&self) -> f64 {
        self.words + self.meaning + self.before + self.after + self.parent + self.graph
    }
}

/// A text that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The text.
    pub doc: DocId,
    /// What it is part of.
    pub parent: Option<ParentId>,
    /// The sum of its shares.
    pub score: f64,
    /// What made it.
    pub shares: Shares,
}

/// The legs of one query before they are fused.
struct Legs {
    terms: Vec<Leg>,
    needle: Option<Needle>,
    /// Words, by text.
    words: Vec<f64>,
    /// Texts that may be found and stand among the best of a leg.
    pool: Vec<DocId>,
    /// Their meaning, in the order of the pool.
    meaning: Vec<f64>,
    words_scale: Scale,
    meaning_scale: Scale,
    graph: Vec<(DocId, f64)>,
}

/// Takes the values of a leg to 0-1.
#[derive(Debug, Clone, Copy)]
struct Scale {
    least: f64,
    span: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (least, most) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
                (least.min(value), most.max(value))
            });
        Self { least, span: most - least }
    }

    fn apply(self, value: f64) -> f64 {
        if self.span > 0.0 { ((value - self.least) / self.span).clamp(0.0, 1.0) } else { 0.0 }
    }
}

impl Recall {
    /// The best texts for a query, best first; of equals the newer first.
    pub fn search(&self, query: &Query<'_>) -> Vec<Ranked> {
        let Some(legs) = self.query_legs(query) else { return Vec::new() };
        let parents = self.parent_scores(query, &legs);
        let mut ranked: Vec<Ranked> =
            legs.pool.iter().map(|&doc| self.ranked(query, &legs, &parents, doc)).collect();
        ranked.retain(|ranked| ranked.score > 0.0);
        best(&mut ranked, query.limit, |a, b| b.score.total_cmp(&a.score).then(b.doc.cmp(&a.doc)));
        ranked
    }

    fn query_legs(&self, query: &Query<'_>) -> Option<Legs> {
        let terms = self.words.legs(query.text, query.stop);
        let words = self.words.scores(&terms, query.stop)?;
        let needle = if query.weights.meaning > 0.0 { self.needle(query.text) } else { None };
        let accepted = |doc: DocId| self.words.is_live(doc) && (query.accept)(doc);
        let mut pool = top((0..)
            .zip(words.iter().copied())
            .filter(|&(doc, score)| score > 0.0 && accepted(doc)));
        if let (Some(needle), Some(meaning)) = (&needle, &self.meaning) {
            let all = (0..).zip(0..meaning.vectors.len());
            let likes = all.map(|(doc, at)| (doc, meaning.vectors.likeness(at, needle)));
            pool.extend(top(likes.filter(|&(doc, score)| score > 0.0 && accepted(doc))));
        }
        if query.weights.neighbour > 0.0 {
            pool.extend(self.beside(&pool).filter(|&(doc, _)| accepted(doc)));
        }
        let mut graph: Vec<(DocId, f64)> = query
            .graph
            .iter()
            .copied()
            .filter(|&(doc, value)| value > 0.0 && accepted(doc))
            .collect();
        graph.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        graph.dedup_by_key(|(doc, _)| *doc);
        pool.extend(&graph);
        let mut pool: Vec<DocId> = pool.into_iter().map(|(doc, _)| doc).collect();
        pool.sort_unstable();
        pool.dedup();
        if (query.stop)() {
            return None;
        }
        let words_scale = Scale::of(pool.iter().map(|&doc| at(&words, doc)).chain([0.0]));
        let meaning: Vec<f64> = match (&needle, &self.meaning) {
            (Some(needle), Some(meaning)) => {
                pool.iter().map(|&doc| meaning.vectors.likeness(doc as usize, needle)).collect()
            }
            _ => Vec::new(),
        };
        let meaning_scale = Scale::of(meaning.iter().copied());
        let mut legs =
            Legs { terms, needle, words, pool, meaning, words_scale, meaning_scale, graph };
        let strongest = legs.graph.iter().fold(0.0, |most: f64, (_, value)| most.max(*value));
        for (_, value) in &mut legs.graph {
            *value /= strongest;
        }
        Some(legs)
    }

    /// What stands beside the best of some texts: it may answer without a word of the query.
    fn beside(&self, best: &[(DocId, f64)]) -> impl Iterator<Item = (DocId, f64)> + use<> {
        let units = best.iter().take(NEAR).filter_map(|(doc, _)| self.units.get(*doc as usize));
        let beside: Vec<DocId> =
            units.flat_map(|unit| [unit.before, unit.after]).flatten().collect();
        beside.into_iter().map(|doc| (doc, 0.0))
    }

    /// The place of a query in the space of meaning.
    fn needle(&self, text: &str) -> Option<Needle> {
        let mut placer = Placer::new(&self.meaning.as_ref()?.model);
        self.words.analyzer.analyze(text, |term, _| placer.see(term, 1));
        placer.place().map(|place| Needle::new(&place))
    }

    /// Words and meaning of a text of the pool itself.
    fn own(query: &Query<'_>, legs: &Legs, doc: DocId) -> (f64, f64) {
        let words = legs.words_scale.apply(at(&legs.words, doc));
        let place = legs.pool.binary_search(&doc).ok();
        let likeness = place.and_then(|place| legs.meaning.get(place));
        let meaning = likeness.map_or(0.0, |&likeness| legs.meaning_scale.apply(likeness));
        (query.weights.words * words, query.weights.meaning * meaning)
    }

    fn ranked(
        &self,
        query: &Query<'_>,
        legs: &Legs,
        parents: &[(ParentId, f64)],
        doc: DocId,
    ) -> Ranked {
        let weights = query.weights;
        let unit = self.units.get(doc as usize).copied().unwrap_or_default();
        let (words, meaning) = Self::own(query, legs, doc);
        let beside = |doc: Option<DocId>| {
            weights.neighbour * doc.map_or(0.0, |doc| legs.words_scale.apply(at(&legs.words, doc)))
        };
        let parent = match unit.parent {
            Some(parent) => parents
                .binary_search_by_key(&parent, |(parent, _)| *parent)
                .map_or(0.0, |at| parents[at].1),
            None => 0.0,
        };
        let near = legs.graph.binary_search_by_key(&doc, |(doc, _)| *doc);
        let mut shares = Shares {
            words,
            meaning,
            before: beside(unit.before),
            after: beside(unit.after),
            parent: weights.parent * parent,
            graph: weights.graph * near.map_or(0.0, |at| legs.graph[at].1),
            factor: 0.0,
        };
        shares.factor = shares.plain() * ((query.factor)(doc) - 1.0);
        Ranked { doc, parent: unit.parent, score: shares.sum(), shares }
    }
}

/// The largest values, at most [`POOL`].
fn top(values: impl Iterator<Item = (DocId, f64)>) -> Vec<(DocId, f64)> {
    let mut values: Vec<(DocId, f64)> = values.collect();
    best(&mut values, POOL, |a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
    values
}

/// Keep the first `limit` by an order, in order.
fn best<T>(values: &mut Vec<T>, limit: usize, order: impl Fn(&T, &T) -> Ordering + Copy) {
    if limit > 0 && values.len() > limit {
        values.select_nth_unstable_by(limit - 1, order);
    }
    values.truncate(limit);
    values.sort_by(order);
}

fn at(values: &[f64], doc: DocId) -> f64 {
    values.get(doc as usize).copied().unwrap_or(0.0)
}
