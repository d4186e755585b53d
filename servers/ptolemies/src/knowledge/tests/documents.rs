//! Documents: versions, chunks in the index, forgetting.

use proptest::prelude::*;

use super::*;
use crate::{
    document::{
        Chunk, Document, DocumentDelta, DocumentOutcome, DocumentStatus, Format, NewDocument,
        Origin, Raw, read,
    },
    knowledge::{Found, Hit},
};

fn origin(uri: &str, format: Option<Format>) -> Origin {
    Origin { field: "/text".into(), uri: uri.into(), title: None, context: None, format }
}

fn new(uri: &str, text: &str) -> NewDocument {
    read(Raw::Text(text.to_owned()), origin(uri, None)).expect("read")
}

/// Paragraphs that fill a chunk each, with a word of their own.
fn paragraphs(words: &[&str]) -> String {
    let filled = |word: &&str| format!("{word} {}", "lorem ipsum dolor ".repeat(50));
    words.iter().map(filled).collect::<Vec<_>>().join("\n\n")
}

impl Bench {
    async fn ingest(&self, uri: &str, text: &str) -> DocumentOutcome {
        self.knowledge.ingest(new(uri, text)).await.expect("ingested").outcome
    }

    async fn find(&self, query: &str, document: Option<&str>, parents: bool) -> Vec<Found> {
        let needle = Needle {
            query: query.to_owned(),
            filter: Filter::default(),
            k: 10,
            max_tokens: 8_000,
            kinds: vec!["chunk"],
            document: document.map(str::to_owned),
            parents,
            as_of: None,
            min_score: 0.0,
            explain: true,
            coverage: false,
        };
        self.knowledge.search(needle, &CancellationToken::new()).await.expect("searched").found
    }

    /// Text of a version, from its chunks.
    async fn text_of(&self, document: &Document) -> String {
        let chunks = self.knowledge.chunks(document, 0..u32::MAX).await.expect("chunks");
        chunks.into_iter().map(|(_, chunk)| chunk.text).collect()
    }

    async fn version(&self, name: &str, known_at: Option<Moment>) -> Option<Document> {
        let found = self.knowledge.version(("/uri", name), None, known_at).await;
        found.ok().map(|found| found.document)
    }
}

fn places(found: &[Found]) -> Vec<(u32, u32)> {
    let place = |found: &Found| match &found.hit {
        Hit::Chunk { document, number, .. } => (document.version, *number),
        _ => (0, 0),
    };
    found.iter().map(place).collect()
}

/// Chunks go into the index some at a time; until all of them are there, the version before answers.
#[tokio::test]
async fn a_version_is_found_whole_or_not_at_all() {
    let bench = Bench::new();
    bench.ingest("a.md", &paragraphs(&["zebra", "quagga"])).await;
    let old = bench.version("a.md", None).await.expect("a version");
    let id = Ulid(old.id.0 + 100);
    let fresh = Document { id, version: 2, supersedes: Some(old.id), ..old.clone() };
    let chunk = |number: u32, word: &str| Chunk {
        id: fresh.chunk_id(number),
        path: Vec::new(),
        start: 0,
        text: format!("{word} grazes"),
    };
    let delta = DocumentDelta {
        insert: vec![fresh.clone()],
        chunks: vec![chunk(0, "tapir"), chunk(1, "okapi")],
        retract: vec![old.id],
        delete: Vec::new(),
    };
    let shared = &bench.knowledge.shared;
    shared.list_ahead(&delta);
    assert!(places(&bench.find("tapir", None, false).await).is_empty());
    assert!(places(&bench.find("tapir", None, true).await).is_empty());
    assert_eq!(places(&bench.find("zebra", None, false).await).first(), Some(&(1, 0)));
    let change = crate::store::Change {
        seq: 2,
        at: old.recorded_at.next(),
        op: crate::store::Op::Store,
        insert: Vec::new(),
        retract: Vec::new(),
        delete: Vec::new(),
        graph: crate::graph::Delta::default(),
        documents: delta,
        write: None,
        forget_writes: Vec::new(),
    };
    shared.write().apply(&change);
    let state = shared.read();
    assert_eq!(state.docs.len(), 2, "each chunk is listed once");
    assert!(state.documents.open("a.md").is_some_and(|row| row.version == 2));
}

#[tokio::test]
async fn a_new_version_takes_the_place_of_the_old_one() {
    let bench = Bench::new();
    let old = paragraphs(&["zebra", "quagga", "okapi"]);
    let first = bench.ingest("a.md", &old).await;
    assert_eq!((first.status, first.version, first.chunks), (DocumentStatus::Added, 1, 3));
    let before = bench.now();
    bench.pass(5);
    let again = bench.ingest("a.md", &old).await;
    assert_eq!((again.status, again.id), (DocumentStatus::Unchanged, first.id));
    let text = paragraphs(&["zebra", "giraffe"]);
    let second = bench.ingest("a.md", &text).await;
    assert_eq!((second.status, second.previous), (DocumentStatus::Updated, first.id));
    assert_eq!(second.version, 2);

    for bench in [bench.restart().await] {
        assert!(bench.find("quagga", None, false).await.is_empty(), "what is old is not found");
        assert_eq!(places(&bench.find("giraffe", None, false).await)[0], (2, 1));
        let now = bench.version("a.md", None).await.expect("known");
        assert_eq!((now.version, bench.text_of(&now).await), (2, text.clone()));
        let then = bench.version("a.md", Some(before)).await.expect("known then");
        assert_eq!((then.version, bench.text_of(&then).await), (1, old.clone()));
        assert_eq!(bench.ingest("a.md", &text).await.status, DocumentStatus::Unchanged);
        // Ids of later rows do not fall among those of chunks.
        assert!(Some(bench.one(text_memory()).await.id) > now.id.0.checked_add(2).map(Ulid));
    }
}

fn text_memory() -> NewMemory {
    text("a memory that comes after")
}

#[tokio::test]
async fn neighbours_and_the_document_count() {
    let bench = Bench::new();
    bench.ingest("a.md", &paragraphs(&["alpha", "needle", "omega"])).await;
    bench.ingest("b.md", &paragraphs(&["one", "two", "three"])).await;
    bench.ingest("c.md", "needle in a document of its own").await;
    bench.one(text("needle in a memory of its own")).await;
    let found = bench.find("needle", None, false).await;
    assert_eq!(places(&found)[..2], [(1, 0), (1, 1)], "the short one, then that of a.md");
    for hit in &found {
        let shares = hit.shares;
        let sum = shares.words + shares.meaning + shares.beside + shares.parent;
        assert!((sum - hit.score).abs() < 1e-12, "{shares:?} {}", hit.score);
    }
    assert!(found.iter().skip(2).all(|hit| hit.shares.beside > 0.0), "only those beside it");
    let inside = bench.find("needle", Some("b.md"), false).await;
    assert!(inside.is_empty(), "no word, and nothing beside it, in that document");
    let documents = bench.find("needle", None, true).await;
    assert_eq!(documents.len(), 2);
    assert!(documents.iter().all(|hit| hit.text.contains("needle")));
    let named = bench.find("b.md", None, true).await;
    assert!(named[0].key_match && named[0].text.starts_with("one"));
    assert_eq!(bench.search("needle").await.found.len(), 5, "memories and chunks together");
}

#[tokio::test]
async fn documents_are_forgotten() {
    let bench = Bench::new();
    bench.ingest("a.md", &paragraphs(&["zebra", "quagga"])).await;
    let second = bench.ingest("a.md", "giraffe").await;
    let other = bench.ingest("b.md", "giraffe too").await;
    let before = bench.now();
    bench.pass(5);
    let target = || Target::Document("a.md".into());
    let dry = bench.knowledge.forget(target(), Mode::Purge, true, None).await.unwrap();
    assert_eq!((dry.counts.documents, dry.missing.len()), (1, 0));
    let done = bench.knowledge.forget(target(), Mode::Retract, false, None).await.unwrap();
    assert_eq!(done.counts.documents, 1);
    assert_eq!(bench.find("giraffe", None, false).await.len(), 1);
    assert!(bench.version("a.md", None).await.is_none());
    assert_eq!(bench.version("a.md", Some(before)).await.map(|row| row.id), second.id);
    let none = bench.knowledge.forget(target(), Mode::Retract, false, None).await.unwrap();
    assert_eq!((none.counts.documents, none.missing), (0, vec![0]));

    let ids = Target::Ids(vec![second.id.unwrap(), other.id.unwrap(), Ulid(7)]);
    let purged = bench.knowledge.forget(ids, Mode::Purge, false, None).await.unwrap();
    assert_eq!((purged.counts.documents, purged.missing), (2, vec![2]));
    let bench = bench.restart().await;
    assert!(bench.version("a.md", Some(before)).await.is_none(), "purged for all times");
    assert!(bench.find("giraffe zebra", None, false).await.is_empty());
    assert_eq!(bench.knowledge.shared.read().index.words().stats().terms, 0);
    assert_eq!(bench.ingest("a.md", "giraffe").await.version, 1, "a new document");
}

#[tokio::test]
async fn chunks_are_bounded_and_failures_leave_nothing() {
    let bench = Bench::new();
    let words: Vec<String> = (0..30).map(|number| format!("w{number}x")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    bench.store.fail(Failure::NotWritten);
    let failed = bench.knowledge.ingest(new("a.md", &paragraphs(&words))).await;
    assert!(matches!(failed, Err(Error::StorageFull)), "{failed:?}");
    assert!(bench.find("w7x", None, false).await.is_empty());
    bench.ingest("a.md", &paragraphs(&words)).await;
    let full = bench.knowledge.ingest(new("b.md", &paragraphs(&words))).await;
    let quota = Quota::Chunks { limit: 40, held: 30, more: 30 };
    assert!(matches!(full, Err(Error::QuotaExceeded(found)) if found == quota), "{full:?}");
    bench.store.fail(Failure::Unconfirmed);
    let doubtful = bench.knowledge.ingest(new("c.md", "quagga")).await;
    assert!(matches!(doubtful, Err(Error::OutcomeUnknown { .. })), "{doubtful:?}");
    assert_eq!(bench.ingest("c.md", "quagga").await.status, DocumentStatus::Unchanged);
}

#[test]
fn what_is_no_document_is_refused() {
    let code = |raw: Raw, uri: &str, format: Option<Format>| {
        ToolError::from(read(raw, origin(uri, format)).expect_err("refused")).code().to_owned()
    };
    let bytes = |bytes: &[u8]| Raw::Bytes(bytes.to_vec());
    for (raw, uri, format, wanted) in [
        (bytes(b"x"), "a.exe", None, "unsupported_format"),
        (bytes(b"\xff\xfe"), "a.md", None, "unsupported_format"),
        (bytes(b"a\0b"), "a.md", None, "unsupported_format"),
        (bytes(b"{"), "a.json", None, "unsupported_format"),
        (Raw::Text("x".into()), "a.md", Some(Format::Json), "unsupported_format"),
        (bytes(b" \n"), "a.md", None, "invalid_argument"),
        (bytes(b"<p> </p>"), "a.html", None, "invalid_argument"),
        (Raw::Turns(vec![("a".into(), " ".into())]), "a", None, "invalid_argument"),
        (bytes(&vec![b'x'; (10 << 20) + 1]), "a.md", None, "too_large"),
        (Raw::Text("x ".repeat(2 << 20)), "a.md", None, "too_large"),
    ] {
        assert_eq!(code(raw, uri, format), wanted, "{uri} {format:?}");
    }
}

#[test]
fn formats_are_told_by_name_or_word() {
    let mime = |uri: &str, format: Option<Format>| {
        read(Raw::Text("[1]".into()), origin(uri, format)).expect("read").mime
    };
    for (uri, format, wanted) in [
        ("docs/Guide.MD", None, "text/markdown"),
        ("https://example.org/a.html?x=1#y.rs", None, "text/html"),
        ("a.rs", None, "text/x-rust"),
        ("a.rs", Some(Format::Source), "text/x-rust"),
        ("a.rs", Some(Format::Text), "text/plain"),
        ("notes", None, "text/plain"),
        ("x/Makefile", None, "text/x-source"),
        ("data.json", None, "application/json"),
    ] {
        assert_eq!(mime(uri, format), wanted, "{uri} {format:?}");
    }
    let page = "<title>T</title><h1>H</h1>x";
    let page = read(Raw::Text(page.into()), origin("a.html", None)).expect("read");
    assert_eq!(page.title.as_deref(), Some("T"));
    assert_eq!(new("a.md", "intro\n\n# Head\n\ntext").title.as_deref(), Some("Head"));
}

proptest! {
    /// Whatever the bytes: a document whose pieces, joined, are its text, or an error.
    #[test]
    fn pieces_join_to_the_text(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        text in "(#{1,2} |- |\n|\n\n|[a-zé]{1,9} |\"|,|\\{|\\[|:|\\]|\\}|<p>|<h1>|</h1>|&|\\PC){0,80}",
        name in prop::sample::select(vec!["a.md", "a.txt", "a.html", "a.json", "a.csv", "a.rs"]),
    ) {
        for bytes in [bytes, text.into_bytes()] {
            let Ok(document) = read(Raw::Bytes(bytes.clone()), origin(name, None)) else { continue };
            let joined: String = document.pieces.iter().map(|piece| piece.text.as_str()).collect();
            let mut start = 0;
            for piece in &document.pieces {
                prop_assert_eq!(piece.start, start);
                start += piece.text.len() as u64;
                prop_assert!(!piece.text.trim().is_empty());
            }
            prop_assert_eq!(document.bytes, start);
            if name != "a.html" {
                let text = String::from_utf8(bytes).expect("it was read");
                prop_assert_eq!(joined, text.trim_start_matches('\u{feff}'));
            }
        }
    }
}
