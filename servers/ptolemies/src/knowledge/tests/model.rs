//! Any sequence of writes against a naive account of them.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::{Bench, keyed, text};
use crate::{
    knowledge::{Mode, Selection, Target},
    memory::{Expiry, Memory, NewMemory, Status},
    moment::Moment,
};

#[derive(Debug, Clone)]
enum Step {
    Store(Vec<NewMemory>),
    Retract(String),
    Purge(String),
    Pass(i64),
    Restart,
}

fn item() -> impl Strategy<Value = NewMemory> {
    let key = prop::option::of(prop::sample::select(vec!["k1", "k2", "k3"]));
    let value = prop::sample::select(vec!["red", "green", "blue", "Red"]);
    let context = prop::option::weighted(0.3, Just("work".to_owned()));
    let tags = prop::option::weighted(0.3, Just(vec!["t".to_owned()]));
    let ttl = prop::option::weighted(0.2, 1u64..4);
    (key, value, context, tags, ttl).prop_map(|(key, value, context, tags, ttl)| {
        let item = match key {
            Some(key) => keyed(key, value),
            None => text(value),
        };
        NewMemory { context, tags, expiry: ttl.map_or(Expiry::Never, Expiry::In), ..item }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let key = || prop::sample::select(vec!["k1", "k2", "k3"]).prop_map(str::to_owned);
    prop_oneof![
        8 => prop::collection::vec(item(), 1..4).prop_map(Step::Store),
        2 => key().prop_map(Step::Retract),
        1 => key().prop_map(Step::Purge),
        3 => prop_oneof![1i64..3_000, 990i64..1_000].prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ]
}

/// What must hold after every step.
async fn check(bench: &Bench, answers: &BTreeMap<Moment, Vec<Memory>>) {
    let current = bench.list(Selection::All, None).await;
    let mut keys = HashMap::new();
    let mut texts = HashMap::new();
    for memory in &current {
        if let Some(key) = &memory.key {
            assert!(keys.insert(key.clone(), memory.id).is_none(), "two current versions of {key}");
        } else {
            let place = (memory.context.clone(), memory.text.to_lowercase());
            assert!(
                texts.insert(place, memory.id).is_none(),
                "the same text twice: {}",
                memory.text
            );
        }
        let found = bench.search(&memory.text).await.found;
        let shown =
            found.iter().any(|hit| hit.id == memory.id || hit.near_duplicates.contains(&memory.id));
        assert!(shown, "{} is current and not found", memory.text);
    }
    for (&moment, then) in answers {
        let now = bench.list(Selection::All, Some(moment)).await;
        // What expired since is gone; nothing else may differ.
        let then: Vec<_> = then
            .iter()
            .filter(|memory| memory.expires_at > bench.now())
            .map(|memory| memory.id)
            .collect();
        let now: Vec<_> = now.iter().map(|memory| memory.id).collect();
        assert_eq!(now, then, "an answer about {moment} changed");
    }
}

async fn run(steps: Vec<Step>) {
    let mut bench = Bench::new();
    let mut answers: BTreeMap<Moment, Vec<Memory>> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Store(items) => store(&bench, items).await,
            Step::Retract(key) => {
                bench
                    .knowledge
                    .forget(Target::Keys(vec![key.clone()]), Mode::Retract, false, None)
                    .await
                    .unwrap();
                assert!(bench.list(Selection::Keys(vec![key]), None).await.is_empty());
            }
            Step::Purge(key) => {
                bench
                    .knowledge
                    .forget(Target::Keys(vec![key]), Mode::Purge, false, None)
                    .await
                    .unwrap();
                // Only a purge may change answers about the past.
                answers.clear();
            }
            Step::Pass(millis) => bench.pass(millis),
            Step::Restart => {
                let before = bench.list(Selection::All, None).await;
                bench = bench.restart().await;
                assert_eq!(bench.list(Selection::All, None).await, before);
            }
        }
        let now = bench.now();
        let known = bench.list(Selection::All, Some(now)).await;
        answers.insert(now, known);
        check(&bench, &answers).await;
    }
}

/// Store a batch; what is acknowledged is there under the id that was given.
async fn store(bench: &Bench, items: Vec<NewMemory>) {
    let Ok(stored) = bench.store(items.clone()).await else { return };
    for (item, outcome) in items.iter().zip(&stored.outcomes) {
        let found = bench.list(Selection::Ids(vec![outcome.id]), None).await;
        let Some(memory) = found.first() else {
            // A later item of the batch gave its key a new value.
            assert_eq!(outcome.status, Status::Duplicate);
            continue;
        };
        assert_eq!(memory.text.to_lowercase(), item.text.to_lowercase());
        assert_eq!(memory.version, outcome.version);
        if outcome.status == Status::Superseded {
            assert_eq!(memory.supersedes, outcome.previous);
            assert!(memory.version > 1);
        }
        if let Some(key) = &item.key {
            let by_key = bench.list(Selection::Keys(vec![key.clone()]), None).await;
            assert_eq!(by_key.first().map(|memory| memory.id), Some(outcome.id));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chains_hold_and_nothing_acknowledged_is_lost(steps in prop::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        runtime.block_on(run(steps));
    }
}
