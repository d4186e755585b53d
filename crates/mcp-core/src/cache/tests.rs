use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use proptest::prelude::*;
use rmcp::model::ContentBlock;
use serde_json::json;

use super::*;

const LONG: Duration = Duration::from_secs(60);

fn cache() -> ResponseCache {
    ResponseCache::new(1 << 20, "core")
}

fn named(id: &str) -> Principal {
    Principal::new(id, None, None)
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn answer(text: impl Into<String>) -> Arc<CallToolResult> {
    Arc::new(CallToolResult::success(vec![ContentBlock::text(text)]))
}

fn text(result: &CallToolResult) -> String {
    result.content[0].as_text().map(|text| text.text.clone()).unwrap_or_default()
}

#[test]
fn an_answer_is_kept_for_its_caller_tool_and_arguments_only() {
    let cache = cache();
    let (a, b) = (named("a"), named("b"));
    let arguments = object(json!({"x": 1, "y": [2, {"z": null}]}));
    let key = cache.key(&a, "read", &arguments);
    cache.keep(key, &answer("kept"), LONG);
    assert_eq!(text(&cache.get(&key).unwrap()), "kept");
    let same = object(json!({"y": [2, {"z": null}], "x": 1}));
    assert_eq!(cache.key(&a, "read", &same), key);
    let wider = Principal::new("a", Some(crate::Scope::Admin), None);
    for other in [
        cache.key(&b, "read", &arguments),
        cache.key(&wider, "read", &arguments),
        cache.key(&a, "list", &arguments),
        cache.key(&a, "read", &object(json!({"x": 1}))),
        cache.key(&named("area"), "d", &arguments),
        ResponseCache::new(1, "all").key(&a, "read", &arguments),
    ] {
        assert!(cache.get(&other).is_none());
    }
}

#[test]
fn errors_and_parts_are_not_kept() {
    let cache = cache();
    let error = CallToolResult::error(vec![ContentBlock::text("no")]);
    let part = CallToolResult::structured(json!({"rows": [], "partial": true}));
    let cut = CallToolResult::structured(json!({"rows": [], "truncated": true}));
    for result in [error, part, cut] {
        cache.keep([0; 32], &Arc::new(result), LONG);
        assert!(cache.get(&[0; 32]).is_none());
    }
    cache.keep([0; 32], &Arc::new(CallToolResult::structured(json!({"truncated": false}))), LONG);
    assert!(cache.get(&[0; 32]).is_some());
}

#[test]
fn an_answer_ends_with_its_time() {
    let cache = cache();
    cache.keep([0; 32], &answer("old"), Duration::ZERO);
    assert!(cache.get(&[0; 32]).is_none());
    assert_eq!(cache.kept.get().unwrap().len(), 0);
}

#[test]
fn the_cache_is_bounded_and_costs_nothing_unused() {
    let cache = cache();
    assert!(cache.get(&[0; 32]).is_none() && cache.kept.get().is_none());
    let big = answer("x".repeat(10_000));
    for number in 0..2_000_u32 {
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(number.to_be_bytes()) {
            *to = from;
        }
        cache.keep(key, &big, LONG);
    }
    let kept = cache.kept.get().unwrap();
    assert!(kept.weight() <= 1 << 20 && !kept.is_empty(), "{} bytes", kept.weight());
    let off = ResponseCache::new(0, "core");
    off.keep([0; 32], &answer("x"), LONG);
    assert!(off.get(&[0; 32]).is_none());
}

/// One call through the cache, as the pipeline makes it.
async fn ask(
    cache: &ResponseCache,
    who: &Principal,
    work: impl Future<Output = Arc<CallToolResult>>,
) -> (Arc<CallToolResult>, bool) {
    let key = cache.key(who, "read", &JsonObject::new());
    if let Some(kept) = cache.get(&key) {
        return (kept, true);
    }
    let flight = cache.flight(key);
    let mut ran = false;
    let outcome = flight
        .cell
        .get_or_init(|| async {
            ran = true;
            let result = work.await;
            cache.keep(key, &result, LONG);
            Outcome::Answer(result)
        })
        .await;
    match outcome {
        Outcome::Answer(result) => (Arc::clone(result), !ran),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn equal_calls_at_once_run_once() {
    let (cache, runs, who) = (cache(), AtomicUsize::new(0), named("a"));
    let one = || {
        ask(&cache, &who, async {
            runs.fetch_add(1, SeqCst);
            tokio::task::yield_now().await;
            answer("x")
        })
    };
    let answers = futures_util::future::join_all((0..20).map(|_| one())).await;
    assert_eq!(runs.load(SeqCst), 1);
    assert_eq!(answers.iter().filter(|(_, hit)| *hit).count(), 19);
    assert!(cache.flights.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_waiter_that_leaves_takes_nobody_along() {
    let (cache, who) = (cache(), named("a"));
    let mut leader = Box::pin(ask(&cache, &who, pending()));
    let mut waiter = Box::pin(ask(&cache, &who, async { answer("mine") }));
    assert!(futures_util::poll!(&mut leader).is_pending());
    assert!(futures_util::poll!(&mut waiter).is_pending());
    drop(leader);
    assert_eq!(text(&waiter.await.0), "mine");
    assert!(cache.flights.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_a_read_saw_before_a_write_is_not_found_after_it() {
    let (cache, who) = (cache(), named("a"));
    let key = cache.key(&who, "read", &JsonObject::new());
    let write = cache.write();
    let during = cache.key(&who, "read", &JsonObject::new());
    assert_eq!(key, during);
    write.ended();
    cache.keep(key, &answer("old"), LONG);
    let (got, hit) = ask(&cache, &who, async { answer("new") }).await;
    assert_eq!((text(&got).as_str(), hit), ("new", false));
}

#[test]
fn after_a_write_that_was_cut_off_nothing_is_kept() {
    let cache = cache();
    drop(cache.write());
    cache.keep([0; 32], &answer("maybe old"), LONG);
    assert!(cache.get(&[0; 32]).is_none());
    *cache.unsettled_until.lock().unwrap() = Some(Instant::now());
    cache.keep([0; 32], &answer("settled"), LONG);
    assert!(cache.get(&[0; 32]).is_some());
}

/// 100,000 reads and writes of several callers on several threads: no read that begins after an
/// acknowledged write answers with less than it, and nobody gets another's answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_after_an_acknowledged_write_is_stale() {
    const CALLERS: usize = 4;
    const CALLS: u64 = 25_000;
    let (cache, value) = (Arc::new(cache()), Arc::new(AtomicU64::new(0)));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let (cache, value) = (Arc::clone(&cache), Arc::clone(&value));
        let acknowledged = Arc::clone(&acknowledged);
        callers.spawn(async move {
            let who = named(&format!("caller {}", caller % 2));
            let (mut stale, mut foreign, mut hits) = (0, 0, 0);
            for call in 0..CALLS {
                if call % 7 == caller as u64 {
                    let write = cache.write();
                    let now = value.fetch_add(1, SeqCst) + 1;
                    write.ended();
                    acknowledged.fetch_max(now, SeqCst);
                    continue;
                }
                let least = acknowledged.load(SeqCst);
                let (got, hit) = ask(&cache, &who, async {
                    let seen = value.load(SeqCst);
                    tokio::task::yield_now().await;
                    answer(format!("{}|{seen}", who.id()))
                })
                .await;
                let got = text(&got);
                let (whose, seen) = got.split_once('|').unwrap();
                stale += usize::from(seen.parse::<u64>().unwrap() < least);
                foreign += usize::from(whose != who.id());
                hits += usize::from(hit);
            }
            (stale, foreign, hits)
        });
    }
    let sums = callers.join_all().await.into_iter();
    let sum = sums.fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
    assert_eq!((sum.0, sum.1), (0, 0));
    assert!(sum.2 > 0, "nothing was ever answered from the cache");
}

proptest! {
    #[test]
    fn no_two_callers_share_a_key(a in ".{0,20}", b in ".{0,20}", tool in "[a-z_]{1,12}") {
        let cache = cache();
        let key = |who: &str| cache.key(&named(who), &tool, &JsonObject::new());
        prop_assert_eq!(key(&a) == key(&b), a == b);
    }
}
