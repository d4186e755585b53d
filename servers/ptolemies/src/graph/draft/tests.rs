//! Batches on a graph in memory.

mod merge;
mod model;
mod walk;

use super::*;
use crate::graph::{At, End, EntityStatus, FactStatus};

/// A graph that is written as the writer does it.
#[derive(Default)]
struct Bench {
    graph: Graph,
    now: i64,
    last: u128,
    seq: u64,
}

impl Bench {
    fn change<T>(
        &mut self,
        write: impl FnOnce(&mut Draft<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.now += 1_000;
        self.seq += 1;
        let at = Moment::from_millis(self.now);
        let mut last = self.last;
        let mut new_id = || {
            last += 1;
            Ulid(last)
        };
        let mut draft = Draft::new(&self.graph, at, self.seq, &mut new_id);
        let answer = write(&mut draft)?;
        let delta = draft.finish();
        self.last = last;
        self.graph.apply(&delta, at);
        Ok(answer)
    }

    fn entities(&mut self, items: Vec<NewEntity>) -> Result<Vec<EntityOutcome>, Error> {
        self.change(|draft| draft.upsert_entities(items))
    }

    fn entity(&mut self, item: NewEntity) -> EntityOutcome {
        self.entities(vec![item]).unwrap().remove(0)
    }

    fn facts(&mut self, items: Vec<NewFact>) -> Result<Vec<FactOutcome>, Error> {
        self.change(|draft| Ok(draft.upsert_facts(Vec::new(), items, true)?.0))
    }

    fn fact(&mut self, item: NewFact) -> FactOutcome {
        self.facts(vec![item]).unwrap().remove(0)
    }

    fn one(&mut self, kind: &str) -> Result<(), Error> {
        let rules = vec![(kind.to_owned(), Cardinality::One)];
        self.change(|draft| draft.upsert_facts(rules, Vec::new(), true).map(drop))
    }

    /// Ends of the facts that start at `from` and hold at a year, by what was known.
    fn values(&self, from: &str, year: i64, known_at: i64) -> Vec<&str> {
        let lineage = self.graph.named(&names::key(from))[0];
        let at = At { as_of: at(year), known_at: Moment::from_millis(known_at) };
        let facts = self.graph.out_at(lineage, at);
        let mut values: Vec<&str> =
            facts.map(|fact| self.graph.name_at(fact.to, at.known_at)).collect();
        values.sort_unstable();
        values
    }
}

/// The start of a year, in a calendar of thousands of milliseconds.
fn at(year: i64) -> Moment {
    Moment::from_millis(year * 1_000)
}

fn named(name: &str) -> NewEntity {
    NewEntity { name: name.to_owned(), ..NewEntity::default() }
}

fn typed(name: &str, kind: &str) -> NewEntity {
    NewEntity { kind: Some(kind.to_owned()), ..named(name) }
}

fn end(name: &str) -> End {
    End { name: name.to_owned(), kind: None }
}

fn fact(from: &str, kind: &str, to: &str) -> NewFact {
    NewFact { from: end(from), kind: kind.to_owned(), to: end(to), ..NewFact::default() }
}

fn held(from: &str, kind: &str, to: &str, start: Option<i64>, stop: Option<i64>) -> NewFact {
    NewFact { valid_from: start.map(at), valid_to: stop.map(at), ..fact(from, kind, to) }
}

#[test]
fn only_equal_names_attach_and_like_ones_are_shown() {
    let mut bench = Bench::default();
    let ada = bench.entity(NewEntity {
        aliases: vec!["Countess of Lovelace".into()],
        observations: vec!["wrote notes".into()],
        ..typed("Ada Lovelace", "person")
    });
    assert_eq!((ada.status, ada.version, ada.observed), (EntityStatus::Created, 1, 1));
    let same = bench.entity(NewEntity {
        observations: vec!["Wrote  notes".into(), "born 1815".into()],
        ..named("ada  lovelace.")
    });
    assert_eq!((same.status, &same.id, same.version), (EntityStatus::Matched, &ada.id, 1));
    assert_eq!(same.observed, 1, "a repeated observation is not stored again");
    let alias = bench.entity(named("countess of lovelace"));
    assert_eq!(alias.id, ada.id);
    let like = bench.entity(typed("Ada Lovelce", "person"));
    assert_eq!(like.status, EntityStatus::Created);
    assert_eq!(like.candidates[0].id, ada.id);
    assert!(like.candidates[0].likeness >= 0.85);
    let ship = bench.entity(typed("Ada Lovelace", "ship"));
    assert_eq!(ship.status, EntityStatus::Created, "another type is another entity");
    assert!((ship.candidates[0].likeness - 1.0).abs() < f64::EPSILON);
    let both = bench.entities(vec![named("Ada Lovelace")]).unwrap_err();
    assert!(matches!(&both, Error::Conflict { field, .. } if field == "/items/0/name"), "{both:?}");
    for (name, other) in [("C", "C++"), ("C++", "C#")] {
        bench.entity(named(name));
        let other = bench.entity(named(other));
        assert!(other.id != bench.entity(named(name)).id);
    }
}

#[test]
fn what_is_new_of_an_entity_makes_a_version_and_the_old_one_stays() {
    let mut bench = Bench::default();
    let first = bench.entity(named("Acme"));
    let then = bench.now;
    let second = bench.entity(NewEntity {
        aliases: vec!["ACME Corp".into(), "acme".into()],
        props: Some("{\"a\":1}".into()),
        ..typed("Acme", "company")
    });
    assert_eq!((second.status, &second.id, second.version), (EntityStatus::Matched, &first.id, 2));
    assert_eq!(bench.entity(typed("acme corp", "Company")).version, 2, "nothing new, no version");
    let lineage = Ulid::from_string(&first.id).unwrap();
    let old = bench.graph.entity_at(lineage, Moment::from_millis(then)).unwrap();
    assert_eq!((old.version, old.kind.as_deref(), old.aliases.len()), (1, None, 0));
    let new = bench.graph.open_entity(lineage).unwrap();
    assert_eq!((new.supersedes, new.aliases.len()), (Some(old.id), 1));
    let by_alias =
        bench.entity(NewEntity { aliases: vec!["Acme".into()], ..named("Acme Holding") });
    assert_eq!((by_alias.status, &by_alias.id), (EntityStatus::Matched, &first.id));
    assert_eq!(bench.graph.named("acme holding"), [lineage]);
    let twice = bench.entities(vec![named("New"), typed("new", "x"), named("NEW")]).unwrap();
    assert_eq!((&twice[0].id, &twice[1].id), (&twice[1].id, &twice[2].id));
    assert_eq!(twice[2].version, 1, "a batch makes one version");
}

#[test]
fn a_new_value_ends_the_old_one_where_there_is_one_at_a_time() {
    let mut bench = Bench::default();
    bench.one("lives_in").unwrap();
    let lyon = bench.fact(held("Ada", "lives_in", "Lyon", Some(10), None));
    assert_eq!((lyon.status, lyon.valid_to), (FactStatus::Created, None));
    let before = bench.now;
    let porto = bench.fact(held("Ada", "Lives In", "Porto", Some(20), None));
    assert_eq!((porto.status, &porto.closed), (FactStatus::Superseded, &vec![lyon.id.clone()]));
    let now = bench.now;
    for (year, known_at, wanted) in [
        (15, now, vec!["Lyon"]),
        (25, now, vec!["Porto"]),
        (25, before, vec!["Lyon"]),
        (5, now, vec![]),
    ] {
        assert_eq!(bench.values("Ada", year, known_at), wanted, "{year} known at {known_at}");
    }
    // A late fact is placed before its successor.
    let bonn = bench.fact(held("Ada", "lives_in", "Bonn", Some(15), None));
    assert_eq!(bonn.valid_to, Some(at(20).to_string()));
    // One with an end takes its place out of the middle.
    bench.fact(held("Ada", "lives_in", "Rome", Some(22), Some(24)));
    let now = bench.now;
    for (year, wanted) in [(12, "Lyon"), (17, "Bonn"), (21, "Porto"), (23, "Rome"), (24, "Porto")] {
        assert_eq!(bench.values("Ada", year, now), [wanted], "{year}");
    }
    assert_eq!(bench.values("Ada", 17, now - 2_000), ["Lyon"], "the past answer stays");
}

#[test]
fn facts_are_confirmed_corrected_and_ended() {
    let mut bench = Bench { now: 50_000, ..Bench::default() };
    let said = |source: &str, item: NewFact| NewFact { source: Some(source.into()), ..item };
    let first = bench.fact(said("a", held("Ada", "works_at", "Acme", Some(10), None)));
    let again = bench.fact(said("b", fact("ada", "WORKS-AT", "acme")));
    assert_eq!((again.status, &again.id), (FactStatus::Confirmed, &first.id));
    bench.fact(said("b", held("Ada", "works_at", "Acme", Some(30), None)));
    let row = bench.graph.fact_row(Ulid::from_string(&first.id).unwrap()).unwrap();
    let sources: Vec<&str> = row.sources.iter().map(|source| &*source.text).collect();
    assert_eq!(sources, ["a", "b"]);
    let ended = bench.fact(said("c", held("Ada", "works_at", "Acme", None, Some(20))));
    assert_eq!(ended.status, FactStatus::Superseded);
    assert_eq!(
        (&ended.closed, ended.valid_to.as_deref()),
        (&vec![first.id.clone()], Some(&*at(20).to_string()))
    );
    assert_eq!(ended.valid_from, at(10).to_string());
    let row = bench.graph.fact_row(Ulid::from_string(&ended.id).unwrap()).unwrap();
    assert_eq!((row.version, row.lineage.to_string(), row.sources.len()), (2, first.id.clone(), 3));
    let earlier = bench.fact(held("Ada", "works_at", "Acme", Some(8), None));
    assert_eq!(earlier.valid_from, at(8).to_string());
    assert_eq!(earlier.valid_to, Some(at(20).to_string()));
    let later = bench.fact(held("Ada", "works_at", "Acme", Some(40), None));
    assert_eq!(later.status, FactStatus::Created, "after a gap it is another fact");
    let beside = bench.fact(held("Ada", "works_at", "Initech", Some(41), None));
    assert_eq!((beside.status, beside.alongside), (FactStatus::Created, 1));
    let unknown = bench.facts(vec![held("Bob", "works_at", "Acme", None, Some(1))]).unwrap_err();
    assert!(matches!(&unknown, Error::Invalid { field, .. } if field == "/items/0/valid_to"));
}

#[test]
fn refusals_name_what_is_wrong_and_write_nothing() {
    let mut bench = Bench::default();
    bench.facts(vec![fact("A", "likes", "B"), fact("A", "likes", "C")]).unwrap();
    let crowded = bench.one("likes").unwrap_err();
    assert!(matches!(&crowded, Error::Conflict { field, .. } if field == "/cardinalities/likes"));
    assert_eq!(bench.graph.cardinality("likes"), Cardinality::Many);
    let rows = bench.graph.len();
    let absent = bench
        .change(|draft| draft.upsert_facts(Vec::new(), vec![fact("A", "likes", "Nobody")], false));
    assert!(matches!(absent, Err(Error::NotFound { field, .. }) if field == "/items/0/to"));
    bench.one("owns").unwrap();
    let twice = bench.facts(vec![fact("A", "owns", "B"), fact("A", "owns", "C")]).unwrap_err();
    assert!(matches!(&twice, Error::Invalid { field, .. } if field == "/items/1"), "{twice:?}");
    assert_eq!(bench.graph.len(), rows);
    let chain = bench.facts(vec![
        held("D", "owns", "B", Some(1), None),
        held("D", "owns", "C", Some(5), None),
        held("D", "owns", "B", Some(9), None),
    ]);
    assert_eq!(chain.unwrap().len(), 3, "one batch may tell a history");
    assert_eq!(bench.values("D", 3, bench.now), ["B"]);
    assert_eq!(bench.values("D", 7, bench.now), ["C"]);
}

#[test]
fn forgetting_an_entity_takes_along_what_is_said_of_it() {
    let mut bench = Bench::default();
    let ada = bench.entity(NewEntity { observations: vec!["tall".into()], ..named("Ada") });
    bench.facts(vec![fact("Ada", "knows", "Bob"), fact("Bob", "knows", "Eve")]).unwrap();
    let id = Ulid::from_string(&ada.id).unwrap();
    let mut doomed = crate::graph::Doomed::default();
    assert!(bench.graph.doom(id, false, &mut doomed));
    doomed.settle();
    assert_eq!((doomed.entities.len(), doomed.observations.len(), doomed.facts.len()), (1, 1, 1));
    assert_eq!(doomed.items, 3);
    let mut delta = Delta::default();
    delta.entities.delete = doomed.entities;
    delta.observations.delete = doomed.observations;
    delta.facts.delete = doomed.facts;
    let left = bench.graph.len() - 3;
    bench.graph.apply(&delta, Moment::from_millis(bench.now + 1));
    assert_eq!(bench.graph.len(), left);
    assert!(bench.graph.named("ada").is_empty());
    assert!(!bench.graph.doom(id, true, &mut crate::graph::Doomed::default()));
    let again = bench.fact(fact("Ada", "knows", "Bob"));
    assert_ne!(again.from, ada.id);
}
