//! Nearness in the graph: what lies around the entities that a query names.

use std::collections::HashMap;

use recall_engine::{DocId, graph::rank};
use ulid::Ulid;

use super::{Asked, Item};
use crate::{
    graph::{At, Direction, LATEST, Lens, names},
    knowledge::State,
};

/// Words of a name at most, where it is looked for in a query.
const WORDS: usize = 6;
/// Entities of a query at most.
const SEEDS: usize = 10;
/// Share of the walk that a node may keep for each of its arcs.
const LEAST: f64 = 1e-4;
/// Entities whose facts are looked at.
const OPENED: usize = 256;
/// Entities whose texts come near.
const FELT: usize = 64;
/// A name that more texts hold tells nothing.
const MENTIONS: usize = 1_000;

impl State {
    /// How near texts are to the entities that the query names: the share that a walk from those along
    /// the facts that hold then has of an entity (personalised `PageRank`), summed over the entities a
    /// text is of, is about, or names. Empty when the query names none.
    pub(super) fn nearness(&self, asked: Asked<'_>, stop: &dyn Fn() -> bool) -> Vec<(DocId, f64)> {
        let seeds = self.entities_in(&asked.needle.query);
        if seeds.is_empty() {
            return Vec::new();
        }
        let at = At { as_of: asked.needle.as_of.unwrap_or(asked.now), known_at: asked.now };
        let lens = Lens::new(&self.graph, at, &[]).until(stop);
        let mut near = rank::near(&seeds, LEAST, OPENED, |entity| {
            let facts = lens.facts(entity, Direction::Both).into_iter();
            facts.map(|(end, fact)| (end, fact.weight)).collect::<Vec<_>>()
        });
        near.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        near.truncate(FELT);
        let mut found: HashMap<DocId, f64> = HashMap::new();
        for (entity, share) in near {
            if stop() {
                return Vec::new();
            }
            for doc in self.texts_of(entity, at) {
                *found.entry(doc).or_default() += share;
            }
        }
        found.into_iter().collect()
    }

    /// Entities whose name or alias stands in a text, longer names first where they overlap; each
    /// with its weight, shared between those of one name.
    fn entities_in(&self, text: &str) -> Vec<(Ulid, f64)> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut found = Vec::new();
        let mut at = 0;
        while at < words.len() && found.len() < SEEDS {
            let longest = (1..=WORDS.min(words.len() - at)).rev().find_map(|length| {
                let named = self.bearers(words.get(at..at + length)?);
                (!named.is_empty()).then_some((length, named))
            });
            let Some((length, named)) = longest else {
                at += 1;
                continue;
            };
            let share = 1.0 / f64::from(u32::try_from(named.len()).unwrap_or(u32::MAX));
            found.extend(named.into_iter().map(|entity| (entity, share)));
            at += length;
        }
        found
    }

    /// Entities that bear a name, with or without a possessive ending.
    fn bearers(&self, words: &[&str]) -> Vec<Ulid> {
        let name = words.join(" ");
        let plain = name.strip_suffix("'s").or_else(|| name.strip_suffix("’s"));
        [Some(name.as_str()), plain]
            .into_iter()
            .flatten()
            .map(|name| self.graph.named(&names::key(name)).to_vec())
            .find(|lineages| !lineages.is_empty())
            .map(|lineages| self.graph.roots(lineages, LATEST))
            .unwrap_or_default()
    }

    /// Texts that are of an entity, about it, or name it; each once.
    fn texts_of(&self, entity: Ulid, at: At) -> Vec<DocId> {
        let Some(row) = self.graph.open_entity(entity) else { return Vec::new() };
        let observations = self.graph.observations_at(entity, at).into_iter().map(|row| row.id);
        let facts = self.graph.facts_at(entity, at).into_iter().map(|fact| fact.id);
        let about = [row.id].into_iter().chain(observations).chain(facts);
        let mut texts: Vec<DocId> = about.filter_map(|id| self.docs.get(&id).copied()).collect();
        for name in [&row.name].into_iter().chain(&row.aliases) {
            let named = self.index.words().phrase(name, MENTIONS).into_iter();
            texts.extend(
                named.filter(|doc| matches!(self.item_of(*doc), Item::Memory(_) | Item::Chunk(_))),
            );
        }
        texts.sort_unstable();
        texts.dedup();
        texts
    }
}
