//! Any sequence of facts, looked at year by year.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Bench, held};
use crate::{
    graph::{Fact, FactStatus, names},
    moment::Moment,
};

const YEARS: i64 = 24;

#[derive(Debug, Clone)]
struct Claim {
    one: bool,
    value: &'static str,
    start: Option<i64>,
    stop: Option<i64>,
}

fn claim() -> impl Strategy<Value = Claim> {
    let value = prop::sample::select(vec!["A", "B", "C"]);
    let year = || prop::option::weighted(0.8, 0..YEARS);
    (any::<bool>(), value, year(), prop::option::weighted(0.4, 1..=YEARS)).prop_filter_map(
        "an interval that ends before it begins",
        |(one, value, start, stop)| {
            let fine = start.zip(stop).is_none_or(|(start, stop)| start < stop);
            fine.then_some(Claim { one, value, start, stop })
        },
    )
}

fn kind(one: bool) -> &'static str {
    if one { "one" } else { "many" }
}

/// The values of a type by year, each sorted.
type Years = BTreeMap<i64, Vec<String>>;

fn years(bench: &Bench, one: bool, known_at: i64) -> Years {
    let Some(&from) = bench.graph.named("x").first() else { return Years::new() };
    let mut years = Years::new();
    for fact in bench.graph.history(from).2 {
        if fact.kind != kind(one) || !fact.times.known_at(Moment::from_millis(known_at)) {
            continue;
        }
        for year in 0..YEARS {
            let moment = super::at(year);
            if fact.times.valid_from <= moment && moment < fact.times.valid_to {
                let name = bench.graph.name_at(fact.to, Moment::from_millis(known_at));
                years.entry(year).or_default().push(name.to_owned());
            }
        }
    }
    for values in years.values_mut() {
        values.sort();
    }
    years
}

/// Versions of the fact that the store says now and the claim overlaps, before it is made.
fn overlapped(bench: &Bench, claim: &Claim) -> Vec<Fact> {
    let (Some(&from), Some(&to)) =
        (bench.graph.named("x").first(), bench.graph.named(&names::key(claim.value)).first())
    else {
        return Vec::new();
    };
    let now = bench.now / 1_000 + 1;
    let stop = claim.stop;
    let start = claim.start.unwrap_or_else(|| stop.map_or(now, |stop| now.min(stop - 1)));
    let upto = match (claim.start, stop) {
        (None, None) => start + 1,
        _ => stop.unwrap_or(i64::MAX / 1_000),
    };
    let rows = bench.graph.triple(from, kind(claim.one), to).iter();
    let mut rows: Vec<Fact> = rows.filter_map(|id| bench.graph.fact_row(*id)).cloned().collect();
    rows.retain(|fact| fact.times.overlaps(super::at(start), super::at(upto)));
    rows.sort_by_key(|fact| fact.times.valid_from);
    rows
}

/// What the years must show after a claim, from what they showed before it.
fn expected(bench: &Bench, before: &Years, claim: &Claim, known: &[Fact]) -> Years {
    let mut wanted = before.clone();
    let year_of = |moment: Moment| moment.millis().div_euclid(1_000).min(YEARS);
    let now = bench.now / 1_000;
    let (from, to) = match (known.first(), claim.start, claim.stop) {
        // It is known: only its start can move back, only a given end is its end.
        (Some(first), start, stop) => {
            let begins = year_of(first.times.valid_from);
            let from = start.unwrap_or(begins).min(begins);
            (from, stop.unwrap_or_else(|| year_of(first.times.valid_to)))
        }
        (None, start, Some(stop)) => (start.unwrap_or(now), stop),
        (None, start, None) => {
            let start = start.unwrap_or(now);
            let graph = &bench.graph;
            let lineage = graph.named("x").first().copied();
            let rows = lineage.map_or(&[][..], |from| graph.slot(from, kind(claim.one))).iter();
            let rivals = rows.filter_map(|id| graph.fact_row(*id)).filter(|fact| {
                claim.one || graph.name_at(fact.to, Moment::from_millis(bench.now)) == claim.value
            });
            let next = rivals.map(|fact| year_of(fact.times.valid_from)).filter(|&at| at > start);
            (start, next.min().unwrap_or(YEARS))
        }
    };
    for year in 0..YEARS {
        let values = wanted.entry(year).or_default();
        // An end that is given ends all it overlaps.
        let ended = claim.stop.is_some()
            && known
                .iter()
                .any(|fact| fact.times.overlaps(super::at(year), super::at(year).next()));
        if ended && !(from..to).contains(&year) {
            values.retain(|value| value != claim.value);
        }
        if (from..to).contains(&year) {
            if claim.one {
                values.clear();
            }
            if !values.iter().any(|value| value == claim.value) {
                values.push(claim.value.to_owned());
            }
        }
        values.sort();
    }
    wanted.retain(|_, values| !values.is_empty());
    wanted
}

fn run(claims: Vec<Claim>) {
    let mut bench = Bench { now: 9_000, ..Bench::default() };
    bench.one("one").unwrap();
    let mut answers: Vec<(i64, Years, Years)> = Vec::new();
    for claim in claims {
        let before = years(&bench, claim.one, bench.now);
        let known = overlapped(&bench, &claim);
        let item = held("X", kind(claim.one), claim.value, claim.start, claim.stop);
        // The bench's clock goes on by a year with each write.
        let mut later = Bench { graph: std::mem::take(&mut bench.graph), ..bench };
        later.now += 1_000;
        let wanted = expected(&later, &before, &claim, &known);
        later.now -= 1_000;
        bench = later;
        match bench.facts(vec![item]) {
            Ok(outcome) => {
                let after = years(&bench, claim.one, bench.now);
                assert_eq!(after, wanted, "after {claim:?}: {outcome:?}");
                let confirmed = outcome[0].status == FactStatus::Confirmed;
                assert!(!confirmed || after == before, "a confirmation changed something");
            }
            Err(error) => {
                assert!(claim.start.is_none() && claim.stop.is_some(), "{claim:?}: {error}");
                assert_eq!(years(&bench, claim.one, bench.now), before);
            }
        }
        answers.push((bench.now, years(&bench, true, bench.now), years(&bench, false, bench.now)));
        for (known_at, ones, manys) in &answers {
            let (one, many) = (years(&bench, true, *known_at), years(&bench, false, *known_at));
            assert_eq!((&one, &many), (ones, manys), "an answer of {known_at} changed");
            assert!(one.values().all(|values| values.len() == 1), "two values at a time: {one:?}");
            for values in many.values() {
                assert!(values.windows(2).all(|pair| pair[0] != pair[1]), "a fact twice: {many:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts_take_their_places_in_time(claims in prop::collection::vec(claim(), 1..24)) {
        run(claims);
    }
}
