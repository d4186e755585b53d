//! The whole of it on a store in memory that can be made to fail.

mod documents;
mod fake;
mod merge;
mod model;

use std::sync::{Arc, atomic::AtomicI64, atomic::Ordering};

use mcp_core::prelude::{CancellationToken, StartContext, ToolError};
use ulid::Ulid;

use self::fake::{Failure, FakeStore};
use super::{Knowledge, Limits, Mode, Needle, Query, Results, Selection, Stored, Target, WriteId};
use crate::{
    Error,
    catalog::Filter,
    error::Quota,
    memory::{Expiry, Memory, NewMemory, Status},
    moment::Moment,
    space::Allowance,
};

/// A knowledge with a clock that the test moves, and the store below it.
struct Bench {
    knowledge: Knowledge<FakeStore>,
    store: FakeStore,
    clock: Arc<AtomicI64>,
}

impl Bench {
    fn new() -> Self {
        Self::on(FakeStore::default(), Arc::new(AtomicI64::new(1_700_000_000_000)))
    }

    fn on(store: FakeStore, clock: Arc<AtomicI64>) -> Self {
        let hand = Arc::clone(&clock);
        let now = Arc::new(move || Moment::from_millis(hand.load(Ordering::SeqCst)));
        let context = StartContext::detached(std::path::PathBuf::new());
        let knowledge = Knowledge::start(
            store.clone(),
            Limits {
                memories: 1_000,
                graph_bytes: 1 << 20,
                chunks: 40,
                allowance: Allowance::default(),
            },
            now,
            &context,
        );
        Self { knowledge, store, clock }
    }

    /// Close it and start anew on the same store.
    async fn restart(self) -> Self {
        self.knowledge.close().await;
        Self::on(self.store, self.clock)
    }

    fn pass(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }

    fn now(&self) -> Moment {
        let shared = &self.knowledge.shared;
        shared.now(&shared.read())
    }

    async fn store(&self, items: Vec<NewMemory>) -> Result<Stored, Error> {
        self.knowledge.store(items, None).await
    }

    async fn one(&self, item: NewMemory) -> super::Outcome {
        self.store(vec![item]).await.expect("stored").outcomes[0]
    }

    async fn list(&self, selection: Selection, known_at: Option<Moment>) -> Vec<Memory> {
        let query = Query {
            selection,
            filter: Filter::default(),
            known_at,
            limit: 200,
            after: None,
            text_from: 0,
        };
        let listing = self.knowledge.list(&query).await.expect("listed");
        listing.pages.into_iter().map(|page| page.memory).collect()
    }

    async fn texts(&self, known_at: Option<Moment>) -> Vec<String> {
        self.list(Selection::All, known_at).await.into_iter().map(|memory| memory.text).collect()
    }

    /// Wait until there is a model of meaning.
    async fn modelled(&self) {
        let there = async {
            while self.knowledge.shared.read().index.rank() == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        let limit = std::time::Duration::from_secs(60);
        tokio::time::timeout(limit, there).await.expect("a model within a minute");
    }

    async fn search(&self, query: &str) -> Results {
        let needle = Needle {
            query: query.to_owned(),
            filter: Filter::default(),
            k: 10,
            max_tokens: 2_000,
            kinds: Vec::new(),
            document: None,
            parents: false,
            as_of: None,
            min_score: 0.0,
            explain: true,
            coverage: false,
        };
        let found: Result<Results, ToolError> =
            self.knowledge.search(needle, &CancellationToken::new()).await;
        found.expect("searched")
    }
}

fn text(text: &str) -> NewMemory {
    NewMemory { text: text.to_owned(), ..NewMemory::default() }
}

fn keyed(key: &str, value: &str) -> NewMemory {
    NewMemory { key: Some(key.to_owned()), ..text(value) }
}

#[tokio::test]
async fn a_new_value_of_a_key_supersedes_and_the_old_one_is_history() {
    let bench = Bench::new();
    let first =
        bench.one(NewMemory { importance: Some(9), ..keyed("city", "lives in Lyon") }).await;
    assert_eq!((first.status, first.version, first.previous), (Status::Created, 1, None));
    let then = bench.now();
    bench.pass(1_000);
    let second = bench.one(keyed("city", "lives in Porto")).await;
    assert_eq!(
        (second.status, second.version, second.previous),
        (Status::Superseded, 2, Some(first.id))
    );
    let again = bench.one(keyed("city", "Lives  in PORTO")).await;
    assert_eq!((again.status, again.id, again.version), (Status::Duplicate, second.id, 2));

    assert_eq!(bench.texts(None).await, ["lives in Porto"]);
    assert_eq!(bench.texts(Some(then)).await, ["lives in Lyon"]);
    let now = bench.list(Selection::Keys(vec!["city".into()]), None).await;
    assert_eq!((now[0].id, now[0].supersedes, now[0].importance), (second.id, Some(first.id), 9));
    assert!(bench.search("Lyon").await.found.is_empty());
    assert_eq!(bench.search("porto").await.found.len(), 1);

    let bench = bench.restart().await;
    assert_eq!(bench.texts(None).await, ["lives in Porto"]);
    assert_eq!(bench.texts(Some(then)).await, ["lives in Lyon"]);
    assert!(bench.search("Lyon").await.found.is_empty());
}

#[tokio::test]
async fn what_a_write_saw_as_expired_shows_to_no_reader() {
    let bench = Bench::new();
    bench.one(NewMemory { expiry: Expiry::In(1), ..text("green") }).await;
    bench.pass(999);
    // The answer is about the last millisecond of it; the write after it comes a millisecond later.
    assert_eq!(bench.texts(None).await, ["green"]);
    assert_eq!(bench.one(text("green")).await.status, Status::Created);
    assert_eq!(bench.texts(None).await, ["green"]);
    assert_eq!(bench.search("green").await.found.len(), 1);
}

#[tokio::test]
async fn equal_text_in_a_context_is_a_duplicate_unless_something_new_is_said() {
    let bench = Bench::new();
    let first = bench.one(text("the sky is blue")).await;
    let same = bench.one(text("The sky  is BLUE")).await;
    assert_eq!((same.status, same.id), (Status::Duplicate, first.id));
    let elsewhere =
        bench.one(NewMemory { context: Some("work".into()), ..text("the sky is blue") }).await;
    assert_eq!(elsewhere.status, Status::Created);
    let tagged =
        bench.one(NewMemory { tags: Some(vec!["fact".into()]), ..text("the sky is blue") }).await;
    assert_eq!((tagged.status, tagged.previous), (Status::Superseded, Some(first.id)));
    let named = bench.one(keyed("sky", "the sky is blue")).await;
    assert_eq!((named.status, named.previous), (Status::Superseded, Some(tagged.id)));
    let other_key = bench.one(keyed("air", "the sky is blue")).await;
    assert_eq!(other_key.status, Status::Created);

    let batch = bench.store(vec![text("twice"), text("twice"), text("Twice")]).await.unwrap();
    let statuses: Vec<Status> = batch.outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [Status::Created, Status::Duplicate, Status::Duplicate]);
    assert_eq!(batch.outcomes[0].id, batch.outcomes[2].id);
    let seq = batch.seq;
    assert_eq!(bench.store(vec![text("twice")]).await.unwrap().seq, seq, "nothing to write");
}

#[tokio::test]
async fn a_batch_is_stored_whole_or_not_at_all() {
    let bench = Bench::new();
    bench.one(keyed("a", "1")).await;
    let before = bench.texts(None).await;
    let wrong = NewMemory { expected_version: Some(4), ..keyed("a", "2") };
    let error = bench.store(vec![text("new"), wrong]).await.unwrap_err();
    assert!(
        matches!(&error, Error::Conflict { field, .. } if field == "/items/1/expected_version"),
        "{error:?}"
    );
    let absent = NewMemory { expected_version: Some(0), ..keyed("a", "2") };
    assert!(matches!(bench.store(vec![absent]).await, Err(Error::Conflict { .. })));
    let twice = bench.store(vec![keyed("b", "1"), keyed("b", "2")]).await.unwrap_err();
    assert!(matches!(&twice, Error::Invalid { field, .. } if field == "/items/1/key"));
    assert_eq!(bench.texts(None).await, before);
    let right = NewMemory { expected_version: Some(1), ..keyed("a", "2") };
    assert_eq!(bench.one(right).await.version, 2);
    let full = bench.store((0..1_000).map(|n| text(&format!("n{n}"))).collect()).await;
    assert!(matches!(full, Err(Error::QuotaExceeded(Quota::Memories { limit: 1_000, held: 2 }))));
}

#[tokio::test]
async fn a_write_id_makes_repeats_safe_over_a_restart() {
    let bench = Bench::new();
    let write = |call: &str| Some(WriteId { id: "w1".into(), call: call.into() });
    let first = bench.knowledge.store(vec![text("once")], write("c")).await.unwrap();
    bench.one(text("between")).await;
    let again = bench.knowledge.store(vec![text("once")], write("c")).await.unwrap();
    assert_eq!((again.seq, &again.outcomes, again.repeated), (first.seq, &first.outcomes, true));
    let bench = bench.restart().await;
    let again = bench.knowledge.store(vec![text("once")], write("c")).await.unwrap();
    assert_eq!((again.seq, again.repeated), (first.seq, true));
    let other = bench.knowledge.store(vec![text("other")], write("d")).await;
    assert!(matches!(other, Err(Error::Conflict { field, .. }) if field == "/write_id"));
    bench.pass(25 * 60 * 60 * 1_000);
    let new = bench.knowledge.store(vec![text("other")], write("d")).await.unwrap();
    assert!(!new.repeated);
    let gone = bench
        .knowledge
        .forget(Target::Ids(vec![new.outcomes[0].id]), Mode::Purge, false, write("e"))
        .await;
    assert!(matches!(gone, Err(Error::Conflict { .. })));
}

#[tokio::test]
async fn what_expires_is_gone_at_once_and_its_key_is_free() {
    let bench = Bench::new();
    let first = bench.one(NewMemory { expiry: Expiry::In(60), ..keyed("otp", "code 1234") }).await;
    assert_eq!(bench.search("code").await.found.len(), 1);
    bench.pass(60_000);
    assert!(bench.texts(None).await.is_empty());
    assert!(bench.search("code").await.found.is_empty());
    assert!(bench.search("otp").await.found.is_empty(), "the key does not match either");
    let next = bench.one(keyed("otp", "code 5678")).await;
    assert_eq!((next.status, next.version), (Status::Created, 1));
    let counted = bench.knowledge.forget(Target::Expired, Mode::Purge, true, None).await.unwrap();
    assert_eq!((counted.counts.versions, bench.store.len()), (1, 2));
    bench.knowledge.forget(Target::Expired, Mode::Purge, false, None).await.unwrap();
    assert_eq!(bench.store.len(), 1);
    assert!(bench.list(Selection::Ids(vec![first.id]), None).await.is_empty());
}

#[tokio::test]
async fn retract_hides_and_purge_deletes_every_version() {
    let bench = Bench::new();
    let first = bench.one(keyed("k", "secret canary one")).await;
    let then = bench.now();
    bench.pass(10);
    bench.one(keyed("k", "secret canary two")).await;
    let target = Target::Keys(vec!["k".into(), "nothing".into()]);
    let retracted =
        bench.knowledge.forget(target.clone(), Mode::Retract, false, None).await.unwrap();
    assert_eq!((retracted.counts.memories, retracted.counts.versions), (1, 1));
    assert_eq!(retracted.missing, [1]);
    assert!(bench.texts(None).await.is_empty());
    assert_eq!(bench.texts(Some(then)).await, ["secret canary one"]);
    let again = bench.knowledge.forget(target.clone(), Mode::Retract, false, None).await.unwrap();
    assert_eq!((again.counts.memories, again.seq), (0, retracted.seq));

    let purged = bench
        .knowledge
        .forget(Target::Ids(vec![first.id]), Mode::Purge, false, None)
        .await
        .unwrap();
    assert_eq!((purged.counts.memories, purged.counts.versions), (1, 2));
    assert_eq!(bench.store.len(), 0);
    assert!(bench.texts(Some(then)).await.is_empty());
    assert_eq!(
        bench.knowledge.shared.read().index.words().stats().terms,
        0,
        "words of the purged remain"
    );
    let empty = Filter { context: Some("nowhere".into()), ..Filter::default() };
    let none =
        bench.knowledge.forget(Target::Filter(empty), Mode::Purge, false, None).await.unwrap();
    assert_eq!(none.counts.memories, 0);
}

#[tokio::test]
async fn purges_are_bounded_and_retracts_are_not() {
    let bench = Bench::new();
    bench.store((0..150).map(|n| text(&format!("item number {n}"))).collect()).await.unwrap();
    let all = || Target::Filter(Filter { context: Some("default".into()), ..Filter::default() });
    let error = bench.knowledge.forget(all(), Mode::Purge, false, None).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }));
    let done = bench.knowledge.forget(all(), Mode::Retract, false, None).await.unwrap();
    assert_eq!(done.counts.memories, 150);
    assert!(bench.texts(None).await.is_empty());
}

#[tokio::test]
async fn a_failed_commit_leaves_nothing_and_a_doubtful_one_says_so() {
    let bench = Bench::new();
    bench.one(text("kept")).await;
    bench.store.fail(Failure::NotWritten);
    assert!(matches!(bench.store(vec![text("full disk")]).await, Err(Error::StorageFull)));
    assert_eq!(bench.texts(None).await, ["kept"]);
    bench.store.fail(Failure::Unconfirmed);
    let error = bench.store(vec![text("perhaps")]).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { repeatable: false }));
    assert_eq!(bench.texts(None).await, ["perhaps", "kept"], "what the store shows is shown");
    bench.store.fail(Failure::Unknown);
    assert!(matches!(bench.store(vec![text("lost?")]).await, Err(Error::OutcomeUnknown { .. })));
    let refused = bench.store(vec![text("more")]).await;
    assert!(matches!(refused, Err(Error::StoreCorrupt(_))), "{refused:?}");
    let bench = bench.restart().await;
    assert_eq!(bench.texts(None).await, ["lost?", "perhaps", "kept"]);
    assert_eq!(bench.one(text("more")).await.status, Status::Created);
}

#[tokio::test]
async fn a_store_that_miscounts_is_refused() {
    let bench = Bench::new();
    bench.one(text("a")).await;
    bench.store.lose_a_row();
    let bench = bench.restart().await;
    assert!(matches!(bench.store(vec![text("b")]).await, Err(Error::StoreCorrupt(_))));
}

#[tokio::test]
async fn pages_show_one_moment_whatever_is_written_between() {
    let bench = Bench::new();
    bench
        .store((0..25).map(|n| keyed(&format!("k{n}"), &format!("value {n}"))).collect())
        .await
        .unwrap();
    let wanted = bench.texts(None).await;
    let mut query = Query {
        selection: Selection::All,
        filter: Filter::default(),
        known_at: None,
        limit: 10,
        after: None,
        text_from: 0,
    };
    let mut seen = Vec::new();
    for round in 0.. {
        let listing = bench.knowledge.list(&query).await.unwrap();
        seen.extend(listing.pages.into_iter().map(|page| page.memory.text));
        bench.one(keyed(&format!("k{round}"), "changed")).await;
        let Some(place) = listing.next else { break };
        query.after = Some(place);
    }
    assert_eq!(seen, wanted);
    let late = Query { known_at: Some(bench.now().after_seconds(60)), after: None, ..query };
    assert!(
        matches!(bench.knowledge.list(&late).await, Err(Error::Invalid { field, .. }) if field == "/known_at")
    );
}

#[tokio::test]
async fn long_texts_are_read_in_windows() {
    let bench = Bench::new();
    let long: String = ('a'..='z').cycle().take(60_000).collect();
    let ids: Vec<Ulid> = vec![bench.one(text(&long)).await.id, bench.one(text("short")).await.id];
    let mut from = 0;
    let mut joined = String::new();
    loop {
        let query = Query {
            selection: Selection::Ids(vec![ids[0]]),
            filter: Filter::default(),
            known_at: None,
            limit: 1,
            after: None,
            text_from: from,
        };
        let page = bench.knowledge.list(&query).await.unwrap().pages.remove(0);
        joined.push_str(&page.memory.text);
        match page.next_char {
            Some(next) => from = next,
            None => break,
        }
    }
    assert_eq!(joined, long);
    let both = bench.list(Selection::Ids(ids), None).await;
    assert_eq!((both.len(), both[1].text.as_str()), (2, ""), "a named memory without room says so");
}

#[tokio::test]
async fn ranking_puts_the_key_first_folds_twins_and_keeps_the_budget() {
    let bench = Bench::new();
    bench.one(keyed("deploy target", "the cluster in Graz")).await;
    bench.one(text("deploy target deploy target: how to choose a deploy target")).await;
    let results = bench.search("deploy target").await;
    assert!(results.found[0].key_match && results.found[0].score > 0.999);
    assert!(results.found[1].score > 0.999);
    assert!(results.found[1].explanation.as_ref().is_some_and(|why| why.parts.len() == 3));

    let long =
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen zebra";
    bench.one(text(long)).await;
    bench.one(text(&format!("{long} zebra!"))).await;
    let results = bench.search("zebra").await;
    assert_eq!((results.found.len(), results.found[0].near_duplicates.len()), (1, 1));

    let blob = |n: usize| text(&format!("quagga {n} {}", format!("word{n} ").repeat(300)));
    bench.store((0..6).map(blob).collect()).await.unwrap();
    let results = bench.search("quagga").await;
    assert!(results.found.len() < 6 && results.over_budget == 6 - results.found.len());
    assert!(!results.found[0].truncated);
    bench.one(text(&format!("okapi {}", "long ".repeat(5_000)))).await;
    let results = bench.search("okapi").await;
    let cut = &results.found[0];
    assert!(cut.truncated && recall_engine::tokens::estimate(&cut.text) <= 2_000);
}

/// A text of words that only its subject has; of every eighth `automobile` is one.
fn about(subject: &str, number: u32) -> String {
    let mut state = number.wrapping_mul(2_654_435_761) | 1;
    let mut words = vec![subject.to_owned()];
    for _ in 0..8 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let letter =
            |shift: u32| char::from(b'a' + u8::try_from((state >> shift) % 12).unwrap_or(0));
        words.push(format!(
            "{}{}{}",
            &subject.chars().take(2).collect::<String>(),
            letter(16),
            letter(22)
        ));
    }
    if number.is_multiple_of(8) {
        words.push("automobile".to_owned());
    }
    words.join(" ")
}

#[tokio::test]
async fn meaning_finds_what_keeps_like_company_and_forgets_what_is_purged() {
    let bench = Bench::new();
    assert!(!bench.search("anything").await.meaning);
    let items = (0..400).map(|n| text(&about(if n % 2 == 0 { "traffic" } else { "orchard" }, n)));
    let stored = bench.store(items.collect()).await.unwrap();
    bench.modelled().await;
    let needle = Needle {
        query: "automobile".to_owned(),
        filter: Filter::default(),
        k: 100,
        max_tokens: 8_000,
        kinds: Vec::new(),
        document: None,
        parents: false,
        as_of: None,
        min_score: 0.0,
        explain: false,
        coverage: false,
    };
    let found = bench.knowledge.search(needle, &CancellationToken::new()).await.unwrap();
    assert!(found.meaning);
    let (named, others): (Vec<_>, Vec<_>) =
        found.found.iter().partition(|hit| hit.text.contains("automobile"));
    assert_eq!(named.len(), 50);
    let near = others.iter().filter(|hit| hit.text.starts_with("traffic")).count();
    assert!(near * 10 >= others.len() * 9, "{near} of {} without the word", others.len());
    for hit in &found.found {
        assert!((hit.shares.words + hit.shares.meaning - hit.score).abs() < 1e-12);
    }

    let automobiles = stored.outcomes.iter().step_by(8).map(|outcome| outcome.id).collect();
    bench.knowledge.forget(Target::Ids(automobiles), Mode::Purge, false, None).await.unwrap();
    assert!(bench.search("automobile").await.found.is_empty(), "the word is gone from the model");
    let bench = bench.restart().await;
    assert!(bench.search("automobile").await.found.is_empty());
}
