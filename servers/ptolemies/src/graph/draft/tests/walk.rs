//! Walks at any point in both times against a walk of what is left after filtering.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Bench, held, merge::id};
use crate::{
    graph::{At, Direction, Fact, Lens, MergeOutcome},
    moment::Moment,
};

const NAMES: [&str; 7] = ["A", "B", "C", "D", "E", "F", "G"];
const KINDS: [&str; 3] = ["knows", "owns", "met"];
const YEARS: i64 = 12;

#[derive(Debug, Clone)]
enum Step {
    Fact {
        from: usize,
        kind: usize,
        to: usize,
        start: i64,
        length: Option<i64>,
    },
    Merge {
        keep: usize,
        merge: usize,
    },
    /// Which of the merges so far.
    Undo(usize),
    /// Which of the facts so far.
    Forget(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..NAMES.len();
    let fact = (name(), 0..KINDS.len(), name(), 0..YEARS, prop::option::of(1..YEARS));
    let fact = fact.prop_map(|(from, kind, to, start, length)| Step::Fact {
        from,
        kind,
        to,
        start,
        length,
    });
    prop_oneof![
        8 => fact,
        2 => (name(), name()).prop_map(|(keep, merge)| Step::Merge { keep, merge }),
        1 => (0..8usize).prop_map(Step::Undo),
        2 => (0..16usize).prop_map(Step::Forget),
    ]
}

/// A merge as the test keeps it: when it began and ended.
struct Kept {
    outcome: MergeOutcome,
    from: i64,
    to: i64,
}

/// The graph after some steps, and what the test knows of its merges.
fn run(steps: Vec<Step>) -> (Bench, Vec<Kept>) {
    let mut bench = Bench { now: 100_000, ..Bench::default() };
    let mut merges: Vec<Kept> = Vec::new();
    let mut facts = Vec::new();
    for step in steps {
        match step {
            Step::Fact { from, kind, to, start, length } => {
                let stop = length.map(|length| start + length);
                let item = held(NAMES[from], KINDS[kind], NAMES[to], Some(start), stop);
                facts.extend(bench.facts(vec![item]).into_iter().flatten().map(|it| id(&it.id)));
            }
            Step::Merge { keep, merge } => {
                if let Ok(outcome) = bench.merge(NAMES[keep], &[NAMES[merge]]) {
                    merges.push(Kept { outcome, from: bench.now, to: i64::MAX });
                }
            }
            Step::Undo(at) => {
                let Some(kept) = merges.get_mut(at).filter(|kept| kept.to == i64::MAX) else {
                    continue;
                };
                bench.undo(&kept.outcome).expect("a merge that holds");
                kept.to = bench.now;
            }
            Step::Forget(at) => {
                let Some(&id) = facts.get(at) else { continue };
                bench.now += 1_000;
                let mut delta = crate::graph::Delta::default();
                delta.facts.retract = vec![id];
                bench.graph.apply(&delta, Moment::from_millis(bench.now));
            }
        }
    }
    (bench, merges)
}

/// The entity that one was part of, by what the test kept.
fn root(merges: &[Kept], known_at: i64, lineage: &str) -> String {
    let mut root = lineage.to_owned();
    while let Some(kept) = merges.iter().find(|kept| {
        (kept.from..kept.to).contains(&known_at) && kept.outcome.merged.contains(&root)
    }) {
        root.clone_from(&kept.outcome.id);
    }
    root
}

/// Arcs between entities that are left, with the sums of their weights.
fn left(
    bench: &Bench,
    merges: &[Kept],
    at: At,
    kind: Option<&str>,
) -> BTreeMap<(String, String), f64> {
    let mut arcs = BTreeMap::new();
    let holds = |fact: &&Fact| {
        let times = &fact.times;
        (times.valid_from..times.valid_to).contains(&at.as_of)
            && (times.recorded_at..times.retracted_at).contains(&at.known_at)
            && kind.is_none_or(|kind| fact.kind == kind)
    };
    for fact in bench.graph.facts.values().filter(holds) {
        let end = |end: ulid::Ulid| root(merges, at.known_at.millis(), &end.to_string());
        *arcs.entry((end(fact.from), end(fact.to))).or_insert(0.0) += fact.weight;
    }
    arcs
}

/// Fewest steps from a start, by going on until nothing is new.
fn steps(
    arcs: &BTreeMap<(String, String), f64>,
    start: &str,
    direction: Direction,
    depth: u32,
) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::from([(start.to_owned(), 0)]);
    for distance in 1..=depth {
        let mut next = BTreeSet::new();
        for (from, to) in arcs.keys() {
            if direction != Direction::In && found.contains_key(from) {
                next.insert(to.clone());
            }
            if direction != Direction::Out && found.contains_key(to) {
                next.insert(from.clone());
            }
        }
        for entity in next {
            found.entry(entity).or_insert(distance);
        }
    }
    found
}

fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::Out, Direction::In, Direction::Both])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_in_time_is_a_walk_of_what_is_left(
        given in prop::collection::vec(step(), 1..40),
        year in 0..YEARS + 2,
        back in 0i64..45,
        from in 0..NAMES.len(),
        to in 0..NAMES.len(),
        direction in direction(),
        depth in 0u32..5,
        kind in prop::option::of(0..KINDS.len()),
    ) {
        let (bench, merges) = run(given);
        let known_at = Moment::from_millis(bench.now - back * 1_000);
        let at = At { as_of: super::at(year), known_at };
        let kinds: Vec<String> = kind.map(|kind| KINDS[kind].to_uppercase()).into_iter().collect();
        let lens = Lens::new(&bench.graph, at, &kinds);
        let arcs = left(&bench, &merges, at, kind.map(|kind| KINDS[kind]));

        let near = lens.near(lens.entities());
        let network = near.network(Direction::Out);
        let built: BTreeMap<(String, String), f64> = network
            .arcs()
            .map(|(from, to, weight)| ((near.id(from).to_string(), near.id(to).to_string()), weight))
            .collect();
        prop_assert_eq!(&built, &arcs);

        let known = |name: &str| match bench.graph.resolve(name, known_at) {
            crate::graph::Resolved::One(lineage) => Some(lineage),
            _ => None,
        };
        let (Some(from), Some(to)) = (known(NAMES[from]), known(NAMES[to])) else { return Ok(()) };
        let wanted = steps(&arcs, &from.to_string(), direction, depth);
        let found = lens.around(&[from], direction, depth, usize::MAX);
        let found: BTreeMap<String, u32> =
            found.into_iter().map(|(id, steps)| (id.to_string(), steps)).collect();
        prop_assert_eq!(&found, &wanted);

        let path = lens.shortest(from, to, direction, depth);
        let length = path.as_ref().map(|path| u32::try_from(path.len() - 1).unwrap());
        prop_assert_eq!(length, wanted.get(&to.to_string()).copied());

        // Nothing that a path needs is left out before paths are searched.
        let cut = lens.near(lens.on_the_way(from, to, direction, depth));
        let paths = |near: &crate::graph::Near| {
            let costs = near.costs(direction, |edge| 1.0 / edge.weight);
            let (Some(from), Some(to)) = (near.number(from), near.number(to)) else { return Vec::new() };
            let paths = costs.cheapest_paths(from, to, 4, depth as usize, &|| false).unwrap();
            paths.into_iter().map(|path| path.cost).collect::<Vec<f64>>()
        };
        prop_assert_eq!(paths(&cut), paths(&near));
    }
}

#[test]
fn bounds_and_stops_are_kept() {
    let mut bench = Bench { now: 100_000, ..Bench::default() };
    let star = NAMES.iter().skip(1).map(|name| held("A", "knows", name, Some(1), None));
    bench.facts(star.collect()).unwrap();
    let now = Moment::from_millis(bench.now);
    let lens = Lens::new(&bench.graph, At { as_of: now, known_at: now }, &[]);
    let hub = bench.graph.named("a")[0];
    let few = lens.around(&[hub], Direction::Both, 3, 4);
    assert_eq!(few.len(), 4);
    assert!(few.windows(2).skip(1).all(|pair| pair[0].0 < pair[1].0), "in the order of facts");
    let stopped = Lens::new(&bench.graph, At { as_of: now, known_at: now }, &[]).until(&|| true);
    assert_eq!(stopped.around(&[hub], Direction::Both, 3, 4).len(), 1);
    let (touched, left_out) = lens.near(lens.entities()).touched(&[]);
    assert_eq!((touched.ids.len(), left_out), (7, 0));
    let none = Lens::new(&bench.graph, At { as_of: now, known_at: now }, &["owns".to_owned()]);
    let (touched, left_out) = none.near(none.entities()).touched(&[hub]);
    assert_eq!((touched.ids, left_out), (vec![hub], 6));
}
