//! Facts of a batch, placed in time.
//!
//! A fact claims an interval of the world. Without an end it claims up to where the next value is
//! known to begin. What is said of it takes precedence over what was known, and only over the
//! interval claimed: the rest of an old value stays, as a version that takes its place.

use ulid::Ulid;

use super::Draft;
use crate::{
    Error,
    graph::{Cardinality, Fact, FactOutcome, FactStatus, NewFact, Source, Times, names},
    moment::Moment,
};

/// Facts of one start and type up to which others beside a new one are counted.
const CROWD: usize = 64;
/// How many of them are told.
const ALONGSIDE: usize = 9;

/// A fact whose ends are known.
struct Claim {
    index: usize,
    from: Ulid,
    to: Ulid,
    /// Key of its type.
    key: String,
    item: NewFact,
}

impl Draft<'_> {
    pub(super) fn fact(
        &mut self,
        index: usize,
        item: NewFact,
        create: bool,
    ) -> Result<FactOutcome, Error> {
        let from = self.end(&format!("/items/{index}/from"), &item.from, create)?;
        let to = self.end(&format!("/items/{index}/to"), &item.to, create)?;
        let claim = Claim { index, from, to, key: names::kind(&item.kind), item };
        let mut known = self.overlapped(&claim);
        known.sort_by_key(|fact| (fact.times.valid_from, fact.id));
        if claim.item.valid_to.is_none() {
            known.truncate(1);
        }
        let (status, fact, closed) = match known.first().cloned() {
            Some(first) => self.correct(&claim, first, &known)?,
            None => self.introduce(&claim)?,
        };
        let alongside = self.alongside(&claim, &fact.times);
        Ok(FactOutcome {
            status,
            id: fact.id.to_string(),
            from: from.to_string(),
            to: to.to_string(),
            valid_from: fact.times.valid_from.to_string(),
            valid_to: fact.times.valid_to.known().map(|moment| moment.to_string()),
            closed: closed.iter().map(ToString::to_string).collect(),
            alongside,
        })
    }

    /// Versions of the same fact that the claim is about. Without a start it is about what holds
    /// now, or held when the claim says that it ended.
    fn overlapped(&self, claim: &Claim) -> Vec<Fact> {
        let end = claim.item.valid_to;
        let start = claim.item.valid_from.unwrap_or_else(|| {
            end.map_or(self.at, |end| self.at.min(Moment::from_millis(end.millis() - 1)))
        });
        // Without bounds the claim is about one moment; with a start alone about all that follows.
        let to = match (claim.item.valid_from, end) {
            (None, None) => start.next(),
            _ => end.unwrap_or(Moment::NEVER),
        };
        let mut same = self.triple(claim.from, &claim.key, claim.to);
        same.retain(|fact| fact.times.overlaps(start, to));
        same
    }

    /// The claim is about a fact that is known.
    fn correct(
        &mut self,
        claim: &Claim,
        first: Fact,
        known: &[Fact],
    ) -> Result<(FactStatus, Fact, Vec<Ulid>), Error> {
        let item = &claim.item;
        let start =
            item.valid_from.map_or(first.times.valid_from, |at| at.min(first.times.valid_from));
        let end = item.valid_to.unwrap_or(first.times.valid_to);
        let mut fact = first.clone();
        fact.times.valid_from = start;
        fact.times.valid_to = end;
        fact.text = item.text.clone().or(fact.text);
        fact.props = item.props.clone().or(fact.props);
        fact.weight = item.weight.unwrap_or(fact.weight);
        fact.confidence = item.confidence.or(fact.confidence);
        if known.len() == 1 && fact == first {
            self.confirm(&first, item.source.as_ref());
            return Ok((FactStatus::Confirmed, first, Vec::new()));
        }
        for source in known.iter().skip(1).flat_map(|fact| &fact.sources) {
            add_source(&mut fact.sources, &source.text, source.at);
        }
        if let Some(source) = &item.source {
            add_source(&mut fact.sources, source, self.at);
        }
        let mut closed = Vec::new();
        if let Some(place) = self.fresh(&first) {
            // Of this batch: it was never known otherwise.
            if let Some(row) = self.delta.facts.insert.get_mut(place) {
                *row = fact.clone();
            }
        } else {
            self.end_row(claim, &first, &mut closed)?;
            fact = self.successor(fact, first.id);
            self.insert_fact(fact.clone());
        }
        for other in known.iter().skip(1) {
            self.end_row(claim, other, &mut closed)?;
        }
        self.make_room(claim, &fact, &mut closed)?;
        Ok((FactStatus::Superseded, fact, closed))
    }

    /// The claim is new.
    fn introduce(&mut self, claim: &Claim) -> Result<(FactStatus, Fact, Vec<Ulid>), Error> {
        let item = &claim.item;
        let start = item.valid_from.unwrap_or(self.at);
        let rivals = match self.cardinality(&claim.key) {
            Cardinality::One => self.slot(claim.from, &claim.key),
            Cardinality::Many => self.triple(claim.from, &claim.key, claim.to),
        };
        let next = rivals.iter().map(|fact| fact.times.valid_from).filter(|&at| at > start).min();
        let end = item.valid_to.or(next).unwrap_or(Moment::NEVER);
        if end <= start {
            return Err(Error::invalid(
                format!("/items/{}/valid_to", claim.index),
                "must be after valid_from, which is now if absent, unless the fact is known",
            ));
        }
        let id = (self.new_id)();
        let mut fact = Fact {
            id,
            lineage: id,
            supersedes: None,
            version: 1,
            from: claim.from,
            to: claim.to,
            kind: item.kind.clone(),
            text: item.text.clone(),
            props: item.props.clone(),
            weight: item.weight.unwrap_or(1.0),
            confidence: item.confidence,
            sources: Vec::new(),
            times: Times {
                valid_from: start,
                valid_to: end,
                recorded_at: self.at,
                retracted_at: Moment::NEVER,
            },
            seq: self.seq,
        };
        if let Some(source) = &item.source {
            add_source(&mut fact.sources, source, self.at);
        }
        let mut closed = Vec::new();
        self.make_room(claim, &fact, &mut closed)?;
        fact.supersedes = closed.last().copied();
        self.insert_fact(fact.clone());
        let status = if closed.is_empty() { FactStatus::Created } else { FactStatus::Superseded };
        Ok((status, fact, closed))
    }

    /// Where a type has one value at a time, other values give way while `fact` holds.
    fn make_room(
        &mut self,
        claim: &Claim,
        fact: &Fact,
        closed: &mut Vec<Ulid>,
    ) -> Result<(), Error> {
        if self.cardinality(&claim.key) == Cardinality::Many {
            return Ok(());
        }
        let Times { valid_from: start, valid_to: end, .. } = fact.times;
        let mut others = self.slot(claim.from, &claim.key);
        others.retain(|other| self.root(other.to) != claim.to && other.times.overlaps(start, end));
        others.sort_by_key(|other| (other.times.valid_from, other.id));
        for other in others {
            let before =
                (other.times.valid_from < start).then_some((other.times.valid_from, start));
            let after = (end < other.times.valid_to).then_some((end, other.times.valid_to));
            let mut rests = before.into_iter().chain(after);
            if let Some(place) = self.fresh(&other) {
                // Of this batch: it keeps its id, and a first part of its interval.
                let Some((from, to)) = rests.next() else { return Err(twice(claim)) };
                if let Some(row) = self.delta.facts.insert.get_mut(place) {
                    row.times.valid_from = from;
                    row.times.valid_to = to;
                }
            } else {
                self.end_row(claim, &other, closed)?;
            }
            for (from, to) in rests {
                let mut rest = self.successor(other.clone(), other.id);
                rest.times.valid_from = from;
                rest.times.valid_to = to;
                self.insert_fact(rest);
            }
        }
        Ok(())
    }

    /// End what the store says; what this batch itself said cannot be taken back by it.
    fn end_row(&mut self, claim: &Claim, fact: &Fact, closed: &mut Vec<Ulid>) -> Result<(), Error> {
        if self.fresh(fact).is_some() {
            return Err(twice(claim));
        }
        self.ended.insert(fact.id);
        self.delta.facts.retract.push(fact.id);
        closed.push(fact.id);
        Ok(())
    }

    fn successor(&mut self, fact: Fact, of: Ulid) -> Fact {
        let times = Times { recorded_at: self.at, retracted_at: Moment::NEVER, ..fact.times };
        Fact {
            id: (self.new_id)(),
            supersedes: Some(of),
            version: fact.version + 1,
            times,
            seq: self.seq,
            ..fact
        }
    }

    fn confirm(&mut self, fact: &Fact, source: Option<&String>) {
        let Some(text) = source else { return };
        if let Some(place) = self.fresh(fact) {
            if let Some(row) = self.delta.facts.insert.get_mut(place) {
                add_source(&mut row.sources, text, self.at);
            }
            return;
        }
        if fact.sources.iter().all(|source| source.text != *text) {
            self.delta.sources.push((fact.id, Source { text: text.clone(), at: self.at }));
        }
    }

    /// Other values that hold while this one does, where a type may have several.
    fn alongside(&self, claim: &Claim, times: &Times) -> usize {
        let group = self.group(claim.from);
        let crowd: usize = group.iter().map(|from| self.graph.slot(*from, &claim.key).len()).sum();
        if crowd > CROWD || self.cardinality(&claim.key) == Cardinality::One {
            return 0;
        }
        let others = self.slot(claim.from, &claim.key);
        let beside = others.iter().filter(|other| {
            self.root(other.to) != claim.to
                && other.times.overlaps(times.valid_from, times.valid_to)
        });
        beside.count().min(ALONGSIDE)
    }
}

fn add_source(sources: &mut Vec<Source>, text: &str, at: Moment) {
    if sources.iter().all(|source| source.text != text) {
        sources.push(Source { text: text.to_owned(), at });
    }
}

fn twice(claim: &Claim) -> Error {
    Error::invalid(
        format!("/items/{}", claim.index),
        "must not take the whole place of an earlier item of this call: say each fact once",
    )
}
