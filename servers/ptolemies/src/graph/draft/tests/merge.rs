//! Entities that turn out to be one, and are parted again.

use super::*;
use crate::graph::{LATEST, MergeOutcome, Resolved};

impl Bench {
    pub(super) fn merge(&mut self, keep: &str, merge: &[&str]) -> Result<MergeOutcome, Error> {
        let merge: Vec<String> = merge.iter().map(ToString::to_string).collect();
        self.change(|draft| draft.merge(keep, &merge))
    }

    pub(super) fn undo(&mut self, outcome: &MergeOutcome) -> Result<MergeOutcome, Error> {
        let id = id(&outcome.merge_id);
        self.change(|draft| draft.undo(id))
    }

    fn resolved(&self, name: &str, known_at: i64) -> Resolved {
        self.graph.resolve(name, Moment::from_millis(known_at))
    }

    /// Everything that is said of an entity now.
    fn said(&self, name: &str) -> Vec<String> {
        let now = Moment::from_millis(self.now);
        let Resolved::One(lineage) = self.graph.resolve(name, now) else { return Vec::new() };
        let at = At { as_of: now, known_at: now };
        let facts = self.graph.facts_at(lineage, at).into_iter();
        let facts = facts.map(|fact| {
            let name = |end| self.graph.name_at(end, now);
            format!("{} {} {}", name(fact.from), fact.kind, name(fact.to))
        });
        let observed = self.graph.observations_at(lineage, at).into_iter();
        let names = self.graph.aliases_at(lineage, now).into_iter().map(str::to_owned);
        let mut said: Vec<String> =
            facts.chain(observed.map(|row| row.text.clone())).chain(names).collect();
        said.sort();
        said
    }
}

pub(super) fn id(text: &str) -> Ulid {
    Ulid::from_string(text).unwrap()
}

fn seen(name: &str, observation: &str) -> NewEntity {
    NewEntity { observations: vec![observation.to_owned()], ..named(name) }
}

#[test]
fn what_is_said_of_either_is_read_together_until_they_are_parted() {
    let mut bench = Bench::default();
    let ada = bench.entity(seen("Ada", "wrote notes"));
    let countess = bench
        .entity(NewEntity { aliases: vec!["Augusta".into()], ..seen("Countess", "rode horses") });
    bench.facts(vec![fact("Ada", "knows", "Babbage"), fact("Eve", "met", "Countess")]).unwrap();
    let (before, then) = ((bench.said("Ada"), bench.said("Countess")), bench.now);
    let index =
        |bench: &Bench, of: &str| bench.graph.entity_text(bench.graph.open_entity(id(of)).unwrap());
    let texts = (index(&bench, &ada.id), index(&bench, &countess.id));

    let merge = bench.merge("ada", &["augusta"]).unwrap();
    assert_eq!((&merge.id, &merge.merged), (&ada.id, &vec![countess.id.clone()]));
    let both =
        ["Ada knows Babbage", "Augusta", "Countess", "Eve met Ada", "rode horses", "wrote notes"];
    for name in ["Ada", "countess", "Augusta", &countess.id, &ada.id] {
        assert_eq!(bench.said(name), both, "{name}");
    }
    assert_eq!(bench.resolved("Countess", then), Resolved::One(id(&countess.id)), "the past stays");
    assert_eq!(index(&bench, &countess.id), None);
    assert_eq!(index(&bench, &ada.id).as_deref(), Some("Ada\nCountess\nAugusta"));

    // What is written meanwhile goes to the entity kept, and knows what was said of either.
    let again = bench.entity(NewEntity {
        aliases: vec!["Augusta".into()],
        observations: vec!["Rode horses".into(), "had a cat".into()],
        ..named("Countess")
    });
    assert_eq!((&again.id, again.version, again.observed), (&ada.id, 1, 1));
    let confirmed = bench.fact(fact("Eve", "met", "Ada"));
    assert_eq!((confirmed.status, &confirmed.to), (FactStatus::Confirmed, &ada.id));

    bench.undo(&merge).unwrap();
    assert_eq!(bench.said("Countess"), before.1, "parting is exact");
    let mut wanted = before.0;
    wanted.push("had a cat".to_owned());
    wanted.sort();
    assert_eq!(bench.said("Ada"), wanted);
    assert_eq!((index(&bench, &ada.id), index(&bench, &countess.id)), texts);
    let undone = bench.undo(&merge).unwrap_err();
    assert!(matches!(&undone, Error::Conflict { field, .. } if field == "/undo"), "{undone:?}");
}

#[test]
fn merges_chain_and_part_in_any_order() {
    let mut bench = Bench::default();
    for name in ["A", "B", "C", "D"] {
        bench.entity(named(name));
    }
    let first = bench.merge("A", &["B"]).unwrap();
    let second = bench.merge("C", &["B", "D"]).unwrap();
    assert_eq!(second.merged[0], first.id, "what is merged stands for the whole");
    let root = Resolved::One(id(&second.id));
    assert!(["A", "B", "C", "D"].iter().all(|name| bench.resolved(name, bench.now) == root));
    assert_eq!(bench.graph.group(id(&first.merged[0]), LATEST).len(), 4);
    bench.undo(&first).unwrap();
    assert_eq!(bench.resolved("B", bench.now), Resolved::One(id(&first.merged[0])));
    assert_eq!(bench.resolved("A", bench.now), root);
    bench.undo(&second).unwrap();
    assert_eq!(bench.resolved("A", bench.now), Resolved::One(id(&first.id)));
    assert_eq!(bench.graph.group(id(&first.id), LATEST).len(), 1);
}

#[test]
fn merges_that_cannot_be_are_named_and_write_nothing() {
    let mut bench = Bench::default();
    bench.one("lives_in").unwrap();
    bench
        .facts(vec![
            held("A", "lives_in", "Rome", Some(1), Some(5)),
            held("B", "lives_in", "Bonn", Some(4), None),
            held("C", "lives_in", "Bonn", Some(5), None),
        ])
        .unwrap();
    bench.entity(typed("X", "person"));
    bench.entity(typed("X", "ship"));
    let bytes = bench.graph.bytes();
    let field = |error: Error| match error {
        Error::Conflict { field, .. } => ("conflict", field),
        Error::NotFound { field, .. } => ("not_found", field),
        Error::Invalid { field, .. } => ("invalid", field),
        other => panic!("{other:?}"),
    };
    for (keep, merge, code, place) in [
        ("A", &["A"][..], "conflict", "/merge/0"),
        ("A", &["C", "c"], "invalid", "/merge/1"),
        ("A", &["C", "Nobody"], "not_found", "/merge/1"),
        ("Nobody", &["A"], "not_found", "/keep"),
        ("X", &["A"], "conflict", "/keep"),
        ("A", &["B"], "conflict", "/merge"),
    ] {
        let found = field(bench.merge(keep, merge).unwrap_err());
        assert_eq!(found, (code, place.to_owned()), "{keep} {merge:?}");
    }
    assert_eq!(bench.graph.bytes(), bytes);
    bench.merge("A", &["C"]).unwrap();
    let cycle = field(bench.merge("C", &["A"]).unwrap_err());
    assert_eq!(cycle, ("conflict", "/merge/0".to_owned()));
    // Two values that turn out to be one are one.
    bench.merge("Bonn", &["Rome"]).unwrap();
    bench.merge("A", &["B"]).unwrap();
    let absent = bench.change(|draft| draft.undo(Ulid(7))).unwrap_err();
    assert_eq!(field(absent), ("not_found", "/undo".to_owned()));
}

#[test]
fn a_type_has_one_value_of_all_that_was_merged() {
    let mut bench = Bench { now: 50_000, ..Bench::default() };
    bench.one("lives_in").unwrap();
    bench.entities(vec![named("A"), named("B")]).unwrap();
    let rome = bench.fact(held("B", "lives_in", "Rome", Some(1), None));
    let merge = bench.merge("A", &["B"]).unwrap();
    let bonn = bench.fact(held("A", "lives_in", "Bonn", Some(9), None));
    assert_eq!((bonn.status, &bonn.closed), (FactStatus::Superseded, &vec![rome.id]));
    let now = bench.now;
    let holds = |bench: &Bench, year| {
        let at = At { as_of: at(year), known_at: Moment::from_millis(now) };
        let facts = bench.graph.facts_at(id(&merge.id), at);
        facts.iter().map(|fact| bench.graph.name_at(fact.to, at.known_at).to_owned()).collect()
    };
    let (early, late): (Vec<String>, Vec<String>) = (holds(&bench, 5), holds(&bench, 20));
    assert_eq!((early, late), (vec!["Rome".to_owned()], vec!["Bonn".to_owned()]));
}

#[test]
fn forgetting_takes_all_that_was_merged() {
    let mut bench = Bench::default();
    let a = bench.entity(seen("A", "a"));
    bench.entity(seen("B", "b"));
    bench.fact(fact("C", "knows", "B"));
    let merge = bench.merge("A", &["B"]).unwrap();
    let doom = |purge: bool, of: &str| {
        let mut doomed = crate::graph::Doomed::default();
        assert!(bench.graph.doom(id(of), purge, &mut doomed));
        doomed.settle();
        let crate::graph::Doomed { entities, observations, facts, merges, .. } = doomed;
        (entities.len(), observations.len(), facts.len(), merges)
    };
    for of in [&a.id, &merge.merged[0]] {
        assert_eq!(doom(false, of), (2, 2, 1, vec![]));
        assert_eq!(doom(true, of), (2, 2, 1, vec![id(&merge.merge_id)]));
    }
    let mut delta = Delta::default();
    delta.merges.delete = vec![id(&merge.merge_id)];
    let bytes = bench.graph.bytes();
    bench.graph.apply(&delta, Moment::from_millis(bench.now + 1));
    assert!(bench.graph.bytes() < bytes && bench.graph.merge_row(id(&merge.merge_id)).is_none());
    assert_eq!(bench.graph.group(id(&a.id), LATEST), [id(&a.id)]);
}
