//! Texts in their places: neighbours, parents, words and meaning.

use crate::{
    Bm25, DocId, LexicalIndex,
    lsa::{Lsa, Model, Placer, TermTexts, Vectors},
};

/// Number of a parent (a document, a session): given when it is opened, never given again.
pub type ParentId = u32;

/// Texts ranked by words, by meaning, by what stands beside them and what they are part of.
///
/// What is inserted is searchable when the call returns. Meaning comes from a [`Model`] that is
/// made apart ([`Recall::refit`]) and put in ([`Recall::install`]); without one, words rank alone.
#[derive(Debug, Clone, Default)]
pub struct Recall {
    pub(crate) words: LexicalIndex,
    pub(crate) units: Vec<Unit>,
    pub(crate) parents: Vec<Parent>,
    pub(crate) live_parents: u32,
    lsa: Lsa,
    pub(crate) meaning: Option<Meaning>,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unit {
    pub(crate) parent: Option<ParentId>,
    pub(crate) before: Option<DocId>,
    pub(crate) after: Option<DocId>,
}

/// Sums over the texts of a parent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parent {
    first: Option<DocId>,
    last: Option<DocId>,
    pub(crate) texts: u32,
    pub(crate) words: u32,
    pub(crate) pairs: u32,
    /// Sum of the places of its texts.
    pub(crate) place: Vec<f32>,
}

/// A model and the places of all texts in it.
#[derive(Debug, Clone)]
pub(crate) struct Meaning {
    pub(crate) model: Model,
    pub(crate) vectors: Vectors,
    /// Texts the model knew, and insertions and removals since.
    texts: u32,
    changes: u32,
}

/// What a new model is made of: a copy that can be worked on elsewhere while the index goes on.
#[derive(Debug)]
pub struct Refit {
    lists: Vec<TermTexts>,
    slots: u32,
    texts: u32,
    lsa: Lsa,
}

/// A new model with the places of the texts it was made for.
#[derive(Debug)]
pub struct Fitted {
    model: Model,
    vectors: Vectors,
    texts: u32,
}

impl Recall {
    /// An empty index.
    pub fn new(bm25: Bm25, lsa: Lsa) -> Self {
        Self { words: LexicalIndex::new(bm25), lsa, ..Self::default() }
    }

    /// Make a parent, without texts yet.
    pub fn open_parent(&mut self) -> ParentId {
        self.parents.push(Parent::default());
        ParentId::try_from(self.parents.len() - 1).unwrap_or(ParentId::MAX)
    }

    /// Add a text, as the last of its parent if it has one.
    pub fn insert(&mut self, text: &str, parent: Option<ParentId>) -> DocId {
        let parent = parent.filter(|&parent| (parent as usize) < self.parents.len());
        let mut placer = self.meaning.as_ref().map(|meaning| Placer::new(&meaning.model));
        let doc = self.words.insert_seeing(text, |term| {
            if let Some(placer) = &mut placer {
                placer.see(term, 1);
            }
        });
        let place = placer.and_then(Placer::place);
        if let Some(meaning) = &mut self.meaning {
            meaning.vectors.push(place.as_deref());
            meaning.changes = meaning.changes.saturating_add(1);
        }
        let before = parent.and_then(|parent| self.parents.get(parent as usize)?.last);
        self.units.push(Unit { parent, before, after: None });
        if let Some(unit) = before.and_then(|before| self.units.get_mut(before as usize)) {
            unit.after = Some(doc);
        }
        if let Some(parent) = parent {
            self.enter(parent, doc);
        }
        doc
    }

    /// Forget a text; whether it was there. Those beside it become neighbours.
    pub fn remove(&mut self, doc: DocId) -> bool {
        if !self.words.remove(doc) {
            return false;
        }
        let unit = self.units.get_mut(doc as usize).map(std::mem::take).unwrap_or_default();
        if let Some(before) = unit.before.and_then(|before| self.units.get_mut(before as usize)) {
            before.after = unit.after;
        }
        if let Some(after) = unit.after.and_then(|after| self.units.get_mut(after as usize)) {
            after.before = unit.before;
        }
        if let Some(meaning) = &mut self.meaning {
            meaning.vectors.clear(doc as usize);
            meaning.changes = meaning.changes.saturating_add(1);
        }
        if let Some(parent) = unit.parent {
            self.leave(parent, doc, unit);
        }
        true
    }

    /// Forget all texts of a parent at once; how many they were.
    pub fn remove_parent(&mut self, number: ParentId) -> usize {
        let parent = self.parents.get_mut(number as usize).map(std::mem::take).unwrap_or_default();
        self.live_parents -= u32::from(parent.texts > 0);
        let (mut next, mut count) = (parent.first, 0);
        while let Some(doc) = next {
            let unit = self.units.get_mut(doc as usize).map(std::mem::take).unwrap_or_default();
            self.words.remove(doc);
            if let Some(meaning) = &mut self.meaning {
                meaning.vectors.clear(doc as usize);
                meaning.changes = meaning.changes.saturating_add(1);
            }
            count += 1;
            next = unit.after;
        }
        count
    }

    /// Drop every trace of removed words, the model's included when nothing holds them any more.
    pub fn compact(&mut self) {
        self.words.compact();
        if let Some(meaning) = &mut self.meaning {
            meaning.model.forget_terms(|term| self.words.list(term).is_some());
        }
    }

    /// Words and pairs alone.
    pub fn words(&self) -> &LexicalIndex {
        &self.words
    }

    /// Dimensions of meaning; 0 without a model.
    pub fn rank(&self) -> usize {
        self.meaning.as_ref().map_or(0, |meaning| meaning.model.rank())
    }

    /// Bytes of places and model.
    pub fn meaning_bytes(&self) -> usize {
        self.meaning.as_ref().map_or(0, |meaning| meaning.vectors.bytes() + meaning.model.bytes())
    }

    /// Whether a new model is due: enough texts and none yet, or a fifth of what the present one
    /// knew has come or gone.
    pub fn wants_refit(&self) -> bool {
        let enough = self.words.len() >= self.lsa.least_texts.max(2);
        enough && self.meaning.as_ref().is_none_or(|meaning| meaning.changes > meaning.texts / 5)
    }

    /// What a new model is made of.
    pub fn refit(&self) -> Refit {
        let counts = self.words.counts(0);
        Refit {
            lists: counts.into_iter().map(|(term, list)| (term.into(), list)).collect(),
            slots: u32::try_from(self.units.len()).unwrap_or(u32::MAX),
            texts: self.words.live,
            lsa: self.lsa,
        }
    }

    /// Take a new model in. Texts that came since its [`Refit`] are placed in it, those that went
    /// are not.
    pub fn install(&mut self, fitted: Fitted) {
        let Fitted { model, mut vectors, texts } = fitted;
        let known = vectors.len();
        for doc in 0..known {
            if !self.words.is_live(DocId::try_from(doc).unwrap_or(DocId::MAX)) {
                vectors.clear(doc);
            }
        }
        let mut placers: Vec<Placer<'_>> =
            (known..self.units.len()).map(|_| Placer::new(&model)).collect();
        for (term, list) in self.words.counts(DocId::try_from(known).unwrap_or(DocId::MAX)) {
            for (doc, count) in list {
                if let Some(placer) = placers.get_mut(doc as usize - known) {
                    placer.see(term, count);
                }
            }
        }
        for placer in placers {
            vectors.push(placer.place().as_deref());
        }
        let gone = self.units.len() - self.words.len() - (known - texts as usize);
        let changes = u32::try_from(self.units.len() - known + gone).unwrap_or(u32::MAX);
        self.meaning = Some(Meaning { model, vectors, texts, changes });
        for parent in 0..self.parents.len() {
            self.sum_places(parent);
        }
    }

    fn enter(&mut self, number: ParentId, doc: DocId) {
        let size = self.words.docs.get(doc as usize).map(|size| (size.words, size.pairs));
        let Some(parent) = self.parents.get_mut(number as usize) else { return };
        parent.first = parent.first.or(Some(doc));
        parent.last = Some(doc);
        parent.texts += 1;
        self.live_parents += u32::from(parent.texts == 1);
        let (words, pairs) = size.unwrap_or_default();
        parent.words = parent.words.saturating_add(words);
        parent.pairs = parent.pairs.saturating_add(pairs);
        if let Some(meaning) = &self.meaning {
            parent.place.resize(meaning.model.rank(), 0.0);
            meaning.vectors.add_to(&mut parent.place, doc as usize);
        }
    }

    fn leave(&mut self, number: ParentId, doc: DocId, unit: Unit) {
        let size = self.words.docs.get(doc as usize).map(|size| (size.words, size.pairs));
        let Some(parent) = self.parents.get_mut(number as usize) else { return };
        if parent.first == Some(doc) {
            parent.first = unit.after;
        }
        if parent.last == Some(doc) {
            parent.last = unit.before;
        }
        parent.texts -= 1;
        self.live_parents -= u32::from(parent.texts == 0);
        let (words, pairs) = size.unwrap_or_default();
        parent.words = parent.words.saturating_sub(words);
        parent.pairs = parent.pairs.saturating_sub(pairs);
        // Summed anew: what is subtracted would leave its rounding behind.
        self.sum_places(number as usize);
    }

    fn sum_places(&mut self, number: usize) {
        let Some(meaning) = &self.meaning else { return };
        let Some(parent) = self.parents.get_mut(number) else { return };
        parent.place.clear();
        if parent.first.is_none() {
            return;
        }
        parent.place.resize(meaning.model.rank(), 0.0);
        let mut next = parent.first;
        while let Some(doc) = next {
            meaning.vectors.add_to(&mut parent.place, doc as usize);
            next = self.units.get(doc as usize).and_then(|unit| unit.after);
        }
    }
}

impl Refit {
    /// Make the model; `None` when `stop` says so, which is asked between steps. Of too few texts, or
    /// texts that share nothing, a model without dimensions is made.
    pub fn run(self, stop: &dyn Fn() -> bool) -> Option<Fitted> {
        let model = Model::of(&self.lists, self.slots, self.lsa, stop)?;
        let mut placers: Vec<Placer<'_>> = (0..self.slots).map(|_| Placer::new(&model)).collect();
        for (term, list) in &self.lists {
            let Some(row) = model.row(term) else { continue };
            for &(doc, count) in list {
                if let Some(placer) = placers.get_mut(doc as usize) {
                    placer.see_row(row, count);
                }
            }
        }
        let mut vectors = Vectors::new(model.rank());
        for placer in placers {
            vectors.push(placer.place().as_deref());
        }
        (!stop()).then_some(Fitted { model, vectors, texts: self.texts })
    }
}
