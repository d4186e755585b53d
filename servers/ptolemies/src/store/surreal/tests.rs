use tempfile::TempDir;

use super::*;
use crate::{
    document::{Chunk, Document, DocumentDelta},
    graph::{Cardinality, Delta, Entity, Fact, KindRule, Merge, Observation, Source, Times},
    memory::{Outcome, Status},
    store::{Answer, Counts, Op, WriteRecord},
};

const NOW: Moment = Moment::from_millis(1_700_000_000_123);

async fn open(dir: &TempDir) -> Result<SurrealStore, OpenError> {
    SurrealStore::open(&dir.path().join("store"), &Config::default(), NOW).await
}

fn memory(id: u128) -> Memory {
    Memory {
        id: Ulid(id),
        lineage: Ulid(1),
        supersedes: (id > 1).then_some(Ulid(id - 1)),
        version: 2,
        key: Some("k'\"; --".to_owned()),
        context: "c".to_owned(),
        text: "tëxt\n\u{1b}[0m 🙂".to_owned(),
        tags: vec!["a".to_owned(), "b".to_owned()],
        importance: 7,
        confidence: Some(0.25),
        source: None,
        expires_at: NOW.after_seconds(60),
        recorded_at: NOW,
        retracted_at: Moment::NEVER,
        seq: 1,
    }
}

fn change(seq: u64) -> Change {
    Change {
        seq,
        at: Moment::from_millis(NOW.millis() + seq.cast_signed()),
        op: Op::Store,
        insert: Vec::new(),
        retract: Vec::new(),
        delete: Vec::new(),
        graph: Delta::default(),
        documents: DocumentDelta::default(),
        write: None,
        forget_writes: Vec::new(),
    }
}

fn record(write_id: &str, answer: Answer) -> WriteRecord {
    WriteRecord { write_id: write_id.to_owned(), digest: "d".to_owned(), seq: 1, at: NOW, answer }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_back_as_they_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    let head = store.head(Moment::from_millis(0)).await.unwrap();
    assert_eq!((head.seq, head.versions), (0, 0));
    assert!(store.page(None, 10).await.unwrap().is_empty());

    let outcome =
        Outcome { status: Status::Superseded, id: Ulid(3), version: 2, previous: Some(Ulid(2)) };
    let write = record("w", Answer::Stored(vec![outcome]));
    let first =
        Change { insert: (1..=5).map(memory).collect(), write: Some(write.clone()), ..change(1) };
    store.commit(&first).await.unwrap();
    let counts =
        record("x", Answer::Forgotten(Counts { memories: 1, versions: 2, graph: 3, documents: 4 }));
    let second = Change {
        op: Op::Purge,
        retract: vec![Ulid(1)],
        delete: vec![Ulid(2), Ulid(4)],
        write: Some(counts.clone()),
        ..change(2)
    };
    store.commit(&second).await.unwrap();
    store.close().await;

    let store = open(&dir).await.unwrap();
    let head = store.head(Moment::from_millis(0)).await.unwrap();
    assert_eq!((head.seq, head.versions, head.at), (2, 3, Some(second.at)));
    assert_eq!(head.writes, [write, counts]);
    let retracted = Memory { retracted_at: second.at, ..memory(1) };
    assert_eq!(store.page(None, 2).await.unwrap(), [retracted, memory(3)]);
    assert_eq!(store.page(Some(Ulid(3)), 2).await.unwrap(), [memory(5)]);
    assert_eq!(store.rows(&[Ulid(5), Ulid(4), Ulid(99)]).await.unwrap(), [memory(5)]);
    store.commit(&Change { forget_writes: vec!["w".to_owned()], ..change(3) }).await.unwrap();
    assert_eq!(store.head(Moment::from_millis(0)).await.unwrap().writes.len(), 1);
    assert!(store.head(NOW).await.unwrap().writes.is_empty());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    store.commit(&Change { insert: vec![memory(1)], ..change(1) }).await.unwrap();
    // The second row is there already: the first must not stay.
    let failed = store.commit(&Change { insert: vec![memory(2), memory(1)], ..change(2) }).await;
    assert!(matches!(failed, Err(CommitError::NotWritten(_))), "{failed:?}");
    assert!(store.rows(&[Ulid(2)]).await.unwrap().is_empty());
    assert_eq!(store.head(NOW).await.unwrap().seq, 1);
    store.commit(&Change { insert: vec![memory(2)], ..change(2) }).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_layout_is_refused_and_a_second_opening_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    assert!(matches!(open(&dir).await, Err(OpenError::Held)));
    let answer = store.db.query("UPDATE meta:store SET format = 99").await;
    answer.and_then(IndexedResults::check).unwrap();
    store.close().await;
    drop(store);
    let Err(OpenError::Newer(message)) = open(&dir).await else { panic!("a newer layout opened") };
    assert!(message.contains("format 99"), "{message}");
}

fn times(from: i64) -> Times {
    Times {
        valid_from: Moment::from_millis(from),
        valid_to: NOW.after_seconds(60),
        recorded_at: NOW,
        retracted_at: Moment::NEVER,
    }
}

fn entity(id: u128) -> Entity {
    Entity {
        id: Ulid(id),
        lineage: Ulid(id),
        supersedes: None,
        version: 1,
        name: "n'; REMOVE TABLE entity; --".to_owned(),
        kind: Some("person".to_owned()),
        aliases: vec!["ä".to_owned()],
        props: Some("{\"a\":1}".to_owned()),
        source: None,
        recorded_at: NOW,
        retracted_at: Moment::NEVER,
        seq: 1,
    }
}

fn merge(id: u128) -> Merge {
    Merge {
        id: Ulid(id),
        keep: Ulid(11),
        merged: vec![Ulid(12), Ulid(99)],
        recorded_at: NOW,
        retracted_at: Moment::NEVER,
        seq: 1,
    }
}

fn fact(id: u128, from: u128, to: u128) -> Fact {
    Fact {
        id: Ulid(id),
        lineage: Ulid(id),
        supersedes: None,
        version: 1,
        from: Ulid(from),
        to: Ulid(to),
        kind: "knows".to_owned(),
        text: None,
        props: None,
        weight: 0.5,
        confidence: Some(0.25),
        sources: vec![Source { text: "a".to_owned(), at: NOW }],
        // Before 1970.
        times: times(-4_000_000_000_123),
        seq: 1,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_comes_back_as_it_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    let seen = Observation {
        id: Ulid(13),
        entity: Ulid(11),
        text: "t".to_owned(),
        source: Some("s".to_owned()),
        times: times(0),
        seq: 1,
    };
    let mut graph = Delta::default();
    graph.entities.insert = vec![entity(11), entity(12)];
    graph.observations.insert = vec![seen.clone()];
    graph.facts.insert = vec![fact(14, 11, 12), fact(15, 12, 11), fact(16, 11, 11)];
    graph.merges.insert = vec![merge(17), merge(18), merge(19)];
    graph.rules = vec![KindRule { kind: "knows".to_owned(), cardinality: Cardinality::One }];
    store.commit(&Change { graph, ..change(1) }).await.unwrap();
    let mut graph = Delta::default();
    graph.facts.retract = vec![Ulid(14)];
    graph.facts.delete = vec![Ulid(15)];
    graph.merges.retract = vec![Ulid(18)];
    graph.merges.delete = vec![Ulid(17)];
    graph.sources = vec![(Ulid(16), Source { text: "b".to_owned(), at: change(2).at })];
    store.commit(&Change { graph, ..change(2) }).await.unwrap();
    store.close().await;

    let store = open(&dir).await.unwrap();
    assert_eq!(store.head(NOW).await.unwrap().graph, 7);
    assert_eq!(store.entities(None, 10).await.unwrap(), [entity(11), entity(12)]);
    assert_eq!(store.observations(None, 10).await.unwrap(), [seen]);
    let mut retracted = fact(14, 11, 12);
    retracted.times.retracted_at = change(2).at;
    let mut sourced = fact(16, 11, 11);
    sourced.sources.push(Source { text: "b".to_owned(), at: change(2).at });
    assert_eq!(store.facts(None, 10).await.unwrap(), [retracted, sourced]);
    assert_eq!(store.facts(Some(Ulid(14)), 10).await.unwrap().len(), 1);
    let undone = Merge { retracted_at: change(2).at, ..merge(18) };
    assert_eq!(store.merges(None, 10).await.unwrap(), [undone, merge(19)]);
    assert_eq!(store.rules().await.unwrap()[0].cardinality, Cardinality::One);
    // Arrows run along facts.
    let ends: Vec<Value> = store
        .read("SELECT VALUE ->fact->entity FROM $id", vars([("id", ids_in("entity", &[Ulid(12)]))]))
        .await
        .unwrap();
    assert_eq!(ends.len(), 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_the_first_layout_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    store.commit(&Change { insert: vec![memory(1)], ..change(1) }).await.unwrap();
    // Back to what the first layout had.
    let back = "REMOVE TABLE document; REMOVE TABLE chunk; REMOVE FIELD documents ON head;
        UPDATE head:journal UNSET documents; REMOVE TABLE entity; REMOVE TABLE observation; REMOVE TABLE fact; REMOVE TABLE rule; REMOVE TABLE merge;
        REMOVE FIELD graph ON head; UPDATE head:journal UNSET graph; UPDATE meta:store SET format = 1;";
    store.db.query(back).await.and_then(IndexedResults::check).unwrap();
    store.close().await;
    drop(store);
    let store = open(&dir).await.unwrap();
    let head = store.head(NOW).await.unwrap();
    assert_eq!((head.seq, head.versions, head.graph), (1, 1, 0));
    assert_eq!(store.page(None, 2).await.unwrap(), [memory(1)]);
    let mut graph = Delta::default();
    graph.entities.insert = vec![entity(11)];
    store.commit(&Change { graph, ..change(2) }).await.unwrap();
    assert_eq!(store.head(NOW).await.unwrap().graph, 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_the_second_layout_keeps_its_graph() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    let mut graph = Delta::default();
    graph.entities.insert = vec![entity(11), entity(12)];
    graph.facts.insert = vec![fact(14, 11, 12)];
    store.commit(&Change { graph, ..change(1) }).await.unwrap();
    let back = "REMOVE TABLE document; REMOVE TABLE chunk; REMOVE FIELD documents ON head;
        UPDATE head:journal UNSET documents; REMOVE TABLE merge; UPDATE meta:store SET format = 2;";
    store.db.query(back).await.and_then(IndexedResults::check).unwrap();
    store.close().await;
    drop(store);
    let store = open(&dir).await.unwrap();
    assert_eq!(store.head(NOW).await.unwrap().graph, 3);
    assert_eq!(store.facts(None, 10).await.unwrap(), [fact(14, 11, 12)]);
    let mut graph = Delta::default();
    graph.merges.insert = vec![merge(17)];
    store.commit(&Change { graph, ..change(2) }).await.unwrap();
    assert_eq!(store.merges(None, 10).await.unwrap(), [merge(17)]);
    store.close().await;
}

fn document(id: u128, chunks: u32) -> (Document, Vec<Chunk>) {
    let document = Document {
        id: Ulid(id),
        lineage: Ulid(id),
        supersedes: (id > 100).then_some(Ulid(100)),
        version: 3,
        uri: "u'; REMOVE TABLE document; --".to_owned(),
        title: Some("tïtle".to_owned()),
        mime: "text/markdown".to_owned(),
        context: "c".to_owned(),
        sha256: "00ff".to_owned(),
        bytes: 9,
        chunks,
        recorded_at: NOW,
        retracted_at: Moment::NEVER,
        seq: 1,
    };
    let chunk = |number: u32| Chunk {
        id: document.chunk_id(number),
        path: vec!["a > b".to_owned(), String::new()],
        start: u64::from(number) * 3,
        text: format!(" é\u{1b}{number}\n\n"),
    };
    let chunks = (0..chunks).map(chunk).collect();
    (document, chunks)
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_come_back_as_they_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    let (first, first_chunks) = document(100, 3);
    let (second, second_chunks) = document(200, 2000);
    for (seq, (document, chunks)) in (1..).zip([(&first, &first_chunks), (&second, &second_chunks)])
    {
        let documents = DocumentDelta {
            insert: vec![document.clone()],
            chunks: chunks.clone(),
            retract: document.supersedes.into_iter().collect(),
            delete: Vec::new(),
        };
        store.commit(&Change { documents, ..change(seq) }).await.unwrap();
    }
    store.close().await;

    let store = open(&dir).await.unwrap();
    assert_eq!(store.head(NOW).await.unwrap().documents, 4 + 2_001);
    let ended = Document { retracted_at: change(2).at, ..first };
    assert_eq!(store.documents(None, 10).await.unwrap(), [ended.clone(), second.clone()]);
    let all: Vec<Chunk> = first_chunks.into_iter().chain(second_chunks.clone()).collect();
    assert_eq!(store.chunks(None, 5_000).await.unwrap(), all);
    assert_eq!(store.chunks(Some(Ulid(102)), 1).await.unwrap(), all[2..3]);
    assert_eq!(store.chunk_rows(&[Ulid(201), Ulid(99)]).await.unwrap(), all[3..4]);
    let documents = DocumentDelta { delete: vec![ended], ..DocumentDelta::default() };
    store.commit(&Change { documents, ..change(3) }).await.unwrap();
    assert_eq!(store.documents(None, 10).await.unwrap(), [second]);
    assert_eq!(store.chunks(None, 5_000).await.unwrap(), second_chunks);
    assert_eq!(store.head(NOW).await.unwrap().documents, 2_001);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_documents_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    let mut graph = Delta::default();
    graph.entities.insert = vec![entity(11)];
    store.commit(&Change { graph, insert: vec![memory(1)], ..change(1) }).await.unwrap();
    // Back to the layout before documents; no step between touches what is there.
    let back = "REMOVE TABLE document; REMOVE TABLE chunk; REMOVE FIELD documents ON head;
        UPDATE head:journal UNSET documents; UPDATE meta:store SET format = 3;";
    store.db.query(back).await.and_then(IndexedResults::check).unwrap();
    store.close().await;
    drop(store);
    let store = open(&dir).await.unwrap();
    let head = store.head(NOW).await.unwrap();
    assert_eq!((head.seq, head.versions, head.graph, head.documents), (1, 1, 1, 0));
    assert_eq!(store.page(None, 2).await.unwrap(), [memory(1)]);
    let (document, chunks) = document(100, 3);
    let documents = DocumentDelta { insert: vec![document], chunks, ..DocumentDelta::default() };
    store.commit(&Change { documents, ..change(2) }).await.unwrap();
    assert_eq!(store.head(NOW).await.unwrap().documents, 4);
    store.close().await;
}
