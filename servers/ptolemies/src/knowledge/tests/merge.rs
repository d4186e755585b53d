//! Merges through the writer, over restarts and failures.

use super::*;
use crate::{
    graph::{MergeOutcome, NewEntity, Resolved},
    knowledge::{GraphDone, GraphWork, Moments},
    store::Answer,
};

impl Bench {
    async fn write(&self, work: GraphWork, write_id: Option<&str>) -> Result<GraphDone, Error> {
        let write = write_id.map(|id| WriteId { id: id.to_owned(), call: format!("{work:?}") });
        self.knowledge.upsert(work, write).await
    }

    async fn entities(&self, names: &[&str]) {
        let item = |name: &&str| NewEntity { name: (*name).to_owned(), ..NewEntity::default() };
        let items = names.iter().map(item).collect();
        self.write(GraphWork::Entities(items), None).await.expect("stored");
    }

    async fn resolved(&self, name: &str, known_at: Option<Moment>) -> Resolved {
        let moments = Moments { as_of: None, known_at };
        let name = name.to_owned();
        let look =
            self.knowledge.look(moments, |seen| Ok(seen.graph.resolve(&name, seen.at.known_at)));
        look.await.expect("looked")
    }

    /// What the search finds an entity by.
    async fn found(&self, query: &str) -> Vec<(Ulid, String)> {
        let found = self.search(query).await.found.into_iter();
        found.map(|found| (found.id, found.text)).collect()
    }
}

fn merge(keep: &str, other: &str) -> GraphWork {
    GraphWork::Merge { keep: keep.to_owned(), merge: vec![other.to_owned()] }
}

fn merged(done: &GraphDone) -> &MergeOutcome {
    match &done.answer {
        Answer::Merged(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_merge_is_kept_found_repeated_and_undone() {
    let bench = Bench::new();
    bench.entities(&["Ada Lovelace", "Countess Augusta"]).await;
    let before = (bench.found("lovelace").await, bench.found("augusta").await);
    let then = bench.now();
    bench.pass(10);
    let done = bench.write(merge("Ada Lovelace", "Countess Augusta"), Some("m")).await.unwrap();
    let bench = bench.restart().await;
    let again = bench.write(merge("Ada Lovelace", "Countess Augusta"), Some("m")).await.unwrap();
    assert_eq!((again.repeated, again.seq, merged(&again)), (true, done.seq, merged(&done)));
    let other = bench.write(merge("Countess Augusta", "Ada Lovelace"), Some("m")).await;
    assert!(matches!(other, Err(Error::Conflict { field, .. }) if field == "/write_id"));

    let ada = Ulid::from_string(&merged(&done).id).unwrap();
    for name in ["Ada Lovelace", "countess augusta", &merged(&done).merged[0]] {
        assert_eq!(bench.resolved(name, None).await, Resolved::One(ada), "{name}");
    }
    assert_ne!(bench.resolved("Countess Augusta", Some(then)).await, Resolved::One(ada));
    // One hit under either name, the whole entity.
    let whole = vec![(ada, "Ada Lovelace, also Countess Augusta".to_owned())];
    assert_eq!(
        (bench.found("lovelace").await, bench.found("augusta").await),
        (whole.clone(), whole)
    );

    let id = Ulid::from_string(&merged(&done).merge_id).unwrap();
    bench.store.fail(Failure::NotWritten);
    assert!(matches!(bench.write(GraphWork::Undo(id), None).await, Err(Error::StorageFull)));
    assert_eq!(bench.resolved("Countess Augusta", None).await, Resolved::One(ada));
    let undone = bench.write(GraphWork::Undo(id), None).await.unwrap();
    assert!(merged(&undone).undone);
    let bench = bench.restart().await;
    assert_eq!((bench.found("lovelace").await, bench.found("augusta").await), before);
    let once = bench.write(GraphWork::Undo(id), None).await;
    assert!(matches!(once, Err(Error::Conflict { field, .. }) if field == "/undo"));
}

#[tokio::test]
async fn purging_takes_the_merge_along() {
    let bench = Bench::new();
    bench.entities(&["A", "B", "C"]).await;
    let done = bench.write(merge("A", "B"), None).await.unwrap();
    let b = Ulid::from_string(&merged(&done).merged[0]).unwrap();
    let gone =
        bench.knowledge.forget(Target::Ids(vec![b]), Mode::Purge, false, None).await.unwrap();
    assert_eq!(gone.counts.graph, 2);
    let bench = bench.restart().await;
    for name in ["A", "B"] {
        assert_eq!(bench.resolved(name, None).await, Resolved::None);
    }
    let id = Ulid::from_string(&merged(&done).merge_id).unwrap();
    let undo = bench.write(GraphWork::Undo(id), None).await;
    assert!(matches!(undo, Err(Error::NotFound { field, .. }) if field == "/undo"));
    let holdings = bench.knowledge.holdings(&CancellationToken::new()).await.unwrap();
    assert_eq!((holdings.memories, holdings.limits.memories), (0, 1_000));
}
