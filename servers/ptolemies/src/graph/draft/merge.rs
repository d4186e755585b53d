//! Entities of a batch that turn out to be one.

use std::collections::BTreeMap;

use ulid::Ulid;

use super::Draft;
use crate::{
    Error,
    graph::{Cardinality, End, Fact, Merge, MergeOutcome, names},
    moment::Moment,
};

impl Draft<'_> {
    /// Make entities one with the entity to keep.
    ///
    /// # Errors
    /// `not_found` for an unknown name, `conflict` when a name belongs to several entities, when one
    /// is the entity to keep already, or when a type with one value at a time would have two.
    pub(crate) fn merge(&mut self, keep: &str, merge: &[String]) -> Result<MergeOutcome, Error> {
        let keep = self.known("/keep", keep)?;
        let mut merged: Vec<Ulid> = Vec::with_capacity(merge.len());
        for (index, name) in merge.iter().enumerate() {
            let field = format!("/merge/{index}");
            let lineage = self.known(&field, name)?;
            if lineage == keep {
                return Err(Error::Conflict {
                    field,
                    message: format!("is the entity to keep already, {keep}: it would be a cycle"),
                    hint: "leave it out; to keep the other one instead, undo the earlier merge, \
                           seen by get_entities, and merge the other way round",
                });
            }
            if let Some(first) = merged.iter().position(|other| *other == lineage) {
                return Err(Error::invalid(
                    field,
                    format!("must differ: it is the same entity as /merge/{first}"),
                ));
            }
            merged.push(lineage);
        }
        self.fits(keep, &merged)?;
        let id = (self.new_id)();
        let row = Merge {
            id,
            keep,
            merged,
            recorded_at: self.at,
            retracted_at: Moment::NEVER,
            seq: self.seq,
        };
        let outcome = MergeOutcome::of(&row, false);
        self.delta.merges.insert.push(row);
        Ok(outcome)
    }

    /// Part what was merged.
    ///
    /// # Errors
    /// `not_found` for an unknown merge, `conflict` for one that was undone.
    pub(crate) fn undo(&mut self, id: Ulid) -> Result<MergeOutcome, Error> {
        let Some(row) = self.graph.merge_row(id) else {
            return Err(Error::NotFound {
                field: "/undo".to_owned(),
                message: "no merge has this id".to_owned(),
                hint: "get_entities shows the merges of an entity with their ids",
            });
        };
        if let Some(at) = row.retracted_at.known() {
            return Err(Error::Conflict {
                field: "/undo".to_owned(),
                message: format!("was undone at {at}"),
                hint: "there is nothing to undo; get_entities shows the merges that hold",
            });
        }
        self.delta.merges.retract.push(id);
        Ok(MergeOutcome::of(row, true))
    }

    fn known(&self, field: &str, name: &str) -> Result<Ulid, Error> {
        let end = End { name: name.to_owned(), kind: None };
        match self.found(field, &end)? {
            Some(lineage) => Ok(lineage),
            None => Err(Error::NotFound {
                field: field.to_owned(),
                message: format!("no entity is called {}", mcp_core::untrusted::line(name, 80)),
                hint: "give an id or name of get_entities, which shows names like it",
            }),
        }
    }

    /// Whether types with one value at a time would still have one.
    pub(crate) fn fits(&self, keep: Ulid, merged: &[Ulid]) -> Result<(), Error> {
        let whole = [keep].into_iter().chain(merged.iter().copied());
        let members: Vec<Ulid> =
            whole.flat_map(|lineage| self.graph.group(lineage, self.at)).collect();
        let mut slots: BTreeMap<String, Vec<&Fact>> = BTreeMap::new();
        for fact in self.graph.said_from(&members) {
            let key = names::kind(&fact.kind);
            if self.cardinality(&key) == Cardinality::One {
                slots.entry(key).or_default().push(fact);
            }
        }
        let value = |fact: &Fact| {
            if members.contains(&fact.to) { keep } else { self.graph.root(fact.to, self.at) }
        };
        for (kind, mut facts) in slots {
            facts.sort_by_key(|fact| (fact.times.valid_from, fact.id));
            let mut holding: Vec<&Fact> = Vec::new();
            for fact in facts {
                holding.retain(|other| other.times.valid_to > fact.times.valid_from);
                if let Some(other) = holding.iter().find(|other| value(other) != value(fact)) {
                    return Err(Error::Conflict {
                        field: "/merge".to_owned(),
                        message: format!(
                            "cannot be one with {keep}: {} has one value at a time, and facts {} \
                             and {} hold at the same time with different ones",
                            mcp_core::untrusted::line(&kind, 64),
                            other.id,
                            fact.id
                        ),
                        hint: "end one of them with upsert_facts, or forget it, then merge",
                    });
                }
                holding.push(fact);
            }
        }
        Ok(())
    }
}
